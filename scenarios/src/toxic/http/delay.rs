//! Delay: a request goes up later, evenly between `delay − jitter` and `delay + jitter`. Those behind
//! it on its connection wait, those of other connections do not.

use std::time::Duration;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{DAY_MS, Mechanism, Moment, RequestHead, Verdict, at_most};

/// Holds a request for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpDelay {
    /// Mean, milliseconds, at most a day.
    #[serde(default)]
    pub delay_ms: u64,
    /// Plus or minus, milliseconds. What would be before its time goes up at once.
    #[serde(default)]
    pub jitter_ms: u64,
}

impl Mechanism for HttpDelay {
    const KIND: &'static str = "http_delay";
    const DEFINITION: &'static str =
        "A request goes up later; those behind it on its connection wait";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[
        ("delay_ms", "mean, 0 to 86400000 ms"),
        ("jitter_ms", "plus or minus, evenly drawn, 0 to 86400000 ms"),
    ];

    fn check(&self) -> Result<(), String> {
        at_most("delay_ms", self.delay_ms, DAY_MS)?;
        at_most("jitter_ms", self.jitter_ms, DAY_MS)
    }

    fn decide(&self, _: &RequestHead, moment: &mut Moment<'_>) -> Verdict {
        let delay = Duration::from_millis(self.delay_ms);
        let jitter = Duration::from_millis(self.jitter_ms);
        let drawn = delay + (2 * jitter).mul_f64(moment.rng.random::<f64>());
        Verdict::Delay(drawn.saturating_sub(jitter))
    }
}
