//! Tempo's HTTP API under `/tempo/api`: errors are plain text, and the place of a broken query
//! additionally in the header `x-error-position` (byte offset).

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use prost::Message;
use serde_json::{Value, json};

use super::parameters::{Parameters, trace_id};
use super::refusal::{Refusal, answer};
use crate::attributes::hex;
use crate::facade::Telemetry;
use crate::traces::ast::{Intrinsic, Query};
use crate::traces::otlp::traces_data;
use crate::traces::span::{Kind, Status};
use crate::traces::{FieldValue, Span, SpanSet, Trace, TraceHit, field_value, parse, search};

/// Traces of an answer where no limit is given, as in Tempo.
const TRACES_DEFAULT: usize = 20;

/// Traces of an answer at most.
const TRACES_MAX: usize = 1000;

/// Spans shown of each set where `spss` is not given, as in Tempo.
const SPANS_DEFAULT: usize = 3;

/// Spans shown of each set at most.
const SPANS_MAX: usize = 1000;

/// Window of a search where no start is given: one hour.
const WINDOW_NS: i64 = 3_600_000_000_000;

/// Values of one tag at most; further ones are left out.
const TAG_VALUES_MAX: usize = 1000;

/// The routes.
pub(super) fn router() -> Router<Telemetry> {
    Router::new()
        .route("/tempo/api/echo", get(|| async { "echo" }))
        .route("/tempo/api/search", get(search_traces))
        .route("/tempo/api/traces/{id}", get(trace_v1))
        .route("/tempo/api/v2/traces/{id}", get(trace_v2))
        .route("/tempo/api/search/tags", get(tags_v1))
        .route("/tempo/api/v2/search/tags", get(tags_v2))
        .route("/tempo/api/search/tag/{name}/values", get(tag_values_v1))
        .route("/tempo/api/v2/search/tag/{name}/values", get(tag_values_v2))
}

async fn search_traces(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let window = window(&telemetry, &parameters)?;
        let limit = parameters.number("limit", TRACES_DEFAULT, TRACES_MAX)?;
        let spans = parameters.number("spss", SPANS_DEFAULT, SPANS_MAX)?;
        let text = parameters
            .get("q")
            .filter(|text| !text.trim().is_empty())
            .unwrap_or("{}");
        let query = parse(text)?;
        let segments = telemetry.intake().trace_store().snapshot();
        let hits = search(&segments, &query, window, limit)?;
        let traces: Vec<_> = hits.iter().map(|hit| summary(&query, hit, spans)).collect();
        let inspected: usize = segments.iter().map(|segment| segment.spans().len()).sum();
        Ok(json!({"traces": traces, "metrics": {"inspectedSpans": inspected.to_string()}}))
    })
    .await
}

fn summary(query: &Query, hit: &TraceHit, spans_max: usize) -> Value {
    let trace = &hit.trace;
    let root = trace.root();
    let mut services: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for span in &trace.spans {
        let stats = services.entry(span.service()).or_default();
        stats.0 += 1;
        stats.1 += u64::from(span.status == Status::Error);
    }
    let stats = |(name, (spans, errors)): (&str, (u64, u64))| {
        (
            name.to_owned(),
            json!({"spanCount": spans, "errorCount": errors}),
        )
    };
    let stats: serde_json::Map<_, _> = services.into_iter().map(stats).collect();
    let sets: Vec<_> = hit
        .sets
        .iter()
        .map(|set| span_set(query, trace, set, spans_max))
        .collect();
    json!({
        "traceID": hex(&trace.id),
        "rootServiceName": root.service(),
        "rootTraceName": &*root.name,
        // beyond Tempo's shape: while the root is not there yet the request is still running; the root has no parent, or
        // receives what a caller sent whose own span nobody keeps
        "rootReceived": root.parent.is_none() || matches!(root.kind, Kind::Server | Kind::Consumer),
        "startTimeUnixNano": trace.start_ns().to_string(),
        "durationMs": trace.duration_ns() / 1_000_000,
        "spanSet": sets.first(),
        "spanSets": sets,
        "serviceStats": stats,
    })
}

fn span_set(query: &Query, trace: &Trace, set: &SpanSet, spans_max: usize) -> Value {
    let one = |span: &std::sync::Arc<Span>| {
        let mut attributes =
            vec![json!({"key": "service.name", "value": {"stringValue": span.service()}})];
        for field in query.fields() {
            let key = match field {
                crate::traces::ast::Field::Attribute(_, name) => name.clone(),
                intrinsic => intrinsic.name(),
            };
            let value = field_value(field, span, Some(trace));
            if value != FieldValue::Nil && key != "service.name" && key != "name" {
                attributes.push(json!({"key": key, "value": otlp_value(&value)}));
            }
        }
        json!({
            "spanID": hex(&span.span_id),
            "name": &*span.name,
            "startTimeUnixNano": span.start_ns.to_string(),
            "durationNanos": span.duration_ns().to_string(),
            "attributes": attributes,
        })
    };
    let spans: Vec<_> = set.spans.iter().take(spans_max).map(one).collect();
    let group = |(name, value): &(String, String)| json!({"key": format!("by({name})"), "value": {"stringValue": value}});
    let groups: Vec<_> = set.groups.iter().map(group).collect();
    json!({"spans": spans, "matched": set.spans.len(), "attributes": groups})
}

fn otlp_value(value: &FieldValue<'_>) -> Value {
    match value {
        FieldValue::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            json!({"intValue": number.to_string()})
        }
        FieldValue::Number(number) => json!({"doubleValue": number}),
        FieldValue::Bool(truth) => json!({"boolValue": truth}),
        other => json!({"stringValue": other.text()}),
    }
}

async fn trace_v1(
    State(telemetry): State<Telemetry>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    trace_response(&telemetry, &id, &headers, false)
}

async fn trace_v2(
    State(telemetry): State<Telemetry>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    trace_response(&telemetry, &id, &headers, true)
}

/// `tempopb.TraceByIDResponse`: its field 1 is the trace.
#[derive(Clone, PartialEq, Message)]
struct TraceById {
    #[prost(message, optional, tag = "1")]
    trace: Option<opentelemetry_proto::tonic::trace::v1::TracesData>,
}

/// A trace by id. Version 1 answers `{"batches": […]}`, version 2 `{"trace": {"resourceSpans": […]}}`.
fn trace_response(telemetry: &Telemetry, id: &str, headers: &HeaderMap, v2: bool) -> Response {
    let trace_id = match trace_id(id) {
        Ok(trace_id) => trace_id,
        Err(message) => return (StatusCode::BAD_REQUEST, message).into_response(),
    };
    let Some(trace) = telemetry.trace(&trace_id) else {
        return (StatusCode::NOT_FOUND, format!("trace {id} not found")).into_response();
    };
    let data = traces_data(&trace);
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("application/protobuf")) {
        let body = if v2 {
            TraceById { trace: Some(data) }.encode_to_vec()
        } else {
            data.encode_to_vec()
        };
        return ([(header::CONTENT_TYPE, "application/protobuf")], body).into_response();
    }
    if v2 {
        return Json(json!({"trace": data})).into_response();
    }
    Json(json!({"batches": data.resource_spans})).into_response()
}

async fn tags_v1(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let (span, resource) = tags(&telemetry, &parameters)?;
        let names: BTreeSet<_> = span.into_iter().chain(resource).collect();
        Ok(json!({"tagNames": names}))
    })
    .await
}

async fn tags_v2(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let wanted = parameters
            .get("scope")
            .filter(|scope| !scope.is_empty() && *scope != "none");
        let (span, resource) = tags(&telemetry, &parameters)?;
        let intrinsics: BTreeSet<String> = Intrinsic::ALL
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let scopes: Vec<_> = [
            ("span", span),
            ("resource", resource),
            ("intrinsic", intrinsics),
        ]
        .into_iter()
        .filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name))
        .map(|(name, tags)| json!({"name": name, "tags": tags}))
        .collect();
        Ok(json!({"scopes": scopes}))
    })
    .await
}

/// The names of span and resource attributes in the window.
fn tags(
    telemetry: &Telemetry,
    parameters: &Parameters,
) -> Result<(BTreeSet<String>, BTreeSet<String>), Refusal> {
    let (mut of_span, mut of_resource) = (BTreeSet::new(), BTreeSet::new());
    each_span(telemetry, parameters, |span| {
        let sides = [
            (&mut of_span, &span.attributes),
            (&mut of_resource, &span.origin.resource),
        ];
        for (names, attributes) in sides {
            for attribute in attributes {
                if !names.contains(&*attribute.key) {
                    names.insert(attribute.key.to_string());
                }
            }
        }
    })?;
    Ok((of_span, of_resource))
}

async fn tag_values_v1(
    State(telemetry): State<Telemetry>,
    Path(name): Path<String>,
    parameters: Parameters,
) -> Response {
    answer(move || {
        // version 1 knows no scopes: a plain name is an attribute of either
        let known = Intrinsic::ALL
            .iter()
            .any(|(intrinsic, _)| *intrinsic == name);
        let scoped = ["span.", "resource.", "."]
            .iter()
            .any(|scope| name.starts_with(scope));
        let name = if known || scoped {
            name
        } else {
            format!(".{name}")
        };
        let values = tag_values(&telemetry, &name, &parameters)?;
        let texts: BTreeSet<_> = values.into_iter().map(|(_, text)| text).collect();
        Ok(json!({"tagValues": texts}))
    })
    .await
}

async fn tag_values_v2(
    State(telemetry): State<Telemetry>,
    Path(name): Path<String>,
    parameters: Parameters,
) -> Response {
    answer(move || {
        let values = tag_values(&telemetry, &name, &parameters)?;
        let one = |(kind, text): (&str, String)| json!({"type": kind, "value": text});
        Ok(json!({"tagValues": values.into_iter().map(one).collect::<Vec<_>>()}))
    })
    .await
}

/// Type and text of the values of a field in the window, as TraceQL would write them.
fn tag_values(
    telemetry: &Telemetry,
    name: &str,
    parameters: &Parameters,
) -> Result<BTreeSet<(&'static str, String)>, Refusal> {
    let query = parse(&format!("{{}} | select({name})")).map_err(|_| {
        format!("{name:?} is not a tag: give an intrinsic, .x, span.x or resource.x")
    })?;
    let fields = query.fields();
    let mut values = BTreeSet::new();
    each_span(telemetry, parameters, |span| {
        for field in &fields {
            let value = field_value(field, span, None);
            let kind = match value {
                FieldValue::Nil => continue,
                FieldValue::Text(_) => "string",
                FieldValue::Number(_) => "float",
                FieldValue::Bool(_) => "bool",
                FieldValue::Status(_) | FieldValue::Kind(_) => "keyword",
            };
            if values.len() < TAG_VALUES_MAX {
                values.insert((kind, value.text()));
            }
        }
    })?;
    Ok(values)
}

fn each_span(
    telemetry: &Telemetry,
    parameters: &Parameters,
    mut each: impl FnMut(&Span),
) -> Result<(), Refusal> {
    let (start_ns, end_ns) = window(telemetry, parameters)?;
    for segment in telemetry.intake().trace_store().snapshot() {
        if segment.overlaps(start_ns, end_ns) {
            let spans = segment.spans().iter();
            spans
                .filter(|span| span.start_ns <= end_ns && span.end_ns >= start_ns)
                .for_each(|span| each(span));
        }
    }
    Ok(())
}

fn window(telemetry: &Telemetry, parameters: &Parameters) -> Result<(i64, i64), String> {
    parameters.window(telemetry.intake().time().now_ns(), WINDOW_NS)
}
