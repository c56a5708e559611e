//! Bandwidth: the direction carries so many bytes a second. Bytes leave in small portions, each when the line has had the
//! time to carry it, so that a slow link trickles rather than bursts.

use std::time::Duration;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Attribute, Event, Seen, ToxicKind, Verdict};

/// Time on the line of one portion. Toxiproxy takes 100 ms; a finer one looks more like a slow line and costs a timer tick.
const PORTION: Duration = Duration::from_millis(10);
/// Largest rate: 10 GB/s, more than a proxy can carry.
const MOST_KB_PER_S: u64 = 10_000_000;

/// Limits the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Bandwidth {
    /// Thousand bytes per second. Zero lets nothing through, as in Toxiproxy.
    #[serde(rename = "rate")]
    pub rate_kb_per_s: u64,
}

impl ToxicKind for Bandwidth {
    const KIND: &'static str = "bandwidth";
    const DEFINITION: &'static str = "The link carries no more than so many bytes per second";
    const ATTRIBUTES: &'static [Attribute] = &[Attribute {
        name: "rate",
        unit: "KB/s",
        most: MOST_KB_PER_S,
        meaning: "thousand bytes per second; 0 lets nothing through",
    }];

    fn decide(&self, _: &Seen, event: Event, _: &mut impl Rng) -> Verdict {
        let Event::Bytes(bytes) = event else {
            return Verdict::Pass;
        };
        // KB/s is bytes per millisecond
        let rate = usize::try_from(self.rate_kb_per_s).unwrap_or(usize::MAX);
        if rate == 0 {
            return Verdict::Hold;
        }
        let portion = bytes.min(rate.saturating_mul(PORTION.as_millis() as usize));
        Verdict::Throttle {
            bytes: portion,
            before: Duration::from_nanos(portion as u64 * 1_000_000 / self.rate_kb_per_s),
            after: Duration::ZERO,
        }
    }

    /// Half as strong is twice the rate.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    fn at_strength(&self, share: f64) -> Self {
        let rate = if share > 0.0 && self.rate_kb_per_s > 0 {
            (self.rate_kb_per_s as f64 / share).round() as u64
        } else if share < 1.0 {
            MOST_KB_PER_S
        } else {
            0
        };
        Self {
            rate_kb_per_s: rate.min(MOST_KB_PER_S),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn decide(rate_kb_per_s: u64, event: Event) -> Verdict {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        Bandwidth { rate_kb_per_s }.decide(&Seen::default(), event, &mut rng)
    }

    #[test]
    fn portions_take_the_time_that_the_rate_allows() {
        let portion = |bytes, before| Verdict::Throttle {
            bytes,
            before,
            after: Duration::ZERO,
        };
        assert_eq!(
            decide(100, Event::Bytes(16_384)),
            portion(1_000, Duration::from_millis(10))
        );
        assert_eq!(
            decide(100, Event::Bytes(50)),
            portion(50, Duration::from_micros(500))
        );
        assert_eq!(
            decide(MOST_KB_PER_S, Event::Bytes(1)),
            portion(1, Duration::ZERO)
        );
    }

    #[test]
    fn the_end_passes_and_a_rate_of_nothing_holds() {
        assert_eq!(decide(7, Event::End), Verdict::Pass);
        assert_eq!(decide(0, Event::Bytes(3)), Verdict::Hold);
    }

    #[test]
    fn weaker_is_faster() {
        let at =
            |rate_kb_per_s, share| Bandwidth { rate_kb_per_s }.at_strength(share).rate_kb_per_s;
        assert_eq!((at(100, 1.0), at(100, 0.5)), (100, 200));
        assert_eq!((at(100, 0.0), at(0, 0.5)), (MOST_KB_PER_S, MOST_KB_PER_S));
        assert_eq!(at(0, 1.0), 0);
    }
}
