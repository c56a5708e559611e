//! The Rust SDK, unmodified, over HTTP.

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
    LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
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

/// The SDK's three providers.
struct Sdk {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
    metrics: SdkMeterProvider,
}

impl Sdk {
    fn new(base: &str, service: &str, temporality: Temporality) -> Self {
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", service.to_owned()),
                KeyValue::new("service.instance.id", "one"),
                KeyValue::new("service.version", "1.2"),
            ])
            .build();
        let exporter = aimed(SpanExporter::builder().with_http(), base, "traces")
            .build()
            .unwrap();
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_batch_exporter(exporter)
            .build();
        let exporter = aimed(LogExporter::builder().with_http(), base, "logs")
            .build()
            .unwrap();
        let logs = SdkLoggerProvider::builder()
            .with_resource(resource.clone())
            .with_batch_exporter(exporter)
            .build();
        let exporter = aimed(MetricExporter::builder().with_http(), base, "metrics")
            .with_temporality(temporality)
            .build()
            .unwrap();
        let metrics = SdkMeterProvider::builder()
            .with_resource(resource)
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

    /// A counter, an up-down counter and a histogram, exported twice.
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
        for change in [4, -1] {
            // two exports, so that what is sent as deltas has to be summed up; the store's times are milliseconds
            std::thread::sleep(Duration::from_millis(2));
            orders.add(2, &[KeyValue::new("kind", "gift")]);
            depth.add(change, &[]);
            seconds.record(0.25, &[KeyValue::new("http.route", "/pay")]);
            self.metrics.force_flush().unwrap();
        }
    }
}

/// What every client sends.
fn client(base: &str, service: &str, temporality: Temporality) -> Ids {
    let sdk = Sdk::new(base, service, temporality);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rust_sdk_is_seen_over_http() {
    let lab = Lab::open().await;
    for (service, temporality) in [
        ("rust-cumulative", Temporality::Cumulative),
        ("rust-delta", Temporality::Delta),
    ] {
        let base = lab.endpoint("http/protobuf").to_owned();
        let sent = tokio::task::spawn_blocking(move || client(&base, service, temporality));
        // this SDK has no exemplars
        lab.holds(&sent.await.unwrap(), Exemplars::None).await;
    }
}
