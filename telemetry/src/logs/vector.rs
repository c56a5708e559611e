//! Sets of series step by step: aggregations over them and operators between them. Knows no lines.

use std::collections::HashMap;

use super::ast::{Binary, BinaryOp, VectorAggregation, VectorOp};
use super::record::Labels;

/// The value of each step, where there is one.
pub type Steps = Vec<Option<f64>>;

/// What an expression amounts to.
#[derive(Debug, Clone)]
pub enum Value {
    /// The same number at every step.
    Scalar(f64),
    /// Series with distinct labels.
    Vector(Vec<(Labels, Steps)>),
}

/// Aggregates over series.
#[must_use]
pub fn aggregate(
    aggregation: &VectorAggregation,
    inner: Value,
    steps: usize,
) -> Vec<(Labels, Steps)> {
    let mut series = match inner {
        Value::Scalar(number) => vec![(Vec::new(), vec![Some(number); steps])],
        Value::Vector(series) => series,
    };
    match aggregation.op {
        VectorOp::Sort => {
            series.sort_by(|a, b| first(&a.1).total_cmp(&first(&b.1)));
            return series;
        }
        VectorOp::SortDesc => {
            series.sort_by(|a, b| first(&b.1).total_cmp(&first(&a.1)));
            return series;
        }
        _ => {}
    }
    let mut groups: Vec<(Labels, Vec<(Labels, Steps)>)> = Vec::new();
    let mut known: HashMap<Labels, usize> = HashMap::new();
    for (labels, values) in series {
        let key = group_labels(aggregation, &labels);
        let at = *known.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push((labels, values));
    }
    if matches!(aggregation.op, VectorOp::Topk | VectorOp::Bottomk) {
        let kept = groups
            .into_iter()
            .flat_map(|(_, members)| keep(aggregation, members, steps));
        return kept.collect();
    }
    let fold = |members: &[(Labels, Steps)], step: usize| {
        let values: Vec<f64> = members.iter().filter_map(|member| member.1[step]).collect();
        (!values.is_empty()).then(|| fold(aggregation.op, &values))
    };
    groups
        .into_iter()
        .map(|(labels, members)| {
            (
                labels,
                (0..steps).map(|step| fold(&members, step)).collect(),
            )
        })
        .collect()
}

fn first(values: &Steps) -> f64 {
    values.iter().flatten().copied().next().unwrap_or(f64::NAN)
}

fn group_labels(aggregation: &VectorAggregation, labels: &Labels) -> Labels {
    let Some(grouping) = &aggregation.grouping else {
        return Vec::new();
    };
    let named = |(name, _): &&(String, String)| grouping.labels.contains(name) != grouping.without;
    labels.iter().filter(named).cloned().collect()
}

/// Drops, step by step, all but the k largest or smallest.
fn keep(
    aggregation: &VectorAggregation,
    mut members: Vec<(Labels, Steps)>,
    steps: usize,
) -> Vec<(Labels, Steps)> {
    for step in 0..steps {
        let mut ranked: Vec<(usize, f64)> = members
            .iter()
            .enumerate()
            .filter_map(|(index, member)| Some((index, member.1[step]?)))
            .collect();
        ranked.sort_by(|a, b| match aggregation.op {
            VectorOp::Topk => b.1.total_cmp(&a.1),
            _ => a.1.total_cmp(&b.1),
        });
        for (index, _) in ranked.into_iter().skip(aggregation.k) {
            members[index].1[step] = None;
        }
    }
    members.retain(|member| member.1.iter().any(Option::is_some));
    match aggregation.op {
        VectorOp::Topk => members.sort_by(|a, b| first(&b.1).total_cmp(&first(&a.1))),
        _ => members.sort_by(|a, b| first(&a.1).total_cmp(&first(&b.1))),
    }
    members
}

/// One group at one step; `values` is not empty.
fn fold(op: VectorOp, values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let sum: f64 = values.iter().sum();
    let variance = || {
        let mean = sum / count;
        values
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum::<f64>()
            / count
    };
    match op {
        VectorOp::Avg => sum / count,
        VectorOp::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        VectorOp::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        VectorOp::Count => count,
        VectorOp::Stddev => variance().sqrt(),
        VectorOp::Stdvar => variance(),
        VectorOp::Sum
        | VectorOp::Topk
        | VectorOp::Bottomk
        | VectorOp::Sort
        | VectorOp::SortDesc => sum,
    }
}

/// Applies an operator. Series pair up by equal labels; one without a partner is dropped.
#[must_use]
pub fn binary(operation: &Binary, left: Value, right: Value) -> Value {
    let one = |left: f64, right: f64, keep: f64| apply(operation, left, right, keep);
    match (left, right) {
        // between numbers a comparison is always 0 or 1
        (Value::Scalar(left), Value::Scalar(right)) => Value::Scalar(match operation.op {
            BinaryOp::Compare(compare) => f64::from(u8::from(compare.holds(&left, &right))),
            _ => one(left, right, left).unwrap_or(f64::NAN),
        }),
        (Value::Vector(series), Value::Scalar(number)) => {
            map(series, |value| one(value, number, value))
        }
        (Value::Scalar(number), Value::Vector(series)) => {
            map(series, |value| one(number, value, value))
        }
        (Value::Vector(left), Value::Vector(right)) => {
            let mut partners: HashMap<Labels, Steps> = right.into_iter().collect();
            let pair = |(labels, values): (Labels, Steps)| {
                let partner = partners.remove(&labels)?;
                let both = values.into_iter().zip(partner);
                let values = both
                    .map(|(left, right)| one(left?, right?, left?))
                    .collect();
                Some((labels, values))
            };
            Value::Vector(left.into_iter().filter_map(pair).collect())
        }
    }
}

fn map(series: Vec<(Labels, Steps)>, each: impl Fn(f64) -> Option<f64>) -> Value {
    let one = |(labels, values): (Labels, Steps)| {
        let values = values.into_iter().map(|value| each(value?)).collect();
        (labels, values)
    };
    Value::Vector(series.into_iter().map(one).collect())
}

/// The result, or `None` where a comparison drops it; `keep` is what a passed comparison keeps.
fn apply(operation: &Binary, left: f64, right: f64, keep: f64) -> Option<f64> {
    Some(match operation.op {
        BinaryOp::Add => left + right,
        BinaryOp::Subtract => left - right,
        BinaryOp::Multiply => left * right,
        BinaryOp::Divide => left / right,
        BinaryOp::Modulo => left % right,
        BinaryOp::Power => left.powf(right),
        BinaryOp::Compare(compare) => {
            let holds = compare.holds(&left, &right);
            if operation.returns_bool {
                return Some(f64::from(u8::from(holds)));
            }
            return holds.then_some(keep);
        }
    })
}
