//! Reorder: a request waits until another one of the link has overtaken it. One waits at a time, so
//! that the next is the one that overtakes; those behind it on its own connection wait with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{DAY_MS, Mechanism, Moment, RequestHead, Verdict, at_most};

/// Holds a request until it has been overtaken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpReorder {
    /// Longest wait, milliseconds, at most a day.
    #[serde(default = "second")]
    pub hold_ms: u64,
}

const fn second() -> u64 {
    1_000
}

impl Mechanism for HttpReorder {
    const KIND: &'static str = "http_reorder";
    const DEFINITION: &'static str =
        "A request waits until another one of the link has overtaken it";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] =
        &[("hold_ms", "longest wait, 0 to 86400000 ms; 1000 if absent")];

    fn check(&self) -> Result<(), String> {
        at_most("hold_ms", self.hold_ms, DAY_MS)
    }

    fn decide(&self, _: &RequestHead, moment: &mut Moment<'_>) -> Verdict {
        if moment.link.holding {
            return Verdict::Pass;
        }
        moment.link.holding = true;
        Verdict::Hold(Duration::from_millis(self.hold_ms))
    }
}
