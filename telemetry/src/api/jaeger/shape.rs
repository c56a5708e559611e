//! A trace as jaeger-query writes it, with the tags that Jaeger's OTLP translation makes of what is no
//! attribute there. Knows no requests.

use serde_json::{Map, Value, json};

use crate::attributes::{Attribute, Value as Typed, hex};
use crate::traces::span::{Kind, Status};
use crate::traces::{Span, Trace};

/// Whole numbers beyond this are written as text, as JavaScript would lose their last digits.
const SAFE_INTEGER: i64 = (1 << 53) - 1;

/// A trace: its spans, and the processes that did them.
pub(super) fn trace(trace: &Trace) -> Value {
    let mut origins = Vec::new();
    let mut processes = Map::new();
    let mut spans = Vec::with_capacity(trace.spans.len());
    for span in &trace.spans {
        // a process is its resource: instrumentation scopes share it
        let known = origins
            .iter()
            .position(|resource: &&Vec<Attribute>| **resource == span.origin.resource);
        let at = known.unwrap_or_else(|| {
            origins.push(&span.origin.resource);
            let resource = span.origin.resource.iter();
            let tags: Vec<Value> = resource
                .filter(|attribute| &*attribute.key != "service.name")
                .map(|attribute| tag(&attribute.key, &attribute.value))
                .collect();
            let process = json!({"serviceName": span.service(), "tags": tags});
            processes.insert(format!("p{}", origins.len()), process);
            origins.len() - 1
        });
        spans.push(one(trace, span, &format!("p{}", at + 1)));
    }
    json!({
        "traceID": hex(&trace.id),
        "spans": spans,
        "processes": processes,
        "warnings": null,
    })
}

fn one(trace: &Trace, span: &Span, process: &str) -> Value {
    let reference = |kind: &str, trace_id: &[u8], span_id: &[u8]| json!({"refType": kind, "traceID": hex(trace_id), "spanID": hex(span_id)});
    let parent = span
        .parent
        .map(|id| reference("CHILD_OF", &span.trace_id, &id));
    let links = span
        .links
        .iter()
        .map(|link| reference("FOLLOWS_FROM", &link.trace_id, &link.span_id));
    let logs = span.events.iter().map(|event| {
        let name = json!({"key": "event", "type": "string", "value": &*event.name});
        let named = event.attributes.iter().any(|a| &*a.key == "event");
        let fields = (!named && !event.name.is_empty()).then_some(name);
        let fields = fields.into_iter().chain(tags(&event.attributes));
        json!({"timestamp": event.ts_ns / 1000, "fields": fields.collect::<Vec<_>>()})
    });
    let orphan = span.parent.is_some() && trace.parent(span).is_none();
    let warnings = orphan
        .then(|| json!(["the parent span is not held: it has not ended, or was not received"]));
    json!({
        "traceID": hex(&span.trace_id),
        "spanID": hex(&span.span_id),
        "operationName": &*span.name,
        "references": parent.into_iter().chain(links).collect::<Vec<_>>(),
        "startTime": span.start_ns / 1000,
        "duration": span.duration_ns() / 1000,
        "tags": tags(&span.attributes).chain(translated(span)).collect::<Vec<_>>(),
        "logs": logs.collect::<Vec<_>>(),
        "processID": process,
        "warnings": warnings,
    })
}

/// What OTLP has besides attributes, as tags.
fn translated(span: &Span) -> impl Iterator<Item = Value> {
    let text = |key: &str, value: &str| json!({"key": key, "type": "string", "value": value});
    let failed = span.status == Status::Error;
    let code = match span.status {
        Status::Unset => None,
        Status::Ok => Some("OK"),
        Status::Error => Some("ERROR"),
    };
    let filled = |key: &str, value: &str| (!value.is_empty()).then(|| text(key, value));
    [
        filled("span.kind", kind(span.kind)),
        code.map(|code| text("otel.status_code", code)),
        failed.then(|| json!({"key": "error", "type": "bool", "value": true})),
        filled("otel.status_description", &span.status_message),
        filled("otel.scope.name", &span.origin.scope),
        filled("w3c.tracestate", &span.trace_state),
    ]
    .into_iter()
    .flatten()
}

/// The kind as Jaeger names it; empty where it is not said.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Unspecified => "",
        kind => kind.name(),
    }
}

fn tags(attributes: &[Attribute]) -> impl Iterator<Item = Value> {
    attributes
        .iter()
        .map(|attribute| tag(&attribute.key, &attribute.value))
}

fn tag(key: &str, value: &Typed) -> Value {
    let (kind, value) = match value {
        Typed::Str(text) | Typed::Json(text) => ("string", json!(&**text)),
        Typed::Bool(truth) => ("bool", json!(truth)),
        Typed::Int(number) if number.unsigned_abs() > SAFE_INTEGER.unsigned_abs() => {
            ("int64", json!(number.to_string()))
        }
        Typed::Int(number) => ("int64", json!(number)),
        Typed::Float(number) => ("float64", json!(number)),
    };
    json!({"key": key, "type": kind, "value": value})
}
