//! Stale: good answers to `GET` are kept by target and served again without asking, as by a cache that
//! nobody invalidates. It keeps a bounded number of them, and none above 1 MiB.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{DAY_MS, Mechanism, Moment, RequestHead, Verdict, at_most};

/// Serves old answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpStale {
    /// How long an answer is served, milliseconds, at most a day; then the callee is asked again.
    #[serde(default = "minute")]
    pub ttl_ms: u64,
}

const fn minute() -> u64 {
    60_000
}

impl Mechanism for HttpStale {
    const KIND: &'static str = "http_stale";
    const DEFINITION: &'static str = "Good answers to GET are served again without asking, as by a cache that nobody invalidates";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] =
        &[("ttl_ms", "for how long, 0 to 86400000 ms; 60000 if absent")];

    fn check(&self) -> Result<(), String> {
        at_most("ttl_ms", self.ttl_ms, DAY_MS)
    }

    fn decide(&self, request: &RequestHead, moment: &mut Moment<'_>) -> Verdict {
        // an older caller cannot read chunks, a range is not the whole, and who closes is to be answered so
        let whole = request.method == "GET"
            && request.minor == 1
            && request.headers.get("range").is_none()
            && !request.headers.lists("connection", "close")
            && request.headers.get("upgrade").is_none();
        if !whole {
            return Verdict::Pass;
        }
        let ttl = Duration::from_millis(self.ttl_ms);
        match moment.link.answers.get(&request.target, moment.now, ttl) {
            Some(answer) => Verdict::Replay(answer),
            None => Verdict::Keep,
        }
    }
}
