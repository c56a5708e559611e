//! Logs and traces over OTLP/HTTP protobuf, in batches, each signal on a thread of its own.
//!
//! Only this crate's own spans and events are exported: those of the HTTP and telemetry libraries
//! would make the exporters feed themselves.

use std::time::Duration;

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    logs::{BatchConfigBuilder as LogBatch, BatchLogProcessor, SdkLoggerProvider},
    trace::{BatchConfigBuilder as SpanBatch, BatchSpanProcessor, SdkTracerProvider},
};
use scenarios::control::ServiceConfig;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, Registry,
    filter::{Targets, filter_fn},
    layer::SubscriberExt,
};

use super::{
    dated::{DatedLogs, DatedSpans},
    http_client::ExportClient,
    keep::Keep,
};
use crate::{clock::Clock, error::ServiceError};

/// How long records wait for company: a trainee sees them a moment later.
const BATCH_DELAY: Duration = Duration::from_millis(200);
/// Records of a signal that may wait for export. 3 000 spans a second for more than a second; beyond it records are dropped,
/// never requests held up.
const QUEUE_RECORDS: usize = 4_096;
/// Records of one export.
const BATCH_RECORDS: usize = 512;
/// An export that takes longer is given up: the lab is on the same machine.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// The exporters of a process.
#[derive(Debug)]
pub struct Exports {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
}

impl Exports {
    /// Starts exporting for this service, dated by its clock, and makes it the process's subscriber.
    ///
    /// # Errors
    /// [`ServiceError::Export`] when the endpoint is no URL.
    pub fn start(config: &ServiceConfig, clock: &Clock) -> Result<Self, ServiceError> {
        let resource = resource(config);
        let traces = traces(config, resource.clone(), clock)?;
        let logs = logs(config, resource, clock)?;
        let spans = tracing_opentelemetry::layer()
            .with_tracer(traces.tracer("services"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            // an event goes into the logs, not into its span a second time
            .with_filter(filter_fn(|metadata| metadata.is_span()));
        let events = OpenTelemetryTracingBridge::new(&logs);
        let ours = Targets::new().with_target("services", LevelFilter::INFO);
        let subscriber = Registry::default().with(ours).with(spans).with(events);
        // a second start in one process keeps the first subscriber; only tests do that
        let _ = tracing::subscriber::set_global_default(subscriber);
        Ok(Self { traces, logs })
    }

    /// Sends what waits, within `limit` for both signals together, and stops. What cannot be sent is lost.
    pub fn flush(self, limit: Duration) {
        std::thread::scope(|scope| {
            let flush_traces = || self.traces.shutdown_with_timeout(limit);
            let other = std::thread::Builder::new().spawn_scoped(scope, flush_traces);
            let logs = self.logs.shutdown_with_timeout(limit);
            let traces = other.map(std::thread::ScopedJoinHandle::join);
            if let (Ok(()), Ok(Ok(Ok(())))) = (logs, traces) {
                return;
            }
            eprintln!("the last telemetry could not be sent");
        });
    }
}

fn resource(config: &ServiceConfig) -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", config.role.name()),
            KeyValue::new("service.instance.id", config.instance.clone()),
            KeyValue::new("service.version", config.version.clone()),
        ])
        .build()
}

fn traces(
    config: &ServiceConfig,
    resource: Resource,
    clock: &Clock,
) -> Result<SdkTracerProvider, ServiceError> {
    let endpoint = format!("{}/v1/traces", config.otlp_endpoint.trim_end_matches('/'));
    let exporter = aimed(SpanExporter::builder().with_http(), &endpoint)
        .build()
        .map_err(|error| refused(endpoint, &error))?;
    let batch = SpanBatch::default()
        .with_scheduled_delay(BATCH_DELAY)
        .with_max_queue_size(QUEUE_RECORDS)
        .with_max_export_batch_size(BATCH_RECORDS)
        .build();
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(batch)
        .build();
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_span_processor(DatedSpans::new(
            Keep::new(processor, config.trace_share),
            clock.clone(),
        ))
        .build())
}

fn logs(
    config: &ServiceConfig,
    resource: Resource,
    clock: &Clock,
) -> Result<SdkLoggerProvider, ServiceError> {
    let endpoint = format!("{}/v1/logs", config.otlp_endpoint.trim_end_matches('/'));
    let exporter = aimed(LogExporter::builder().with_http(), &endpoint)
        .build()
        .map_err(|error| refused(endpoint, &error))?;
    let batch = LogBatch::default()
        .with_scheduled_delay(BATCH_DELAY)
        .with_max_queue_size(QUEUE_RECORDS)
        .with_max_export_batch_size(BATCH_RECORDS)
        .build();
    let processor = BatchLogProcessor::builder(exporter)
        .with_batch_config(batch)
        .build();
    Ok(SdkLoggerProvider::builder()
        .with_resource(resource)
        .with_log_processor(DatedLogs(clock.clone()))
        .with_log_processor(processor)
        .build())
}

fn aimed<B: WithExportConfig + WithHttpConfig>(exporter: B, endpoint: &str) -> B {
    exporter
        .with_http_client(ExportClient::new(EXPORT_TIMEOUT))
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
}

fn refused(endpoint: String, error: &dyn std::error::Error) -> ServiceError {
    ServiceError::Export {
        endpoint,
        reason: error.to_string(),
    }
}
