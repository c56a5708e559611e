//! LogQL and TraceQL as their users write them: scripts for every operator, and both beside second evaluators.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod log_store;
mod logql;
mod logql_model;
mod script;
mod span_store;
mod traceql;
mod traceql_model;

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use telemetry::time::WallTime;
use telemetry::{Telemetry, TelemetryConfig};

fn fresh() -> Telemetry {
    Telemetry::new(TelemetryConfig::default(), Arc::new(WallTime))
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// Appends one record of a service; its body is the given text.
fn append_log(telemetry: &Telemetry, service: &str, body: &str, record: LogRecord) {
    let record = LogRecord {
        body: Some(AnyValue {
            value: Some(text(body)),
        }),
        ..record
    };
    telemetry
        .intake()
        .log_store()
        .append(&ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(Resource {
                    attributes: vec![attribute("service.name", text(service))],
                    ..Resource::default()
                }),
                scope_logs: vec![ScopeLogs {
                    log_records: vec![record],
                    ..ScopeLogs::default()
                }],
                ..ResourceLogs::default()
            }],
        });
}
