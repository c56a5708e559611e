//! Counts of lines and bytes in sliding windows, without a list of the lines: a line counts at a run of
//! steps that follow one another, so it is an addition at its begin and a subtraction behind its end.

/// The window of each step, which holds the times in `(begin, end]`.
#[derive(Debug)]
pub struct Windows {
    begins: Vec<i64>,
    ends: Vec<i64>,
}

impl Windows {
    /// Windows of `range_ns` that end `offset_ns` before each of `steps`, which are in order.
    #[must_use]
    pub fn new(steps: &[i64], range_ns: i64, offset_ns: i64) -> Self {
        let ends: Vec<i64> = steps
            .iter()
            .map(|at| at.saturating_sub(offset_ns))
            .collect();
        let begins = ends.iter().map(|end| end.saturating_sub(range_ns));
        Self {
            begins: begins.collect(),
            ends,
        }
    }

    /// The times that lie in any window, or between them: the first, and the one after the last.
    #[must_use]
    pub fn bounds_ns(&self) -> (i64, i64) {
        let first = self.begins.first().copied().unwrap_or_default();
        let last = self.ends.last().copied().unwrap_or_default();
        (first.saturating_add(1), last.saturating_add(1))
    }

    /// How many there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.ends.len()
    }

    /// The run of steps whose windows hold a time; an empty one where there is none.
    #[must_use]
    pub fn holding(&self, ts_ns: i64) -> Run {
        let from = self.ends.partition_point(|end| *end < ts_ns);
        let to = self.begins.partition_point(|begin| *begin < ts_ns);
        let least = |a: Option<&i64>, b: Option<&i64>| {
            a.copied()
                .unwrap_or(i64::MAX)
                .min(b.copied().unwrap_or(i64::MAX))
        };
        let before = |list: &[i64], at: usize| {
            let at = at.checked_sub(1);
            at.map_or(i64::MIN, |at| list[at])
        };
        Run {
            from,
            to,
            after_ns: before(&self.ends, from).max(before(&self.begins, to)),
            until_ns: least(self.ends.get(from), self.begins.get(to)),
        }
    }
}

/// Steps `from..to`, and the times `(after_ns, until_ns]` for which they are the same.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    from: usize,
    to: usize,
    after_ns: i64,
    until_ns: i64,
}

impl Run {
    /// Whether it is the run of another time too.
    #[must_use]
    pub fn is_for(&self, ts_ns: i64) -> bool {
        ts_ns > self.after_ns && ts_ns <= self.until_ns
    }
}

/// Lines and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Lines.
    pub lines: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Amount {
    /// Adds another.
    pub fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
    }
}

/// How much there is in each window.
#[derive(Debug, Default)]
pub struct Tally {
    /// What began and ended lately: few series have a line at each of thousands of steps.
    runs: Vec<(usize, usize, Amount)>,
    /// What comes in at each step and goes before it, once there were many runs.
    changes: Vec<(Amount, Amount)>,
}

impl Tally {
    /// Adds to all steps of a run, of `windows` many.
    pub fn add(&mut self, run: &Run, windows: usize, amount: Amount) {
        if run.from >= run.to {
            return;
        }
        match self.runs.last_mut() {
            Some((from, to, last)) if (*from, *to) == (run.from, run.to) => last.add(amount),
            _ => self.runs.push((run.from, run.to, amount)),
        }
        if self.runs.len() > windows {
            self.settle(windows);
        }
    }

    /// Adds what another counted in the same windows.
    pub fn merge(&mut self, other: Self, windows: usize) {
        self.runs.extend(other.runs);
        if self.runs.len() > windows || !other.changes.is_empty() {
            self.settle(windows);
        }
        for (mine, (comes, goes)) in self.changes.iter_mut().zip(other.changes) {
            mine.0.add(comes);
            mine.1.add(goes);
        }
    }

    /// Makes changes of runs.
    fn settle(&mut self, windows: usize) {
        // nothing is looked at behind the last step
        self.changes.resize(windows + 1, Default::default());
        for (from, to, amount) in self.runs.drain(..) {
            self.changes[from].0.add(amount);
            self.changes[to].1.add(amount);
        }
    }

    /// The amount in each window.
    #[must_use]
    pub fn amounts(mut self, windows: usize) -> Vec<Amount> {
        self.settle(windows);
        let mut here = Amount::default();
        let changes = self.changes.iter().take(windows);
        changes
            .map(|(comes, goes)| {
                here.lines = here.lines + comes.lines - goes.lines;
                here.bytes = here.bytes + comes.bytes - goes.bytes;
                here
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn windows_hold_what_lies_in_them(
            (start, step, count) in (-20_i64..20, 1_i64..9, 1_usize..12),
            (range, offset) in (1_i64..30, -5_i64..5),
            lines in prop::collection::vec((-60_i64..160, 0_u64..5), 0..60),
            split in 0_usize..60,
        ) {
            let steps: Vec<i64> = (0..count as i64).map(|n| start + n * step).collect();
            let windows = Windows::new(&steps, range, offset);
            let (first, end) = windows.bounds_ns();
            let mut tallies = [Tally::default(), Tally::default()];
            let mut run = windows.holding(0);
            for (index, (ts, bytes)) in lines.iter().enumerate() {
                if !run.is_for(*ts) {
                    run = windows.holding(*ts);
                }
                let amount = Amount { lines: 1, bytes: *bytes };
                tallies[usize::from(index >= split)].add(&run, count, amount);
            }
            let [mut tally, other] = tallies;
            tally.merge(other, count);
            let naive: Vec<Amount> = steps.iter().map(|at| {
                let mut sum = Amount::default();
                for (ts, bytes) in &lines {
                    if *ts <= at - offset && *ts > at - offset - range {
                        assert!((first..end).contains(ts));
                        sum.add(Amount { lines: 1, bytes: *bytes });
                    }
                }
                sum
            }).collect();
            prop_assert_eq!(tally.amounts(count), naive);
        }
    }

    #[test]
    fn times_at_the_end_of_time_are_no_trouble() {
        let windows = Windows::new(&[i64::MIN, 0, i64::MAX], i64::MAX, -1);
        for ts in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX] {
            let run = windows.holding(ts);
            assert!(run.from <= run.to && run.to <= 3, "{ts}: {run:?}");
        }
    }
}
