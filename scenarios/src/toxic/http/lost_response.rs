//! Lost response: the callee gets the request and does the work, its answer never reaches the caller,
//! and the connection ends. Whoever retries does the work twice.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{DAY_MS, Mechanism, Moment, RequestHead, Verdict, at_most};

/// Swallows the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpLostResponse {
    /// How long the connection hangs after the answer has come, before it is closed, milliseconds, at most a day.
    #[serde(default)]
    pub hang_ms: u64,
}

impl Mechanism for HttpLostResponse {
    const KIND: &'static str = "http_lost_response";
    const DEFINITION: &'static str =
        "The callee does the work, its answer never comes, the connection ends";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[(
        "hang_ms",
        "from the answer to the end of the connection, 0 to 86400000 ms",
    )];

    fn check(&self) -> Result<(), String> {
        at_most("hang_ms", self.hang_ms, DAY_MS)
    }

    fn decide(&self, _: &RequestHead, _: &mut Moment<'_>) -> Verdict {
        Verdict::Lose(Duration::from_millis(self.hang_ms))
    }
}
