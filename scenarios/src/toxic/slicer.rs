//! Slicer: data arrives in small pieces with pauses between them, each written by itself.

use std::time::Duration;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::{Attribute, Event, Seen, ToxicKind, Verdict, attribute::DAY_MS, latency::scaled};

/// Largest size of a slice: more than any chunk has.
const MOST_BYTES: u64 = 1 << 30;

/// Cuts chunks into slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Slicer {
    /// Mean size of a slice, bytes; zero is taken as one.
    #[serde(rename = "average_size")]
    pub average_bytes: u64,
    /// Plus or minus, bytes. A slice has at least one.
    #[serde(rename = "size_variation")]
    pub variation_bytes: u64,
    /// Pause after each slice, microseconds.
    #[serde(rename = "delay")]
    pub delay_us: u64,
}

impl ToxicKind for Slicer {
    const KIND: &'static str = "slicer";
    const DEFINITION: &'static str = "Data arrives in small pieces with pauses between them";
    const ATTRIBUTES: &'static [Attribute] = &[
        Attribute {
            name: "average_size",
            unit: "bytes",
            most: MOST_BYTES,
            meaning: "mean size of a slice",
        },
        Attribute {
            name: "size_variation",
            unit: "bytes",
            most: MOST_BYTES,
            meaning: "plus or minus, evenly drawn for each slice",
        },
        Attribute {
            name: "delay",
            unit: "µs",
            most: DAY_MS * 1_000,
            meaning: "pause after each slice",
        },
    ];

    fn decide(&self, _: &Seen, event: Event, rng: &mut impl Rng) -> Verdict {
        let Event::Bytes(bytes) = event else {
            return Verdict::Pass;
        };
        let drawn = if self.variation_bytes == 0 {
            self.average_bytes
        } else {
            let most = self.average_bytes + self.variation_bytes;
            rng.random_range(self.average_bytes.saturating_sub(self.variation_bytes)..=most)
        };
        Verdict::Throttle {
            bytes: usize::try_from(drawn.max(1)).unwrap_or(bytes).min(bytes),
            before: Duration::ZERO,
            after: Duration::from_micros(self.delay_us),
        }
    }

    /// Weaker is shorter pauses; there is no size that does nothing.
    fn at_strength(&self, share: f64) -> Self {
        Self {
            delay_us: scaled(self.delay_us, share),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;

    proptest! {
        #[test]
        fn slices_of_any_settings_make_up_the_chunk(
            average_bytes in 0..3_000_u64, variation_bytes in 0..3_000_u64, chunk in 1..20_000_usize, seed: u64,
        ) {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let slicer = Slicer { average_bytes, variation_bytes, delay_us: 3 };
            let mut left = chunk;
            while left > 0 {
                let verdict = slicer.decide(&Seen::default(), Event::Bytes(left), &mut rng);
                let Verdict::Throttle { bytes, before, after } = verdict else {
                    panic!("a slicer slices: {verdict:?}");
                };
                prop_assert!((1..=left).contains(&bytes));
                prop_assert!(bytes as u64 <= (average_bytes + variation_bytes).max(1));
                let least = average_bytes.saturating_sub(variation_bytes);
                prop_assert!(bytes as u64 >= least || bytes == left);
                prop_assert_eq!((before, after), (Duration::ZERO, Duration::from_micros(3)));
                left -= bytes;
            }
        }
    }
}
