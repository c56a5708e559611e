//! The values between evaluation steps: columns over the steps of a query. Knows no operator.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::QueryError;
use crate::metrics::labels::Labels;

/// The times at which a query is evaluated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub start_ms: i64,
    pub step_ms: i64,
    pub count: usize,
}

impl Grid {
    pub fn time(&self, step: usize) -> i64 {
        self.start_ms + self.step_ms * step as i64
    }

    /// The steps from one on.
    pub fn from(&self, step: usize) -> Self {
        Self {
            start_ms: self.time(step),
            step_ms: self.step_ms,
            count: self.count - step,
        }
    }

    /// How many of the steps are not after a time.
    pub fn until(&self, last_ms: i64) -> usize {
        let after = i128::from(last_ms) - i128::from(self.start_ms);
        let steps = after.div_euclid(i128::from(self.step_ms)) + 1;
        usize::try_from(steps.max(0)).map_or(self.count, |steps| steps.min(self.count))
    }

    pub fn times(&self) -> impl Iterator<Item = i64> {
        let grid = *self;
        (0..grid.count).map(move |step| grid.time(step))
    }
}

/// One series over the steps; `None` where it has no value.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub labels: Labels,
    pub cells: Vec<Option<f64>>,
}

impl Column {
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(Option::is_none)
    }
}

/// What an expression of type scalar, vector or string evaluates to.
#[derive(Debug)]
pub(super) enum Value {
    /// One number a step.
    Scalar(Vec<f64>),
    /// Series over the steps.
    Vector(Vec<Column>),
    /// A string literal.
    Text(String),
}

/// What a query may cost. At a limit the query ends with an error that says so.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Samples that a query may load and produce together (16 to 24 bytes each).
    pub samples: u64,
    /// Samples that a query may visit while its windows slide: the stand-in for a timeout that needs no clock.
    pub visits: u64,
    /// Points per series of a range query, after the first: Prometheus' own 11,000.
    pub points_per_series: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            samples: 8_000_000,
            visits: 400_000_000,
            points_per_series: 11_000,
        }
    }
}

/// What is left of the limits in one query, shared by the threads that work on it.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    samples: AtomicU64,
    visits: AtomicU64,
}

impl Budget {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            samples: AtomicU64::new(0),
            visits: AtomicU64::new(0),
        }
    }

    pub fn samples(&self, count: usize) -> Result<(), QueryError> {
        let before = self.samples.fetch_add(count as u64, Ordering::Relaxed);
        if before + count as u64 > self.limits.samples {
            return Err(QueryError::Limit(format!(
                "the query needs more than {} samples: narrow the selector, the range or the step",
                self.limits.samples
            )));
        }
        Ok(())
    }

    pub fn visits(&self, count: usize) -> Result<(), QueryError> {
        let before = self.visits.fetch_add(count as u64, Ordering::Relaxed);
        if before + count as u64 > self.limits.visits {
            return Err(QueryError::Limit(format!(
                "the query visits more than {} samples: shorten the range in brackets or enlarge the step",
                self.limits.visits
            )));
        }
        Ok(())
    }
}

/// Joins columns of equal labels, which appear when a label or the name was dropped.
///
/// # Errors
/// When two of them have a value at the same step: Prometheus' "vector cannot contain metrics with the same labelset".
pub(super) fn merge_equal(columns: Vec<Column>) -> Result<Vec<Column>, QueryError> {
    let mut at: HashMap<Labels, usize> = HashMap::with_capacity(columns.len());
    let mut merged: Vec<Column> = Vec::with_capacity(columns.len());
    for column in columns {
        if let Some(first) = at.get(&column.labels) {
            let target = &mut merged[*first];
            for (cell, other) in target.cells.iter_mut().zip(column.cells) {
                if cell.is_some() && other.is_some() {
                    return Err(same_labelset());
                }
                *cell = cell.or(other);
            }
        } else {
            at.insert(column.labels.clone(), merged.len());
            merged.push(column);
        }
    }
    Ok(merged)
}

/// Refuses two series of equal labels even where they never have a value at the same step, as Prometheus does for functions
/// of ranges and for negation: their results are series, not samples of one step.
///
/// # Errors
/// "vector cannot contain metrics with the same labelset".
pub(super) fn distinct(columns: Vec<Column>) -> Result<Vec<Column>, QueryError> {
    let mut seen = HashSet::with_capacity(columns.len());
    if columns.iter().all(|column| seen.insert(&column.labels)) {
        drop(seen);
        return Ok(columns);
    }
    Err(same_labelset())
}

fn same_labelset() -> QueryError {
    QueryError::Execution("vector cannot contain metrics with the same labelset".into())
}
