//! Functions of a range vector that take all windows of a series in one pass, most with a fixed number of operations for each
//! step however long the window. Semantics and extrapolation are Prometheus 2's.

use std::collections::VecDeque;

use super::{Pass, QueryError};
use crate::promql::aggregate;
use crate::promql::fold::Fold;
use crate::promql::matrix::Loaded;
use crate::promql::rows::absent;

pub(super) fn rate() -> Box<dyn Pass> {
    Box::new(Extrapolated::new(true, true))
}

pub(super) fn increase() -> Box<dyn Pass> {
    Box::new(Extrapolated::new(true, false))
}

pub(super) fn delta() -> Box<dyn Pass> {
    Box::new(Extrapolated::new(false, false))
}

/// Prometheus' `extrapolatedRate`: the change between first and last sample, extrapolated to the window's ends: all the way where a
/// sample is nearer than 1.1 sampling intervals, else by half an interval, and for counters never beyond where they would have
/// been zero.
struct Extrapolated {
    counter: bool,
    per_second: bool,
    times_version: u64,
    windows: Vec<Extrapolation>,
    /// The places of values below their predecessor.
    resets: Vec<usize>,
}

/// What the times of a window say.
#[derive(Clone, Copy)]
struct Extrapolation {
    first: usize,
    /// The same as `first` where there are fewer than two samples.
    last: usize,
    to_start_s: f64,
    sampled_s: f64,
    /// What the change is multiplied by unless the counter would have been zero within the window.
    factor: f64,
}

impl Extrapolation {
    fn of(loaded: &Loaded<'_>, at: usize, per_second: bool) -> Self {
        let (first, behind) = loaded.spans[at];
        let mut of = Self {
            first,
            last: behind.saturating_sub(1).max(first),
            to_start_s: 0.0,
            sampled_s: 0.0,
            factor: 0.0,
        };
        if of.last > first {
            let times = &loaded.columns.times_ms;
            let start_ms = loaded.ends_ms[at].saturating_sub(loaded.range_ms);
            of.to_start_s = seconds(times[first].saturating_sub(start_ms));
            of.sampled_s = seconds(times[of.last] - times[first]);
            of.factor = of.reaching(of.to_start_s, loaded, at, per_second);
        }
        of
    }

    /// The factor by which the change grows when the window's start is taken to be `to_start_s` before the first sample.
    fn reaching(&self, to_start_s: f64, loaded: &Loaded<'_>, at: usize, per_second: bool) -> f64 {
        let to_end_s =
            seconds(loaded.ends_ms[at].saturating_sub(loaded.columns.times_ms[self.last]));
        let average = self.sampled_s / (self.last - self.first) as f64;
        let threshold = average * 1.1;
        let reach = |distance: f64| {
            if distance < threshold {
                distance
            } else {
                average / 2.0
            }
        };
        let reached = self.sampled_s + reach(to_start_s) + reach(to_end_s);
        let factor = reached / self.sampled_s;
        if per_second {
            factor / seconds(loaded.range_ms)
        } else {
            factor
        }
    }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

impl Extrapolated {
    fn new(counter: bool, per_second: bool) -> Self {
        Self {
            counter,
            per_second,
            times_version: 0,
            windows: Vec::new(),
            resets: Vec::new(),
        }
    }

    fn prepare(&mut self, loaded: &Loaded<'_>) {
        if self.times_version != loaded.times_version {
            self.times_version = loaded.times_version;
            let of = |at| Extrapolation::of(loaded, at, self.per_second);
            self.windows.clear();
            self.windows.extend((0..loaded.spans.len()).map(of));
        }
        self.resets.clear();
        if self.counter && !loaded.columns.rising {
            let pairs = loaded.columns.values.windows(2).enumerate();
            let resets = pairs.filter(|(_, pair)| pair[1] < pair[0]);
            self.resets.extend(resets.map(|(before, _)| before + 1));
        }
    }
}

impl Pass for Extrapolated {
    fn row(&mut self, loaded: &Loaded<'_>, out: &mut [f64]) -> Result<(), QueryError> {
        self.prepare(loaded);
        let values = &loaded.columns.values;
        let mut resets = &self.resets[..];
        for (at, (out, window)) in out.iter_mut().zip(&self.windows).enumerate() {
            if window.last == window.first {
                *out = absent();
                continue;
            }
            let first = values[window.first];
            let mut change = values[window.last] - first;
            if !resets.is_empty() {
                let passed = resets.iter().take_while(|reset| **reset <= window.first);
                resets = &resets[passed.count()..];
                let inside = resets.iter().take_while(|reset| **reset <= window.last);
                change += inside.map(|reset| values[reset - 1]).sum::<f64>();
            }
            let mut factor = window.factor;
            if self.counter && change > 0.0 && first >= 0.0 {
                // where the counter would have been zero, without a division where that is surely before the start
                let zero = window.sampled_s * first;
                if !(zero >= window.to_start_s * change && zero.is_finite()) {
                    let to_zero_s = window.sampled_s * (first / change);
                    let to_start_s = window.to_start_s.min(to_zero_s);
                    factor = window.reaching(to_start_s, loaded, at, self.per_second);
                }
            }
            *out = change * factor;
        }
        Ok(())
    }
}

pub(super) fn changes() -> Box<dyn Pass> {
    Box::new(Counted::new(|before, value| {
        before != value && !(before.is_nan() && value.is_nan())
    }))
}

pub(super) fn resets() -> Box<dyn Pass> {
    Box::new(Counted::new(|before, value| value < before))
}

/// How many neighbours in a window something is true of.
struct Counted {
    counts: fn(f64, f64) -> bool,
    /// For each sample, of how many pairs up to it.
    until: Vec<u32>,
}

impl Counted {
    fn new(counts: fn(f64, f64) -> bool) -> Self {
        Self {
            counts,
            until: Vec::new(),
        }
    }
}

impl Pass for Counted {
    fn row(&mut self, loaded: &Loaded<'_>, out: &mut [f64]) -> Result<(), QueryError> {
        let (mut count, mut before) = (0, None);
        self.until.clear();
        self.until.extend(loaded.columns.values.iter().map(|value| {
            let counted = before
                .replace(*value)
                .is_some_and(|b| (self.counts)(b, *value));
            count += u32::from(counted);
            count
        }));
        for (out, (from, to)) in out.iter_mut().zip(loaded.spans) {
            *out = if from < to {
                f64::from(self.until[to - 1] - self.until[*from])
            } else {
                absent()
            };
        }
        Ok(())
    }
}

pub(super) fn sum() -> Box<dyn Pass> {
    Box::new(Summed::new(false))
}

pub(super) fn mean() -> Box<dyn Pass> {
    Box::new(Summed::new(true))
}

/// Sums and means. Those of integers are differences of running totals, which are exact; others are added up window by window,
/// since a difference of totals would lose what small values add to large ones.
struct Summed {
    mean: bool,
    /// The total before each sample, and of all.
    until: Vec<f64>,
}

/// Up to here all integers are doubles, and so are their sums.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

impl Summed {
    fn new(mean: bool) -> Self {
        Self {
            mean,
            until: Vec::new(),
        }
    }

    /// Whether the totals are there and exact.
    fn total(&mut self, loaded: &Loaded<'_>) -> bool {
        if !loaded.columns.integers {
            return false;
        }
        let (mut total, mut size) = (0.0, 0.0);
        self.until.clear();
        self.until.push(0.0);
        self.until.extend(loaded.columns.values.iter().map(|value| {
            total += value;
            size += value.abs();
            total
        }));
        size < EXACT_MAX
    }
}

impl Pass for Summed {
    fn row(&mut self, loaded: &Loaded<'_>, out: &mut [f64]) -> Result<(), QueryError> {
        let exact = self.total(loaded);
        for (out, (from, to)) in out.iter_mut().zip(loaded.spans) {
            let values = &loaded.columns.values[*from..*to];
            *out = match (values.len(), exact, self.mean) {
                (0, ..) => absent(),
                (_, true, false) => self.until[*to] - self.until[*from],
                (count, true, true) => (self.until[*to] - self.until[*from]) / count as f64,
                (_, false, false) => aggregate::sum(values.iter().copied()),
                (_, false, true) => aggregate::mean(values),
            };
        }
        Ok(())
    }
}

pub(super) fn min() -> Box<dyn Pass> {
    Box::new(Extreme::new(Fold::Min))
}

pub(super) fn max() -> Box<dyn Pass> {
    Box::new(Extreme::new(Fold::Max))
}

/// The least or the greatest value. Of the samples in a window only those are looked at that may still be it: each is better than
/// all that come after it.
struct Extreme {
    fold: Fold,
    candidates: VecDeque<usize>,
}

impl Extreme {
    fn new(fold: Fold) -> Self {
        Self {
            fold,
            candidates: VecDeque::new(),
        }
    }
}

impl Pass for Extreme {
    fn row(&mut self, loaded: &Loaded<'_>, out: &mut [f64]) -> Result<(), QueryError> {
        let values = &loaded.columns.values;
        self.candidates.clear();
        let mut next = 0;
        for (out, (from, to)) in out.iter_mut().zip(loaded.spans) {
            for at in next..*to {
                let worse = |last: &usize| {
                    let kept = self.fold.keeps(values[*last], values[at]);
                    kept.to_bits() == values[at].to_bits()
                };
                while self.candidates.back().is_some_and(worse) {
                    self.candidates.pop_back();
                }
                self.candidates.push_back(at);
            }
            next = next.max(*to);
            while self.candidates.front().is_some_and(|first| first < from) {
                self.candidates.pop_front();
            }
            *out = match self.candidates.front() {
                Some(best) if from < to => values[*best],
                _ => absent(),
            };
        }
        Ok(())
    }
}
