//! Reset peer: when something comes, it is swallowed, and after a time the connection is reset on both sides.

use std::time::Duration;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Attribute, Event, Seen, ToxicKind, Verdict, attribute::DAY_MS};

/// Resets connections that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ResetPeer {
    /// Milliseconds between the first chunk and the reset.
    #[serde(rename = "timeout")]
    pub timeout_ms: u64,
}

impl ToxicKind for ResetPeer {
    const KIND: &'static str = "reset_peer";
    const DEFINITION: &'static str = "Connections are cut by a reset as soon as they are used";
    const ATTRIBUTES: &'static [Attribute] = &[Attribute {
        name: "timeout",
        unit: "ms",
        most: DAY_MS,
        meaning: "time between the first chunk and the reset",
    }];

    fn decide(&self, _: &Seen, _: Event, _: &mut impl Rng) -> Verdict {
        Verdict::Reset {
            after: Duration::from_millis(self.timeout_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn bytes_and_ends_reset() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for event in [Event::Bytes(1), Event::End] {
            assert_eq!(
                ResetPeer { timeout_ms: 5 }.decide(&Seen::default(), event, &mut rng),
                Verdict::Reset {
                    after: Duration::from_millis(5)
                }
            );
        }
    }
}
