//! Timeout: nothing gets through, what is sent vanishes, and after a silence of so long the connection is closed. With a
//! timeout of zero it is a black hole until the toxic is taken off, which closes the connection.

use std::time::Duration;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Attribute, Event, Parting, Seen, ToxicKind, Verdict, attribute::DAY_MS};

/// Swallows everything, then closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeout {
    /// Milliseconds since the last chunk, or since the toxic came; zero is never.
    #[serde(rename = "timeout")]
    pub timeout_ms: u64,
}

impl ToxicKind for Timeout {
    const KIND: &'static str = "timeout";
    const DEFINITION: &'static str =
        "Nothing gets through, and the connection is closed after a time";
    const ATTRIBUTES: &'static [Attribute] = &[Attribute {
        name: "timeout",
        unit: "ms",
        most: DAY_MS,
        meaning: "time until the close, counted anew from each chunk; 0 closes only when the toxic is taken off",
    }];

    fn decide(&self, _: &Seen, event: Event, _: &mut impl Rng) -> Verdict {
        match event {
            Event::Bytes(_) => Verdict::Discard,
            Event::End => Verdict::Pass,
        }
    }

    fn closes_after_silence(&self) -> Option<Duration> {
        (self.timeout_ms > 0).then(|| Duration::from_millis(self.timeout_ms))
    }

    /// Bytes are missing from the stream, so it must not go on.
    fn parting(&self, _: &Seen) -> Parting {
        Parting::Close
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn bytes_vanish_and_silence_or_the_end_of_the_toxic_closes() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let timeout = Timeout { timeout_ms: 250 };
        let seen = Seen::default();
        assert_eq!(
            timeout.decide(&seen, Event::Bytes(9), &mut rng),
            Verdict::Discard
        );
        assert_eq!(timeout.decide(&seen, Event::End, &mut rng), Verdict::Pass);
        assert_eq!(
            timeout.closes_after_silence(),
            Some(Duration::from_millis(250))
        );
        assert_eq!(Timeout::default().closes_after_silence(), None);
        assert_eq!(timeout.parting(&seen), Parting::Close);
    }
}
