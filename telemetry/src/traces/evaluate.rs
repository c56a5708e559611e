//! TraceQL on one trace: which spans, in which sets. Knows no store; the spans of the trace may lie anywhere.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{Aggregate, Field, FieldExpr, Literal, Operand, Query, Stage};
use super::field::{FieldValue, accepts, compare, equality, field_value, literal_value};
use super::span::{Span, Trace};
use super::structure::select;
use crate::logs::record::SpanId;

/// A trace that a query found.
#[derive(Debug, Clone)]
pub struct TraceHit {
    /// The trace, as far as it is held.
    pub trace: Trace,
    /// The spans that matched; more than one set after `by`. Never empty.
    pub sets: Vec<SpanSet>,
}

/// Spans that matched together.
#[derive(Debug, Clone)]
pub struct SpanSet {
    /// The spans, by begin. Never empty.
    pub spans: Vec<Arc<Span>>,
    /// The fields that `by` split on, with this set's values.
    pub groups: Vec<(String, String)>,
}

/// The spans of one trace, each once, by begin.
pub(super) trait Spans {
    /// How many.
    fn count(&self) -> usize;

    /// The id of a span, and of its parent if it has one.
    fn ids(&self, at: usize) -> (SpanId, Option<SpanId>);

    /// The value of a field of a span.
    fn value<'a>(&'a self, field: &Field, at: usize) -> FieldValue<'a>;
}

impl Spans for Trace {
    fn count(&self) -> usize {
        self.spans.len()
    }

    fn ids(&self, at: usize) -> (SpanId, Option<SpanId>) {
        (self.spans[at].span_id, self.spans[at].parent)
    }

    fn value<'a>(&'a self, field: &Field, at: usize) -> FieldValue<'a> {
        field_value(field, &self.spans[at], Some(self))
    }
}

/// A set of spans, by their places in the trace, in order. Never empty in an answer.
#[derive(Debug)]
pub(super) struct Set {
    places: Vec<usize>,
    groups: Vec<(String, String)>,
}

/// Runs a query on one trace; `None` when it does not match.
#[must_use]
pub fn matches(query: &Query, trace: &Trace) -> Option<TraceHit> {
    hit(sets(query, trace), || Some(trace.clone()))
}

/// What was found, with the trace that it was found in.
pub(super) fn hit(sets: Vec<Set>, trace: impl FnOnce() -> Option<Trace>) -> Option<TraceHit> {
    if sets.is_empty() {
        return None;
    }
    let trace = trace()?;
    let spans = |set: Set| SpanSet {
        spans: set
            .places
            .into_iter()
            .map(|at| trace.spans[at].clone())
            .collect(),
        groups: set.groups,
    };
    let sets = sets.into_iter().map(spans).collect();
    Some(TraceHit { trace, sets })
}

/// The sets of spans that a query finds in one trace; none when it does not match.
pub(super) fn sets(query: &Query, spans: &impl Spans) -> Vec<Set> {
    let chosen = select(&query.spans, spans);
    let places = (0..chosen.len()).filter(|&at| chosen[at]);
    let mut sets = vec![Set {
        places: places.collect(),
        groups: Vec::new(),
    }];
    for stage in &query.stages {
        sets.retain(|set| !set.places.is_empty());
        sets = apply(stage, sets, spans);
    }
    sets.retain(|set| !set.places.is_empty());
    sets
}

fn apply(stage: &Stage, mut sets: Vec<Set>, spans: &impl Spans) -> Vec<Set> {
    match stage {
        Stage::Select(_) => {}
        Stage::Filter(filter) => {
            for set in &mut sets {
                set.places.retain(|&at| holds(filter, spans, at));
            }
        }
        Stage::Scalar {
            aggregate,
            field,
            op,
            value,
        } => sets.retain(|set| {
            let result = scalar(*aggregate, field.as_ref(), set, spans);
            result.is_some_and(|result| op.holds(&result, value))
        }),
        Stage::By(field) => {
            let split = |set| split(field, set, spans);
            sets = sets.into_iter().flat_map(split).collect();
        }
        Stage::Coalesce => {
            let mut places: Vec<_> = sets.into_iter().flat_map(|set| set.places).collect();
            places.sort_unstable();
            sets = vec![Set {
                places,
                groups: Vec::new(),
            }];
        }
    }
    sets
}

fn scalar(
    aggregate: Aggregate,
    field: Option<&Field>,
    set: &Set,
    spans: &impl Spans,
) -> Option<f64> {
    let Some(field) = field else {
        return Some(set.places.len() as f64);
    };
    let number = |&at: &usize| match spans.value(field, at) {
        FieldValue::Number(number) => Some(number),
        _ => None,
    };
    let values: Vec<f64> = set.places.iter().filter_map(number).collect();
    let sum: f64 = values.iter().sum();
    match aggregate {
        _ if values.is_empty() => None,
        Aggregate::Count => Some(values.len() as f64),
        Aggregate::Sum => Some(sum),
        Aggregate::Avg => Some(sum / values.len() as f64),
        Aggregate::Min => values.into_iter().reduce(f64::min),
        Aggregate::Max => values.into_iter().reduce(f64::max),
    }
}

fn split(field: &Field, set: Set, spans: &impl Spans) -> Vec<Set> {
    let mut sets: Vec<Set> = Vec::new();
    let mut of_value: HashMap<String, usize> = HashMap::new();
    for at in set.places {
        let value = spans.value(field, at).text();
        if let Some(&known) = of_value.get(&value) {
            sets[known].places.push(at);
            continue;
        }
        of_value.insert(value.clone(), sets.len());
        let mut groups = set.groups.clone();
        groups.push((field.name(), value));
        sets.push(Set {
            places: vec![at],
            groups,
        });
    }
    sets
}

/// Whether a condition holds of a span.
pub(super) fn holds(expression: &FieldExpr, spans: &impl Spans, at: usize) -> bool {
    match expression {
        FieldExpr::Constant(truth) => *truth,
        FieldExpr::Not(inner) => !holds(inner, spans, at),
        FieldExpr::And(left, right) => holds(left, spans, at) && holds(right, spans, at),
        FieldExpr::Or(left, right) => holds(left, spans, at) || holds(right, spans, at),
        FieldExpr::Truth(field) => spans.value(field, at) == FieldValue::Bool(true),
        FieldExpr::Text(operand, matcher) => accepts(matcher, &value(operand, spans, at)),
        FieldExpr::Compare(operand, op, Operand::Literal(Literal::Nil))
        | FieldExpr::Compare(Operand::Literal(Literal::Nil), op, operand) => {
            equality(*op, value(operand, spans, at) == FieldValue::Nil)
        }
        FieldExpr::Compare(left, op, right) => {
            compare(&value(left, spans, at), *op, &value(right, spans, at))
        }
    }
}

fn value<'a>(operand: &'a Operand, spans: &'a impl Spans, at: usize) -> FieldValue<'a> {
    match operand {
        Operand::Field(field) => spans.value(field, at),
        Operand::Literal(literal) => literal_value(literal),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logs::fixture::{int, text};
    use crate::traces::fixture::{Shape, batch};
    use crate::traces::{TRACE_BYTES, TraceStore, assemble, parse};

    /// 1 storefront server ─ 2 client ─ 3 checkout server ─ 4 and 5 its two queries, the second failed.
    fn trace() -> Trace {
        let store = TraceStore::new(TRACE_BYTES);
        let shape = |span, parent, name, kind, duration_ms| Shape {
            name,
            kind,
            duration_ms,
            ..Shape::child(1, span, parent)
        };
        let mut root = shape(1, 0, "GET /cart", 2, 500);
        root.attributes = vec![text("http.route", "/cart"), int("http.status", 503)];
        let mut failed = shape(5, 3, "SELECT", 3, 300);
        failed.error = true;
        failed.attributes = vec![text("db.statement", "select 1")];
        store.append(&batch("storefront", &[root, shape(2, 1, "GET", 3, 450)]));
        store.append(&batch(
            "checkout",
            &[
                shape(3, 2, "POST /pay", 2, 400),
                shape(4, 3, "SELECT", 3, 10),
                failed,
            ],
        ));
        assemble(&store.snapshot(), &Shape::trace_id(1)).unwrap()
    }

    /// The numbers of the spans that a query finds, sets apart.
    fn sets(query: &str) -> Vec<Vec<u8>> {
        let query = parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let hit = matches(&query, &trace());
        let numbers = |set: SpanSet| set.spans.iter().map(|span| span.span_id[7]).collect();
        hit.map(|hit| hit.sets.into_iter().map(numbers).collect())
            .unwrap_or_default()
    }

    fn spans(query: &str) -> Vec<u8> {
        sets(query).concat()
    }

    #[test]
    fn every_intrinsic_can_be_asked_for() {
        assert_eq!(spans("{}"), [1, 2, 3, 4, 5]);
        assert_eq!(spans("{ name = \"SELECT\" }"), [4, 5]);
        assert_eq!(spans("{ status = error }"), [5]);
        assert_eq!(spans("{ status != error }"), [1, 2, 3, 4]);
        assert_eq!(spans("{ kind = server }"), [1, 3]);
        assert_eq!(spans("{ statusMessage =~ \".*failed\" }"), [5]);
        assert_eq!(spans("{ duration > 400ms }"), [1, 2]);
        assert_eq!(
            spans("{ duration >= 400ms && span:duration < 0.5s }"),
            [2, 3]
        );
        assert_eq!(spans("{ duration <= 10ms }"), [4]);
        assert_eq!(spans("{ traceDuration > 1s }"), [0; 0]);
        assert_eq!(spans("{ trace:duration > 499ms && name = \"GET\" }"), [2]);
        assert_eq!(
            spans("{ rootName = \"GET /cart\" && kind = client }"),
            [2, 4, 5]
        );
        assert_eq!(spans("{ rootServiceName = \"checkout\" }"), [0; 0]);
        assert_eq!(
            spans("{ span:id = \"0000000000000004\" || span:parentID = \"0000000000000001\" }"),
            [2, 4]
        );
    }

    #[test]
    fn attributes_are_typed_and_scoped() {
        assert_eq!(spans("{ .http.status = 503 }"), [1]);
        assert_eq!(spans("{ span.http.status >= 500 }"), [1]);
        assert_eq!(spans("{ resource.http.status >= 500 }"), [0; 0]);
        assert_eq!(spans("{ .http.status = \"503\" }"), [0; 0]);
        assert_eq!(spans("{ resource.service.name = \"checkout\" }"), [3, 4, 5]);
        assert_eq!(spans("{ .service.name !~ \"check.*\" }"), [1, 2]);
        assert_eq!(
            spans("{ .http.route != \"/x\" }"),
            [1],
            "a span without it is not unequal"
        );
        assert_eq!(spans("{ .http.route = nil }"), [2, 3, 4, 5]);
        assert_eq!(spans("{ .db.statement != nil }"), [5]);
        assert_eq!(
            spans("{ !(.db.statement != nil) && name = \"SELECT\" }"),
            [4]
        );
        assert_eq!(
            spans("{ name = \"GET\" || status = error && kind = client }"),
            [2, 5]
        );
    }

    #[test]
    fn every_structural_operator_relates_spans() {
        assert_eq!(spans("{ name = \"GET\" } > { kind = server }"), [3]);
        assert_eq!(
            spans("{ name = \"GET /cart\" } > { kind = server }"),
            [0; 0]
        );
        assert_eq!(
            spans("{ name = \"GET /cart\" } >> { name = \"SELECT\" }"),
            [4, 5]
        );
        assert_eq!(spans("{ status = error } < { kind = server }"), [3]);
        assert_eq!(spans("{ status = error } << { kind = server }"), [1, 3]);
        assert_eq!(spans("{ status = error } ~ { name = \"SELECT\" }"), [4]);
        assert_eq!(spans("{ kind = server } && { status = error }"), [1, 3, 5]);
        assert_eq!(spans("{ kind = server } && { status = ok }"), [0; 0]);
        assert_eq!(spans("{ status = ok } || { status = error }"), [5]);
        assert_eq!(
            spans("({ status = ok } || { name = \"GET\" }) >> { status = error }"),
            [5]
        );
    }

    #[test]
    fn pipelines_count_compute_split_and_join() {
        assert_eq!(spans("{ name = \"SELECT\" } | count() > 1"), [4, 5]);
        assert_eq!(spans("{ name = \"SELECT\" } | count() > 2"), [0; 0]);
        assert_eq!(
            spans("{ name = \"SELECT\" } | sum(duration) = 310ms"),
            [4, 5]
        );
        assert_eq!(
            spans("{ name = \"SELECT\" } | avg(duration) = 155ms"),
            [4, 5]
        );
        assert_eq!(
            spans("{ name = \"SELECT\" } | min(duration) > 10ms"),
            [0; 0]
        );
        assert_eq!(
            spans("{ name = \"SELECT\" } | max(duration) >= 300ms | { status = error }"),
            [5]
        );
        assert_eq!(
            spans("{} | max(.http.status) = 503 | min(.nonesuch) < 5"),
            [0; 0]
        );
        assert_eq!(
            sets("{} | by(resource.service.name)"),
            [vec![1, 2], vec![3, 4, 5]]
        );
        assert_eq!(
            sets("{} | by(resource.service.name) | count() > 2"),
            [[3, 4, 5]]
        );
        assert_eq!(sets("{} | by(kind) | coalesce()").len(), 1);
        assert_eq!(
            spans("{ status = error } | select(.db.statement, duration)"),
            [5]
        );
    }

    #[test]
    fn a_ring_of_parents_does_not_hang() {
        let store = TraceStore::new(TRACE_BYTES);
        store.append(&batch("a", &[Shape::child(1, 1, 2), Shape::child(1, 2, 1)]));
        let trace = assemble(&store.snapshot(), &Shape::trace_id(1)).unwrap();
        let query = parse("{ status = error } >> {} || {} << {}").unwrap();
        assert_eq!(matches(&query, &trace).unwrap().sets[0].spans.len(), 2);
    }

    /// Whether `above` is met on the way up from `span`, the slow way.
    fn is_above(parents: &[u64], above: u64, span: u64) -> bool {
        let parent = |span: &u64| Some(parents[*span as usize - 1]).filter(|p| *p != 0);
        let mut way = std::iter::successors(parent(&span), |at| {
            (*at <= parents.len() as u64).then(|| parent(at)).flatten()
        });
        way.by_ref().take(parents.len() + 1).any(|at| at == above)
    }

    /// What an operator selects, by its definition alone.
    fn slow(op: &str, parents: &[u64], left: &[u64], right: &[u64]) -> Vec<u64> {
        let parent = |span: u64| parents[span as usize - 1];
        let related = |l: u64, r: u64| match op {
            ">" => parent(r) == l,
            ">>" => is_above(parents, l, r),
            "<" => parent(l) == r,
            "<<" => is_above(parents, r, l),
            _ => l != r && parent(r) != 0 && parent(l) == parent(r),
        };
        let found = right.iter().copied();
        found
            .filter(|r| left.iter().any(|l| related(*l, *r)))
            .collect()
    }

    proptest! {
        #[test]
        fn structure_is_what_its_definition_says(
            // parents by place, from 1; 0 has none, and what is beyond the end is not held
            parents in prop::collection::vec(0_u64..9, 1..8),
            sides in prop::collection::vec((any::<bool>(), any::<bool>()), 8),
        ) {
            let flag = |key: &str, on: bool| on.then(|| text(key, "x"));
            let shapes: Vec<Shape> = (1..).zip(&parents).map(|(span, parent)| {
                let (l, r) = sides[span as usize - 1];
                let attributes = [flag("l", l), flag("r", r)].into_iter().flatten().collect();
                Shape { attributes, start_ms: 1, ..Shape::child(1, span, *parent) }
            }).collect();
            let store = TraceStore::new(TRACE_BYTES);
            store.append(&batch("a", &shapes));
            let trace = assemble(&store.snapshot(), &Shape::trace_id(1)).unwrap();
            let side = |of: fn(&(bool, bool)) -> bool| -> Vec<u64> {
                let places = (1..=parents.len() as u64).filter(|span| of(&sides[*span as usize - 1]));
                places.collect()
            };
            let (left, right) = (side(|s| s.0), side(|s| s.1));
            for op in [">", ">>", "<", "<<", "~"] {
                let query = parse(&format!("{{ .l = \"x\" }} {op} {{ .r = \"x\" }}")).unwrap();
                let mut found: Vec<u64> = matches(&query, &trace)
                    .into_iter()
                    .flat_map(|hit| hit.sets)
                    .flat_map(|set| set.spans)
                    .map(|span| u64::from_be_bytes(span.span_id))
                    .collect();
                found.sort_unstable();
                prop_assert_eq!(found, slow(op, &parents, &left, &right), "{}", op);
            }
        }
    }

    #[test]
    fn a_trace_of_a_hundred_thousand_spans_is_walked_once() {
        let chain = |span| Shape::child(1, span, span - 1);
        let wide = |span| Shape::child(2, span, u64::from(span > 1));
        let store = TraceStore::new(256 << 20);
        let of = |make: &dyn Fn(u64) -> Shape| (1..=100_000).map(make).collect::<Vec<_>>();
        store.append(&batch("a", &of(&chain)));
        store.append(&batch("a", &of(&wide)));
        for (trace, op, expected) in [(1, ">>", 99_999), (1, "<<", 99_999), (2, "~", 99_999)] {
            let trace = assemble(&store.snapshot(), &Shape::trace_id(trace)).unwrap();
            let query = parse(&format!("{{}} {op} {{}}")).unwrap();
            let hit = matches(&query, &trace).unwrap();
            assert_eq!(hit.sets[0].spans.len(), expected, "{op}");
        }
    }
}
