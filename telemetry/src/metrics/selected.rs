//! What a reader gets of a series: chunks that it shares with the store, unpacked when and as often as it wants.
//! Knows no store and no query language.

use std::sync::Arc;

use super::chunk::{Chunk, Columns};
use super::labels::Labels;
use super::packed::nature;

/// The samples of one series within the window that was asked for, in time order, stale markers included.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The series' labels.
    pub labels: Labels,
    chunks: Vec<Arc<Chunk>>,
    head_times_ms: Vec<i64>,
    head_values: Vec<f64>,
    samples: usize,
}

impl Selected {
    pub(super) fn new(
        labels: Labels,
        chunks: Vec<Arc<Chunk>>,
        head_times_ms: Vec<i64>,
        head_values: Vec<f64>,
    ) -> Self {
        Self {
            labels,
            chunks,
            head_times_ms,
            head_values,
            samples: 0,
        }
    }

    /// Counts the samples of the window that was asked for, which [`Selected::samples`] then tells.
    pub(super) fn counted(mut self, from_ms: i64, to_ms: i64) -> Self {
        self.samples = self.count(from_ms, to_ms);
        self
    }

    /// How many samples were selected.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    fn count(&self, from_ms: i64, to_ms: i64) -> usize {
        let sealed = self.chunks.iter().map(|c| c.samples_in(from_ms, to_ms));
        let before = self.head_times_ms.partition_point(|t| *t < from_ms);
        let until = self.head_times_ms.partition_point(|t| *t <= to_ms);
        sealed.sum::<usize>() + until.saturating_sub(before)
    }

    /// The samples with `from_ms <= t <= to_ms`, of those that were selected.
    #[must_use]
    pub fn columns(&self, from_ms: i64, to_ms: i64) -> Columns {
        let mut reader = Reader::default();
        reader.read(self, None, from_ms, to_ms);
        reader.columns
    }

    /// Whether all samples have the times of another series' samples.
    fn same_times(&self, other: &Self) -> bool {
        self.chunks.len() == other.chunks.len()
            && self.head_times_ms == other.head_times_ms
            && self
                .chunks
                .iter()
                .zip(&other.chunks)
                .all(|(a, b)| a.same_times(b))
    }
}

/// Unpacks one series after another into the same columns; times that two neighbours share are unpacked once.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub columns: Columns,
    /// How many unpacked samples were before the window, and how many are in it.
    skipped: usize,
    kept: usize,
}

impl Reader {
    /// Reads the samples of `from_ms..=to_ms`. `previous` is the series whose times, of the same window, are still in the
    /// columns. Returns whether they were taken over.
    pub fn read(
        &mut self,
        selected: &Selected,
        previous: Option<&Selected>,
        from_ms: i64,
        to_ms: i64,
    ) -> bool {
        let first = selected.chunks.partition_point(|c| c.last_ms < from_ms);
        let end = selected.chunks.partition_point(|c| c.first_ms <= to_ms);
        let chunks = selected.chunks.get(first..end).unwrap_or_default();
        let known = previous.is_some_and(|previous| selected.same_times(previous));
        let columns = &mut self.columns;
        columns.clear(!known);
        if !known {
            for chunk in chunks {
                chunk.read_times(&mut columns.times_ms);
            }
            columns.times_ms.extend_from_slice(&selected.head_times_ms);
            let until = columns.times_ms.partition_point(|t| *t <= to_ms);
            columns.times_ms.truncate(until);
            self.skipped = columns.times_ms.partition_point(|t| *t < from_ms);
            columns.times_ms.drain(..self.skipped);
            self.kept = columns.times_ms.len();
        }
        for chunk in chunks {
            let from = columns.values.len();
            let added = chunk.read_values(&mut columns.values);
            columns.add(from, added);
        }
        let from = columns.values.len();
        columns.values.extend_from_slice(&selected.head_values);
        columns.add(from, nature(&selected.head_values));
        columns.values.truncate(self.skipped + self.kept);
        columns.values.drain(..self.skipped);
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Point;
    use crate::metrics::series::Series;
    use proptest::prelude::*;

    fn series(points: &[(i64, f64)]) -> Series {
        let mut series = Series::new(Labels::empty());
        for (t_ms, value) in points {
            series.append(Point {
                t_ms: *t_ms,
                value: *value,
            });
        }
        series
    }

    proptest! {
        #[test]
        fn any_window_of_any_selection_has_its_samples_and_reuses_only_equal_times(
            gaps in prop::collection::vec(1_i64..5, 1..400),
            other in prop::option::of(0_usize..400),
            wide in (-10_i64..1500, -10_i64..1500), narrow in (-10_i64..1500, -10_i64..1500),
        ) {
            let mut t_ms = 0;
            let points: Vec<(i64, f64)> = gaps.iter().map(|gap| { t_ms += gap; (t_ms, (t_ms % 17) as f64) }).collect();
            let mut moved: Vec<(i64, f64)> = points.iter().map(|(t, v)| (*t, v + 0.5)).collect();
            if let Some(at) = other.filter(|at| *at < moved.len()) {
                moved.remove(at);
            }
            let (first, second) = (series(&points).view(wide.0, wide.1), series(&moved).view(wide.0, wide.1));
            let mut reader = Reader::default();
            let in_both = |(t, _): &&(i64, f64)| *t >= wide.0.max(narrow.0) && *t <= wide.1.min(narrow.1);
            let mut previous = None;
            for (view, points) in [(&first, &points), (&second, &moved), (&first, &points)] {
                reader.read(view, previous, narrow.0.max(wide.0), narrow.1.min(wide.1));
                let found: Vec<(i64, f64)> = reader.columns.points().map(|p| (p.t_ms, p.value)).collect();
                let expected: Vec<(i64, f64)> = points.iter().filter(in_both).copied().collect();
                prop_assert_eq!(view.count(narrow.0.max(wide.0), narrow.1.min(wide.1)), expected.len());
                prop_assert_eq!(found, expected);
                previous = Some(view);
            }
        }
    }
}
