//! Functions that need more than one value or window: the clock, presence, order, conversion.

use promql_parser::parser::{Call, Expr};

use super::{Column, Evaluator, QueryError, Value};
use crate::metrics::labels::Labels;
use crate::promql::eval::demanded_labels;
use crate::promql::matrix::Windows;
use crate::promql::rows::Read;

fn unlabelled(cells: Vec<Option<f64>>) -> Value {
    Value::Vector(vec![Column {
        labels: Labels::empty(),
        cells,
    }])
}

#[allow(clippy::unnecessary_wraps, reason = "the registry's signature")]
pub(super) fn time(evaluator: &Evaluator<'_>, _: &Call) -> Result<Value, QueryError> {
    Ok(Value::Scalar(
        evaluator.grid.times().map(|t| t as f64 / 1000.0).collect(),
    ))
}

#[allow(clippy::unnecessary_wraps, reason = "the registry's signature")]
pub(super) fn pi(evaluator: &Evaluator<'_>, _: &Call) -> Result<Value, QueryError> {
    Ok(Value::Scalar(vec![
        std::f64::consts::PI;
        evaluator.grid.count
    ]))
}

pub(super) fn vector(evaluator: &Evaluator<'_>, call: &Call) -> Result<Value, QueryError> {
    Ok(unlabelled(
        evaluator
            .scalar(&call.args.args[0])?
            .into_iter()
            .map(Some)
            .collect(),
    ))
}

/// `scalar(v)`: NaN unless there is exactly one element.
pub(super) fn scalar(evaluator: &Evaluator<'_>, call: &Call) -> Result<Value, QueryError> {
    let columns = evaluator.vector(&call.args.args[0])?;
    let only = |step: usize| {
        let mut present = columns.iter().filter_map(|column| column.cells[step]);
        match (present.next(), present.next()) {
            (Some(value), None) => value,
            _ => f64::NAN,
        }
    };
    Ok(Value::Scalar((0..evaluator.grid.count).map(only).collect()))
}

/// `timestamp(v)`: the time of the sample itself when `v` is a selector, else of the step.
pub(super) fn timestamp(evaluator: &Evaluator<'_>, call: &Call) -> Result<Value, QueryError> {
    fn selector(expr: &Expr) -> Option<&promql_parser::parser::VectorSelector> {
        match expr {
            Expr::VectorSelector(selector) => Some(selector),
            Expr::Paren(paren) => selector(&paren.expr),
            _ => None,
        }
    }
    let argument = &call.args.args[0];
    let mut columns = match selector(argument) {
        Some(selector) => evaluator.columns(&evaluator.instant(selector, Read::Time)?)?,
        None => evaluator.vector(argument)?,
    };
    for column in &mut columns {
        column.labels = column.labels.without_name();
        if selector(argument).is_none() {
            for (cell, now) in column.cells.iter_mut().zip(evaluator.grid.times()) {
                *cell = cell.map(|_| now as f64 / 1000.0);
            }
        }
    }
    Ok(Value::Vector(super::merge_equal(columns)?))
}

fn missing(evaluator: &Evaluator<'_>, argument: &Expr, present: impl Fn(usize) -> bool) -> Value {
    let cells = (0..evaluator.grid.count)
        .map(|step| (!present(step)).then_some(1.0))
        .collect();
    let column = Column {
        labels: demanded_labels(argument),
        cells,
    };
    Value::Vector(if column.is_blank() {
        Vec::new()
    } else {
        vec![column]
    })
}

pub(super) fn absent(evaluator: &Evaluator<'_>, call: &Call) -> Result<Value, QueryError> {
    let argument = &call.args.args[0];
    let columns = evaluator.vector(argument)?;
    Ok(missing(evaluator, argument, |step| {
        columns.iter().any(|c| c.cells[step].is_some())
    }))
}

pub(super) fn absent_over_time(
    evaluator: &Evaluator<'_>,
    call: &Call,
) -> Result<Value, QueryError> {
    let argument = &call.args.args[0];
    let matrix = evaluator.matrix(argument)?;
    let mut present = vec![false; evaluator.grid.count];
    let mut windows = Windows::new(&matrix, 0..present.len());
    for series in 0..matrix.series.len() {
        let loaded = windows.load(series);
        for (present, (from, to)) in present.iter_mut().zip(loaded.spans) {
            *present |= from < to;
        }
    }
    Ok(missing(evaluator, argument, |step| present[step]))
}

pub(super) fn sort(evaluator: &Evaluator<'_>, call: &Call) -> Result<Value, QueryError> {
    sorted(evaluator, call, f64::total_cmp)
}

pub(super) fn sort_desc(evaluator: &Evaluator<'_>, call: &Call) -> Result<Value, QueryError> {
    sorted(evaluator, call, |a, b| b.total_cmp(a))
}

/// Orders by the only step's value, NaN last; with many steps there is no one order, as in Prometheus.
fn sorted(
    evaluator: &Evaluator<'_>,
    call: &Call,
    order: fn(&f64, &f64) -> std::cmp::Ordering,
) -> Result<Value, QueryError> {
    let mut columns = evaluator.vector(&call.args.args[0])?;
    if evaluator.grid.count == 1 {
        columns.sort_by(|a, b| match (a.cells[0], b.cells[0]) {
            (Some(a), Some(b)) => a.is_nan().cmp(&b.is_nan()).then_with(|| order(&a, &b)),
            _ => std::cmp::Ordering::Equal,
        });
    }
    Ok(Value::Vector(columns))
}
