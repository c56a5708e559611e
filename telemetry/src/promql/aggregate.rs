//! Aggregations: `sum by (…)` and its kin, over columns. Knows no selector and no time.

use std::collections::HashMap;

use promql_parser::parser::token::{
    T_AVG, T_BOTTOMK, T_COUNT, T_COUNT_VALUES, T_GROUP, T_MAX, T_MIN, T_QUANTILE, T_STDDEV,
    T_STDVAR, T_SUM, T_TOPK,
};
use promql_parser::parser::{AggregateExpr, Expr, LabelModifier};

use super::eval::Evaluator;
use super::fold::{Fold, fold};
use super::format_value;
use super::rollups;
use super::rows::Rows;
use super::value::{Column, Value};
use crate::error::QueryError;
use crate::metrics::labels::{Labels, METRIC_NAME};

pub(super) fn eval(
    evaluator: &Evaluator<'_>,
    aggregation: &AggregateExpr,
) -> Result<Vec<Column>, QueryError> {
    let steps = evaluator.grid.count;
    let key = |labels: &Labels| group_key(labels, aggregation.modifier.as_ref());
    let columns = match Fold::of(aggregation.op.id()) {
        Some(of) => match folded(evaluator, aggregation, of, key)? {
            Folded::Done(columns) => return Ok(columns),
            Folded::Rows(rows) => evaluator.columns(&rows)?,
            Folded::NoLeaf => evaluator.vector(&aggregation.expr)?,
        },
        None => evaluator.vector(&aggregation.expr)?,
    };
    evaluator.budget.visits(columns.len() * steps)?;
    let param = |what: &str| match &aggregation.param {
        Some(param) => evaluator.scalar(param),
        None => Err(QueryError::Execution(format!("{what} needs a parameter"))),
    };
    match aggregation.op.id() {
        T_TOPK | T_BOTTOMK => {
            let most = aggregation.op.id() == T_TOPK;
            rank(columns, &param("topk")?, key, most)
        }
        T_QUANTILE => {
            let phi = param("quantile")?;
            Ok(reduce(columns, steps, key, |step, values| {
                quantile(phi[step], values)
            }))
        }
        T_COUNT_VALUES => {
            let Some(Value::Text(label)) = aggregation
                .param
                .as_deref()
                .map(|p: &Expr| evaluator.eval(p))
                .transpose()?
            else {
                return Err(QueryError::Execution(
                    "count_values needs a label name as its first argument".into(),
                ));
            };
            count_values(&columns, steps, key, &label)
        }
        id => {
            let of = reducer(id).ok_or_else(|| {
                QueryError::Execution(format!(
                    "the aggregation {} is not supported",
                    aggregation.op
                ))
            })?;
            Ok(reduce(columns, steps, key, |_, values| of(values)))
        }
    }
}

enum Folded {
    Done(Vec<Column>),
    /// A leaf, but its rows must be kept.
    Rows(Rows),
    NoLeaf,
}

/// Folds the rows of a leaf, those steps left out whose aggregation was kept from an earlier query.
fn folded(
    evaluator: &Evaluator<'_>,
    aggregation: &AggregateExpr,
    of: Fold,
    group: impl Fn(&Labels) -> Labels,
) -> Result<Folded, QueryError> {
    let grid = evaluator.grid;
    let shift_ms = rollups::shift_ms(&aggregation.expr);
    let kept = evaluator.rollups.zip(shift_ms).map(|(rollups, shift_ms)| {
        let last_ms = grid.time(grid.count.saturating_sub(1));
        let last_ms = last_ms.saturating_sub(shift_ms);
        // watched from before the samples are read until something changes
        let watch = evaluator.store.watch(last_ms, rollups::SETTLED_MS);
        let key = rollups::key(aggregation, grid);
        let (steps, columns) = rollups.get(&key, watch.disturbances, grid);
        let settled_ms = watch.until_ms.saturating_add(shift_ms);
        (rollups, key, watch, grid.until(settled_ms), steps, columns)
    });
    let known = kept.as_ref().map_or(0, |(.., steps, _)| *steps);
    let mut rest = Vec::new();
    if known < grid.count {
        let part = Evaluator {
            grid: grid.from(known),
            ..*evaluator
        };
        let Some(rows) = part.rows(&aggregation.expr)? else {
            return Ok(Folded::NoLeaf);
        };
        rest = match fold(&rows, part.grid.count, of, group, evaluator.budget)? {
            Some(columns) => columns,
            None if known == 0 => return Ok(Folded::Rows(rows)),
            None => {
                let rows = evaluator.rows(&aggregation.expr)?;
                return Ok(rows.map_or(Folded::NoLeaf, Folded::Rows));
            }
        };
    }
    let Some((rollups, key, watch, settled, known, first)) = kept else {
        return Ok(Folded::Done(rest));
    };
    let mut columns = rollups::joined(first, known, rest, grid.count);
    columns.retain(|column| !column.is_blank());
    if settled > known {
        rollups.keep(key, watch.disturbances, grid.start_ms, settled, &columns);
    }
    Ok(Folded::Done(columns))
}

fn reducer(id: u16) -> Option<fn(&mut Vec<f64>) -> f64> {
    Some(match id {
        T_SUM => |values| sum(values.iter().copied()),
        T_AVG => |values| mean(values),
        T_COUNT => |values| values.len() as f64,
        T_GROUP => |_| 1.0,
        T_MIN => |values| extreme(Fold::Min, values),
        T_MAX => |values| extreme(Fold::Max, values),
        T_STDVAR => |values| variance(values),
        T_STDDEV => |values| variance(values).sqrt(),
        _ => return None,
    })
}

fn group_key(labels: &Labels, modifier: Option<&LabelModifier>) -> Labels {
    match modifier {
        None => Labels::empty(),
        Some(LabelModifier::Include(by)) => {
            labels.filtered(|name| by.labels.iter().any(|l| l == name))
        }
        Some(LabelModifier::Exclude(without)) => {
            labels.filtered(|name| name != METRIC_NAME && !without.labels.iter().any(|l| l == name))
        }
    }
}

/// The columns' indices by group, groups in order of first appearance.
fn groups(columns: &[Column], key: impl Fn(&Labels) -> Labels) -> Vec<(Labels, Vec<usize>)> {
    let mut at: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<(Labels, Vec<usize>)> = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let key = key(&column.labels);
        let group = *at.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(index);
    }
    groups
}

fn reduce(
    columns: Vec<Column>,
    steps: usize,
    key: impl Fn(&Labels) -> Labels,
    of: impl Fn(usize, &mut Vec<f64>) -> f64,
) -> Vec<Column> {
    let mut values = Vec::new();
    let reduced = groups(&columns, key).into_iter().map(|(labels, members)| {
        let cell = |step: usize| {
            values.clear();
            values.extend(members.iter().filter_map(|m| columns[*m].cells[step]));
            (!values.is_empty()).then(|| of(step, &mut values))
        };
        Column {
            labels,
            cells: (0..steps).map(cell).collect(),
        }
    });
    reduced.collect()
}

/// `topk` and `bottomk`: the columns keep their labels. With one step they come best first.
fn rank(
    columns: Vec<Column>,
    k: &[f64],
    key: impl Fn(&Labels) -> Labels,
    most: bool,
) -> Result<Vec<Column>, QueryError> {
    if let Some(bad) = k.iter().find(|k| k.is_nan() || k.abs() >= 9.2e18) {
        return Err(QueryError::Execution(format!(
            "scalar value {} overflows int64",
            format_value(*bad)
        )));
    }
    let mut kept: Vec<Column> = columns
        .iter()
        .map(|c| Column {
            labels: c.labels.clone(),
            cells: vec![None; c.cells.len()],
        })
        .collect();
    let mut order = Vec::with_capacity(columns.len());
    for (_, members) in groups(&columns, key) {
        for (step, k) in k.iter().enumerate() {
            let present = members
                .iter()
                .filter_map(|m| Some((*m, columns[*m].cells[step]?)));
            for (member, value) in best(present, k.max(0.0) as usize, most) {
                kept[member].cells[step] = Some(value);
                order.push(member);
            }
        }
    }
    if k.len() == 1 {
        return Ok(order
            .into_iter()
            .map(|member| kept[member].clone())
            .collect());
    }
    kept.retain(|column| !column.is_blank());
    Ok(kept)
}

/// The `k` best of some values, best first, NaN last. Among equal ones it keeps those that Prometheus keeps, whose heap
/// this is (Go's `container/heap`, the worst on top).
fn best(values: impl Iterator<Item = (usize, f64)>, k: usize, most: bool) -> Vec<(usize, f64)> {
    let beats = |a: f64, b: f64| if most { a > b } else { a < b };
    let worse = |a: f64, b: f64| a.is_nan() || beats(b, a);
    let mut heap: Vec<(usize, f64)> = Vec::new();
    for value in values {
        if heap.len() < k {
            heap.push(value);
            let mut at = heap.len() - 1;
            while at > 0 && worse(heap[at].1, heap[(at - 1) / 2].1) {
                heap.swap(at, (at - 1) / 2);
                at = (at - 1) / 2;
            }
        } else if k > 0 && (beats(value.1, heap[0].1) || (heap[0].1.is_nan() && !value.1.is_nan()))
        {
            heap[0] = value;
            let mut at = 0;
            loop {
                let (left, right) = (2 * at + 1, 2 * at + 2);
                let Some(mut child) = (left < k).then_some(left) else {
                    break;
                };
                if right < k && worse(heap[right].1, heap[left].1) {
                    child = right;
                }
                if !worse(heap[child].1, heap[at].1) {
                    break;
                }
                heap.swap(at, child);
                at = child;
            }
        }
    }
    let order = |a: f64, b: f64| {
        let by_value = a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal);
        a.is_nan()
            .cmp(&b.is_nan())
            .then(if most { by_value.reverse() } else { by_value })
    };
    heap.sort_by(|(_, a), (_, b)| order(*a, *b));
    heap
}

fn count_values(
    columns: &[Column],
    steps: usize,
    key: impl Fn(&Labels) -> Labels,
    label: &str,
) -> Result<Vec<Column>, QueryError> {
    if !is_label_name(label) {
        return Err(QueryError::Execution(format!(
            "invalid label name {label:?} in count_values"
        )));
    }
    let mut at: HashMap<Labels, usize> = HashMap::new();
    let mut counted: Vec<Column> = Vec::new();
    for column in columns {
        let group = key(&column.labels);
        for (step, value) in column
            .cells
            .iter()
            .enumerate()
            .filter_map(|(step, cell)| Some((step, (*cell)?)))
        {
            let labels = group.with(label, &format_value(value));
            let index = *at.entry(labels.clone()).or_insert_with(|| {
                counted.push(Column {
                    labels,
                    cells: vec![None; steps],
                });
                counted.len() - 1
            });
            let cell = &mut counted[index].cells[step];
            *cell = Some(cell.unwrap_or(0.0) + 1.0);
        }
    }
    Ok(counted)
}

/// Whether a text can be a label's name in the exposition format's classic character set.
pub(crate) fn is_label_name(text: &str) -> bool {
    !text.contains(':') && is_metric_name(text)
}

/// Whether a text can be a metric's name there: as a label's, and `:` may stand anywhere.
pub(crate) fn is_metric_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b':';
    let digit_first = text.starts_with(|c: char| c.is_ascii_digit());
    !text.is_empty() && !digit_first && text.bytes().all(fits)
}

/// A sum with Neumaier's compensation, as Prometheus' `kahanSumInc`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Total {
    sum: f64,
    lost: f64,
}

impl Total {
    #[inline]
    pub fn add(&mut self, value: f64) {
        let next = self.sum + value;
        if next.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.lost += (self.sum - next) + value;
        } else {
            self.lost += (value - next) + self.sum;
        }
        self.sum = next;
    }

    #[inline]
    pub fn get(self) -> f64 {
        self.sum + self.lost
    }
}

/// The compensated sum of values.
pub(super) fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut total = Total::default();
    for value in values {
        total.add(value);
    }
    total.get()
}

/// The least or the greatest value.
pub(super) fn extreme(fold: Fold, values: &[f64]) -> f64 {
    let values = values.iter().copied();
    values.fold(f64::NAN, |kept, value| fold.keeps(kept, value))
}

/// Mean; where the sum overflows, the incremental mean.
pub(super) fn mean(values: &[f64]) -> f64 {
    let total = sum(values.iter().copied());
    if total.is_finite() || values.iter().any(|v| !v.is_finite()) {
        return total / values.len() as f64;
    }
    values.iter().enumerate().fold(0.0, |mean, (at, v)| {
        mean + (v / (at + 1) as f64 - mean / (at + 1) as f64)
    })
}

/// Population variance by Welford's method.
pub(super) fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        let delta = value - mean;
        mean += delta / (at + 1) as f64;
        squares += delta * (value - mean);
    }
    squares / values.len() as f64
}

/// The φ-quantile by linear interpolation between ranks: Prometheus' `quantile`. Sorts `values`.
pub(super) fn quantile(phi: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || phi.is_nan() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    // NaN sorts first, as Prometheus' vectorByValueHeap has it
    values.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b)));
    let rank = phi * (values.len() - 1) as f64;
    let lower = rank.floor().max(0.0) as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}
