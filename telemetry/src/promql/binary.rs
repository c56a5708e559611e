//! Binary operators: arithmetic, comparison, sets, and the matching of vectors. Knows no selector and no time.

use std::collections::{HashMap, HashSet};

use promql_parser::parser::token::{
    T_ADD, T_ATAN2, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MOD,
    T_MUL, T_NEQ, T_POW, T_SUB,
};
use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use super::eval::Evaluator;
use super::value::{Column, Value, merge_equal};
use crate::error::QueryError;
use crate::metrics::labels::{Labels, METRIC_NAME};

pub(super) fn eval(evaluator: &Evaluator<'_>, operation: &BinaryExpr) -> Result<Value, QueryError> {
    let (left, right) = (
        evaluator.eval(&operation.lhs)?,
        evaluator.eval(&operation.rhs)?,
    );
    let op = Operator {
        id: operation.op.id(),
        yields_bool: operation.return_bool(),
    };
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Ok(Value::Scalar(
            left.into_iter()
                .zip(right)
                .map(|(l, r)| op.scalars(l, r))
                .collect(),
        )),
        (Value::Vector(columns), Value::Scalar(numbers)) => {
            with_scalar(op, columns, &numbers, false)
        }
        (Value::Scalar(numbers), Value::Vector(columns)) => {
            with_scalar(op, columns, &numbers, true)
        }
        (Value::Vector(left), Value::Vector(right)) => {
            let modifier = operation.modifier.clone().unwrap_or_default();
            let steps = evaluator.grid.count;
            evaluator
                .budget
                .visits((left.len() + right.len()) * steps)?;
            let columns = match op.id {
                T_LAND => set_and(left, &right, &modifier, true),
                T_LUNLESS => set_and(left, &right, &modifier, false),
                T_LOR => set_or(left, right, &modifier),
                _ => Matching {
                    op,
                    modifier: &modifier,
                    steps,
                }
                .join(left, right)?,
            };
            Ok(Value::Vector(columns))
        }
        _ => Err(QueryError::Execution(format!(
            "the operator {} does not work on strings",
            operation.op
        ))),
    }
}

#[derive(Clone, Copy)]
struct Operator {
    id: u16,
    yields_bool: bool,
}

impl Operator {
    fn drops_name(self) -> bool {
        self.yields_bool
            || matches!(
                self.id,
                T_ADD | T_SUB | T_MUL | T_DIV | T_POW | T_MOD | T_ATAN2
            )
    }

    /// Value and whether a filter keeps it.
    fn apply(self, left: f64, right: f64) -> (f64, bool) {
        match self.id {
            T_ADD => (left + right, true),
            T_SUB => (left - right, true),
            T_MUL => (left * right, true),
            T_DIV => (left / right, true),
            T_POW => (left.powf(right), true),
            T_MOD => (left % right, true),
            T_ATAN2 => (left.atan2(right), true),
            T_EQLC => (left, left == right),
            T_NEQ => (left, left != right),
            T_GTR => (left, left > right),
            T_LSS => (left, left < right),
            T_GTE => (left, left >= right),
            T_LTE => (left, left <= right),
            other => unreachable!("set operators never reach two numbers, token {other}"),
        }
    }

    fn scalars(self, left: f64, right: f64) -> f64 {
        let (value, keep) = self.apply(left, right);
        match self.id {
            T_EQLC | T_NEQ | T_GTR | T_LSS | T_GTE | T_LTE => f64::from(u8::from(keep)),
            _ => value,
        }
    }

    /// The cell of a result: a comparison filters or, with `bool`, yields 0 or 1. `kept` is what a filter passes on.
    fn cell(self, left: f64, right: f64, kept: f64) -> Option<f64> {
        let (value, keep) = self.apply(left, right);
        let comparison = matches!(self.id, T_EQLC | T_NEQ | T_GTR | T_LSS | T_GTE | T_LTE);
        match (comparison, self.yields_bool) {
            (true, true) => Some(f64::from(u8::from(keep))),
            (true, false) => keep.then_some(kept),
            (false, _) => Some(value),
        }
    }
}

fn with_scalar(
    op: Operator,
    columns: Vec<Column>,
    numbers: &[f64],
    scalar_first: bool,
) -> Result<Value, QueryError> {
    let applied = columns.into_iter().map(|column| {
        let cells = column.cells.iter().zip(numbers).map(|(cell, number)| {
            let value = (*cell)?;
            if scalar_first {
                op.cell(*number, value, value)
            } else {
                op.cell(value, *number, value)
            }
        });
        let cells = cells.collect();
        let labels = if op.drops_name() {
            column.labels.without_name()
        } else {
            column.labels
        };
        Column { labels, cells }
    });
    let mut columns: Vec<Column> = applied.filter(|column| !column.is_blank()).collect();
    if op.drops_name() {
        columns = merge_equal(columns)?;
    }
    Ok(Value::Vector(columns))
}

/// The labels by which elements of both sides meet.
fn signature(labels: &Labels, modifier: &BinModifier) -> Labels {
    match &modifier.matching {
        Some(LabelModifier::Include(on)) => {
            labels.filtered(|name| on.labels.iter().any(|l| l == name))
        }
        Some(LabelModifier::Exclude(ignoring)) => labels
            .filtered(|name| name != METRIC_NAME && !ignoring.labels.iter().any(|l| l == name)),
        None => labels.without_name(),
    }
}

/// `and` (`present`) and `unless` (not `present`).
fn set_and(
    left: Vec<Column>,
    right: &[Column],
    modifier: &BinModifier,
    present: bool,
) -> Vec<Column> {
    let mut partners: HashMap<Labels, Vec<&Column>> = HashMap::new();
    for column in right {
        partners
            .entry(signature(&column.labels, modifier))
            .or_default()
            .push(column);
    }
    let filtered = left.into_iter().map(|mut column| {
        let partners = partners.get(&signature(&column.labels, modifier));
        for (step, cell) in column.cells.iter_mut().enumerate() {
            let met =
                partners.is_some_and(|columns| columns.iter().any(|c| c.cells[step].is_some()));
            if met != present {
                *cell = None;
            }
        }
        column
    });
    filtered.filter(|column| !column.is_blank()).collect()
}

fn set_or(mut left: Vec<Column>, right: Vec<Column>, modifier: &BinModifier) -> Vec<Column> {
    // the steps at which the left side has a value, by signature: as they were, before anything is joined to it
    let mut taken: HashMap<Labels, Vec<bool>> = HashMap::new();
    let mut at: HashMap<Labels, usize> = HashMap::new();
    for (index, column) in left.iter().enumerate() {
        let steps = taken
            .entry(signature(&column.labels, modifier))
            .or_insert_with(|| vec![false; column.cells.len()]);
        for (taken, cell) in steps.iter_mut().zip(&column.cells) {
            *taken |= cell.is_some();
        }
        at.insert(column.labels.clone(), index);
    }
    for mut column in right {
        if let Some(steps) = taken.get(&signature(&column.labels, modifier)) {
            for (cell, taken) in column.cells.iter_mut().zip(steps) {
                *cell = cell.filter(|_| !taken);
            }
        }
        if column.is_blank() {
            continue;
        }
        if let Some(same) = at.get(&column.labels) {
            // the same series on both sides at different steps is one series
            for (cell, other) in left[*same].cells.iter_mut().zip(column.cells) {
                *cell = cell.or(other);
            }
        } else {
            left.push(column);
        }
    }
    left
}

struct Matching<'a> {
    op: Operator,
    modifier: &'a BinModifier,
    steps: usize,
}

impl Matching<'_> {
    /// One-to-one, many-to-one and one-to-many matching, as Prometheus' `VectorBinop`, for all steps at once.
    fn join(&self, left: Vec<Column>, right: Vec<Column>) -> Result<Vec<Column>, QueryError> {
        let swapped = matches!(self.modifier.card, VectorMatchCardinality::OneToMany(_));
        let (many, one) = if swapped {
            (right, left)
        } else {
            (left, right)
        };
        // where a side is empty nothing is matched, so that nothing can be ambiguous
        let busy =
            |columns: &[Column], step: usize| columns.iter().any(|c| c.cells[step].is_some());
        let met: Vec<bool> = (0..self.steps)
            .map(|step| busy(&many, step) && busy(&one, step))
            .collect();
        let one = self.by_signature(one, &met, if swapped { "left" } else { "right" })?;
        let grouped = !matches!(self.modifier.card, VectorMatchCardinality::OneToOne);
        let mut at: HashMap<Labels, usize> = HashMap::new();
        let mut joined: Vec<Column> = Vec::new();
        let mut matched: HashSet<(&Labels, usize)> = HashSet::new();
        let signatures: Vec<Labels> = many
            .iter()
            .map(|c| signature(&c.labels, self.modifier))
            .collect();
        for (column, signature) in many.iter().zip(&signatures) {
            for partner in one.get(signature).into_iter().flatten() {
                let labels = self.result_labels(&column.labels, &partner.labels);
                for step in 0..self.steps {
                    let (Some(value), Some(other)) = (column.cells[step], partner.cells[step])
                    else {
                        continue;
                    };
                    let (l, r) = if swapped {
                        (other, value)
                    } else {
                        (value, other)
                    };
                    let Some(cell) = self.op.cell(l, r, l) else {
                        continue;
                    };
                    if !grouped && !matched.insert((signature, step)) {
                        return Err(many_to_one());
                    }
                    let index = *at.entry(labels.clone()).or_insert_with(|| {
                        joined.push(Column {
                            labels: labels.clone(),
                            cells: vec![None; self.steps],
                        });
                        joined.len() - 1
                    });
                    if joined[index].cells[step].replace(cell).is_some() {
                        return Err(QueryError::Execution(
                            "multiple matches for labels: grouping labels must ensure unique matches".into(),
                        ));
                    }
                }
            }
        }
        Ok(joined)
    }

    fn by_signature(
        &self,
        columns: Vec<Column>,
        met: &[bool],
        side: &str,
    ) -> Result<HashMap<Labels, Vec<Column>>, QueryError> {
        let mut by: HashMap<Labels, Vec<Column>> = HashMap::new();
        for column in columns {
            let members = by
                .entry(signature(&column.labels, self.modifier))
                .or_default();
            let clash = |other: &&Column| {
                other
                    .cells
                    .iter()
                    .zip(&column.cells)
                    .zip(met)
                    .any(|((a, b), met)| *met && a.is_some() && b.is_some())
            };
            if let Some(other) = members.iter().find(clash) {
                return Err(QueryError::Execution(format!(
                    "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                    signature(&column.labels, self.modifier),
                    column.labels,
                    other.labels,
                )));
            }
            members.push(column);
        }
        Ok(by)
    }

    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let mut labels = if self.op.drops_name() {
            many.without_name()
        } else {
            many.clone()
        };
        match &self.modifier.card {
            VectorMatchCardinality::OneToOne => match &self.modifier.matching {
                Some(LabelModifier::Include(on)) => {
                    labels.filtered(|name| on.labels.iter().any(|l| l == name))
                }
                Some(LabelModifier::Exclude(ignoring)) => {
                    labels.filtered(|name| !ignoring.labels.iter().any(|l| l == name))
                }
                None => labels,
            },
            VectorMatchCardinality::ManyToOne(include)
            | VectorMatchCardinality::OneToMany(include) => {
                for name in &include.labels {
                    labels = labels.with(name, one.get(name).unwrap_or(""));
                }
                labels
            }
            VectorMatchCardinality::ManyToMany => labels,
        }
    }
}

fn many_to_one() -> QueryError {
    QueryError::Execution("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)".into())
}
