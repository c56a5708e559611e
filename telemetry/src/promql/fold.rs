//! Aggregations of a leaf's rows as they come: each value goes straight into its group, so that no row is kept. Rows come in the
//! order of their labels on every thread, so that sums do not depend on how many threads there are. Knows no selector.

use std::collections::HashMap;

use promql_parser::parser::token::{T_AVG, T_COUNT, T_GROUP, T_MAX, T_MIN, T_SUM};

use super::aggregate::Total;
use super::rows::{Rows, cell};
use super::threads;
use super::value::{Budget, Column};
use crate::error::QueryError;
use crate::metrics::labels::Labels;

/// Aggregations that need of the earlier values of a group only a few numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    Sum,
    Avg,
    Count,
    Group,
    Min,
    Max,
}

impl Fold {
    /// The fold of an aggregation's token, if it has one.
    pub fn of(id: u16) -> Option<Self> {
        Some(match id {
            T_SUM => Self::Sum,
            T_AVG => Self::Avg,
            T_COUNT => Self::Count,
            T_GROUP => Self::Group,
            T_MIN => Self::Min,
            T_MAX => Self::Max,
            _ => return None,
        })
    }

    /// What minimum or maximum keeps of two values: a number rather than a NaN, as Prometheus does.
    #[inline]
    pub fn keeps(self, kept: f64, value: f64) -> f64 {
        let beaten = match self {
            Self::Min => kept > value,
            _ => kept < value,
        };
        if beaten || kept.is_nan() { value } else { kept }
    }
}

/// What is known of one group, step by step.
struct Group {
    counts: Vec<u32>,
    /// Empty unless values are summed.
    totals: Vec<Total>,
    /// Empty unless the least or greatest is wanted.
    extremes: Vec<f64>,
}

impl Group {
    fn new(steps: usize, fold: Fold) -> Self {
        let room = |wanted: bool| if wanted { steps } else { 0 };
        let sums = matches!(fold, Fold::Sum | Fold::Avg);
        let extremes = matches!(fold, Fold::Min | Fold::Max);
        Self {
            counts: vec![0; steps],
            totals: vec![Total::default(); room(sums)],
            extremes: vec![f64::NAN; room(extremes)],
        }
    }

    fn add(&mut self, fold: Fold, values: &[f64]) {
        let present = values.iter().map(|value| cell(*value));
        let counted = present.zip(&mut self.counts);
        match fold {
            Fold::Count | Fold::Group => {
                for (value, count) in counted {
                    *count += u32::from(value.is_some());
                }
            }
            Fold::Sum | Fold::Avg => {
                for ((value, count), total) in counted.zip(&mut self.totals) {
                    if let Some(value) = value {
                        *count += 1;
                        total.add(value);
                    }
                }
            }
            Fold::Min | Fold::Max => {
                for ((value, count), kept) in counted.zip(&mut self.extremes) {
                    if let Some(value) = value {
                        *count += 1;
                        *kept = fold.keeps(*kept, value);
                    }
                }
            }
        }
    }

    /// The values, step by step; `None` for a mean that needs all its values again.
    fn cells(&self, fold: Fold) -> Option<Vec<Option<f64>>> {
        let cell = |(step, count): (usize, &u32)| {
            let count = f64::from(*count);
            if count == 0.0 {
                return Some(None);
            }
            Some(Some(match fold {
                Fold::Count => count,
                Fold::Group => 1.0,
                Fold::Avg => {
                    let total = self.totals[step].get();
                    // perhaps only the sum is beyond what a double holds
                    total.is_finite().then_some(total / count)?
                }
                Fold::Sum => self.totals[step].get(),
                Fold::Min | Fold::Max => self.extremes[step],
            }))
        };
        self.counts.iter().enumerate().map(cell).collect()
    }
}

/// Folds rows into groups, which come in the order of their first row. `None` when the rows must be kept after all: two of them
/// may have the same labels once the name is dropped, or a mean overflows.
pub(super) fn fold(
    rows: &Rows,
    steps: usize,
    fold: Fold,
    key: impl Fn(&Labels) -> Labels,
    budget: &Budget,
) -> Result<Option<Vec<Column>>, QueryError> {
    if rows.nameless()
        && (1..rows.len()).any(|row| rows.labels(row).name() != rows.labels(0).name())
    {
        return Ok(None);
    }
    let (groups, group_of) = grouped(rows, key);
    budget.visits(rows.len() * steps)?;
    let parts = threads::divided(steps, rows.threads(), |part| {
        let group = || Group::new(part.len(), fold);
        let mut folded: Vec<Group> = groups.iter().map(|_| group()).collect();
        rows.each(0..rows.len(), part.clone(), budget, |row, values| {
            folded[group_of[row]].add(fold, values);
        })?;
        Ok(folded)
    })?;
    let mut columns = Vec::with_capacity(groups.len());
    for (at, labels) in groups.into_iter().enumerate() {
        let mut cells = Vec::with_capacity(steps);
        for part in &parts {
            let Some(found) = part[at].cells(fold) else {
                return Ok(None);
            };
            cells.extend(found);
        }
        columns.push(Column { labels, cells });
    }
    columns.retain(|column| !column.is_blank());
    Ok(Some(columns))
}

/// The groups' labels, and the group of each row.
fn grouped(rows: &Rows, key: impl Fn(&Labels) -> Labels) -> (Vec<Labels>, Vec<usize>) {
    let mut at: HashMap<Labels, usize> = HashMap::new();
    let mut groups = Vec::new();
    let of = |row: usize| {
        let labels = rows.labels(row);
        let key = if rows.nameless() && !labels.name().is_empty() {
            key(&labels.without_name())
        } else {
            key(labels)
        };
        *at.entry(key).or_insert_with_key(|key| {
            groups.push(key.clone());
            groups.len() - 1
        })
    };
    let group_of = (0..rows.len()).map(of).collect();
    (groups, group_of)
}
