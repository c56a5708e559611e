//! Views that are derived from what was received: a trace's critical path and repeated spans, two traces
//! compared, what is different about some traces, log patterns and which are new, RED and USE. Each is a
//! function of a snapshot of the store with a bounded answer that says which limits it met. Knows no HTTP.
//!
//! The service graph is `crate::graph`.

pub mod attributes;
pub mod compare;
pub mod critical;
#[cfg(test)]
pub(crate) mod fixture;
pub mod patterns;
pub mod red;
pub mod repeated;
pub mod resources;
mod significance;
mod tree;

use serde::Serialize;

pub use attributes::{Of, OverRepresented, over_represented};
pub use compare::{Comparison, compare};
pub use critical::{CriticalPath, critical_path};
pub use patterns::{PatternCounts, Patterns, pattern_counts, patterns};
pub use red::{Red, red};
pub use repeated::{Repeated, repeated};
pub use resources::{Use, resources};

/// Rows of an answer at most.
pub const ROWS_MAX: usize = 1000;

/// Spans named in an answer at most.
pub const SPANS_MAX: usize = 10_000;

/// A limit that an answer met: it is of `shown` of the `held` things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// What there was too much of.
    pub what: &'static str,
    /// How many are in the answer, or were looked at for it.
    pub shown: usize,
    /// How many there are, as far as they were counted.
    pub held: usize,
}

impl Cut {
    pub(crate) fn new(what: &'static str, shown: usize, held: usize) -> Self {
        Self { what, shown, held }
    }
}

/// Keeps the first `max` rows and notes it.
fn most<T>(rows: &mut Vec<T>, max: usize, what: &'static str, limits: &mut Vec<Cut>) {
    if rows.len() > max {
        limits.push(Cut::new(what, max, rows.len()));
        rows.truncate(max);
    }
}
