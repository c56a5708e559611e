//! Spans back to OTLP, for clients that read traces. Knows no HTTP.

use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as otlp;

use super::span::{Span, Trace};
use crate::attributes::{Attribute, Value};

/// A trace as OTLP: spans grouped by who did them.
#[must_use]
pub fn traces_data(trace: &Trace) -> otlp::TracesData {
    let mut groups: Vec<(&Span, Vec<otlp::Span>)> = Vec::new();
    for span in &trace.spans {
        let same = |group: &&mut (&Span, Vec<otlp::Span>)| group.0.origin == span.origin;
        match groups.iter_mut().find(same) {
            Some(group) => group.1.push(otlp_span(span)),
            None => groups.push((span, vec![otlp_span(span)])),
        }
    }
    let resource_spans = groups
        .into_iter()
        .map(|(first, spans)| otlp::ResourceSpans {
            resource: Some(Resource {
                attributes: attributes(&first.origin.resource),
                ..Resource::default()
            }),
            scope_spans: vec![otlp::ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: first.origin.scope.to_string(),
                    ..InstrumentationScope::default()
                }),
                spans,
                ..otlp::ScopeSpans::default()
            }],
            ..otlp::ResourceSpans::default()
        });
    otlp::TracesData {
        resource_spans: resource_spans.collect(),
    }
}

fn otlp_span(span: &Span) -> otlp::Span {
    let nano = |at_ns: i64| u64::try_from(at_ns).unwrap_or_default();
    otlp::Span {
        trace_id: span.trace_id.to_vec(),
        span_id: span.span_id.to_vec(),
        parent_span_id: span.parent.map(|id| id.to_vec()).unwrap_or_default(),
        trace_state: span.trace_state.to_string(),
        name: span.name.to_string(),
        kind: span.kind as i32,
        start_time_unix_nano: nano(span.start_ns),
        end_time_unix_nano: nano(span.end_ns),
        attributes: attributes(&span.attributes),
        events: span
            .events
            .iter()
            .map(|event| otlp::span::Event {
                time_unix_nano: nano(event.ts_ns),
                name: event.name.to_string(),
                attributes: attributes(&event.attributes),
                ..otlp::span::Event::default()
            })
            .collect(),
        links: span
            .links
            .iter()
            .map(|link| otlp::span::Link {
                trace_id: link.trace_id.to_vec(),
                span_id: link.span_id.to_vec(),
                attributes: attributes(&link.attributes),
                ..otlp::span::Link::default()
            })
            .collect(),
        status: Some(otlp::Status {
            message: span.status_message.to_string(),
            code: span.status as i32,
        }),
        ..otlp::Span::default()
    }
}

fn attributes(list: &[Attribute]) -> Vec<KeyValue> {
    list.iter()
        .map(|attribute| KeyValue {
            key: attribute.key.to_string(),
            value: Some(any_value(&attribute.value)),
            ..KeyValue::default()
        })
        .collect()
}

/// A value as OTLP; arrays, maps and bytes come as their JSON text.
#[must_use]
pub fn any_value(value: &Value) -> AnyValue {
    let value = match value {
        Value::Str(text) | Value::Json(text) => any_value::Value::StringValue(text.to_string()),
        Value::Int(number) => any_value::Value::IntValue(*number),
        Value::Float(number) => any_value::Value::DoubleValue(*number),
        Value::Bool(truth) => any_value::Value::BoolValue(*truth),
    };
    AnyValue { value: Some(value) }
}
