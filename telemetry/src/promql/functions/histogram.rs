//! Quantiles of classic histograms: buckets with the label `le`. The formula is Prometheus' `bucketQuantile`.
//! Native histograms are not held; their functions answer as Prometheus does for float samples.

use std::collections::HashMap;

use promql_parser::parser::Call;
use promql_parser::parser::value::ValueType;

use super::{Column, Evaluator, QueryError, Value, argument};
use crate::metrics::labels::{Labels, METRIC_NAME};

const BUCKET_LABEL: &str = "le";

pub(super) fn quantile(evaluator: &Evaluator<'_>, call: &Call) -> Result<Value, QueryError> {
    let phi = evaluator.scalar(argument(call, ValueType::Scalar)?)?;
    let columns = evaluator.vector(argument(call, ValueType::Vector)?)?;
    evaluator.budget.visits(columns.len() * phi.len())?;
    let mut at: HashMap<Labels, usize> = HashMap::new();
    let mut histograms: Vec<(Labels, Vec<(f64, &Column)>)> = Vec::new();
    for column in &columns {
        // an element without a readable bound is no bucket
        let Some(bound) = column
            .labels
            .get(BUCKET_LABEL)
            .and_then(crate::promql::parse_value)
        else {
            continue;
        };
        let labels = column
            .labels
            .filtered(|name| name != BUCKET_LABEL && name != METRIC_NAME);
        let index = *at.entry(labels.clone()).or_insert_with(|| {
            histograms.push((labels, Vec::new()));
            histograms.len() - 1
        });
        histograms[index].1.push((bound, column));
    }
    let quantiles = histograms.into_iter().map(|(labels, mut buckets)| {
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut present = Vec::with_capacity(buckets.len());
        let cell = |(step, phi): (usize, &f64)| {
            present.clear();
            present.extend(
                buckets
                    .iter()
                    .filter_map(|(bound, column)| Some((*bound, column.cells[step]?))),
            );
            (!present.is_empty()).then(|| of_buckets(*phi, &mut present))
        };
        Column {
            labels,
            cells: phi.iter().enumerate().map(cell).collect(),
        }
    });
    Ok(Value::Vector(quantiles.collect()))
}

/// Functions of native histograms pass over float samples; the argument is still evaluated, for its errors.
pub(super) fn native(evaluator: &Evaluator<'_>, call: &Call) -> Result<Value, QueryError> {
    evaluator.vector(argument(call, ValueType::Vector)?)?;
    Ok(Value::Vector(Vec::new()))
}

/// `buckets` are (upper bound, cumulative count), sorted by bound.
fn of_buckets(phi: f64, buckets: &mut Vec<(f64, f64)>) -> f64 {
    if phi.is_nan() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    if buckets
        .last()
        .is_none_or(|(bound, _)| *bound != f64::INFINITY)
    {
        return f64::NAN;
    }
    // equal bounds (0.1 and 0.10) are one bucket; counts that fall, as rates of racing scrapes do, are lifted
    buckets.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 += later.1;
        }
        same
    });
    let mut highest = buckets[0].1;
    for (_, count) in buckets.iter_mut() {
        if *count > highest {
            highest = *count;
        } else if *count < highest {
            *count = highest;
        }
    }
    let last = buckets.len() - 1;
    let observations = buckets[last].1;
    if last == 0 || observations == 0.0 {
        return f64::NAN;
    }
    let mut rank = phi * observations;
    let index = first_reaching(&buckets[..last], rank);
    if index == last {
        return buckets[last - 1].0;
    }
    let (end, mut count) = buckets[index];
    if index == 0 && end <= 0.0 {
        return end;
    }
    let mut start = 0.0;
    if index > 0 {
        let (before, below) = buckets[index - 1];
        (start, count, rank) = (before, count - below, rank - below);
    }
    start + (end - start) * (rank / count)
}

/// The first bucket whose count reaches `rank`, by the halving of Go's `sort.Search`: where counts are not numbers, the way
/// of halving decides what is found.
fn first_reaching(buckets: &[(f64, f64)], rank: f64) -> usize {
    let (mut from, mut to) = (0, buckets.len());
    while from < to {
        let middle = from.midpoint(to);
        if buckets[middle].1 >= rank {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    from
}
