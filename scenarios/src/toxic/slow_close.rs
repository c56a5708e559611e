//! Slow close: bytes pass, but the end of the stream is passed on late, so that connections linger.

use std::time::Duration;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Attribute, Event, Seen, ToxicKind, Verdict, attribute::DAY_MS, latency::scaled};

/// Delays the end of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SlowClose {
    /// Milliseconds.
    #[serde(rename = "delay")]
    pub delay_ms: u64,
}

impl ToxicKind for SlowClose {
    const KIND: &'static str = "slow_close";
    const DEFINITION: &'static str = "The end of the stream is passed on late";
    const ATTRIBUTES: &'static [Attribute] = &[Attribute {
        name: "delay",
        unit: "ms",
        most: DAY_MS,
        meaning: "how much later",
    }];

    fn decide(&self, _: &Seen, event: Event, _: &mut impl Rng) -> Verdict {
        match event {
            Event::Bytes(_) => Verdict::Pass,
            Event::End => Verdict::Delay(Duration::from_millis(self.delay_ms)),
        }
    }

    fn at_strength(&self, share: f64) -> Self {
        Self {
            delay_ms: scaled(self.delay_ms, share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn only_the_end_is_late() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let slow = SlowClose { delay_ms: 70 };
        let mut decide = |event| slow.decide(&Seen::default(), event, &mut rng);
        assert_eq!(decide(Event::Bytes(9)), Verdict::Pass);
        assert_eq!(
            decide(Event::End),
            Verdict::Delay(Duration::from_millis(70))
        );
    }
}
