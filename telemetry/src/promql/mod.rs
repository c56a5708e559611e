//! PromQL: parsed by promql-parser, evaluated here with Prometheus 2's semantics. Knows the metric store's reads, no HTTP, no clock.
//!
//! ```text
//! text ─ rewrite (variables, literals) ─ source (limits, places of errors) ─► tree ─ eval ─► columns over the steps ─► Answer
//!                                              selectors ◄─┤
//!                           aggregate, binary, functions ◄─┘
//! ```

mod aggregate;
mod binary;
mod eval;
mod fold;
pub mod functions;
mod go_regex;
mod matrix;
pub mod notation;
mod rewrite;
mod rollups;
mod rows;
mod source;
mod threads;
mod token;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

pub use eval::{LOOKBACK_MS, SUBQUERY_STEP_MS};
pub use rollups::Rollups;
pub use source::{DEPTH_MAX, QUERY_BYTES_MAX, TOKENS_MAX, Variables, parse, parse_plain};
pub use value::Limits;

use crate::error::QueryError;
use crate::metrics::chunk::Point;
use crate::metrics::labels::Labels;
use crate::metrics::store::Store;
pub(crate) use aggregate::{is_label_name, is_metric_name};
use eval::Evaluator;
use matrix::Windows;
use value::{Budget, Column, Grid, Value};

/// The answer to a query.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A number at the query's time (instant queries).
    Scalar(f64),
    /// A string literal (instant queries).
    Text(String),
    /// One value per series at the query's time (instant queries), in the order that `sort` or `topk` gave.
    Vector(Vec<(Labels, f64)>),
    /// Points per series, sorted by labels: every range query, and an instant query for a range vector.
    Matrix(Vec<(Labels, Vec<Point>)>),
}

/// Evaluates at one time, ms.
///
/// # Errors
/// [`QueryError::Limit`] at a limit, [`QueryError::Execution`] for what only the data shows, such as ambiguous matching.
pub fn instant(
    store: &Store,
    expr: &Expr,
    at_ms: i64,
    limits: Limits,
) -> Result<Answer, QueryError> {
    let budget = Budget::new(limits);
    let grid = Grid {
        start_ms: at_ms,
        step_ms: 1,
        count: 1,
    };
    let evaluator = Evaluator {
        store,
        budget: &budget,
        grid,
        whole: (at_ms, at_ms),
        rollups: None,
    };
    if expr.value_type() == ValueType::Matrix {
        return raw(&evaluator, expr);
    }
    Ok(match evaluator.eval(expr)? {
        Value::Scalar(numbers) => Answer::Scalar(numbers[0]),
        Value::Text(text) => Answer::Text(text),
        Value::Vector(columns) => Answer::Vector(
            columns
                .into_iter()
                .filter_map(|c| c.cells[0].map(|value| (c.labels, value)))
                .collect(),
        ),
    })
}

/// The samples of a range vector's only window.
fn raw(evaluator: &Evaluator<'_>, expr: &Expr) -> Result<Answer, QueryError> {
    let matrix = evaluator.matrix(expr)?;
    let mut series = Vec::with_capacity(matrix.series.len());
    let mut windows = Windows::new(&matrix, 0..matrix.ends_ms.len());
    for (at, (labels, _)) in matrix.series.iter().enumerate() {
        let loaded = windows.load(at);
        for (from, to) in loaded.spans {
            let points: Vec<Point> = loaded.columns.points().take(*to).skip(*from).collect();
            if !points.is_empty() {
                series.push((labels.clone(), points));
            }
        }
    }
    series.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Answer::Matrix(series))
}

/// Evaluates from `start_ms` to `end_ms` (included, when a step falls on it) each `step_ms`.
///
/// # Errors
/// As [`instant`]; also a type that has no range form, and more points per series than the limit.
pub fn range(
    store: &Store,
    expr: &Expr,
    span: (i64, i64),
    step_ms: i64,
    limits: Limits,
) -> Result<Answer, QueryError> {
    range_with(None, store, expr, span, step_ms, limits)
}

/// As [`range`], with what was kept of earlier queries of the same store; keeps what later ones may use.
///
/// # Errors
/// As [`range`].
pub fn range_with(
    rollups: Option<&Rollups>,
    store: &Store,
    expr: &Expr,
    span: (i64, i64),
    step_ms: i64,
    limits: Limits,
) -> Result<Answer, QueryError> {
    let (start_ms, end_ms) = span;
    if step_ms <= 0 || end_ms < start_ms {
        return Err(QueryError::Execution(
            "the step must be positive and the end not before the start".into(),
        ));
    }
    let count =
        usize::try_from((i128::from(end_ms) - i128::from(start_ms)) / i128::from(step_ms) + 1)
            .unwrap_or(usize::MAX);
    // the first point comes on top, as Prometheus counts
    if count - 1 > limits.points_per_series {
        return Err(QueryError::Limit(format!(
            "exceeded maximum resolution of {} points per timeseries. Try decreasing the query resolution (?step=XX)",
            limits.points_per_series
        )));
    }
    if !matches!(expr.value_type(), ValueType::Scalar | ValueType::Vector) {
        return Err(QueryError::Invalid {
            position: 0,
            message: format!(
                "invalid expression type \"{}\" for range query, must be scalar or instant vector",
                type_name(expr)
            ),
        });
    }
    let budget = Budget::new(limits);
    let grid = Grid {
        start_ms,
        step_ms,
        count,
    };
    let evaluator = Evaluator {
        store,
        budget: &budget,
        grid,
        whole: span,
        rollups: rollups.filter(|_| rollups::may_keep(expr)),
    };
    let columns = match evaluator.eval(expr)? {
        Value::Vector(columns) => columns,
        Value::Scalar(numbers) => vec![Column {
            labels: Labels::empty(),
            cells: numbers.into_iter().map(Some).collect(),
        }],
        Value::Text(_) => return Err(QueryError::Execution("a string has no range form".into())),
    };
    let with_times = columns.into_iter().map(|column| {
        let points = grid
            .times()
            .zip(column.cells)
            .filter_map(|(t_ms, cell)| cell.map(|value| Point { t_ms, value }));
        (column.labels, points.collect::<Vec<_>>())
    });
    let mut series: Vec<_> = with_times
        .filter(|(_, points)| !points.is_empty())
        .collect();
    series.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Answer::Matrix(series))
}

fn type_name(expr: &Expr) -> &'static str {
    match expr.value_type() {
        ValueType::Matrix => "range vector",
        ValueType::String => "string",
        ValueType::Vector => "instant vector",
        ValueType::Scalar => "scalar",
    }
}

struct Selectors(Vec<Vec<Matcher>>);

impl Selectors {
    fn add(&mut self, selector: &VectorSelector) {
        self.0.push(eval::matchers(selector));
    }
}

impl ExprVisitor for Selectors {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
        match expr {
            Expr::VectorSelector(selector) => self.add(selector),
            Expr::MatrixSelector(selector) => self.add(&selector.vs),
            // the visitor does not walk into parameters such as the k of topk
            Expr::Aggregate(aggregation) => {
                if let Some(param) = &aggregation.param {
                    walk_expr(self, param)?;
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

/// The matchers of every selector in an expression, the name among them.
#[must_use]
pub fn selectors(expr: &Expr) -> Vec<Vec<Matcher>> {
    let mut found = Selectors(Vec::new());
    match walk_expr(&mut found, expr) {
        Ok(_) => found.0,
        Err(never) => match never {},
    }
}

/// What a selector takes its series by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selection {
    /// The metric family, without the suffixes `_bucket`, `_sum` and `_count`.
    pub family: String,
    /// Labels that must have just this value; other matchers are left out.
    pub equals: BTreeMap<String, String>,
}

/// What an expression selects by a metric's name, sorted, each once.
#[must_use]
pub fn selections(expr: &Expr) -> Vec<Selection> {
    let named = |matchers: Vec<Matcher>| {
        let mut equals: BTreeMap<String, String> = matchers
            .into_iter()
            .filter(|m| matches!(m.op, MatchOp::Equal))
            .map(|m| (m.name, m.value))
            .collect();
        let name = equals.remove("__name__")?;
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix));
        Some(Selection {
            family: family.map_or_else(|| name.clone(), str::to_owned),
            equals,
        })
    };
    let found: BTreeSet<Selection> = selectors(expr).into_iter().filter_map(named).collect();
    found.into_iter().collect()
}

/// Prints a value as Prometheus' API does (Go's `strconv.FormatFloat(v, 'f', -1, 64)`): the shortest digits that read back
/// the same, never an exponent; `NaN`, `+Inf`, `-Inf`.
#[must_use]
pub fn format_value(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 {
            "+Inf".into()
        } else {
            "-Inf".into()
        }
    } else {
        format!("{value}")
    }
}

/// Reads a value as the exposition format and Go's `strconv.ParseFloat` do: `NaN`, `Inf`, `+Inf`, `-Inf` in any case, decimals.
#[must_use]
pub fn parse_value(text: &str) -> Option<f64> {
    let plausible = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if plausible { text.parse().ok() } else { None }
}

/// Reads a duration: `5s`, `1h30m`, or seconds as a number.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let seconds = parse_value(text)
        .or_else(|| source::duration_seconds(text).filter(|_| !text.is_empty()))?;
    Duration::try_from_secs_f64(seconds).ok()
}
