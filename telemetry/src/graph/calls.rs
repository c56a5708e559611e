//! Calls that were seen, each standing for as many as its sampler says: their number, their errors,
//! the percentiles of their durations. Knows no spans.

/// Calls of one kind.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// Duration, ns, and how many calls had it.
    durations_ns: Vec<(i64, f64)>,
    count: f64,
    errors: f64,
}

impl Calls {
    /// Adds a call that stands for `weight` calls.
    pub fn add(&mut self, duration_ns: i64, weight: f64, failed: bool) {
        self.durations_ns.push((duration_ns, weight));
        self.count += weight;
        if failed {
            self.errors += weight;
        }
    }

    /// How many calls there were, as far as can be told from those that were kept.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// How many of them failed.
    pub fn errors(&self) -> f64 {
        self.errors
    }

    /// Nearest-rank percentiles of the durations, ms, one for each share from 0 to 1; 0 where there are none.
    pub fn percentiles_ms<const N: usize>(&mut self, shares: [f64; N]) -> [f64; N] {
        self.durations_ns.sort_unstable_by_key(|&(ns, _)| ns);
        shares.map(|share| {
            let mut rank = 0.0;
            let reached = self.durations_ns.iter().find(|(_, weight)| {
                rank += weight;
                rank >= share * self.count
            });
            // the last one is reached but for rounding
            let found = reached.or(self.durations_ns.last());
            found.map_or(0.0, |&(ns, _)| ns as f64 / 1e6)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let mut calls = Calls::default();
        for ms in (1..=20).rev() {
            calls.add(ms * 1_000_000, 1.0, false);
        }
        let all = calls.percentiles_ms([0.0, 0.05, 0.5, 0.95, 0.99, 1.0]);
        assert_eq!(all, [1.0, 1.0, 10.0, 19.0, 20.0, 20.0]);
        assert_eq!(Calls::default().percentiles_ms([0.5]), [0.0]);
    }

    #[test]
    fn a_call_counts_for_as_many_as_it_stands_for() {
        let mut calls = Calls::default();
        calls.add(1_000_000, 10.0, false);
        calls.add(5_000_000, 1.0, true);
        assert_eq!((calls.count(), calls.errors()), (11.0, 1.0));
        assert_eq!(calls.percentiles_ms([0.5, 0.9, 0.95]), [1.0, 1.0, 5.0]);
    }
}
