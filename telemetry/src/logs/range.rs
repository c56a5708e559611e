//! Metric queries: windows over lines, as Loki computes them. A window of a step `t` is `(t - range, t]`.
//! Series have the stream's labels, those that stages extracted, and those that an enclosing `by`
//! names; other structured metadata (trace and span ids) never splits series.

use std::sync::Arc;

use super::ast::{
    Grouping, LogExpr, MetricExpr, RangeAggregation, RangeOp, VectorAggregation, VectorOp,
};
use super::record::Labels;
use super::samples::{Samples, Sampling};
use super::scan::Deadline;
use super::segment::Segment;
use super::tally::{Amount, Windows};
use super::vector::{Steps, Value, aggregate, binary};
use crate::error::QueryError;

/// Steps of one answer; more are refused, as by Prometheus and Loki.
pub const STEPS_MAX: usize = 11_000;

/// Series of one answer; more are refused, as by Loki.
pub const SERIES_MAX: usize = 500;

/// The points in time at which a query is evaluated: `start`, `start + step`, … up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// First step.
    pub start_ns: i64,
    /// No step is later.
    pub end_ns: i64,
    /// Distance of steps.
    pub step_ns: i64,
}

impl Grid {
    /// A grid of a single step.
    #[must_use]
    pub fn instant(at_ns: i64) -> Self {
        Self {
            start_ns: at_ns,
            end_ns: at_ns,
            step_ns: 1,
        }
    }

    fn steps(self) -> Result<Vec<i64>, QueryError> {
        let span_ns = i128::from(self.end_ns) - i128::from(self.start_ns);
        if span_ns < 0 || self.step_ns <= 0 {
            return Err(QueryError::Execution(
                "a range needs an end not before its start, and a step above zero".into(),
            ));
        }
        if span_ns / i128::from(self.step_ns) >= STEPS_MAX as i128 {
            return Err(QueryError::Limit(format!(
                "more than {STEPS_MAX} steps: widen the step or narrow the time range"
            )));
        }
        let steps = (0..).map(|step| {
            self.start_ns
                .saturating_add(self.step_ns.saturating_mul(step))
        });
        Ok(steps
            .take_while(|at| *at <= self.end_ns)
            .take(STEPS_MAX)
            .collect())
    }
}

/// A series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels, sorted by name.
    pub labels: Labels,
    /// Time and value of each step that has one.
    pub points: Vec<(i64, f64)>,
}

/// Evaluates an expression on a grid. Series come sorted by labels; at a single step an outermost
/// `sort`, `sort_desc`, `topk` or `bottomk` decides instead.
///
/// # Errors
/// [`QueryError`] when a limit is met, or lines cannot be read as the query wants.
pub fn evaluate(
    segments: &[Arc<Segment>],
    expression: &MetricExpr,
    grid: Grid,
) -> Result<Vec<Series>, QueryError> {
    let evaluation = Evaluation {
        segments,
        steps: grid.steps()?,
        deadline: Deadline::start(),
    };
    let vector = match evaluation.expression(expression, &[])? {
        Value::Scalar(number) => vec![(Vec::new(), vec![Some(number); evaluation.steps.len()])],
        Value::Vector(vector) => vector,
    };
    let mut series: Vec<_> = vector
        .into_iter()
        .map(|(labels, values)| {
            let points = evaluation.steps.iter().zip(values);
            Series {
                labels,
                points: points
                    .filter_map(|(at, value)| Some((*at, value?)))
                    .collect(),
            }
        })
        .filter(|series| !series.points.is_empty())
        .collect();
    if series.len() > SERIES_MAX {
        return Err(QueryError::Limit(format!(
            "{} series, the limit is {SERIES_MAX}: aggregate them, for example with sum by (service)",
            series.len()
        )));
    }
    let ranks = matches!(expression, MetricExpr::Vector(vector) if matches!(
        vector.op,
        VectorOp::Sort | VectorOp::SortDesc | VectorOp::Topk | VectorOp::Bottomk
    ));
    if !ranks || evaluation.steps.len() > 1 {
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
    }
    Ok(series)
}

struct Evaluation<'a> {
    segments: &'a [Arc<Segment>],
    steps: Vec<i64>,
    deadline: Deadline,
}

impl Evaluation<'_> {
    /// `wanted` are the metadata labels that an enclosing aggregation groups by.
    fn expression(&self, expression: &MetricExpr, wanted: &[String]) -> Result<Value, QueryError> {
        match expression {
            MetricExpr::Number(number) => Ok(Value::Scalar(*number)),
            MetricExpr::Range(range) => self.range(range, wanted).map(Value::Vector),
            MetricExpr::Vector(vector) => {
                if let Some(range) = summed(vector) {
                    return self.range(&range, &[]).map(Value::Vector);
                }
                let groups = vector
                    .grouping
                    .as_ref()
                    .filter(|grouping| !grouping.without);
                let wanted = groups.map_or(wanted, |grouping| &grouping.labels);
                let inner = self.expression(&vector.inner, wanted)?;
                Ok(Value::Vector(aggregate(vector, inner, self.steps.len())))
            }
            MetricExpr::Binary(operation) => {
                let left = self.expression(&operation.left, wanted)?;
                let right = self.expression(&operation.right, wanted)?;
                Ok(binary(operation, left, right))
            }
        }
    }

    fn range(
        &self,
        range: &RangeAggregation,
        wanted: &[String],
    ) -> Result<Vec<(Labels, Steps)>, QueryError> {
        let windows = Windows::new(&self.steps, range.range_ns, range.offset_ns);
        let sampling = Sampling::new(range, wanted)?;
        match sampling.samples(self.segments, &windows, self.deadline)? {
            Samples::Amounts(series) if range.op == RangeOp::AbsentOverTime => {
                let mut present = vec![false; self.steps.len()];
                for (_, amounts) in series {
                    for (present, amount) in present.iter_mut().zip(amounts) {
                        *present |= amount.lines > 0;
                    }
                }
                let absent = present.iter().map(|present| (!present).then_some(1.0));
                Ok(vec![(absent_labels(&range.log), absent.collect())])
            }
            Samples::Amounts(series) => {
                let one = |amount: Amount| (amount.lines > 0).then(|| amount_value(range, amount));
                let values = |amounts: Vec<Amount>| amounts.into_iter().map(one).collect();
                let series = series.into_iter();
                Ok(series
                    .map(|(labels, amounts)| (labels, values(amounts)))
                    .collect())
            }
            Samples::Values(series) => {
                let mut vector = Vec::with_capacity(series.len());
                for (labels, mut samples) in series {
                    samples.sort_by_key(|sample| sample.0);
                    vector.push((labels, self.slide(range, &samples)?));
                }
                Ok(vector)
            }
        }
    }

    /// The value of every step's window over sorted samples.
    fn slide(&self, range: &RangeAggregation, samples: &[(i64, f64)]) -> Result<Steps, QueryError> {
        let (mut from, mut to) = (0, 0);
        let mut values = Vec::with_capacity(self.steps.len());
        for (index, at) in self.steps.iter().enumerate() {
            if index % 64 == 0 {
                self.deadline.check()?;
            }
            let end = at.saturating_sub(range.offset_ns);
            let begin = end.saturating_sub(range.range_ns);
            while samples.get(to).is_some_and(|sample| sample.0 <= end) {
                to += 1;
            }
            while from < to && samples[from].0 <= begin {
                from += 1;
            }
            let window = &samples[from..to];
            values.push((!window.is_empty()).then(|| window_value(range, window)));
        }
        Ok(values)
    }
}

/// A sum over what can be counted group by group in the first place: the same aggregation of lines, by
/// the labels of the sum.
fn summed(vector: &VectorAggregation) -> Option<RangeAggregation> {
    let MetricExpr::Range(range) = &vector.inner else {
        return None;
    };
    let grouping = match &vector.grouping {
        None => Grouping {
            without: false,
            labels: Vec::new(),
        },
        Some(by) if !by.without => by.clone(),
        Some(_) => return None,
    };
    let adds_up = vector.op == VectorOp::Sum
        && range.grouping.is_none()
        && range.log.unwrap.is_none()
        && matches!(
            range.op,
            RangeOp::CountOverTime | RangeOp::Rate | RangeOp::BytesOverTime | RangeOp::BytesRate
        );
    adds_up.then(|| RangeAggregation {
        grouping: Some(grouping),
        ..(**range).clone()
    })
}

/// What a window of lines that are only counted amounts to.
fn amount_value(range: &RangeAggregation, amount: Amount) -> f64 {
    let seconds = range.range_ns as f64 / 1e9;
    match range.op {
        RangeOp::Rate => amount.lines as f64 / seconds,
        RangeOp::BytesRate => amount.bytes as f64 / seconds,
        RangeOp::BytesOverTime => amount.bytes as f64,
        _ => amount.lines as f64,
    }
}

/// What one window amounts to; `window` is not empty.
fn window_value(range: &RangeAggregation, window: &[(i64, f64)]) -> f64 {
    let values = || window.iter().map(|sample| sample.1);
    let count = window.len() as f64;
    let sum = || values().sum::<f64>();
    let variance = || {
        let mean = sum() / count;
        values().map(|value| (value - mean).powi(2)).sum::<f64>() / count
    };
    match range.op {
        RangeOp::Rate | RangeOp::BytesRate => sum() / (range.range_ns as f64 / 1e9),
        RangeOp::CountOverTime => count,
        RangeOp::BytesOverTime | RangeOp::SumOverTime => sum(),
        RangeOp::AbsentOverTime => 1.0,
        RangeOp::AvgOverTime => sum() / count,
        RangeOp::MinOverTime => values().fold(f64::INFINITY, f64::min),
        RangeOp::MaxOverTime => values().fold(f64::NEG_INFINITY, f64::max),
        RangeOp::FirstOverTime => window[0].1,
        RangeOp::LastOverTime => window[window.len() - 1].1,
        RangeOp::StddevOverTime => variance().sqrt(),
        RangeOp::StdvarOverTime => variance(),
        RangeOp::QuantileOverTime => quantile(range.parameter, values().collect()),
    }
}

/// The φ-quantile with linear interpolation, as in Prometheus: -Inf below 0, +Inf above 1.
fn quantile(phi: f64, mut values: Vec<f64>) -> f64 {
    if !(0.0..=1.0).contains(&phi) {
        return if phi < 0.0 {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
    }
    values.sort_by(f64::total_cmp);
    let rank = phi * (values.len() - 1) as f64;
    let below = rank.floor();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let lower = below as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - below;
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// The labels that `absent_over_time` can tell: those that the selector equals.
fn absent_labels(log: &LogExpr) -> Labels {
    let equal = log
        .matchers
        .iter()
        .filter(|matcher| matcher.op == crate::query::MatchOp::Equal);
    let mut labels: Labels = equal
        .map(|matcher| (matcher.name.clone(), matcher.value.clone()))
        .collect();
    labels.sort();
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::ast::Query;
    use crate::logs::fixture::{batch, int, record, text};
    use crate::logs::{LOG_BYTES, LogStore, parse};

    /// Checkout logs a line each second from 1 to 10 with `took` = second; two of pricing are errors.
    fn segments() -> Vec<Arc<Segment>> {
        let store = LogStore::new(LOG_BYTES);
        let line = |second: u64| {
            let mut record = record(second, "0123456789");
            record.attributes = vec![
                int("took", second as i64),
                text(
                    "route",
                    if second.is_multiple_of(2) {
                        "even"
                    } else {
                        "odd"
                    },
                ),
                text("wait", &format!("{second}ms")),
            ];
            record.trace_id = vec![second as u8; 16];
            record
        };
        store.append(&batch("checkout", (1..=10).map(line).collect()));
        let mut errors = vec![record(4, "x"), record(8, "took=oops")];
        errors
            .iter_mut()
            .for_each(|record| record.severity_number = 17);
        store.append(&batch("pricing", errors));
        store.snapshot()
    }

    fn ask(query: &str, grid: Grid) -> Result<Vec<Series>, QueryError> {
        match parse(query)? {
            Query::Metric(expression) => evaluate(&segments(), &expression, grid),
            Query::Log(_) => panic!("{query} is no metric query"),
        }
    }

    /// Labels (values only) and value of each series at second 10.
    fn instant(query: &str) -> Vec<(String, f64)> {
        let series = ask(query, Grid::instant(10_000_000_000));
        let one = |series: Series| {
            let labels: Vec<_> = series.labels.into_iter().map(|(_, value)| value).collect();
            (labels.join(","), series.points[0].1)
        };
        series
            .unwrap_or_else(|error| panic!("{query}: {error}"))
            .into_iter()
            .map(one)
            .collect()
    }

    fn number(query: &str) -> f64 {
        let series = instant(query);
        assert_eq!(series.len(), 1, "{query}");
        series[0].1
    }

    #[test]
    fn windows_are_open_at_the_left_and_closed_at_the_right() {
        assert_eq!(number(r#"count_over_time({service="checkout"}[5s])"#), 5.0);
        assert_eq!(
            number(r#"count_over_time({service="checkout"}[5s] offset 3s)"#),
            5.0
        );
        assert_eq!(number(r#"count_over_time({service="checkout"}[1h])"#), 10.0);
        assert!(instant(r#"count_over_time({service="checkout"}[1s] offset 1h)"#).is_empty());
    }

    #[test]
    fn every_range_function_computes() {
        let checkout =
            |function: &str| number(&format!("{function}({{service=\"checkout\"}}[5s])"));
        assert_eq!(checkout("rate"), 1.0);
        assert_eq!(checkout("bytes_over_time"), 50.0);
        assert_eq!(checkout("bytes_rate"), 10.0);
        let unwrapped = |function: &str| {
            number(&format!(
                "{function}({{service=\"checkout\"}} | unwrap took [4s])"
            ))
        };
        assert_eq!(unwrapped("sum_over_time"), 34.0);
        assert_eq!(unwrapped("rate"), 8.5);
        assert_eq!(unwrapped("avg_over_time"), 8.5);
        assert_eq!(unwrapped("min_over_time"), 7.0);
        assert_eq!(unwrapped("max_over_time"), 10.0);
        assert_eq!(unwrapped("first_over_time"), 7.0);
        assert_eq!(unwrapped("last_over_time"), 10.0);
        assert_eq!(unwrapped("stdvar_over_time"), 1.25);
        assert_eq!(unwrapped("stddev_over_time"), 1.25_f64.sqrt());
        let quantile = |phi: &str| {
            number(&format!(
                "quantile_over_time({phi}, {{service=\"checkout\"}} | unwrap took [4s])"
            ))
        };
        assert_eq!(quantile("0.5"), 8.5);
        assert_eq!(quantile("1"), 10.0);
        assert_eq!(quantile("2"), f64::INFINITY);
        assert_eq!(quantile("-1"), f64::NEG_INFINITY);
        let seconds = number(r#"max_over_time({service="checkout"} | unwrap duration(wait) [4s])"#);
        assert_eq!(seconds, 0.01);
        assert_eq!(
            instant(r#"absent_over_time({service="nobody"}[5s])"#),
            [("nobody".into(), 1.0)]
        );
        assert!(instant(r#"absent_over_time({service="checkout"}[5s])"#).is_empty());
    }

    #[test]
    fn every_aggregation_computes() {
        let all = |function: &str| {
            number(&format!(
                "{function}(count_over_time({{service=~\".+\"}}[10s]))"
            ))
        };
        assert_eq!(all("sum"), 12.0);
        assert_eq!(all("avg"), 6.0);
        assert_eq!(all("min"), 2.0);
        assert_eq!(all("max"), 10.0);
        assert_eq!(all("count"), 2.0);
        assert_eq!(all("stdvar"), 16.0);
        assert_eq!(all("stddev"), 4.0);
        let top = r#"topk(1, sum by (service) (count_over_time({service=~".+"}[10s])))"#;
        assert_eq!(instant(top), [("checkout".into(), 10.0)]);
        let bottom = r#"bottomk(1, sum by (service) (count_over_time({service=~".+"}[10s])))"#;
        assert_eq!(instant(bottom), [("pricing".into(), 2.0)]);
        let sorted = r#"sort_desc(sum by (level) (count_over_time({service=~".+"}[10s])))"#;
        assert_eq!(
            instant(sorted),
            [("info".into(), 10.0), ("error".into(), 2.0)]
        );
        let sorted = r#"sort(sum without (service) (count_over_time({service=~".+"}[10s])))"#;
        assert_eq!(
            instant(sorted),
            [("error".into(), 2.0), ("info".into(), 10.0)]
        );
    }

    #[test]
    fn metadata_splits_series_only_where_it_is_grouped_by() {
        let plain = r#"count_over_time({service="checkout"}[10s])"#;
        assert_eq!(instant(plain), [("info,checkout".into(), 10.0)]);
        let routes = r#"sum by (route) (count_over_time({service="checkout"}[10s]))"#;
        assert_eq!(instant(routes), [("even".into(), 5.0), ("odd".into(), 5.0)]);
        let own = r#"max_over_time({service="checkout"} | unwrap took [10s]) by (route)"#;
        assert_eq!(instant(own), [("even".into(), 10.0), ("odd".into(), 9.0)]);
        let extracted = r#"count_over_time({service="pricing"} | logfmt | drop level [10s])"#;
        assert_eq!(
            instant(extracted),
            [("pricing".into(), 1.0), ("pricing,oops".into(), 1.0)]
        );
    }

    #[test]
    fn operators_pair_series_and_comparisons_filter() {
        let share = r#"sum(count_over_time({level="error"}[10s])) / sum(count_over_time({service=~".+"}[10s])) * 100"#;
        assert_eq!(number(share), 2.0 / 12.0 * 100.0);
        let over = r#"sum by (service) (count_over_time({service=~".+"}[10s])) > 5"#;
        assert_eq!(instant(over), [("checkout".into(), 10.0)]);
        let flags = r#"sum by (service) (count_over_time({service=~".+"}[10s])) > bool 5"#;
        assert_eq!(
            instant(flags),
            [("checkout".into(), 1.0), ("pricing".into(), 0.0)]
        );
        assert_eq!(number("1 + 2 * 3 ^ 2 - -4 % 3"), 20.0);
        assert_eq!(number("2 ^ 3 ^ 2"), 512.0);
        assert_eq!(number("vector(1) + vector(1)"), 2.0);
        assert_eq!(number("(1 > 2) + (2 >= 2)"), 1.0);
    }

    #[test]
    fn a_range_has_a_value_at_each_step_that_has_lines() {
        let grid = Grid {
            start_ns: 0,
            end_ns: 20_000_000_000,
            step_ns: 5_000_000_000,
        };
        let series = ask(r#"rate({service="checkout"}[5s])"#, grid).unwrap();
        assert_eq!(
            series[0].points,
            [(5_000_000_000, 1.0), (10_000_000_000, 1.0)]
        );
    }

    #[test]
    fn lines_that_cannot_be_read_fail_the_query_with_a_remedy() {
        let query = r#"sum_over_time({service="pricing"} | logfmt | unwrap took [10s])"#;
        let error = ask(query, Grid::instant(10_000_000_000)).unwrap_err();
        assert!(
            error.to_string().contains("SampleExtractionErr")
                && error.to_string().contains("__error__"),
            "{error}"
        );
        let query =
            r#"sum_over_time({service="pricing"} | logfmt | unwrap took | __error__="" [10s])"#;
        assert!(instant(query).is_empty());
    }

    #[test]
    fn limits_are_met_with_an_error_that_says_what_to_do() {
        let grid = Grid {
            start_ns: 0,
            end_ns: 11_000,
            step_ns: 1,
        };
        let error = ask("vector(1)", grid).unwrap_err();
        assert!(
            matches!(&error, QueryError::Limit(message) if message.contains("11000 steps")),
            "{error}"
        );
        let backward = Grid {
            start_ns: 1,
            end_ns: 0,
            step_ns: 1,
        };
        assert!(ask("vector(1)", backward).is_err());
        let store = LogStore::new(LOG_BYTES);
        let line = |number: u64| record(1, &format!("id={number}"));
        store.append(&batch("a", (0..600).map(line).collect()));
        let Ok(Query::Metric(query)) = parse(r#"count_over_time({service="a"} | logfmt [5s])"#)
        else {
            panic!("no metric query");
        };
        let error = evaluate(&store.snapshot(), &query, Grid::instant(2_000_000_000)).unwrap_err();
        assert!(
            matches!(&error, QueryError::Limit(message) if message.contains("500")),
            "{error}"
        );
    }
}
