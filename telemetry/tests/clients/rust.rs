//! The Rust SDK, unmodified, over HTTP and gRPC.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{
    Link, Span, SpanId, SpanKind, Status, TraceContextExt, TraceId, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    Compression, LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig,
    WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, PeriodicReader, SdkMeterProvider, Stream, Temporality,
};
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::answers::{Exemplars, Ids};
use crate::lab::Lab;

/// A client for the exporters, whose own would bring TLS.
#[derive(Debug, Clone)]
struct Plain(ureq::Agent);

impl HttpClient for Plain {
    fn send_bytes<'s, 'f>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let mut answer = self.0.run(request.map(|body| body.to_vec()))?;
            let body = answer.body_mut().read_to_vec()?;
            let status = answer.status();
            Ok(Response::builder().status(status).body(body.into())?)
        })
    }
}

fn aimed<B: WithExportConfig + WithHttpConfig>(exporter: B, base: &str, signal: &str) -> B {
    exporter
        .with_http_client(Plain(ureq::Agent::new_with_defaults()))
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{base}/v1/{signal}"))
        .with_timeout(Duration::from_secs(10))
}

fn dialled<B: WithExportConfig + WithTonicConfig>(exporter: B, base: &str) -> B {
    exporter
        .with_compression(Compression::Zstd)
        .with_endpoint(base)
        .with_timeout(Duration::from_secs(10))
}

/// Which door is taken.
#[derive(Debug, Clone, Copy)]
enum Door {
    Http,
    Grpc,
}

/// An exporter for each signal.
fn exporters(
    door: Door,
    base: &str,
    temporality: Temporality,
) -> (SpanExporter, LogExporter, MetricExporter) {
    let (spans, logs) = (SpanExporter::builder(), LogExporter::builder());
    let metrics = MetricExporter::builder().with_temporality(temporality);
    match door {
        Door::Http => (
            aimed(spans.with_http(), base, "traces").build().unwrap(),
            aimed(logs.with_http(), base, "logs").build().unwrap(),
            aimed(metrics.with_http(), base, "metrics").build().unwrap(),
        ),
        Door::Grpc => (
            dialled(spans.with_tonic(), base).build().unwrap(),
            dialled(logs.with_tonic(), base).build().unwrap(),
            dialled(metrics.with_tonic(), base).build().unwrap(),
        ),
    }
}

/// The one histogram whose buckets the SDK chooses.
fn exponential(instrument: &Instrument) -> Option<Stream> {
    let aggregation = Aggregation::Base2ExponentialHistogram {
        max_size: 160,
        max_scale: 20,
        record_min_max: true,
    };
    let stream = Stream::builder().with_aggregation(aggregation);
    (instrument.name() == "shop.wait").then(|| stream.build().unwrap())
}

/// The SDK's three providers.
struct Sdk {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
    metrics: SdkMeterProvider,
}

impl Sdk {
    fn new(door: Door, base: &str, service: &str, temporality: Temporality) -> Self {
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", service.to_owned()),
                KeyValue::new("service.instance.id", "one"),
                KeyValue::new("service.version", "1.2"),
            ])
            .build();
        let (spans, logs, exporter) = exporters(door, base, temporality);
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_batch_exporter(spans)
            .build();
        let logs = SdkLoggerProvider::builder()
            .with_resource(resource.clone())
            .with_batch_exporter(logs)
            .build();
        let metrics = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_view(exponential)
            .with_reader(
                PeriodicReader::builder(exporter)
                    .with_interval(Duration::from_secs(3_600))
                    .build(),
            )
            .build();
        Self {
            traces,
            logs,
            metrics,
        }
    }

    /// Two spans with a log record each; their trace and their own ids.
    fn trace(&self) -> (TraceId, SpanId, SpanId) {
        let tracer = self.traces.tracer("shop");
        let earlier = tracer.start("earlier");
        let root = tracer
            .span_builder("POST /pay")
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("http.route", "/pay"),
                KeyValue::new("cart.items", 3),
                KeyValue::new("vip", true),
            ])
            .with_links(vec![Link::with_context(earlier.span_context().clone())])
            .start_with_context(&tracer, &Context::new());
        let within = Context::new().with_span(root);
        let mut child = tracer
            .span_builder("charge")
            .with_kind(SpanKind::Client)
            .start_with_context(&tracer, &within);
        child.set_status(Status::error("card refused"));
        child.add_event(
            "exception",
            vec![KeyValue::new("exception.message", "no funds")],
        );
        let (root_id, child_id) = (
            within.span().span_context().span_id(),
            child.span_context().span_id(),
        );
        let trace = within.span().span_context().trace_id();

        let logger = self.logs.logger("shop");
        let emit = |severity, body: &'static str, (key, value): (&'static str, AnyValue), span| {
            let mut record = logger.create_log_record();
            record.set_severity_number(severity);
            record.set_body(body.into());
            record.add_attribute(key, value);
            record.set_trace_context(trace, span, None);
            logger.emit(record);
        };
        emit(
            Severity::Info,
            "order placed",
            ("order.id", 4711.into()),
            root_id,
        );
        emit(
            Severity::Error,
            "payment failed: no funds",
            ("amount", 9.5.into()),
            child_id,
        );
        child.end();

        within.span().end();
        (trace, root_id, child_id)
    }

    /// A counter, an up-down counter and two histograms, exported twice.
    fn measure(&self) {
        let meter = self.metrics.meter("shop");
        let orders = meter
            .u64_counter("shop.orders")
            .with_unit("{order}")
            .with_description("Orders placed")
            .build();
        let depth = meter.i64_up_down_counter("shop.queue.depth").build();
        let seconds = meter
            .f64_histogram("shop.pay.duration")
            .with_unit("s")
            .with_boundaries(vec![0.1, 0.5, 1.0])
            .build();
        let wait = meter.f64_histogram("shop.wait").with_unit("s").build();
        for change in [4, -1] {
            // two exports, so that what is sent as deltas has to be summed up; the store's times are milliseconds
            std::thread::sleep(Duration::from_millis(2));
            orders.add(2, &[KeyValue::new("kind", "gift")]);
            depth.add(change, &[]);
            seconds.record(0.25, &[KeyValue::new("http.route", "/pay")]);
            for seconds in [0.01, 0.25, 4.0] {
                wait.record(seconds, &[]);
            }
            self.metrics.force_flush().unwrap();
        }
    }
}

/// What every client sends.
fn client(door: Door, base: &str, service: &str, temporality: Temporality) -> Ids {
    let sdk = Sdk::new(door, base, service, temporality);
    let (trace, root, child) = sdk.trace();
    sdk.measure();
    sdk.traces.shutdown().unwrap();
    sdk.logs.shutdown().unwrap();
    sdk.metrics.shutdown().unwrap();
    Ids {
        service: service.to_owned(),
        trace: trace.to_string(),
        root: root.to_string(),
        child: child.to_string(),
    }
}

/// Sends everything through a door twice, and looks for it.
async fn seen(door: Door, lab: &Lab, protocol: &str) {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let base = lab.endpoint(protocol).to_owned();
        let service = format!("rust-{door:?}-{temporality:?}");
        let sent = tokio::task::spawn_blocking(move || client(door, &base, &service, temporality));
        let ids = sent.await.unwrap();
        // this SDK has no exemplars
        lab.holds(&ids, Exemplars::None).await;
        lab.holds_exponential(&ids).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rust_sdk_is_seen_over_http() {
    seen(Door::Http, &Lab::open().await, "http/protobuf").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rust_sdk_is_seen_over_grpc_with_zstd() {
    seen(Door::Grpc, &Lab::open().await, "grpc").await;
}
