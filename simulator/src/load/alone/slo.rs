//! What a run has to reach: `p99<250ms`, `errors<1%`, `rate>90/s`. Pure.

use std::str::FromStr;

use serde::Serialize;

use super::tally::Report;

/// Words on the left side.
const MEASURES: [&str; 10] = [
    "mean", "p50", "p90", "p95", "p99", "p99.9", "p999", "max", "errors", "rate",
];

/// One objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    text: String,
    measure: &'static str,
    above: bool,
    or_equal: bool,
    /// Milliseconds, a share, or requests per second.
    bound: f64,
}

/// What is no objective.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no objective: write p99<250ms, errors<1% or rate>90/s, with mean, p50, p90, p95, p99, p99.9 or max for times"
)]
pub struct SloError(String);

/// Whether one was met.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// As it was written.
    pub objective: String,
    /// What was measured: milliseconds, a share from 0 to 1, or requests per second; none when nothing was.
    pub measured: Option<f64>,
    /// Whether it holds; never without a measurement.
    pub met: bool,
}

impl FromStr for Slo {
    type Err = SloError;

    fn from_str(text: &str) -> Result<Self, SloError> {
        let wrong = || SloError(text.to_owned());
        let at = text.find(['<', '>']).ok_or_else(wrong)?;
        let (measure, rest) = text.split_at(at);
        let above = rest.starts_with('>');
        let bound = rest[1..].strip_prefix('=');
        let or_equal = bound.is_some();
        let bound = bound.unwrap_or(&rest[1..]).trim();
        let measure = measure.trim();
        let measure = MEASURES.iter().find(|known| **known == measure);
        let measure = *measure.ok_or_else(wrong)?;
        let (digits, factor) = match measure {
            "errors" => match bound.strip_suffix('%') {
                Some(digits) => (digits, 0.01),
                None => (bound, 1.0),
            },
            "rate" => (bound.strip_suffix("/s").unwrap_or(bound), 1.0),
            _ => [("ms", 1.0), ("us", 1e-3), ("µs", 1e-3), ("s", 1e3)]
                .iter()
                .find_map(|(unit, factor)| Some((bound.strip_suffix(unit)?, *factor)))
                .ok_or_else(wrong)?,
        };
        let number: f64 = digits.trim().parse().map_err(|_| wrong())?;
        // a share above one is a forgotten percent sign, and would never be missed
        let forgotten = measure == "errors" && number * factor > 1.0;
        if !number.is_finite() || number < 0.0 || forgotten {
            return Err(wrong());
        }
        Ok(Self {
            text: text.to_owned(),
            measure,
            above,
            or_equal,
            bound: number * factor,
        })
    }
}

impl Slo {
    /// Judges a run.
    #[must_use]
    pub fn judge(&self, report: &Report) -> Verdict {
        let latency = &report.latency_ms;
        let value = match self.measure {
            "rate" => report.rate_per_s,
            "errors" => report.error_share,
            "mean" => latency.mean,
            "p50" => latency.p50,
            "p90" => latency.p90,
            "p95" => latency.p95,
            "p99" => latency.p99,
            "p99.9" | "p999" => latency.p999,
            _ => latency.max,
        };
        let measured = (report.requests > 0 || self.measure == "rate").then_some(value);
        #[allow(clippy::float_cmp)] // what is written, to the digit
        let holds = |value: f64| {
            (self.above && value > self.bound)
                || (!self.above && value < self.bound)
                || (self.or_equal && value == self.bound)
        };
        Verdict {
            objective: self.text.clone(),
            measured,
            met: measured.is_some_and(holds),
        }
    }

    /// A measured value in the unit of its kind.
    #[must_use]
    pub fn shown(&self, value: f64) -> String {
        match self.measure {
            "rate" => format!("{value:.1}/s"),
            "errors" => format!("{:.2}%", value * 100.0),
            _ => format!("{value:.2} ms"),
        }
    }
}
