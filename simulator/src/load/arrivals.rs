//! When journeys begin: a Poisson process in drill time whose rate may change at any moment. Pure.
//!
//! What is left of a gap is counted in mean gaps, so that a change of rate stretches or shortens the
//! wait that has begun without a new draw: the k-th journey is the k-th at any rate.

use super::journey::Source;

/// What the waits are made of.
pub(super) trait Gaps: Copy {
    /// Gap before arrival `index`, in mean gaps.
    fn gap(self, index: u64) -> f64;
}

impl Gaps for Source<'_> {
    fn gap(self, index: u64) -> f64 {
        Self::gap(self, index)
    }
}

/// A rate below it counts as none: one journey in eleven days.
const LEAST_RATE: f64 = 1e-6;

/// The arrivals of one stream.
#[derive(Debug, Clone)]
pub(super) struct Arrivals {
    /// Index of the next journey.
    next: u64,
    /// Mean gaps left until it begins, as of `since_ns`.
    left: f64,
    since_ns: i64,
    rate: f64,
}

impl Arrivals {
    /// From a drill time on, at a rate in journeys per second.
    pub(super) fn new(source: impl Gaps, since_ns: i64, rate: f64) -> Self {
        Self {
            next: 0,
            left: source.gap(0),
            since_ns,
            rate,
        }
    }

    /// Index and drill time of the next journey; none while the rate is zero.
    pub(super) fn next(&self) -> Option<(u64, i64)> {
        if self.rate < LEAST_RATE {
            return None;
        }
        #[allow(clippy::cast_possible_truncation)] // at most 20 mean gaps of 1e6 s
        let wait_ns = (self.left / self.rate * 1e9) as i64;
        Some((self.next, self.since_ns.saturating_add(wait_ns)))
    }

    /// The next journey has begun.
    pub(super) fn advance(&mut self, source: impl Gaps) {
        if let Some((_, at_ns)) = self.next() {
            self.since_ns = at_ns;
        }
        self.next += 1;
        self.left = source.gap(self.next);
    }

    /// The rate is another from a drill time on.
    pub(super) fn set_rate(&mut self, now_ns: i64, rate: f64) {
        #[allow(clippy::cast_precision_loss)] // seconds of a drill
        let passed_s = now_ns.saturating_sub(self.since_ns).max(0) as f64 / 1e9;
        self.left = (self.left - passed_s * self.rate).max(0.0);
        self.since_ns = self.since_ns.max(now_ns);
        self.rate = rate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::seed::Seed;

    const SOURCE: Source<'_> = Source {
        seed: Seed(11),
        stream: "live",
    };

    fn times(rate: f64, count: u64) -> Vec<i64> {
        let mut arrivals = Arrivals::new(SOURCE, 0, rate);
        (0..count)
            .map(|_| {
                let (_, at) = arrivals.next().unwrap();
                arrivals.advance(SOURCE);
                at
            })
            .collect()
    }

    #[test]
    fn arrivals_repeat_and_have_the_right_mean() {
        assert_eq!(times(4.0, 100), times(4.0, 100));
        let last = *times(4.0, 4_000).last().unwrap();
        // 4000 gaps of 0.25 s: 1000 s, standard deviation 16 s
        assert!((936..1_064).contains(&(last / 1_000_000_000)), "{last}");
    }

    #[test]
    fn a_change_of_rate_stretches_what_is_left_of_the_gap() {
        let (_, at) = Arrivals::new(SOURCE, 0, 1.0).next().unwrap();
        let mut halved = Arrivals::new(SOURCE, 0, 1.0);
        halved.set_rate(at / 2, 0.5);
        let (index, later) = halved.next().unwrap();
        assert_eq!(index, 0);
        assert!((later - (at / 2 + at)).abs() < 10, "{later} of {at}");
    }

    #[test]
    fn without_a_rate_nothing_comes_and_then_it_goes_on_where_it_was() {
        let (_, at) = Arrivals::new(SOURCE, 0, 1.0).next().unwrap();
        let mut paused = Arrivals::new(SOURCE, 0, 0.0);
        assert_eq!(paused.next(), None);
        paused.set_rate(5_000_000_000, 1.0);
        let (_, later) = paused.next().unwrap();
        assert!((later - (at + 5_000_000_000)).abs() < 10);
    }
}
