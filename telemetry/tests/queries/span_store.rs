//! The span store and TraceQL beside a plain list of spans: batches, late spans, spans that came twice, traces without roots and
//! rings of parents, under budgets that seal and evict; questions drawn as trees. What is held of the list is what the store says
//! that it has not evicted, which are the last arrivals; everything else must follow from the list.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use proptest::prelude::*;
use telemetry::time::WallTime;
use telemetry::traces::TraceHit;
use telemetry::{Telemetry, TelemetryConfig, attributes};
use tower::ServiceExt;

use crate::traceql_model::{
    Cond, Field, Found, KINDS, Plain, Question, STATUSES, Side, Spans, Stage, Val, traces,
};
use crate::{attribute, text};

const SERVICES: [&str; 3] = ["cart", "orders", "pay"];
const NAMES: [&str; 4] = ["GET /cart", "GET /pay", "SELECT", "SELECT orders"];
const MESSAGES: [&str; 3] = ["", "timeout", "refused"];
const TEXTS: [&str; 5] = ["", "a", "ab", "b", "GET /cart"];
const KEYS: [&str; 4] = ["a", "b", "n", "zone"];
const FIELDS: [Field; 18] = [
    "name",
    "status",
    "statusMessage",
    "kind",
    "duration",
    "span:id",
    "span:parentID",
    "trace:id",
    "traceDuration",
    "rootName",
    "rootServiceName",
    ".a",
    ".n",
    "span.b",
    "span.zone",
    ".zone",
    "resource.zone",
    ".service.name",
];
/// Beyond 32 bits, below them, and what floats and durations may equal.
const WHOLE: [i64; 6] = [-1, 0, 1, 3, 1 << 40, i64::MIN];
const OPS: [&str; 6] = ["=", "!=", ">", ">=", "<", "<="];

fn val() -> impl Strategy<Value = Val> {
    prop_oneof![
        3 => prop::sample::select(&TEXTS[..]).prop_map(Val::Text),
        2 => prop::sample::select(&WHOLE[..]).prop_map(Val::Int),
        1 => prop::sample::select(vec![-1.0, 0.5, 1.0, 3.0, 1e300]).prop_map(Val::Float),
        1 => any::<bool>().prop_map(Val::Bool),
        1 => (1_i64..3).prop_map(Val::List),
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    let who = (
        prop::sample::select(&SERVICES[..]),
        prop::option::weighted(0.3, val()),
        prop::sample::select(&NAMES[..]),
    );
    let how = (
        0..KINDS.len(),
        0..STATUSES.len(),
        prop::sample::select(&MESSAGES[..]),
    );
    let attributes = prop::collection::vec((prop::sample::select(&KEYS[..]), val()), 0..4);
    // few ids, so that spans come twice and parents are met; late ones begin before those that came before
    let ids = (
        1_u128..12,
        1_u64..9,
        prop_oneof![2 => Just(0), 5 => 1_u64..11],
    );
    (ids, who, how, (0_i64..12, 0_i64..4), attributes).prop_map(
        |(
            (trace, id, parent),
            (service, zone, name),
            (kind, status, message),
            time,
            attributes,
        )| {
            Plain {
                // both halves of an id count
                trace: (trace << 64) | (trace % 3),
                id,
                parent,
                service,
                zone,
                name,
                kind,
                status,
                message,
                start: time.0,
                end: time.0 + time.1,
                attributes,
            }
        },
    )
}

fn constant() -> impl Strategy<Value = Found> {
    prop_oneof![
        val().prop_map(|value| Found::from(&value)),
        prop::sample::select(&NAMES[..]).prop_map(|name| Found::Text(name.to_owned())),
        prop::sample::select(&SERVICES[..]).prop_map(|name| Found::Text(name.to_owned())),
        (1_u64..9).prop_map(|id| Found::Text(format!("{id:016x}"))),
        (0_u32..5).prop_map(|number| Found::Number(number.into())),
        (0..STATUSES.len()).prop_map(Found::Status),
        (0..KINDS.len()).prop_map(Found::Kind),
        Just(Found::Nil),
    ]
}

fn field() -> impl Strategy<Value = Field> {
    prop::sample::select(&FIELDS[..])
}

fn op() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&OPS[..])
}

fn cond() -> impl Strategy<Value = Cond> {
    let attribute = prop::sample::select(vec![".a", ".n", "span.b", ".zone", "resource.zone"]);
    let sides = |left: fn(Field) -> Side| field().prop_map(left);
    // a constant of the kind that the field has, so that comparisons often hold
    let fit = prop_oneof![
        (
            Just("name"),
            prop::sample::select(&NAMES[..]).prop_map(|t| Found::Text(t.into()))
        ),
        (
            Just("duration"),
            (0_u32..5).prop_map(|n| Found::Number(n.into()))
        ),
        (Just("status"), (0..STATUSES.len()).prop_map(Found::Status)),
        (Just("kind"), (0..KINDS.len()).prop_map(Found::Kind)),
        (
            prop::sample::select(vec![".a", ".n", ".zone"]),
            val().prop_map(|v| Found::from(&v))
        ),
    ];
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Cond::Constant),
        6 => (fit, op(), any::<bool>()).prop_map(|((field, constant), op, flipped)| {
            let (field, constant) = (Side::Field(field), Side::Constant(constant));
            if flipped {
                Cond::Compare(constant, op, field)
            } else {
                Cond::Compare(field, op, constant)
            }
        }),
        3 => (sides(Side::Field), op(), constant().prop_map(Side::Constant))
            .prop_map(|(field, op, constant)| Cond::Compare(field, op, constant)),
        2 => (sides(Side::Field), op(), sides(Side::Field))
            .prop_map(|(one, op, other)| Cond::Compare(one, op, other)),
        3 => (field(), prop::sample::select(vec!["", "G", "SELECT", "a", "0"]), any::<bool>())
            .prop_map(|(field, with, wanted)| Cond::Begins(field, with, wanted)),
        1 => attribute.prop_map(Cond::Truth),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let two = (
            inner.clone().prop_map(Box::new),
            inner.clone().prop_map(Box::new),
        );
        prop_oneof![
            inner.prop_map(|inner| Cond::Not(Box::new(inner))),
            two.clone().prop_map(|(left, right)| Cond::And(left, right)),
            two.prop_map(|(left, right)| Cond::Or(left, right)),
        ]
    })
}

fn question() -> impl Strategy<Value = Question> {
    let relation = prop::sample::select(vec!["&&", "||", ">", ">>", "<", "<<", "~"]);
    let spans = cond()
        .prop_map(Spans::Such)
        .prop_recursive(2, 4, 2, move |inner| {
            let boxed = || inner.clone().prop_map(Box::new);
            (boxed(), relation.clone(), boxed()).prop_map(|(l, op, r)| Spans::Related(l, op, r))
        });
    let function = prop::sample::select(vec!["sum", "avg", "min", "max"]);
    let number = prop::sample::select(vec!["duration", ".n", ".a", "traceDuration", "name"]);
    let stage = prop_oneof![
        cond().prop_map(Stage::Such),
        (op(), 0_u32..5).prop_map(|(op, number)| Stage::Count(op, number)),
        (function, number, op(), 0_u32..8).prop_map(|(f, x, op, n)| Stage::Scalar(f, x, op, n)),
        field().prop_map(Stage::By),
        Just(Stage::Coalesce),
        field().prop_map(Stage::Select),
    ];
    (spans, prop::collection::vec(stage, 0..3))
        .prop_map(|(spans, stages)| Question { spans, stages })
}

fn otlp(value: &Val) -> Value {
    match value {
        Val::Text(written) => text(written),
        Val::Int(number) => Value::IntValue(*number),
        Val::Float(number) => Value::DoubleValue(*number),
        Val::Bool(truth) => Value::BoolValue(*truth),
        Val::List(number) => Value::ArrayValue(ArrayValue {
            values: vec![AnyValue {
                value: Some(Value::IntValue(*number)),
            }],
        }),
    }
}

/// One batch, each span with its resource. `broken` adds a span without an id.
fn request(spans: &[Plain], broken: bool) -> ExportTraceServiceRequest {
    let resource_spans = |plain: &Plain| {
        let zone = plain
            .zone
            .as_ref()
            .map(|zone| attribute("zone", otlp(zone)));
        let service = attribute("service.name", text(plain.service));
        let own = plain.attributes.iter();
        let own: Vec<_> = own
            .map(|(key, value)| attribute(key, otlp(value)))
            .collect();
        let span = Span {
            trace_id: plain.trace.to_be_bytes().to_vec(),
            span_id: plain.id.to_be_bytes().to_vec(),
            parent_span_id: match plain.parent {
                0 => Vec::new(),
                parent => parent.to_be_bytes().to_vec(),
            },
            trace_state: plain.message.to_owned(),
            name: plain.name.to_owned(),
            kind: plain.kind as i32,
            start_time_unix_nano: plain.start as u64,
            end_time_unix_nano: plain.end as u64,
            status: Some(Status {
                code: plain.status as i32,
                message: plain.message.to_owned(),
            }),
            // of every third span an event and a link with the span's attributes
            events: Vec::from_iter(plain.id.is_multiple_of(3).then(|| span::Event {
                name: plain.name.to_owned(),
                time_unix_nano: plain.end as u64,
                attributes: own.clone(),
                ..span::Event::default()
            })),
            links: Vec::from_iter((plain.id % 3 == 1).then(|| span::Link {
                trace_id: plain.trace.to_le_bytes().to_vec(),
                span_id: plain.id.to_le_bytes().to_vec(),
                attributes: own.clone(),
                ..span::Link::default()
            })),
            attributes: own,
            ..Span::default()
        };
        ResourceSpans {
            resource: Some(Resource {
                attributes: [service].into_iter().chain(zone).collect(),
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }
    };
    let mut request = ExportTraceServiceRequest {
        resource_spans: spans.iter().map(resource_spans).collect(),
    };
    if broken && let Some(first) = request.resource_spans.first_mut() {
        first.scope_spans[0].spans.push(Span::default());
    }
    request
}

/// A store that took batches, and the list of what it holds.
struct Held {
    telemetry: Telemetry,
    spans: Vec<Plain>,
}

impl Held {
    fn of(batches: &[Vec<Plain>], trace_bytes: usize) -> Self {
        let config = TelemetryConfig {
            trace_bytes,
            ..TelemetryConfig::default()
        };
        let telemetry = Telemetry::new(config, Arc::new(WallTime));
        let store = telemetry.intake().trace_store();
        for (number, batch) in batches.iter().enumerate() {
            let broken = number % 4 == 0 && !batch.is_empty();
            assert_eq!(store.append(&request(batch, broken)), usize::from(broken));
            // a reader between two appends must change nothing
            if number % 3 == 0 {
                assert!(!store.snapshot().is_empty() || store.stats().held == 0);
            }
        }
        let all: Vec<Plain> = batches.concat();
        let stats = store.stats();
        let broken = batches
            .iter()
            .step_by(4)
            .filter(|batch| !batch.is_empty())
            .count() as u64;
        assert_eq!(
            (stats.received, stats.rejected),
            (all.len() as u64 + broken, broken)
        );
        assert_eq!(stats.held + stats.evicted, all.len() as u64);
        let spans = all[stats.evicted as usize..].to_vec();
        let oldest = spans.iter().map(|span| span.start).min();
        assert_eq!(stats.oldest_ns, oldest);
        Self { telemetry, spans }
    }

    /// The answer of Tempo's API as JSON.
    fn get(&self, path: &str) -> serde_json::Value {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let body = runtime.block_on(async {
            let answer = self.telemetry.router().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            answer.into_body().collect().await.unwrap().to_bytes()
        });
        serde_json::from_slice(&body).unwrap()
    }
}

/// A span of the store as one of the list: all that a list knows.
fn told(span: &telemetry::traces::Span) -> Plain {
    let known = |all: &[&'static str], text: &str| *all.iter().find(|t| **t == text).unwrap();
    let value = |value: &attributes::Value| match value {
        attributes::Value::Str(text) => Val::Text(known(&TEXTS, text)),
        attributes::Value::Int(number) => Val::Int(*number),
        attributes::Value::Float(number) => Val::Float(*number),
        attributes::Value::Bool(truth) => Val::Bool(*truth),
        attributes::Value::Json(text) => Val::List(text[1..2].parse().unwrap()),
    };
    let list = |list: &[attributes::Attribute]| -> Vec<(&'static str, Val)> {
        let pairs = list.iter();
        pairs
            .map(|pair| (known(&KEYS, &pair.key), value(&pair.value)))
            .collect()
    };
    let plain = Plain {
        trace: u128::from_be_bytes(span.trace_id),
        id: u64::from_be_bytes(span.span_id),
        parent: span.parent.map_or(0, u64::from_be_bytes),
        service: known(&SERVICES, span.service()),
        zone: attributes::find(&span.origin.resource, "zone").map(value),
        name: known(&NAMES, &span.name),
        kind: span.kind as usize,
        status: span.status as usize,
        message: known(&MESSAGES, &span.status_message),
        start: span.start_ns,
        end: span.end_ns,
        attributes: list(&span.attributes),
    };
    assert_eq!(&*span.trace_state, plain.message);
    let (events, links) = (&span.events, &span.links);
    assert_eq!(
        (events.len(), links.len()),
        match plain.id % 3 {
            0 => (1, 0),
            1 => (0, 1),
            _ => (0, 0),
        }
    );
    for event in events {
        assert_eq!((&*event.name, event.ts_ns), (plain.name, plain.end));
        assert_eq!(list(&event.attributes), plain.attributes);
    }
    for link in links {
        assert_eq!(link.trace_id, plain.trace.to_le_bytes());
        assert_eq!(link.span_id, plain.id.to_le_bytes());
        assert_eq!(list(&link.attributes), plain.attributes);
    }
    plain
}

/// A trace that is found: its id, and the sets by their spans' ids.
type Hit = (u128, Vec<(Vec<u64>, Vec<(String, String)>)>);

fn found(hit: &TraceHit) -> Hit {
    let sets = hit.sets.iter().map(|set| {
        let ids = set
            .spans
            .iter()
            .map(|span| u64::from_be_bytes(span.span_id));
        (ids.collect(), set.groups.clone())
    });
    (u128::from_be_bytes(hit.trace.id), sets.collect())
}

/// What a question finds in the list: the newest first, of the same begin the least id.
fn expected(spans: &[Plain], question: &Question, window: (i64, i64), limit: usize) -> Vec<Hit> {
    let mut hits: Vec<(i64, Hit)> = Vec::new();
    for (id, trace) in traces(spans) {
        let end = trace.iter().map(|span| span.end).max().unwrap();
        let sets = question.sets(&trace);
        if trace[0].start <= window.1 && end >= window.0 && !sets.is_empty() {
            let ids = |places: Vec<usize>| places.into_iter().map(|at| trace[at].id).collect();
            let sets = sets
                .into_iter()
                .map(|(places, groups)| (ids(places), groups));
            hits.push((-trace[0].start, (id, sets.collect())));
        }
    }
    hits.sort_by_key(|(start, (id, _))| (*start, *id));
    hits.into_iter().map(|(_, hit)| hit).take(limit).collect()
}

/// Each batch later than the one before, but for spans of unspecified kind, which are late: so segments lie at different times.
fn batches() -> impl Strategy<Value = Vec<Vec<Plain>>> {
    let batches = prop::collection::vec(prop::collection::vec(plain(), 0..12), 0..25);
    batches.prop_map(|mut batches| {
        for (later, batch) in (0..).map(|number| number * 8).zip(&mut batches) {
            for span in batch.iter_mut().filter(|span| span.kind > 0) {
                span.start += later;
                span.end += later;
            }
        }
        batches
    })
}

/// Budgets under which everything is held, some segments are, and nearly nothing is.
fn budget() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1 << 30, 64 << 10, 24 << 10, 1 << 10])
}

proptest! {
    #[test]
    fn a_question_finds_what_its_definition_says(
        batches in batches(),
        budget in budget(),
        questions in prop::collection::vec(question(), 6),
        window in prop_oneof![
            Just((0, 1_000)),
            (0_i64..240, 0_i64..20).prop_map(|(from, length)| (from, from + length)),
        ],
        limit in 0_usize..14,
    ) {
        let held = Held::of(&batches, budget);
        for question in questions {
            let query = question.text();
            let hits = held.telemetry.search_traces(&query, window.0, window.1, limit);
            let hits = hits.map_err(|error| TestCaseError::fail(format!("{query}: {error}")))?;
            let found: Vec<Hit> = hits.iter().map(found).collect();
            let expected = expected(&held.spans, &question, window, limit);
            prop_assert_eq!(found, expected, "{} in {:?}, {} at most", query, window, limit);
        }
    }

    #[test]
    fn the_store_holds_what_the_list_holds(batches in batches(), budget in budget()) {
        let held = Held::of(&batches, budget);
        let traces = traces(&held.spans);
        for id in (1_u128..12).map(|trace| (trace << 64) | (trace % 3)) {
            let found = held.telemetry.trace(&id.to_be_bytes());
            let found = found.map(|trace| trace.spans.iter().map(|span| told(span)).collect::<Vec<_>>());
            prop_assert_eq!(found.as_ref(), traces.get(&id), "trace {:x}", id);
        }
    }

    #[test]
    fn tags_and_their_values_are_those_of_the_list(
        batches in batches(),
        budget in budget(),
        condition in cond(),
        tag in prop::sample::select(&FIELDS[..]),
    ) {
        let held = Held::of(&batches, budget);
        let tags = held.get("/tempo/api/v2/search/tags?start=0&end=1000");
        let names = |scope: &str| -> BTreeSet<String> {
            let scopes = tags["scopes"].as_array().unwrap().iter();
            let scope = scopes.filter(|one| one["name"] == scope);
            let tags = scope.flat_map(|one| one["tags"].as_array().unwrap());
            tags.map(|tag| tag.as_str().unwrap().to_owned()).collect()
        };
        let own = held.spans.iter().flat_map(|span| &span.attributes);
        prop_assert_eq!(names("span"), own.map(|(key, _)| (*key).to_owned()).collect());
        let zone = held.spans.iter().any(|span| span.zone.is_some()).then_some("zone");
        let service = (!held.spans.is_empty()).then_some("service.name");
        let resource = service.into_iter().chain(zone).map(str::to_owned);
        prop_assert_eq!(names("resource"), resource.collect());

        let whole = Cond::Or(Box::new(Cond::Constant(false)), Box::new(condition));
        let q = Question { spans: Spans::Such(whole.clone()), stages: Vec::new() };
        if of_trace(&q.text()) || of_trace(tag) || ["duration", "status", "kind"].contains(&tag) {
            // told of one span at a time: nothing of its trace, no durations, closed sets whole
            return Ok(());
        }
        let query: String = q.text().bytes().map(|byte| format!("%{byte:02x}")).collect();
        let path = format!("/tempo/api/v2/search/tag/{tag}/values?start=0&end=1000&q={query}");
        let answer = held.get(&path);
        let values = answer["tagValues"].as_array().unwrap().iter();
        let values: BTreeSet<String> = values.map(|v| v["value"].as_str().unwrap().to_owned()).collect();
        let such = held.spans.iter().filter(|span| {
            !q.sets(std::slice::from_ref(*span)).is_empty()
        });
        let such = such.map(|span| crate::traceql_model::value(tag, span, std::slice::from_ref(span)));
        let texts = such.filter(|value| *value != Found::Nil).map(|value| value.text());
        prop_assert_eq!(values, texts.collect(), "{} among {}", tag, q.text());
    }
}

/// Whether a text names a field of the whole trace.
fn of_trace(text: &str) -> bool {
    ["traceDuration", "rootName", "rootServiceName"]
        .iter()
        .any(|field| text.contains(field))
}
