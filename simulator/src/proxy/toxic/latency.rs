//! Latency: every chunk that comes back from the callee is delivered later, evenly between
//! `delay − jitter` and `delay + jitter`. Chunks keep their order.

use std::time::Duration;

use rand::{Rng, RngExt};

use super::{Stream, Verdict};

/// Delays the downstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Mean.
    pub delay: Duration,
    /// Plus or minus; more than the delay counts as the delay.
    pub jitter: Duration,
}

impl Latency {
    /// How much later a chunk comes.
    pub fn decide(self, stream: Stream, rng: &mut impl Rng) -> Verdict {
        if stream == Stream::Upstream {
            return Verdict::Deliver(Duration::ZERO);
        }
        let jitter = self.jitter.min(self.delay);
        Verdict::Deliver(self.delay - jitter + (2 * jitter).mul_f64(rng.random::<f64>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn jitter_stays_within_its_bounds_and_uses_them() {
        let latency = Latency {
            delay: Duration::from_millis(30),
            jitter: Duration::from_millis(10),
        };
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let drawn: Vec<_> = (0..500)
            .map(|_| match latency.decide(Stream::Downstream, &mut rng) {
                Verdict::Deliver(delay) => delay.as_millis(),
                Verdict::Hold => panic!("latency never holds"),
            })
            .collect();
        assert!(drawn.iter().all(|ms| (20..=40).contains(ms)));
        assert!(drawn.iter().any(|ms| *ms < 23) && drawn.iter().any(|ms| *ms > 37));
    }
}
