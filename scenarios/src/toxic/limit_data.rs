//! Limit data: after so many bytes the connection is closed. It counts for each connection, and goes on counting when the
//! limit is changed.

use std::time::Duration;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Attribute, Event, Seen, ToxicKind, Verdict};

/// Largest limit: what a JSON number holds exactly.
const MOST_BYTES: u64 = 1 << 53;

/// Closes after so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitData {
    /// Bytes.
    pub bytes: u64,
}

impl ToxicKind for LimitData {
    const KIND: &'static str = "limit_data";
    const DEFINITION: &'static str = "The connection is closed after so many bytes";
    const ATTRIBUTES: &'static [Attribute] = &[Attribute {
        name: "bytes",
        unit: "bytes",
        most: MOST_BYTES,
        meaning: "bytes that pass before the close",
    }];

    /// It closes as soon as the last byte that may pass has passed, not when one too many comes.
    fn decide(&self, seen: &Seen, event: Event, _: &mut impl Rng) -> Verdict {
        let Event::Bytes(bytes) = event else {
            return Verdict::Pass;
        };
        let room = self.bytes.saturating_sub(seen.passed);
        match usize::try_from(room) {
            Ok(room) if room <= bytes => Verdict::Close {
                first: room,
                after: Duration::ZERO,
            },
            _ => Verdict::Pass,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn it_closes_with_the_last_byte_that_may_pass() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let mut decide = |bytes, passed, event| {
            let seen = Seen {
                passed,
                was_open: false,
            };
            LimitData { bytes }.decide(&seen, event, &mut rng)
        };
        let close = |first| Verdict::Close {
            first,
            after: Duration::ZERO,
        };
        assert_eq!(decide(100, 0, Event::Bytes(99)), Verdict::Pass);
        assert_eq!(decide(100, 0, Event::Bytes(100)), close(100));
        assert_eq!(decide(100, 60, Event::Bytes(70)), close(40));
        // lowered below what has passed already
        assert_eq!(decide(10, 60, Event::Bytes(1)), close(0));
        assert_eq!(decide(100, 99, Event::End), Verdict::Pass);
    }
}
