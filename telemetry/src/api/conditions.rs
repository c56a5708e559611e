//! Conditions on spans as the older search APIs state them: by tags of text, by name, by duration. They
//! become TraceQL's tree, so that one search serves all. Knows no HTTP.

use crate::query::Compare;
use crate::traces::ast::{
    Field, FieldExpr, Intrinsic, Literal, Operand, Query, Scope, SpansetExpr,
};
use crate::traces::span::{Kind, Status};

/// The query for spans that meet all of some conditions.
pub(super) fn all_of(conditions: Vec<FieldExpr>) -> Query {
    let both = |left, right| FieldExpr::And(Box::new(left), Box::new(right));
    let all = conditions.into_iter().reduce(both);
    Query {
        spans: SpansetExpr::Filter(all.unwrap_or(FieldExpr::Constant(true))),
        stages: Vec::new(),
    }
}

/// A span of this name.
pub(super) fn name_is(name: &str) -> FieldExpr {
    compare(
        Intrinsic::Name,
        Compare::Equal,
        Literal::Text(name.to_owned()),
    )
}

/// A span of this length, ns, or a longer one.
pub(super) fn lasts_at_least(ns: i64) -> FieldExpr {
    compare(
        Intrinsic::Duration,
        Compare::GreaterEqual,
        Literal::Number(ns as f64),
    )
}

/// A span of this length, ns, or a shorter one.
pub(super) fn lasts_at_most(ns: i64) -> FieldExpr {
    compare(
        Intrinsic::Duration,
        Compare::LessEqual,
        Literal::Number(ns as f64),
    )
}

fn compare(intrinsic: Intrinsic, op: Compare, literal: Literal) -> FieldExpr {
    let field = Operand::Field(Field::Intrinsic(intrinsic));
    FieldExpr::Compare(field, op, Operand::Literal(literal))
}

/// A span whose tag reads so: tags are compared as text, whatever their type.
pub(super) fn tag_is(key: &str, value: &str) -> FieldExpr {
    let is = |field: Field, literal: Literal| {
        FieldExpr::Compare(
            Operand::Field(field),
            Compare::Equal,
            Operand::Literal(literal),
        )
    };
    let intrinsic =
        |intrinsic: Intrinsic, literal: Literal| is(Field::Intrinsic(intrinsic), literal);
    let attribute = || Field::Attribute(Scope::Any, key.to_owned());
    let mut either = is(attribute(), Literal::Text(value.to_owned()));
    let mut or = |other: FieldExpr| {
        either = FieldExpr::Or(
            Box::new(std::mem::replace(&mut either, FieldExpr::Constant(false))),
            Box::new(other),
        );
    };
    if let Ok(number) = value.parse::<f64>() {
        or(is(attribute(), Literal::Number(number)));
    }
    if let Ok(truth) = value.parse::<bool>() {
        or(is(attribute(), Literal::Bool(truth)));
    }
    let kinds = Kind::ALL.into_iter().skip(1);
    match (key, value) {
        // what a trace shows as tags and TraceQL knows as intrinsics
        ("error", "true") | ("otel.status_code", "ERROR") => {
            or(intrinsic(Intrinsic::Status, Literal::Status(Status::Error)));
        }
        ("otel.status_code", "OK") => {
            or(intrinsic(Intrinsic::Status, Literal::Status(Status::Ok)));
        }
        ("otel.status_description", text) => {
            or(intrinsic(
                Intrinsic::StatusMessage,
                Literal::Text(text.to_owned()),
            ));
        }
        ("span.kind", name) => {
            if let Some(kind) = kinds.into_iter().find(|kind| kind.name() == name) {
                or(intrinsic(Intrinsic::Kind, Literal::Kind(kind)));
            }
        }
        _ => {}
    }
    either
}
