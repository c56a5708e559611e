//! Draws of a service: named streams of its own seed, shared between its requests.

use std::time::Duration;

use parking_lot::Mutex;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use scenarios::{seed::Seed, setting::Latency};

/// 99th percentile of the standard normal distribution (NIST/SEMATECH e-Handbook, 1.3.6.7.1).
const NORMAL_P99: f64 = 2.326_348;
/// Longest latency that is drawn: the tail of a log-normal distribution has no end, a test does.
const LONGEST: Duration = Duration::from_secs(60);

/// A stream of draws.
#[derive(Debug)]
pub struct Chance(Mutex<ChaCha8Rng>);

impl Chance {
    /// The stream of that name.
    #[must_use]
    pub fn new(seed: u64, stream: &str) -> Self {
        Self(Mutex::new(Seed(seed).stream(stream)))
    }

    /// A latency: log-normal with this median and 99th percentile.
    pub fn latency(&self, latency: Latency) -> Duration {
        let normal: f64 = StandardNormal.sample(&mut *self.0.lock());
        let sigma = (latency.p99_ms / latency.median_ms).ln() / NORMAL_P99;
        let seconds = latency.median_ms / 1e3 * (sigma * normal).exp();
        Duration::try_from_secs_f64(seconds).map_or(LONGEST, |drawn| drawn.min(LONGEST))
    }

    /// Something from -1 to 1, both as likely as all between.
    pub fn either_way(&self) -> f64 {
        self.0.lock().random_range(-1.0..=1.0)
    }

    /// Whether something that happens with this share happens now.
    pub fn happens(&self, share: f64) -> bool {
        share > 0.0 && self.0.lock().random::<f64>() < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_have_the_stated_median_and_99th_percentile() {
        let chance = Chance::new(1, "latency");
        let latency = Latency {
            median_ms: 40.0,
            p99_ms: 120.0,
        };
        let mut drawn: Vec<_> = (0..20_000).map(|_| chance.latency(latency)).collect();
        drawn.sort();
        let at = |share: f64| drawn[(share * 20_000.0) as usize].as_secs_f64() * 1e3;
        assert!((38.0..42.0).contains(&at(0.5)), "{}", at(0.5));
        assert!((110.0..130.0).contains(&at(0.99)), "{}", at(0.99));
    }

    #[test]
    fn either_way_is_as_often_below_nothing_as_above() {
        let chance = Chance::new(1, "either");
        let drawn: Vec<_> = (0..2_000).map(|_| chance.either_way()).collect();
        assert!(drawn.iter().all(|drawn| (-1.0..=1.0).contains(drawn)));
        let below = drawn.iter().filter(|drawn| **drawn < 0.0).count();
        assert!((900..1_100).contains(&below), "{below} of 2000");
    }

    #[test]
    fn a_share_of_nothing_never_happens_and_of_all_always() {
        let chance = Chance::new(1, "share");
        assert!((0..100).all(|_| !chance.happens(0.0)));
        assert!((0..100).all(|_| chance.happens(1.0)));
    }
}
