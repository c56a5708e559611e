//! TraceQL's conditions on the columns of a segment: of which rows one may hold. Constants are translated to the segment's
//! symbols once; what its dictionary or its extremes rule out is not looked for. Knows no traces: a field of the whole trace
//! may have any value.

use super::ast::{Field, FieldExpr, Intrinsic, Literal, Operand, Scope, SpansetExpr};
use super::columns::{Cell, Slot};
use super::field::{FieldValue, accepts, compare, equality, literal_value};
use super::segment::{SpanRow, SpanSegment};
use super::span::{Kind, Status};
use crate::attributes::find;
use crate::dictionary::Symbol;
use crate::query::Compare;
use crate::row_set::RowSet;
use crate::segments::Sealed;

impl SpanSegment {
    /// The spans, by begin, that can be among a query's results as far as can be told without their traces.
    pub fn rows_that_may_match(&self, spans: &SpansetExpr) -> impl Iterator<Item = SpanRow<'_>> {
        let may_hold = any_may_hold(self, &spans.filters());
        self.rows()
            .filter(move |row| may_hold.contains(usize::from(row.number())))
    }
}

/// The rows of which one of some conditions may hold.
pub(super) fn any_may_hold(segment: &SpanSegment, conditions: &[&FieldExpr]) -> RowSet {
    let mut rows = RowSet::none(Sealed::rows(segment));
    for condition in conditions {
        rows.unite(&may_be(segment, condition, true));
    }
    rows
}

/// The rows of which a condition may be `truth`: exactly those, but for fields of the whole trace.
fn may_be(segment: &SpanSegment, condition: &FieldExpr, truth: bool) -> RowSet {
    let count = Sealed::rows(segment);
    let constant = |holds: bool| {
        if holds {
            RowSet::all(count)
        } else {
            RowSet::none(count)
        }
    };
    let exact = |rows: RowSet| match truth {
        true => rows,
        false => {
            let mut others = RowSet::all(count);
            others.subtract(&rows);
            others
        }
    };
    match condition {
        FieldExpr::Constant(value) => constant(*value == truth),
        FieldExpr::Not(inner) => may_be(segment, inner, !truth),
        FieldExpr::And(left, right) | FieldExpr::Or(left, right) => {
            let mut rows = may_be(segment, left, truth);
            if matches!(condition, FieldExpr::And(..)) != truth {
                rows.unite(&may_be(segment, right, truth));
            } else if !rows.is_empty() {
                rows.intersect(&may_be(segment, right, truth));
            }
            rows
        }
        // only with the trace it can be told, either way
        leaf if leaf.needs_trace() => RowSet::all(count),
        FieldExpr::Truth(field) => exact(fitting(segment, field, None, &|value| {
            *value == FieldValue::Bool(true)
        })),
        FieldExpr::Text(Operand::Literal(literal), matcher) => {
            constant(accepts(matcher, &literal_value(literal)) == truth)
        }
        FieldExpr::Text(Operand::Field(field), matcher) => {
            let equal = matcher.equal_to();
            exact(fitting(segment, field, equal, &|value| {
                accepts(matcher, value)
            }))
        }
        FieldExpr::Compare(left, op, right) => exact(comparing(segment, left, *op, right)),
    }
}

/// The rows of which a comparison holds.
fn comparing(segment: &SpanSegment, left: &Operand, op: Compare, right: &Operand) -> RowSet {
    let rows = Sealed::rows(segment);
    let nil = Literal::Nil;
    match (left, right) {
        (Operand::Literal(left), Operand::Literal(right)) => {
            let (one, other) = (literal_value(left), literal_value(right));
            let holds = if *left == nil || *right == nil {
                equality(op, one == other)
            } else {
                compare(&one, op, &other)
            };
            if holds {
                RowSet::all(rows)
            } else {
                RowSet::none(rows)
            }
        }
        (Operand::Field(left), Operand::Field(right)) => RowSet::of(rows, |row| {
            let row = segment.row(row as u16);
            compare(&row.field(left), op, &row.field(right))
        }),
        (Operand::Field(field), Operand::Literal(literal))
        | (Operand::Literal(literal), Operand::Field(field)) => {
            if *literal == nil {
                let absent = |value: &FieldValue<'_>| *value == FieldValue::Nil;
                return fitting(segment, field, None, &|value| equality(op, absent(value)));
            }
            let flipped = matches!(left, Operand::Literal(_));
            let op = if flipped { mirrored(op) } else { op };
            let constant = literal_value(literal);
            let equal = match literal {
                Literal::Text(text) if op == Compare::Equal => Some(text.as_str()),
                _ => None,
            };
            if let (Field::Intrinsic(Intrinsic::Duration), Literal::Number(number)) =
                (field, literal)
            {
                return lasting(segment, op, *number);
            }
            fitting(segment, field, equal, &|value| {
                compare(value, op, &constant)
            })
        }
    }
}

/// `a op b` as `b op a`.
fn mirrored(op: Compare) -> Compare {
    match op {
        Compare::Equal | Compare::NotEqual => op,
        Compare::Greater => Compare::Less,
        Compare::GreaterEqual => Compare::LessEqual,
        Compare::Less => Compare::Greater,
        Compare::LessEqual => Compare::GreaterEqual,
    }
}

/// The rows whose duration compares so with a number of ns.
fn lasting(segment: &SpanSegment, op: Compare, number: f64) -> RowSet {
    let durations = &segment.columns.duration_ns;
    let (least, greatest) = segment.durations_ns();
    let (least, greatest) = (least as f64, greatest as f64);
    let possible = match op {
        Compare::Equal => least <= number && number <= greatest,
        Compare::NotEqual => true,
        Compare::Greater | Compare::GreaterEqual => op.holds(&greatest, &number),
        Compare::Less | Compare::LessEqual => op.holds(&least, &number),
    };
    if !possible {
        return RowSet::none(durations.len());
    }
    // one loop for each operator, so that none chooses at every row
    match op {
        Compare::Equal => each(durations, |one| one == number),
        Compare::NotEqual => each(durations, |one| one != number),
        Compare::Greater => each(durations, |one| one > number),
        Compare::GreaterEqual => each(durations, |one| one >= number),
        Compare::Less => each(durations, |one| one < number),
        Compare::LessEqual => each(durations, |one| one <= number),
    }
}

fn each(durations: &[i64], holds: impl Fn(f64) -> bool) -> RowSet {
    RowSet::of(durations.len(), |row| holds(durations[row] as f64))
}

/// The rows whose value of a field fits. Where only one text can fit it is `equal`.
fn fitting(
    segment: &SpanSegment,
    field: &Field,
    equal: Option<&str>,
    fits: &dyn Fn(&FieldValue<'_>) -> bool,
) -> RowSet {
    let columns = &segment.columns;
    let rows = columns.rows();
    let intrinsic = match field {
        Field::Attribute(scope, name) => return having(segment, *scope, name, equal, fits),
        Field::Intrinsic(intrinsic) => intrinsic,
    };
    match intrinsic {
        Intrinsic::Name => {
            let mut texts = TextVerdicts::new(segment, equal, fits);
            if texts.none_can_fit() {
                return RowSet::none(rows);
            }
            RowSet::of(rows, |row| texts.fits(columns.name[row].0))
        }
        Intrinsic::Status => {
            let verdicts = Status::ALL.map(|status| fits(&FieldValue::Status(status)));
            RowSet::of(rows, |row| verdicts[columns.status[row] as usize])
        }
        Intrinsic::Kind => {
            let verdicts = Kind::ALL.map(|kind| fits(&FieldValue::Kind(kind)));
            RowSet::of(rows, |row| verdicts[columns.kind[row] as usize])
        }
        Intrinsic::Duration => RowSet::of(rows, |row| {
            fits(&FieldValue::Number(columns.duration_ns[row] as f64))
        }),
        Intrinsic::StatusMessage if columns.status_message.is_empty() => {
            if fits(&FieldValue::borrowed("")) {
                RowSet::all(rows)
            } else {
                RowSet::none(rows)
            }
        }
        _ => RowSet::of(rows, |row| fits(&segment.row(row as u16).field(field))),
    }
}

/// The rows whose attribute fits.
fn having(
    segment: &SpanSegment,
    scope: Scope,
    name: &str,
    equal: Option<&str>,
    fits: &dyn Fn(&FieldValue<'_>) -> bool,
) -> RowSet {
    let columns = &segment.columns;
    let rows = columns.rows();
    let of_resource: Vec<bool> = match scope {
        Scope::Span => vec![fits(&FieldValue::Nil); columns.origins.len()],
        Scope::Any | Scope::Resource => {
            let values = columns
                .origins
                .iter()
                .map(|origin| find(&origin.resource, name));
            let value = |value| Option::map_or(value, FieldValue::Nil, |v| Cell::from(v).into());
            values.map(|found| fits(&value(found))).collect()
        }
    };
    let key = columns
        .texts
        .find_symbol(name)
        .filter(|_| scope != Scope::Resource);
    let places = key.map_or_else(Vec::new, |key| places(segment, key));
    let without = |row: usize| of_resource[usize::from(columns.origin[row])];
    if places.iter().all(Option::is_none) {
        if of_resource.iter().all(|fits| !fits) {
            return RowSet::none(rows);
        }
        return RowSet::of(rows, without);
    }
    let mut texts = TextVerdicts::new(segment, equal, fits);
    if texts.none_can_fit() && of_resource.iter().all(|fits| !fits) {
        return RowSet::none(rows);
    }
    RowSet::of(rows, |row| {
        let list = columns.attributes[row];
        let Some((place, slot)) = places[list.shape as usize] else {
            return without(row);
        };
        let raw = columns.raw(list, place);
        if slot.is_text() {
            texts.fits(raw)
        } else {
            fits(&columns.read(slot, raw).into())
        }
    })
}

/// Where an attribute stands in each shape: the first of that name counts.
fn places(segment: &SpanSegment, key: Symbol) -> Vec<Option<(usize, Slot)>> {
    let place = |shape: usize| {
        let slots = segment.columns.slots(shape as u32).iter().copied();
        slots.enumerate().find(|(_, slot)| slot.key() == key)
    };
    (0..segment.columns.shapes()).map(place).collect()
}

/// What a condition says of the texts of a segment, each asked once.
struct TextVerdicts<'a> {
    segment: &'a SpanSegment,
    fits: &'a dyn Fn(&FieldValue<'_>) -> bool,
    /// The only text that can fit, if there is only one; then, its symbol, if the segment has it.
    only: Option<Option<u32>>,
    known: Vec<Option<bool>>,
}

impl<'a> TextVerdicts<'a> {
    fn new(
        segment: &'a SpanSegment,
        equal: Option<&str>,
        fits: &'a dyn Fn(&FieldValue<'_>) -> bool,
    ) -> Self {
        let texts = &segment.columns.texts;
        let only = equal.map(|text| texts.find(text));
        let known = if only.is_some() { 0 } else { texts.count() };
        Self {
            segment,
            fits,
            only,
            known: vec![None; known],
        }
    }

    fn none_can_fit(&self) -> bool {
        self.only == Some(None)
    }

    fn fits(&mut self, symbol: u32) -> bool {
        if let Some(only) = self.only {
            return only == Some(symbol);
        }
        *self.known[symbol as usize].get_or_insert_with(|| {
            let text = self.segment.columns.texts.get(symbol);
            (self.fits)(&FieldValue::borrowed(text))
        })
    }
}
