//! Truncated body: the answer ends early, as behind a callee that died while it was writing: its
//! declared length is not reached, or its last chunk never comes. A shorter body passes whole.

use serde::{Deserialize, Serialize};

use super::{Mechanism, Moment, RequestHead, Verdict};

/// Cuts the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTruncatedBody {
    /// Bytes of the body that still come.
    #[serde(default)]
    pub after_bytes: u64,
}

impl Mechanism for HttpTruncatedBody {
    const KIND: &'static str = "http_truncated_body";
    const DEFINITION: &'static str = "The answer ends early and the connection with it";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[(
        "after_bytes",
        "bytes of the body that still come; 0 if absent",
    )];

    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    fn decide(&self, _: &RequestHead, _: &mut Moment<'_>) -> Verdict {
        Verdict::Truncate(self.after_bytes)
    }
}
