//! The leaves of a query, row by row: a selector, or a function of a range vector, gives one value a step for each series. Rows are
//! kept as columns, or folded into groups as they come and never kept. Knows no operator and no group.

use std::ops::Range;

use super::eval::LOOKBACK_MS;
use super::functions::{Over, Steps};
use super::matrix::{Matrix, Windows};
use super::threads;
use super::value::{Budget, Column, Grid};
use crate::error::QueryError;
use crate::metrics::chunk::stale_marker;
use crate::metrics::labels::Labels;
use crate::metrics::{Columns, Reader, Selected};

/// Stands in a row where there is no value: the stale marker, which no selector and no function yields.
#[inline]
pub(super) fn absent() -> f64 {
    stale_marker()
}

/// A row's value as a column's cell.
#[inline]
pub(super) fn cell(value: f64) -> Option<f64> {
    (!crate::metrics::chunk::is_stale(value)).then_some(value)
}

/// What an instant selector reads of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    Value,
    /// Seconds since the epoch.
    Time,
}

/// A leaf that is ready to be computed.
pub(super) enum Rows {
    /// Per step the newest sample within the lookback, unless it is a stale marker.
    Instant {
        series: Vec<Selected>,
        ends_ms: Vec<i64>,
        read: Read,
    },
    /// A function of the windows of a range vector.
    Range {
        matrix: Matrix,
        over: Over,
        scalars: Vec<Vec<f64>>,
        grid: Grid,
    },
}

impl Rows {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Instant { series, .. } => series.len(),
            Self::Range { matrix, .. } => matrix.series.len(),
        }
    }

    /// The labels of a row before a function dropped the name.
    pub fn labels(&self, row: usize) -> &Labels {
        match self {
            Self::Instant { series, .. } => &series[row].labels,
            Self::Range { matrix, .. } => &matrix.series[row].0,
        }
    }

    /// Whether the rows have no name.
    pub fn nameless(&self) -> bool {
        matches!(self, Self::Range { over, .. } if !over.keeps_name)
    }

    /// How many threads the rows are worth.
    pub fn threads(&self) -> usize {
        threads::worth(match self {
            Self::Instant { series, .. } => series.iter().map(Selected::samples).sum(),
            Self::Range { matrix, .. } => matrix.samples(),
        })
    }

    /// Calls `each(row, values)` for the given rows, with the values of the given steps.
    pub fn each(
        &self,
        rows: Range<usize>,
        steps: Range<usize>,
        budget: &Budget,
        mut each: impl FnMut(usize, &[f64]),
    ) -> Result<(), QueryError> {
        let mut values = vec![absent(); steps.len()];
        match self {
            Self::Instant {
                series,
                ends_ms,
                read,
            } => {
                let mut newest = Newest::new(&ends_ms[steps], *read);
                for row in rows {
                    newest.read(&series[row], &mut values);
                    each(row, &values);
                }
            }
            Self::Range {
                matrix,
                over,
                scalars,
                grid,
            } => {
                let at = Steps {
                    first: steps.start,
                    grid: *grid,
                    scalars,
                };
                let mut pass = over.pass(at);
                let mut windows = Windows::new(matrix, steps);
                let (mut version, mut visits) = (0, 0);
                for row in rows {
                    let loaded = windows.load(row);
                    if version != loaded.times_version {
                        version = loaded.times_version;
                        visits = loaded.spans.iter().map(|(from, to)| to - from).sum();
                    }
                    budget.visits(visits)?;
                    pass.row(&loaded, &mut values)?;
                    each(row, &values);
                }
            }
        }
        Ok(())
    }

    /// All rows as columns, those without any value left out.
    pub fn columns(&self, steps: usize, budget: &Budget) -> Result<Vec<Column>, QueryError> {
        let parts = threads::divided(self.len(), self.threads(), |part| {
            let mut columns = Vec::with_capacity(part.len());
            self.each(part, 0..steps, budget, |row, values| {
                let cells: Vec<Option<f64>> = values.iter().map(|value| cell(*value)).collect();
                if cells.iter().any(Option::is_some) {
                    let labels = self.labels(row);
                    let labels = if self.nameless() {
                        labels.without_name()
                    } else {
                        labels.clone()
                    };
                    columns.push(Column { labels, cells });
                }
            })?;
            Ok(columns)
        })?;
        Ok(parts.into_iter().flatten().collect())
    }
}

/// Finds the newest sample for each step; where, is worked out once for neighbours that share their times.
struct Newest<'r> {
    ends_ms: &'r [i64],
    read: Read,
    reader: Reader,
    previous: Option<&'r Selected>,
    /// The place of the newest sample for each step, if it is fresh.
    places: Vec<Option<usize>>,
}

impl<'r> Newest<'r> {
    fn new(ends_ms: &'r [i64], read: Read) -> Self {
        Self {
            ends_ms,
            read,
            reader: Reader::default(),
            previous: None,
            places: Vec::new(),
        }
    }

    fn read(&mut self, selected: &'r Selected, out: &mut [f64]) {
        let (Some(first), Some(last)) = (self.ends_ms.first(), self.ends_ms.last()) else {
            return;
        };
        let from_ms = first.saturating_sub(LOOKBACK_MS);
        let known = self.reader.read(selected, self.previous, from_ms, *last);
        self.previous = Some(selected);
        let Columns {
            times_ms, values, ..
        } = &self.reader.columns;
        if !known {
            let mut next = 0;
            let place = |end: &i64| {
                while next < times_ms.len() && times_ms[next] <= *end {
                    next += 1;
                }
                let newest = next.checked_sub(1)?;
                (times_ms[newest] >= end.saturating_sub(LOOKBACK_MS)).then_some(newest)
            };
            self.places.clear();
            self.places.extend(self.ends_ms.iter().map(place));
        }
        for (out, place) in out.iter_mut().zip(&self.places) {
            // a stale marker is already what stands for no value
            *out = match (place, self.read) {
                (None, _) => absent(),
                (Some(place), Read::Value) => values[*place],
                (Some(place), Read::Time) => match cell(values[*place]) {
                    Some(_) => times_ms[*place] as f64 / 1000.0,
                    None => absent(),
                },
            };
        }
    }
}
