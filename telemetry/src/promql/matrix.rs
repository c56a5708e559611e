//! Range vectors, and what is read of them: series after series, each with its windows over the steps. Knows no function.

use std::ops::Range;

use crate::metrics::chunk::is_stale;
use crate::metrics::labels::Labels;
use crate::metrics::{Columns, Reader, Selected};

/// Where the samples of a series of a range vector are.
#[derive(Debug)]
pub(super) enum Samples {
    /// In chunks shared with the store; stale markers are taken out when they are read.
    Stored(Selected),
    /// Computed by a subquery.
    Computed(Columns),
}

/// What a range selector or subquery evaluates to: samples of each series, and per step the end of its window.
#[derive(Debug)]
pub(super) struct Matrix {
    pub series: Vec<(Labels, Samples)>,
    pub range_ms: i64,
    /// Never falling.
    pub ends_ms: Vec<i64>,
}

impl Matrix {
    /// How many samples all series have.
    pub fn samples(&self) -> usize {
        let of = |(_, samples): &(Labels, Samples)| match samples {
            Samples::Stored(selected) => selected.samples(),
            Samples::Computed(columns) => columns.values.len(),
        };
        self.series.iter().map(of).sum()
    }
}

/// The samples of one series and, for each step, which of them are in the step's window.
pub(super) struct Loaded<'a> {
    pub columns: &'a Columns,
    /// From and behind the samples with `end - range <= t <= end` (both ends included, as Prometheus 2 does; Prometheus 3
    /// excludes the left one).
    pub spans: &'a [(usize, usize)],
    /// The windows' ends, ms.
    pub ends_ms: &'a [i64],
    /// The windows' length, ms.
    pub range_ms: i64,
    /// Changes when times and spans are others than those of the series before.
    pub times_version: u64,
}

/// Reads series of a matrix for some of its steps. What depends on times only is worked out once for neighbours that share
/// their times, as all that is scraped together does.
pub(super) struct Windows<'m> {
    matrix: &'m Matrix,
    ends_ms: &'m [i64],
    reader: Reader,
    previous: Option<&'m Selected>,
    spans: Vec<(usize, usize)>,
    times_version: u64,
}

impl<'m> Windows<'m> {
    pub fn new(matrix: &'m Matrix, steps: Range<usize>) -> Self {
        Self {
            matrix,
            ends_ms: &matrix.ends_ms[steps],
            reader: Reader::default(),
            previous: None,
            spans: Vec::new(),
            times_version: 0,
        }
    }

    pub fn load(&mut self, series: usize) -> Loaded<'_> {
        let known = match &self.matrix.series[series].1 {
            Samples::Stored(selected) => self.read(selected),
            Samples::Computed(columns) => {
                self.reader.columns.clone_from(columns);
                self.previous = None;
                false
            }
        };
        if !known {
            self.times_version += 1;
            self.slide();
        }
        Loaded {
            columns: &self.reader.columns,
            spans: &self.spans,
            ends_ms: self.ends_ms,
            range_ms: self.matrix.range_ms,
            times_version: self.times_version,
        }
    }

    fn read(&mut self, selected: &'m Selected) -> bool {
        let (Some(first), Some(last)) = (self.ends_ms.first(), self.ends_ms.last()) else {
            return false;
        };
        let from_ms = first.saturating_sub(self.matrix.range_ms);
        let known = self.reader.read(selected, self.previous, from_ms, *last);
        self.previous = Some(selected);
        let columns = &mut self.reader.columns;
        let numbers = columns.integers || columns.rising;
        if numbers || !columns.values.iter().any(|value| is_stale(*value)) {
            return known;
        }
        let fresh = columns.points().filter(|point| !is_stale(point.value));
        let (times_ms, values) = fresh.map(|point| (point.t_ms, point.value)).unzip();
        *columns = Columns::new(times_ms, values);
        // the times are no longer those of the selection
        self.previous = None;
        false
    }

    fn slide(&mut self) {
        let times = &self.reader.columns.times_ms;
        let (mut from, mut to) = (0, 0);
        self.spans.clear();
        for end in self.ends_ms {
            while to < times.len() && times[to] <= *end {
                to += 1;
            }
            let start = end.saturating_sub(self.matrix.range_ms);
            while from < to && times[from] < start {
                from += 1;
            }
            self.spans.push((from, to));
        }
    }
}
