//! Values of TraceQL's fields and what can be said of them: of a span, of a constant. Knows no expressions of spans.

use std::borrow::Cow;

use super::ast::{Field, Intrinsic, Literal, Scope};
use super::columns::Cell;
use super::segment::SpanRow;
use super::span::{Kind, Span, Status, Trace};
use crate::attributes::{Value, find, hex};
use crate::query::{Compare, TextMatcher};

/// What a field of a span amounts to.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue<'a> {
    /// The span has no such field.
    Nil,
    /// Text.
    Text(Cow<'a, str>),
    /// A number; durations are nanoseconds.
    Number(f64),
    /// Truth.
    Bool(bool),
    /// A status.
    Status(Status),
    /// A kind.
    Kind(Kind),
}

impl<'a> FieldValue<'a> {
    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Nil => "nil".to_owned(),
            Self::Text(text) => text.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Bool(truth) => truth.to_string(),
            Self::Status(status) => status.name().to_owned(),
            Self::Kind(kind) => kind.name().to_owned(),
        }
    }

    pub(super) fn borrowed(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(super) fn hex(bytes: &[u8]) -> Self {
        Self::Text(Cow::Owned(hex(bytes)))
    }
}

impl<'a> From<Cell<'a>> for FieldValue<'a> {
    fn from(cell: Cell<'a>) -> Self {
        match cell {
            Cell::Str(text) | Cell::Json(text) => Self::borrowed(text),
            Cell::Int(number) => Self::Number(number as f64),
            Cell::Float(number) => Self::Number(number),
            Cell::Bool(truth) => Self::Bool(truth),
        }
    }
}

fn of_attribute(value: Option<&Value>) -> FieldValue<'_> {
    value.map_or(FieldValue::Nil, |value| Cell::from(value).into())
}

/// The value of a field; fields of the trace are nil without it.
#[must_use]
pub fn field_value<'a>(field: &Field, span: &'a Span, trace: Option<&'a Trace>) -> FieldValue<'a> {
    let text = FieldValue::borrowed;
    let intrinsic = match field {
        Field::Intrinsic(intrinsic) => intrinsic,
        Field::Attribute(Scope::Any, name) => return of_attribute(span.attribute(name)),
        Field::Attribute(Scope::Span, name) => return of_attribute(find(&span.attributes, name)),
        Field::Attribute(Scope::Resource, name) => {
            return of_attribute(find(&span.origin.resource, name));
        }
    };
    match intrinsic {
        Intrinsic::Name => text(&span.name),
        Intrinsic::Status => FieldValue::Status(span.status),
        Intrinsic::StatusMessage => text(&span.status_message),
        Intrinsic::Kind => FieldValue::Kind(span.kind),
        Intrinsic::Duration => FieldValue::Number(span.duration_ns() as f64),
        Intrinsic::SpanId => FieldValue::hex(&span.span_id),
        Intrinsic::ParentId => span
            .parent
            .map_or(FieldValue::Nil, |id| FieldValue::hex(&id)),
        Intrinsic::TraceId => FieldValue::hex(&span.trace_id),
        Intrinsic::TraceDuration => trace.map_or(FieldValue::Nil, |trace| {
            FieldValue::Number(trace.duration_ns() as f64)
        }),
        Intrinsic::RootName => trace.map_or(FieldValue::Nil, |trace| text(&trace.root().name)),
        Intrinsic::RootServiceName => {
            trace.map_or(FieldValue::Nil, |trace| text(trace.root().service()))
        }
    }
}

impl<'a> SpanRow<'a> {
    /// The value of a field; fields of the trace are nil.
    #[must_use]
    pub fn field(self, field: &Field) -> FieldValue<'a> {
        let intrinsic = match field {
            Field::Intrinsic(intrinsic) => intrinsic,
            Field::Attribute(scope, name) => {
                let own = match scope {
                    Scope::Any | Scope::Span => self.own_cell(name),
                    Scope::Resource => None,
                };
                return match (own, scope) {
                    (Some(cell), _) => cell.into(),
                    (None, Scope::Span) => FieldValue::Nil,
                    (None, _) => of_attribute(find(&self.origin().resource, name)),
                };
            }
        };
        match intrinsic {
            Intrinsic::Name => FieldValue::borrowed(self.name()),
            Intrinsic::Status => FieldValue::Status(self.status()),
            Intrinsic::StatusMessage => FieldValue::borrowed(self.status_message()),
            Intrinsic::Kind => FieldValue::Kind(self.kind()),
            Intrinsic::Duration => FieldValue::Number(self.duration_ns() as f64),
            Intrinsic::SpanId => FieldValue::hex(&self.span_id()),
            Intrinsic::ParentId => self
                .parent()
                .map_or(FieldValue::Nil, |id| FieldValue::hex(&id)),
            Intrinsic::TraceId => FieldValue::hex(&self.trace_id()),
            Intrinsic::TraceDuration | Intrinsic::RootName | Intrinsic::RootServiceName => {
                FieldValue::Nil
            }
        }
    }
}

/// The value of a constant.
pub(super) fn literal_value(literal: &Literal) -> FieldValue<'_> {
    match literal {
        Literal::Text(text) => FieldValue::borrowed(text),
        Literal::Number(number) => FieldValue::Number(*number),
        Literal::Bool(truth) => FieldValue::Bool(*truth),
        Literal::Status(status) => FieldValue::Status(*status),
        Literal::Kind(kind) => FieldValue::Kind(*kind),
        Literal::Nil => FieldValue::Nil,
    }
}

/// Whether a value is text that a matcher accepts.
pub(super) fn accepts(matcher: &TextMatcher, value: &FieldValue<'_>) -> bool {
    matches!(value, FieldValue::Text(text) if matcher.matches(text))
}

/// Whether two values compare so. Values of different types never do, not even as unequal; so `.a != "x"` needs an `a`.
pub(super) fn compare(left: &FieldValue<'_>, op: Compare, right: &FieldValue<'_>) -> bool {
    match (left, right) {
        (FieldValue::Text(left), FieldValue::Text(right)) => op.holds(left, right),
        (FieldValue::Number(left), FieldValue::Number(right)) => op.holds(left, right),
        (FieldValue::Bool(left), FieldValue::Bool(right)) => op.holds(left, right),
        (FieldValue::Status(left), FieldValue::Status(right)) => equality(op, left == right),
        (FieldValue::Kind(left), FieldValue::Kind(right)) => equality(op, left == right),
        _ => false,
    }
}

/// What a comparison says of two things that have no order.
pub(super) fn equality(op: Compare, equal: bool) -> bool {
    match op {
        Compare::Equal => equal,
        Compare::NotEqual => !equal,
        _ => false,
    }
}
