//! The evaluator: walks the tree once, every node for all steps of the query. Knows the store, no text and no HTTP.

use std::time::SystemTime;

use promql_parser::label::{METRIC_NAME, MatchOp, Matcher};
use promql_parser::parser::{AtModifier, Expr, Offset, SubqueryExpr, VectorSelector};

use super::matrix::{Matrix, Samples};
use super::rollups::Rollups;
use super::rows::{Read, Rows};
use super::value::{Budget, Column, Grid, Value, distinct};
use super::{aggregate, binary, functions};
use crate::error::QueryError;
use crate::metrics::labels::Labels;
use crate::metrics::store::Store;
use crate::metrics::{Columns, Selected};

/// How long a sample stands for its series: Prometheus' lookback of five minutes.
pub const LOOKBACK_MS: i64 = 300_000;
/// The step of a subquery that names none: Prometheus' default evaluation interval of one minute.
pub const SUBQUERY_STEP_MS: i64 = 60_000;

/// Evaluates expressions over a grid of times.
pub(super) struct Evaluator<'a> {
    pub store: &'a Store,
    pub budget: &'a Budget,
    pub grid: Grid,
    /// Start and end of the whole query, for `@ start()` and `@ end()`; a subquery keeps its outer query's.
    pub whole: (i64, i64),
    /// What was kept of earlier queries, if this one may use it.
    pub rollups: Option<&'a Rollups>,
}

impl Evaluator<'_> {
    /// Evaluates an expression of type scalar, vector or string.
    pub fn eval(&self, expr: &Expr) -> Result<Value, QueryError> {
        match expr {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(vec![number.val; self.grid.count])),
            Expr::StringLiteral(text) => Ok(Value::Text(text.val.clone())),
            Expr::Paren(paren) => self.eval(&paren.expr),
            Expr::Unary(unary) => self.negate(&unary.expr),
            Expr::VectorSelector(selector) => {
                let rows = self.instant(selector, Read::Value)?;
                self.columns(&rows).map(Value::Vector)
            }
            Expr::Binary(operation) => binary::eval(self, operation),
            Expr::Aggregate(aggregation) => aggregate::eval(self, aggregation).map(Value::Vector),
            Expr::Call(call) => functions::call(self, call),
            Expr::MatrixSelector(_) | Expr::Subquery(_) => Err(QueryError::Execution(
                "a range vector stands where an instant vector or scalar is needed".into(),
            )),
            Expr::Extension(_) => Err(QueryError::Execution(
                "the expression holds a node that the grammar does not produce".into(),
            )),
        }
    }

    /// Evaluates an expression that must be an instant vector.
    pub fn vector(&self, expr: &Expr) -> Result<Vec<Column>, QueryError> {
        match self.eval(expr)? {
            Value::Vector(columns) => Ok(columns),
            _ => Err(QueryError::Execution(format!(
                "expected an instant vector, got `{expr}`"
            ))),
        }
    }

    /// Evaluates an expression that must be a scalar.
    pub fn scalar(&self, expr: &Expr) -> Result<Vec<f64>, QueryError> {
        match self.eval(expr)? {
            Value::Scalar(numbers) => Ok(numbers),
            _ => Err(QueryError::Execution(format!(
                "expected a scalar, got `{expr}`"
            ))),
        }
    }

    /// Evaluates a range selector or subquery.
    pub fn matrix(&self, expr: &Expr) -> Result<Matrix, QueryError> {
        match expr {
            Expr::Paren(paren) => self.matrix(&paren.expr),
            Expr::MatrixSelector(selector) => {
                let range_ms = selector.range.as_millis() as i64;
                let ends_ms =
                    self.reference_times(selector.vs.at.as_ref(), selector.vs.offset.as_ref());
                let found = self.fetch(&selector.vs, &ends_ms, range_ms)?;
                let series = found
                    .into_iter()
                    .map(|selected| (selected.labels.clone(), Samples::Stored(selected)));
                Ok(Matrix {
                    series: series.collect(),
                    range_ms,
                    ends_ms,
                })
            }
            Expr::Subquery(subquery) => self.subquery(subquery),
            _ => Err(QueryError::Execution(format!(
                "expected a range vector, got `{expr}`"
            ))),
        }
    }

    fn negate(&self, expr: &Expr) -> Result<Value, QueryError> {
        match self.eval(expr)? {
            Value::Scalar(numbers) => Ok(Value::Scalar(numbers.into_iter().map(|n| -n).collect())),
            Value::Vector(columns) => {
                let negated = columns.into_iter().map(|column| Column {
                    labels: column.labels.without_name(),
                    cells: column
                        .cells
                        .into_iter()
                        .map(|cell| cell.map(|v| -v))
                        .collect(),
                });
                Ok(Value::Vector(distinct(negated.collect())?))
            }
            Value::Text(_) => Err(QueryError::Execution("a string cannot be negated".into())),
        }
    }

    /// The times that a selector looks at, one a step: `@` replaces the step's time, `offset` shifts it.
    pub fn reference_times(&self, at: Option<&AtModifier>, offset: Option<&Offset>) -> Vec<i64> {
        let shift_ms = match offset {
            Some(Offset::Pos(back)) => back.as_millis() as i64,
            Some(Offset::Neg(ahead)) => -(ahead.as_millis() as i64),
            None => 0,
        };
        let fixed = at.map(|at| match at {
            AtModifier::Start => self.whole.0,
            AtModifier::End => self.whole.1,
            AtModifier::At(time) => epoch_ms(*time),
        });
        self.grid
            .times()
            .map(|time| fixed.unwrap_or(time).saturating_sub(shift_ms))
            .collect()
    }

    fn fetch(
        &self,
        selector: &VectorSelector,
        ends_ms: &[i64],
        back_ms: i64,
    ) -> Result<Vec<Selected>, QueryError> {
        let (Some(first), Some(last)) = (ends_ms.first(), ends_ms.last()) else {
            return Ok(Vec::new());
        };
        let mut found =
            self.store
                .select(&matchers(selector), first.saturating_sub(back_ms), *last);
        // among equal values, the order decides which of them topk keeps
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        self.budget
            .samples(found.iter().map(Selected::samples).sum())?;
        Ok(found)
    }

    /// The rows of an instant selector.
    pub fn instant(&self, selector: &VectorSelector, read: Read) -> Result<Rows, QueryError> {
        let ends_ms = self.reference_times(selector.at.as_ref(), selector.offset.as_ref());
        let series = self.fetch(selector, &ends_ms, LOOKBACK_MS)?;
        self.budget.samples(series.len() * ends_ms.len())?;
        Ok(Rows::Instant {
            series,
            ends_ms,
            read,
        })
    }

    /// The rows of an expression that is a leaf: a selector, or a function of a range vector.
    pub fn rows(&self, expr: &Expr) -> Result<Option<Rows>, QueryError> {
        match expr {
            Expr::Paren(paren) => self.rows(&paren.expr),
            Expr::VectorSelector(selector) => self.instant(selector, Read::Value).map(Some),
            Expr::Call(call) => functions::rows(self, call),
            _ => Ok(None),
        }
    }

    /// Rows as columns.
    pub fn columns(&self, rows: &Rows) -> Result<Vec<Column>, QueryError> {
        let columns = rows.columns(self.grid.count, self.budget)?;
        if rows.nameless() {
            return distinct(columns);
        }
        Ok(columns)
    }

    /// Evaluates the inner expression once on a grid aligned to the subquery's step that covers all outer windows.
    fn subquery(&self, subquery: &SubqueryExpr) -> Result<Matrix, QueryError> {
        let range_ms = subquery.range.as_millis() as i64;
        let step_ms = subquery
            .step
            .map_or(SUBQUERY_STEP_MS, |step| step.as_millis() as i64)
            .max(1);
        let ends_ms = self.reference_times(subquery.at.as_ref(), subquery.offset.as_ref());
        let (Some(first), Some(last)) = (ends_ms.first(), ends_ms.last()) else {
            return Ok(Matrix {
                series: Vec::new(),
                range_ms,
                ends_ms,
            });
        };
        let from_ms = first.saturating_sub(range_ms);
        let mut start_ms = step_ms * (from_ms / step_ms);
        if start_ms < from_ms {
            start_ms += step_ms;
        }
        let count = usize::try_from((last - start_ms).div_euclid(step_ms) + 1).unwrap_or(0);
        self.budget.samples(count)?;
        let inner = Evaluator {
            grid: Grid {
                start_ms,
                step_ms,
                count,
            },
            // its steps are many, and other queries' are elsewhere
            rollups: None,
            ..*self
        };
        let columns = inner.vector(&subquery.expr)?;
        let series = columns.into_iter().map(|column| {
            let points = inner
                .grid
                .times()
                .zip(column.cells)
                .filter_map(|(t_ms, cell)| cell.map(|value| (t_ms, value)));
            let (times_ms, values) = points.unzip();
            let columns = Columns::new(times_ms, values);
            (column.labels, Samples::Computed(columns))
        });
        Ok(Matrix {
            series: series.collect(),
            range_ms,
            ends_ms,
        })
    }
}

/// All matchers of a selector, its name as one of them.
pub(super) fn matchers(selector: &VectorSelector) -> Vec<Matcher> {
    let name = selector
        .name
        .as_ref()
        .map(|name| Matcher::new(MatchOp::Equal, METRIC_NAME, name));
    name.into_iter()
        .chain(selector.matchers.matchers.iter().cloned())
        .collect()
}

/// The labels that `absent` and `absent_over_time` give their answer: those that the selector demands to be equal, once each.
pub(super) fn demanded_labels(expr: &Expr) -> Labels {
    let selector = match expr {
        Expr::Paren(paren) => return demanded_labels(&paren.expr),
        Expr::VectorSelector(selector) => selector,
        Expr::MatrixSelector(selector) => &selector.vs,
        _ => return Labels::empty(),
    };
    let listed = &selector.matchers.matchers;
    let once = listed.iter().filter(|m| {
        matches!(m.op, MatchOp::Equal)
            && m.name != METRIC_NAME
            && listed.iter().filter(|o| o.name == m.name).count() == 1
    });
    Labels::from_pairs(once.map(|m| (m.name.as_str(), m.value.as_str())))
}

fn epoch_ms(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}
