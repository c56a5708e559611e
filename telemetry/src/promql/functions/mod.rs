//! The registry of functions: one line each, with what it is for. Adding a function is one `fn` in the file of its kind and one line here.

mod clock;
mod counters;
mod histogram;
mod labels;
mod math;
mod over_time;
mod sliding;
mod special;
mod window;

use promql_parser::parser::value::ValueType;
use promql_parser::parser::{Call, Expr};

use super::eval::Evaluator;
use super::rows::Rows;
use super::value::{Column, Value, merge_equal};
use crate::error::QueryError;
use window::{Check, Window};
pub(super) use window::{Over, Pass, Steps};

/// A function of PromQL.
pub struct Function {
    /// The name in queries.
    pub name: &'static str,
    /// One line on what it gives.
    pub help: &'static str,
    apply: Apply,
}

type Special = fn(&Evaluator<'_>, &Call) -> Result<Value, QueryError>;

enum Apply {
    /// Each value by itself; drops the name.
    Each(fn(f64) -> f64),
    /// Each value with the scalar arguments; drops the name.
    With(fn(f64, &[f64]) -> Option<f64>),
    /// Seconds since the epoch, of the argument or of the step; drops the name.
    Clock(fn(f64) -> f64),
    /// The window of a range vector; drops the name.
    Window(fn(&Window<'_>) -> Option<f64>),
    /// The window of a range vector; keeps the name.
    Named(fn(&Window<'_>) -> Option<f64>),
    /// As `Window`, where the scalar arguments must pass a check first.
    Checked((Check, fn(&Window<'_>) -> Option<f64>)),
    /// All windows of a series in one pass; drops the name.
    Sliding(fn() -> Box<dyn Pass>),
    /// Everything else.
    Special(Special),
}

macro_rules! functions {
    ($($name:literal $kind:ident($of:expr) $help:literal)*) => {
        &[$(Function { name: $name, help: $help, apply: Apply::$kind($of) }),*]
    };
}

/// Every function that is evaluated.
pub static FUNCTIONS: &[Function] = functions![
    "abs" Each(f64::abs) "absolute value"
    "absent" Special(special::absent) "1 where the vector has no element"
    "absent_over_time" Special(special::absent_over_time) "1 where the range has no sample"
    "acos" Each(f64::acos) "arc cosine"
    "acosh" Each(f64::acosh) "inverse hyperbolic cosine"
    "asin" Each(f64::asin) "arc sine"
    "asinh" Each(f64::asinh) "inverse hyperbolic sine"
    "atan" Each(f64::atan) "arc tangent"
    "atanh" Each(f64::atanh) "inverse hyperbolic tangent"
    "avg_over_time" Sliding(sliding::mean) "mean of the samples in the range"
    "ceil" Each(f64::ceil) "rounded up"
    "changes" Sliding(sliding::changes) "how often the value changed in the range"
    "clamp" With(math::clamp) "limited to a minimum and a maximum"
    "clamp_max" With(math::clamp_max) "limited to a maximum"
    "clamp_min" With(math::clamp_min) "limited to a minimum"
    "cos" Each(f64::cos) "cosine"
    "cosh" Each(f64::cosh) "hyperbolic cosine"
    "count_over_time" Window(over_time::count) "number of samples in the range"
    "day_of_month" Clock(clock::day_of_month) "day of the month, 1 to 31"
    "day_of_week" Clock(clock::day_of_week) "day of the week, 0 is Sunday"
    "day_of_year" Clock(clock::day_of_year) "day of the year, 1 to 366"
    "days_in_month" Clock(clock::days_in_month) "days of the month, 28 to 31"
    "deg" Each(f64::to_degrees) "radians to degrees"
    "delta" Sliding(sliding::delta) "difference over the range of a gauge, extrapolated to its ends"
    "deriv" Window(over_time::deriv) "slope per second by least squares"
    "double_exponential_smoothing" Checked((over_time::factors, over_time::smooth)) "smoothed value by Holt's linear method; holt_winters in Prometheus 2"
    "exp" Each(f64::exp) "e to the power"
    "first_over_time" Named(over_time::first) "oldest sample in the range"
    "floor" Each(f64::floor) "rounded down"
    "histogram_avg" Special(histogram::native) "mean of native histograms; no float sample is one"
    "histogram_count" Special(histogram::native) "observations of native histograms; no float sample is one"
    "histogram_fraction" Special(histogram::native) "share of native histograms between two values; no float sample is one"
    "histogram_quantile" Special(histogram::quantile) "quantile of a classic histogram's buckets"
    "histogram_stddev" Special(histogram::native) "standard deviation of native histograms; no float sample is one"
    "histogram_stdvar" Special(histogram::native) "variance of native histograms; no float sample is one"
    "histogram_sum" Special(histogram::native) "sum of native histograms; no float sample is one"
    "hour" Clock(clock::hour) "hour of the day, UTC"
    "idelta" Window(counters::idelta) "difference of the last two samples"
    "increase" Sliding(sliding::increase) "growth of a counter over the range, extrapolated to its ends"
    "irate" Window(counters::irate) "growth per second by the last two samples"
    "label_join" Special(labels::join) "a label joined of others"
    "label_replace" Special(labels::replace) "a label set from another by a regular expression"
    "last_over_time" Named(over_time::last) "newest sample in the range"
    "ln" Each(f64::ln) "natural logarithm"
    "log10" Each(f64::log10) "decimal logarithm"
    "log2" Each(f64::log2) "binary logarithm"
    "mad_over_time" Window(over_time::mad) "median absolute deviation in the range"
    "max_over_time" Sliding(sliding::max) "largest sample in the range"
    "min_over_time" Sliding(sliding::min) "smallest sample in the range"
    "minute" Clock(clock::minute) "minute of the hour"
    "month" Clock(clock::month) "month of the year, 1 to 12"
    "pi" Special(special::pi) "the number pi"
    "predict_linear" Window(over_time::predict_linear) "value in so many seconds by least squares"
    "present_over_time" Window(over_time::present) "1 where the range has a sample"
    "quantile_over_time" Window(over_time::quantile) "quantile of the samples in the range"
    "rad" Each(f64::to_radians) "degrees to radians"
    "rate" Sliding(sliding::rate) "growth per second of a counter over the range, extrapolated to its ends"
    "resets" Sliding(sliding::resets) "how often a counter was reset in the range"
    "round" With(math::round) "rounded to the nearest multiple"
    "scalar" Special(special::scalar) "the only element's value, else NaN"
    "sgn" Each(math::sgn) "sign: -1, 0 or 1"
    "sin" Each(f64::sin) "sine"
    "sinh" Each(f64::sinh) "hyperbolic sine"
    "sort" Special(special::sort) "ascending by value, in instant queries"
    "sort_desc" Special(special::sort_desc) "descending by value, in instant queries"
    "sqrt" Each(f64::sqrt) "square root"
    "stddev_over_time" Window(over_time::stddev) "standard deviation in the range"
    "stdvar_over_time" Window(over_time::stdvar) "variance in the range"
    "sum_over_time" Sliding(sliding::sum) "sum of the samples in the range"
    "tan" Each(f64::tan) "tangent"
    "tanh" Each(f64::tanh) "hyperbolic tangent"
    "time" Special(special::time) "the step's time in seconds"
    "timestamp" Special(special::timestamp) "the time of each sample in seconds"
    "vector" Special(special::vector) "a scalar as a vector without labels"
    "year" Clock(clock::year) "year, UTC"
];

/// Finds a function by its name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS
        .binary_search_by(|f| f.name.cmp(name))
        .ok()
        .map(|at| &FUNCTIONS[at])
}

pub(super) fn call(evaluator: &Evaluator<'_>, call: &Call) -> Result<Value, QueryError> {
    let name = call.func.name;
    let function = find(name)
        .ok_or_else(|| QueryError::Execution(format!("the function {name}() is not supported")))?;
    match function.apply {
        Apply::Special(of) => of(evaluator, call),
        Apply::Each(of) => each(evaluator, call, |value, _| Some(of(value))),
        Apply::With(of) => each(evaluator, call, of),
        Apply::Clock(of) if call.args.is_empty() => {
            let now = evaluator
                .grid
                .times()
                .map(|t| Some(of((t as f64 / 1000.0).trunc())));
            Ok(Value::Vector(vec![Column {
                labels: crate::metrics::labels::Labels::empty(),
                cells: now.collect(),
            }]))
        }
        Apply::Clock(of) => each(evaluator, call, |value, _| Some(of(value))),
        Apply::Window(_) | Apply::Named(_) | Apply::Checked(_) | Apply::Sliding(_) => {
            let Some(rows) = rows(evaluator, call)? else {
                return Err(QueryError::Execution(format!("{name}() has no rows")));
            };
            evaluator.columns(&rows).map(Value::Vector)
        }
    }
}

/// The rows of a function of a range vector; `None` for other functions.
pub(super) fn rows(evaluator: &Evaluator<'_>, call: &Call) -> Result<Option<Rows>, QueryError> {
    let over = match find(call.func.name).map(|function| &function.apply) {
        Some(Apply::Window(of)) => Over::windows(*of, |_| Ok(()), false),
        Some(Apply::Named(of)) => Over::windows(*of, |_| Ok(()), true),
        Some(Apply::Checked((check, of))) => Over::windows(*of, *check, false),
        Some(Apply::Sliding(pass)) => Over::sliding(*pass),
        _ => return Ok(None),
    };
    let scalars = scalars(evaluator, call)?;
    let matrix = evaluator.matrix(argument(call, ValueType::Matrix)?)?;
    evaluator
        .budget
        .samples(matrix.series.len() * evaluator.grid.count)?;
    Ok(Some(Rows::Range {
        matrix,
        over,
        scalars,
        grid: evaluator.grid,
    }))
}

/// The scalar arguments over the steps, in order.
fn scalars(evaluator: &Evaluator<'_>, call: &Call) -> Result<Vec<Vec<f64>>, QueryError> {
    let all = call.args.args.iter().map(AsRef::as_ref);
    all.filter(|arg: &&Expr| arg.value_type() == ValueType::Scalar)
        .map(|arg| evaluator.scalar(arg))
        .collect()
}

fn argument(call: &Call, kind: ValueType) -> Result<&Expr, QueryError> {
    let found = call.args.args.iter().find(|arg| arg.value_type() == kind);
    found.map(AsRef::as_ref).ok_or_else(|| {
        QueryError::Execution(format!("{}() needs a {kind} argument", call.func.name))
    })
}

fn each(
    evaluator: &Evaluator<'_>,
    call: &Call,
    of: impl Fn(f64, &[f64]) -> Option<f64>,
) -> Result<Value, QueryError> {
    let scalars = scalars(evaluator, call)?;
    let mut now = vec![0.0; scalars.len()];
    let columns = evaluator
        .vector(argument(call, ValueType::Vector)?)?
        .into_iter()
        .map(|column| {
            let cells = column.cells.into_iter().enumerate().map(|(step, cell)| {
                for (now, all) in now.iter_mut().zip(&scalars) {
                    *now = all[step];
                }
                cell.and_then(|value| of(value, &now))
            });
            Column {
                cells: cells.collect(),
                labels: column.labels.without_name(),
            }
        });
    let columns = columns.filter(|c| !c.is_blank()).collect();
    Ok(Value::Vector(merge_equal(columns)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sorted_and_every_function_has_help() {
        assert!(FUNCTIONS.windows(2).all(|w| w[0].name < w[1].name));
        assert!(
            FUNCTIONS
                .iter()
                .all(|f| !f.help.is_empty() && find(f.name).is_some())
        );
    }
}
