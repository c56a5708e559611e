//! Hand-built traces for tests.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use crate::logs::fixture::text;
use crate::time::TraceId;

/// What a test says of a span; the rest has defaults.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub trace: u64,
    pub span: u64,
    pub parent: u64,
    pub name: &'static str,
    /// OTLP's number; 2 is server, 3 client.
    pub kind: i32,
    pub start_ms: u64,
    pub duration_ms: u64,
    pub error: bool,
    pub attributes: Vec<KeyValue>,
    pub trace_state: &'static str,
}

impl Shape {
    pub(crate) fn root(trace: u64, span: u64) -> Self {
        Self {
            trace,
            span,
            parent: 0,
            name: "GET /",
            kind: 2,
            start_ms: trace * 1000 + span,
            duration_ms: 100,
            error: false,
            attributes: Vec::new(),
            trace_state: "",
        }
    }

    pub(crate) fn child(trace: u64, span: u64, parent: u64) -> Self {
        Self {
            parent,
            ..Self::root(trace, span)
        }
    }

    pub(crate) fn trace_id(trace: u64) -> TraceId {
        u128::from(trace).to_be_bytes()
    }

    fn otlp(&self) -> Span {
        let id = |id: u64| {
            if id == 0 {
                Vec::new()
            } else {
                id.to_be_bytes().to_vec()
            }
        };
        Span {
            trace_id: Self::trace_id(self.trace).to_vec(),
            span_id: id(self.span),
            parent_span_id: id(self.parent),
            name: self.name.into(),
            kind: self.kind,
            start_time_unix_nano: self.start_ms * 1_000_000,
            end_time_unix_nano: (self.start_ms + self.duration_ms) * 1_000_000,
            attributes: self.attributes.clone(),
            trace_state: self.trace_state.into(),
            status: self.error.then(|| Status {
                message: "it failed".into(),
                code: 2,
            }),
            ..Span::default()
        }
    }
}

/// A batch of one service.
pub(crate) fn batch(service: &str, shapes: &[Shape]) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", service), text("region", "eu")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: shapes.iter().map(Shape::otlp).collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}
