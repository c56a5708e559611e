//! Half open: connections that are open when the toxic comes are dead without anyone being told, as when a firewall has
//! forgotten them: what is sent vanishes, also the end of the stream. New connections work. When it heals, the dead ones are
//! reset, as a peer does that hears of a connection which it does not know.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Attribute, Event, Parting, Seen, ToxicKind, Verdict};

/// Forgets the connections that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HalfOpen {}

impl ToxicKind for HalfOpen {
    const KIND: &'static str = "half_open";
    const DEFINITION: &'static str =
        "Connections open when it comes are silently dead; new ones work";
    const ATTRIBUTES: &'static [Attribute] = &[];

    fn decide(&self, seen: &Seen, _: Event, _: &mut impl Rng) -> Verdict {
        if seen.was_open {
            Verdict::Discard
        } else {
            Verdict::Pass
        }
    }

    fn parting(&self, seen: &Seen) -> Parting {
        if seen.was_open {
            Parting::Reset
        } else {
            Parting::Release
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn it_swallows_what_was_open_and_spares_what_is_new() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let (old, new) = (
            Seen {
                passed: 0,
                was_open: true,
            },
            Seen::default(),
        );
        for event in [Event::Bytes(3), Event::End] {
            assert_eq!(HalfOpen {}.decide(&old, event, &mut rng), Verdict::Discard);
            assert_eq!(HalfOpen {}.decide(&new, event, &mut rng), Verdict::Pass);
        }
        assert_eq!(HalfOpen {}.parting(&old), Parting::Reset);
        assert_eq!(HalfOpen {}.parting(&new), Parting::Release);
    }
}
