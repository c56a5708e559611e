//! Tempo's HTTP API under `/tempo/api`: errors are plain text, and the place of a broken query
//! additionally in the header `x-error-position` (byte offset).

mod tags;

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use prost::Message;
use serde_json::{Value, json};

use super::conditions;
use super::parameters::{Parameters, trace_id};
use super::refusal::{Refusal, answer};
use crate::attributes::hex;
use crate::facade::Telemetry;
use crate::logs::logfmt_pairs as pairs;
use crate::query::parse_duration_ns;
use crate::traces::ast::Query;
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

/// The version of Tempo whose API is served; Grafana switches features by it.
const API_VERSION: &str = "2.7.0";

/// The routes.
pub(super) fn router() -> Router<Telemetry> {
    Router::new()
        .route("/tempo/api/echo", get(|| async { "echo" }))
        .route("/tempo/ready", get(|| async { "ready\n" }))
        .route("/tempo/api/search", get(search_traces))
        .route("/tempo/api/traces/{id}", get(trace_v1))
        .route("/tempo/api/v2/traces/{id}", get(trace_v2))
        .route("/tempo/api/status/buildinfo", get(build_info))
        .merge(tags::router())
}

async fn search_traces(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let window = window(&telemetry, &parameters)?;
        let limit = parameters.number("limit", TRACES_DEFAULT, TRACES_MAX)?;
        let spans = parameters.number("spss", SPANS_DEFAULT, SPANS_MAX)?;
        let query = query(&parameters)?;
        let segments = telemetry.intake().trace_store().snapshot();
        let hits = search(&segments, &query, window, limit)?;
        let traces: Vec<_> = hits.iter().map(|hit| summary(&query, hit, spans)).collect();
        let inspected: usize = segments.iter().map(|segment| segment.rows().len()).sum();
        Ok(json!({
            "traces": traces,
            "metrics": {
                "inspectedTraces": traces.len(),
                "inspectedSpans": inspected.to_string(),
                "completedJobs": 1,
                "totalJobs": 1,
            },
        }))
    })
    .await
}

/// What is searched for: `q`, or what was there before TraceQL: `tags` as logfmt, `minDuration`,
/// `maxDuration`. Without any, everything.
fn query(parameters: &Parameters) -> Result<Query, Refusal> {
    let given = |name: &str| parameters.get(name).filter(|text| !text.trim().is_empty());
    if let Some(text) = given("q") {
        return Ok(parse(text)?);
    }
    let duration = |name: &str| match given(name) {
        None => Ok(None),
        Some(text) => parse_duration_ns(text)
            .map(Some)
            .ok_or_else(|| format!("{name}={text:?} is not a duration such as 100ms")),
    };
    let tags = given("tags").map(pairs).unwrap_or_default();
    let conditions = tags
        .iter()
        .map(|(key, value)| match key.as_str() {
            "name" => conditions::name_is(value),
            _ => conditions::tag_is(key, value),
        })
        .chain(duration("minDuration")?.map(conditions::lasts_at_least))
        .chain(duration("maxDuration")?.map(conditions::lasts_at_most));
    Ok(conditions::all_of(conditions.collect()))
}

async fn build_info() -> Json<Value> {
    Json(super::build_info(API_VERSION))
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

fn window(telemetry: &Telemetry, parameters: &Parameters) -> Result<(i64, i64), String> {
    parameters.window(telemetry.intake().time().now_ns(), WINDOW_NS)
}
