//! Rate limit: a token bucket for the link; requests that find it empty get 429 and are told when to
//! come back.

use serde::{Deserialize, Serialize};

use super::{Answer, Mechanism, Moment, RequestHead, Verdict, at_most};

/// Lets so many requests pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRateLimit {
    /// Requests per second in the long run, 0 to 1,000,000; with 0 only the burst passes.
    #[serde(default = "one_per_s")]
    pub per_s: f64,
    /// Requests that may come at once, 1 to 1,000,000.
    #[serde(default = "one")]
    pub burst: u64,
    /// What `Retry-After` says, seconds, at most an hour.
    #[serde(default = "one")]
    pub retry_after_s: u64,
}

/// Highest rate and burst: beyond it a limit limits nothing.
const MOST_REQUESTS: u64 = 1_000_000;

const fn one_per_s() -> f64 {
    1.0
}

const fn one() -> u64 {
    1
}

impl Mechanism for HttpRateLimit {
    const KIND: &'static str = "http_rate_limit";
    const DEFINITION: &'static str = "Requests beyond a rate get 429 with Retry-After";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[
        (
            "per_s",
            "requests per second in the long run, 0 to 1000000; 1 if absent",
        ),
        ("burst", "requests at once, 1 to 1000000; 1 if absent"),
        (
            "retry_after_s",
            "what Retry-After says, 0 to 3600 s; 1 if absent",
        ),
    ];

    fn check(&self) -> Result<(), String> {
        if !(0.0..=MOST_REQUESTS as f64).contains(&self.per_s) {
            return Err(format!(
                "`per_s` is 0 to {MOST_REQUESTS}, not {}",
                self.per_s
            ));
        }
        if self.burst == 0 {
            return Err("`burst` is at least 1, not 0".into());
        }
        at_most("burst", self.burst, MOST_REQUESTS)?;
        at_most("retry_after_s", self.retry_after_s, 3_600)
    }

    fn decide(&self, _: &RequestHead, moment: &mut Moment<'_>) -> Verdict {
        let most = self.burst as f64;
        let (left, at) = moment.link.tokens.unwrap_or((most, moment.now));
        let gained = moment.now.saturating_sub(at).as_secs_f64() * self.per_s;
        let tokens = (left + gained).min(most);
        let passes = tokens >= 1.0;
        let left = if passes { tokens - 1.0 } else { tokens };
        moment.link.tokens = Some((left, moment.now.max(at)));
        if passes {
            return Verdict::Pass;
        }
        Verdict::Respond(Answer {
            status: 429,
            headers: vec![("Retry-After".into(), self.retry_after_s.to_string())],
            body: None,
        })
    }
}
