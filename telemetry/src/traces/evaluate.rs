//! TraceQL on one trace: which spans, in which sets. Knows no store.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::ast::{
    Aggregate, Field, FieldExpr, Intrinsic, Literal, Operand, Query, Scope, SpansetExpr, SpansetOp,
    Stage,
};
use super::span::{Kind, Span, Status, Trace};
use crate::attributes::{Value, find, hex};
use crate::logs::record::SpanId;
use crate::query::Compare;

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

/// Runs a query on one trace; `None` when it does not match.
#[must_use]
pub fn matches(query: &Query, trace: &Trace) -> Option<TraceHit> {
    let spans = select(&query.spans, trace);
    let mut sets = vec![SpanSet {
        spans: trace
            .spans
            .iter()
            .filter(|span| spans.contains(&span.span_id))
            .cloned()
            .collect(),
        groups: Vec::new(),
    }];
    for stage in &query.stages {
        sets.retain(|set| !set.spans.is_empty());
        sets = apply(stage, sets, trace);
    }
    sets.retain(|set| !set.spans.is_empty());
    (!sets.is_empty()).then(|| TraceHit {
        trace: trace.clone(),
        sets,
    })
}

/// Whether a span, seen without its trace, can be among a query's results. May say yes in doubt.
#[must_use]
pub fn may_match(expression: &SpansetExpr, span: &Span) -> bool {
    match expression {
        SpansetExpr::Filter(filter) => filter.needs_trace() || holds(filter, span, None),
        SpansetExpr::Operation(_, left, right) => may_match(left, span) || may_match(right, span),
    }
}

fn select(expression: &SpansetExpr, trace: &Trace) -> HashSet<SpanId> {
    let (op, left, right) = match expression {
        SpansetExpr::Filter(filter) => {
            let spans = trace
                .spans
                .iter()
                .filter(|span| holds(filter, span, Some(trace)));
            return spans.map(|span| span.span_id).collect();
        }
        SpansetExpr::Operation(op, left, right) => (*op, select(left, trace), select(right, trace)),
    };
    let related = |keep: &dyn Fn(&Span) -> bool| -> HashSet<SpanId> {
        let spans = trace
            .spans
            .iter()
            .filter(|span| right.contains(&span.span_id) && keep(span));
        spans.map(|span| span.span_id).collect()
    };
    match op {
        SpansetOp::And if left.is_empty() || right.is_empty() => HashSet::new(),
        SpansetOp::And | SpansetOp::Or => left.union(&right).copied().collect(),
        SpansetOp::Child => related(&|span| span.parent.is_some_and(|id| left.contains(&id))),
        SpansetOp::Descendant => {
            let below = below(trace, &left);
            related(&|span| below.contains(&span.span_id))
        }
        SpansetOp::Parent => {
            let parents: HashSet<_> = of(trace, &left).filter_map(|span| span.parent).collect();
            related(&|span| parents.contains(&span.span_id))
        }
        SpansetOp::Ancestor => {
            let above = above(trace, &left);
            related(&|span| above.contains(&span.span_id))
        }
        SpansetOp::Sibling => {
            // of each parent: how many of its children are on the left, and one of them
            let mut children: HashMap<SpanId, (usize, SpanId)> = HashMap::new();
            for span in of(trace, &left) {
                if let Some(parent) = span.parent {
                    children.entry(parent).or_insert((0, span.span_id)).0 += 1;
                }
            }
            related(&|span| {
                let found = span.parent.and_then(|parent| children.get(&parent));
                found.is_some_and(|(count, one)| *count > 1 || *one != span.span_id)
            })
        }
    }
}

fn of<'a>(trace: &'a Trace, ids: &'a HashSet<SpanId>) -> impl Iterator<Item = &'a Arc<Span>> {
    trace
        .spans
        .iter()
        .filter(|span| ids.contains(&span.span_id))
}

/// The spans above any of these. Each span is walked over once, however deep the trace, and a ring that a broken emitter made
/// of parents ends where it began.
fn above(trace: &Trace, spans: &HashSet<SpanId>) -> HashSet<SpanId> {
    let mut above = HashSet::new();
    for span in of(trace, spans) {
        let mut next = span.parent;
        while let Some(id) = next.filter(|id| above.insert(*id)) {
            next = trace.span(&id).and_then(|span| span.parent);
        }
    }
    above
}

/// The spans below any of these, in the same manner.
fn below(trace: &Trace, spans: &HashSet<SpanId>) -> HashSet<SpanId> {
    let mut known: HashMap<SpanId, bool> = HashMap::new();
    for span in &trace.spans {
        let (mut path, mut places) = (Vec::new(), HashMap::new());
        let mut at = Some(span);
        while let Some(span) = at.filter(|span| !known.contains_key(&span.span_id)) {
            if let Some(&ring) = places.get(&span.span_id) {
                // all of a ring are below each other
                let ring: Vec<&Arc<Span>> = path.split_off(ring);
                let below = ring.iter().any(|span| spans.contains(&span.span_id));
                known.extend(ring.iter().map(|span| (span.span_id, below)));
                break;
            }
            places.insert(span.span_id, path.len());
            path.push(span);
            at = trace.parent(span);
        }
        while let Some(span) = path.pop() {
            let parent = span.parent;
            let below =
                parent.is_some_and(|id| spans.contains(&id) || known.get(&id) == Some(&true));
            known.insert(span.span_id, below);
        }
    }
    let below = known.into_iter().filter(|(_, below)| *below);
    below.map(|(id, _)| id).collect()
}

fn apply(stage: &Stage, sets: Vec<SpanSet>, trace: &Trace) -> Vec<SpanSet> {
    match stage {
        Stage::Select(_) => sets,
        Stage::Filter(filter) => sets
            .into_iter()
            .map(|mut set| {
                set.spans.retain(|span| holds(filter, span, Some(trace)));
                set
            })
            .collect(),
        Stage::Scalar {
            aggregate,
            field,
            op,
            value,
        } => sets
            .into_iter()
            .filter(|set| {
                let result = scalar(*aggregate, field.as_ref(), set, trace);
                result.is_some_and(|result| op.holds(&result, value))
            })
            .collect(),
        Stage::By(field) => sets
            .into_iter()
            .flat_map(|set| split(field, set, trace))
            .collect(),
        Stage::Coalesce => {
            let mut spans: Vec<_> = sets.into_iter().flat_map(|set| set.spans).collect();
            spans.sort_by_key(|span| span.start_ns);
            vec![SpanSet {
                spans,
                groups: Vec::new(),
            }]
        }
    }
}

fn scalar(
    aggregate: Aggregate,
    field: Option<&Field>,
    set: &SpanSet,
    trace: &Trace,
) -> Option<f64> {
    let Some(field) = field else {
        return Some(set.spans.len() as f64);
    };
    let number = |span: &Arc<Span>| match field_value(field, span, Some(trace)) {
        FieldValue::Number(number) => Some(number),
        _ => None,
    };
    let values: Vec<f64> = set.spans.iter().filter_map(number).collect();
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

fn split(field: &Field, set: SpanSet, trace: &Trace) -> Vec<SpanSet> {
    let mut sets: Vec<SpanSet> = Vec::new();
    for span in set.spans {
        let value = field_value(field, &span, Some(trace)).text();
        let group = (field.name(), value);
        match sets
            .iter_mut()
            .find(|set| set.groups.last() == Some(&group))
        {
            Some(known) => known.spans.push(span),
            None => {
                let mut groups = set.groups.clone();
                groups.push(group);
                sets.push(SpanSet {
                    spans: vec![span],
                    groups,
                });
            }
        }
    }
    sets
}

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

impl FieldValue<'_> {
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
}

/// The value of a field; fields of the trace are nil without it.
#[must_use]
pub fn field_value<'a>(field: &Field, span: &'a Span, trace: Option<&'a Trace>) -> FieldValue<'a> {
    let text = |text: &'a str| FieldValue::Text(Cow::Borrowed(text));
    let of_trace =
        |value: &dyn Fn(&'a Trace) -> FieldValue<'a>| trace.map_or(FieldValue::Nil, value);
    match field {
        Field::Intrinsic(intrinsic) => match intrinsic {
            Intrinsic::Name => text(&span.name),
            Intrinsic::Status => FieldValue::Status(span.status),
            Intrinsic::StatusMessage => text(&span.status_message),
            Intrinsic::Kind => FieldValue::Kind(span.kind),
            Intrinsic::Duration => FieldValue::Number(span.duration_ns() as f64),
            Intrinsic::SpanId => FieldValue::Text(Cow::Owned(hex(&span.span_id))),
            Intrinsic::ParentId => match span.parent {
                Some(id) => FieldValue::Text(Cow::Owned(hex(&id))),
                None => FieldValue::Nil,
            },
            Intrinsic::TraceId => FieldValue::Text(Cow::Owned(hex(&span.trace_id))),
            Intrinsic::TraceDuration => {
                of_trace(&|trace| FieldValue::Number(trace.duration_ns() as f64))
            }
            Intrinsic::RootName => of_trace(&|trace| text(&trace.root().name)),
            Intrinsic::RootServiceName => of_trace(&|trace| text(trace.root().service())),
        },
        Field::Attribute(scope, name) => {
            let value = match scope {
                Scope::Any => span.attribute(name),
                Scope::Span => find(&span.attributes, name),
                Scope::Resource => find(&span.origin.resource, name),
            };
            match value {
                None => FieldValue::Nil,
                Some(Value::Str(value) | Value::Json(value)) => text(value),
                Some(Value::Int(number)) => FieldValue::Number(*number as f64),
                Some(Value::Float(number)) => FieldValue::Number(*number),
                Some(Value::Bool(truth)) => FieldValue::Bool(*truth),
            }
        }
    }
}

fn holds(expression: &FieldExpr, span: &Span, trace: Option<&Trace>) -> bool {
    match expression {
        FieldExpr::Constant(truth) => *truth,
        FieldExpr::Not(inner) => !holds(inner, span, trace),
        FieldExpr::And(left, right) => holds(left, span, trace) && holds(right, span, trace),
        FieldExpr::Or(left, right) => holds(left, span, trace) || holds(right, span, trace),
        FieldExpr::Truth(field) => field_value(field, span, trace) == FieldValue::Bool(true),
        FieldExpr::Text(operand, matcher) => match operand_value(operand, span, trace) {
            FieldValue::Text(text) => matcher.matches(&text),
            _ => false,
        },
        FieldExpr::Compare(operand, op, Operand::Literal(Literal::Nil))
        | FieldExpr::Compare(Operand::Literal(Literal::Nil), op, operand) => {
            equality(*op, operand_value(operand, span, trace) == FieldValue::Nil)
        }
        FieldExpr::Compare(left, op, right) => compare(
            &operand_value(left, span, trace),
            *op,
            &operand_value(right, span, trace),
        ),
    }
}

fn operand_value<'a>(
    operand: &'a Operand,
    span: &'a Span,
    trace: Option<&'a Trace>,
) -> FieldValue<'a> {
    match operand {
        Operand::Field(field) => field_value(field, span, trace),
        Operand::Literal(literal) => match literal {
            Literal::Text(text) => FieldValue::Text(Cow::Borrowed(text)),
            Literal::Number(number) => FieldValue::Number(*number),
            Literal::Bool(truth) => FieldValue::Bool(*truth),
            Literal::Status(status) => FieldValue::Status(*status),
            Literal::Kind(kind) => FieldValue::Kind(*kind),
            Literal::Nil => FieldValue::Nil,
        },
    }
}

/// Values of different types never compare, not even as unequal; so `.a != "x"` needs an `a`.
fn compare(left: &FieldValue<'_>, op: Compare, right: &FieldValue<'_>) -> bool {
    match (left, right) {
        (FieldValue::Text(left), FieldValue::Text(right)) => op.holds(left, right),
        (FieldValue::Number(left), FieldValue::Number(right)) => op.holds(left, right),
        (FieldValue::Bool(left), FieldValue::Bool(right)) => op.holds(left, right),
        (FieldValue::Status(left), FieldValue::Status(right)) => equality(op, left == right),
        (FieldValue::Kind(left), FieldValue::Kind(right)) => equality(op, left == right),
        _ => false,
    }
}

fn equality(op: Compare, equal: bool) -> bool {
    match op {
        Compare::Equal => equal,
        Compare::NotEqual => !equal,
        _ => false,
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
