//! What can be done to the bytes of a link. Each toxic is one file with its parameters and a pure
//! decision; here is the closed list of them, and how several on one link add up.
//!
//! Adding one: a file with a struct and `decide`, a variant of [`Toxic`], an arm in [`Toxics::decide`].

mod latency;
mod partition;

use rand::Rng;
use std::time::Duration;

pub use latency::Latency;
pub use partition::Partition;

/// Direction of a stream of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// From the caller to the callee.
    Upstream,
    /// From the callee to the caller.
    Downstream,
}

/// One thing done to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toxic {
    /// Nothing passes.
    Partition(Partition),
    /// Every chunk comes later.
    Latency(Latency),
}

/// What happens to a chunk of bytes (an end of stream is a chunk too).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is delivered so much later; zero is at once.
    Deliver(Duration),
    /// It is held until the link is changed, then decided again.
    Hold,
}

/// Names a toxic on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToxicId(pub u64);

/// All toxics of a link, in the order in which they were put on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toxics(Vec<(ToxicId, Toxic)>);

impl Toxics {
    /// Adds one.
    pub fn add(&mut self, id: ToxicId, toxic: Toxic) {
        self.0.push((id, toxic));
    }

    /// Takes one off.
    pub fn remove(&mut self, id: ToxicId) {
        self.0.retain(|(other, _)| *other != id);
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What all of them together do to a chunk: delays add up, and one that holds, holds.
    pub fn decide(&self, stream: Stream, rng: &mut impl Rng) -> Verdict {
        let mut delay = Duration::ZERO;
        for (_, toxic) in &self.0 {
            let verdict = match toxic {
                Toxic::Partition(partition) => partition.decide(),
                Toxic::Latency(latency) => latency.decide(stream, rng),
            };
            match verdict {
                Verdict::Hold => return Verdict::Hold,
                Verdict::Deliver(more) => delay += more,
            }
        }
        Verdict::Deliver(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn latency(delay_ms: u64) -> Toxic {
        Toxic::Latency(Latency {
            delay: Duration::from_millis(delay_ms),
            jitter: Duration::ZERO,
        })
    }

    #[test]
    fn delays_add_up_and_a_partition_holds_whatever_else_is_there() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let mut toxics = Toxics::default();
        assert_eq!(
            toxics.decide(Stream::Downstream, &mut rng),
            Verdict::Deliver(Duration::ZERO)
        );
        toxics.add(ToxicId(0), latency(20));
        toxics.add(ToxicId(1), latency(5));
        assert_eq!(
            toxics.decide(Stream::Downstream, &mut rng),
            Verdict::Deliver(Duration::from_millis(25))
        );
        assert_eq!(
            toxics.decide(Stream::Upstream, &mut rng),
            Verdict::Deliver(Duration::ZERO)
        );
        toxics.add(ToxicId(2), Toxic::Partition(Partition));
        assert_eq!(toxics.decide(Stream::Upstream, &mut rng), Verdict::Hold);
        toxics.remove(ToxicId(2));
        toxics.remove(ToxicId(0));
        assert_eq!(
            toxics.decide(Stream::Downstream, &mut rng),
            Verdict::Deliver(Duration::from_millis(5))
        );
    }
}
