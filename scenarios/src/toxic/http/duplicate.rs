//! Duplicate: a request is delivered twice, as by a queue or a load balancer that retries what had
//! worked. The second goes over a connection of its own, its answer is thrown away.

use serde::{Deserialize, Serialize};

use super::{Mechanism, Moment, RequestHead, Verdict};

/// Sends the request a second time; its body, up to 1 MiB, is sent again too, a larger request goes once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpDuplicate {}

impl Mechanism for HttpDuplicate {
    const KIND: &'static str = "http_duplicate";
    const DEFINITION: &'static str =
        "A request is delivered twice, the second time on a connection of its own";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[];

    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    fn decide(&self, _: &RequestHead, _: &mut Moment<'_>) -> Verdict {
        Verdict::Duplicate
    }
}
