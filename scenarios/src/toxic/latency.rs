//! Latency: every chunk comes later, evenly drawn between `latency − jitter` and `latency + jitter`. Chunks keep their order
//! and travel at the same time, so that it does not limit the rate.

use std::time::Duration;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::{Attribute, Event, Seen, ToxicKind, Verdict, attribute::DAY_MS};

/// Delays chunks and the end of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    /// Mean, milliseconds.
    #[serde(rename = "latency")]
    pub latency_ms: u64,
    /// Plus or minus, milliseconds. What would be before its time comes at once.
    #[serde(rename = "jitter")]
    pub jitter_ms: u64,
}

impl ToxicKind for Latency {
    const KIND: &'static str = "latency";
    const DEFINITION: &'static str = "Every chunk arrives later by a time, plus or minus a jitter";
    const ATTRIBUTES: &'static [Attribute] = &[
        Attribute {
            name: "latency",
            unit: "ms",
            most: DAY_MS,
            meaning: "mean delay",
        },
        Attribute {
            name: "jitter",
            unit: "ms",
            most: DAY_MS,
            meaning: "plus or minus, evenly drawn for each chunk",
        },
    ];

    /// The end of a stream is delayed by the mean: that there is nothing more is no chunk that could vary.
    fn decide(&self, _: &Seen, event: Event, rng: &mut impl Rng) -> Verdict {
        let mean = Duration::from_millis(self.latency_ms);
        if self.jitter_ms == 0 || event == Event::End {
            return Verdict::Delay(mean);
        }
        let jitter = Duration::from_millis(self.jitter_ms);
        let drawn = mean + (2 * jitter).mul_f64(rng.random::<f64>());
        Verdict::Delay(drawn.saturating_sub(jitter))
    }

    fn at_strength(&self, share: f64) -> Self {
        Self {
            latency_ms: scaled(self.latency_ms, share),
            jitter_ms: scaled(self.jitter_ms, share),
        }
    }
}

/// A share of a whole number, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
pub(super) fn scaled(whole: u64, share: f64) -> u64 {
    (whole as f64 * share).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn drawn(latency: Latency, draws: u32) -> Vec<Duration> {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let mut draw = || match latency.decide(&Seen::default(), Event::Bytes(1), &mut rng) {
            Verdict::Delay(delay) => delay,
            other => panic!("latency only delays: {other:?}"),
        };
        (0..draws).map(|_| draw()).collect()
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_uses_them() {
        let drawn = drawn(
            Latency {
                latency_ms: 30,
                jitter_ms: 10,
            },
            500,
        );
        let ms: Vec<_> = drawn.iter().map(Duration::as_millis).collect();
        assert!(ms.iter().all(|ms| (20..=40).contains(ms)));
        assert!(ms.iter().any(|ms| *ms < 23) && ms.iter().any(|ms| *ms > 37));
    }

    #[test]
    fn jitter_larger_than_the_delay_is_cut_off_at_nothing() {
        let drawn = drawn(
            Latency {
                latency_ms: 5,
                jitter_ms: 20,
            },
            500,
        );
        assert!(drawn.contains(&Duration::ZERO));
        assert!(
            drawn
                .iter()
                .all(|delay| *delay <= Duration::from_millis(25))
        );
    }

    #[test]
    fn half_as_strong_is_half_as_late() {
        let latency = Latency {
            latency_ms: 300,
            jitter_ms: 11,
        };
        let half = Latency {
            latency_ms: 150,
            jitter_ms: 6,
        };
        assert_eq!(latency.at_strength(0.5), half);
        assert_eq!(latency.at_strength(0.0), Latency::default());
    }
}
