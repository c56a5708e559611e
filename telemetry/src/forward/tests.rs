//! Forwarding to collectors that listen, are down, are slow, and refuse.

use std::collections::VecDeque;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::logs::fixture::{batch, record};
use crate::receive::{ExportResponse, PartialSuccess, grpc};
use crate::scrape::Target;
use crate::time::WallTime;
use crate::traces::fixture::{Shape, batch as spans};
use crate::{Telemetry, TelemetryConfig};

/// What a target exposes.
const PAGE: &str = "depth 7\n# TYPE sold counter\nsold_total 3\n# TYPE lat histogram\nlat_bucket{le=\"+Inf\"} 2\nlat_sum 1\nlat_count 2\n";
const LONG: Duration = Duration::from_secs(30);

fn telemetry() -> Telemetry {
    Telemetry::new(TelemetryConfig::default(), Arc::new(WallTime))
}

fn config(address: SocketAddr, more: &[(&str, &str)]) -> ForwardConfig {
    let endpoint = format!("http://{address}");
    let read = ForwardConfig::read(|name| {
        let set = more.iter().find(|(variable, _)| *variable == name);
        let set = set.map(|(_, value)| (*value).to_owned());
        set.or_else(|| (name == ENDPOINT).then(|| endpoint.clone()))
    });
    ForwardConfig {
        first_retry: Duration::from_millis(5),
        ..read.unwrap().unwrap()
    }
}

struct Running {
    forwarder: Forwarder,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

fn run(config: ForwardConfig) -> Running {
    let (forwarder, work) = Forwarder::new(config);
    let cancel = CancellationToken::new();
    let task = tokio::spawn(work.run(cancel.clone()));
    Running {
        forwarder,
        cancel,
        task,
    }
}

impl Running {
    /// Waits for the figures of logs.
    async fn until(&self, reached: impl Fn(&Forwarded) -> bool) -> Forwarded {
        let wait = async {
            while !reached(&self.forwarder.stats().logs) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(LONG, wait).await;
        assert!(waited.is_ok(), "{:?}", self.forwarder.stats());
        self.forwarder.stats().logs
    }

    async fn stop(self) -> ForwardStats {
        self.cancel.cancel();
        tokio::time::timeout(LONG, self.task)
            .await
            .unwrap()
            .unwrap();
        self.forwarder.stats()
    }
}

async fn bound() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A collector that gives these answers in turn, then takes everything; it keeps the headers of what it was sent.
#[derive(Clone, Default)]
struct Collector {
    answers: Arc<Mutex<VecDeque<Response>>>,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Collector {
    async fn serve(answers: Vec<Response>) -> (Self, SocketAddr) {
        let (listener, address) = bound().await;
        let collector = Self {
            answers: Arc::new(Mutex::new(answers.into())),
            ..Self::default()
        };
        let answer = async |State(collector): State<Self>, headers: HeaderMap| {
            collector.seen.lock().push(headers);
            let next = collector.answers.lock().pop_front();
            next.unwrap_or_else(|| StatusCode::OK.into_response())
        };
        let router = Router::new()
            .route("/v1/logs", post(answer))
            .with_state(collector.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (collector, address)
    }
}

/// Receives on a listener.
fn collects(
    collector: &Telemetry,
    listener: TcpListener,
    protocol: &str,
    cancel: &CancellationToken,
) {
    if protocol == "grpc" {
        let receiver = collector.receiver().clone();
        tokio::spawn(grpc::serve(listener, receiver, cancel.clone()));
    } else {
        let router = collector.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
}

#[tokio::test]
async fn all_signals_and_scraped_rounds_arrive_over_both_protocols() {
    let (listener, page) = bound().await;
    let exposed = Router::new().route("/metrics", get(async || PAGE));
    tokio::spawn(async move { axum::serve(listener, exposed).await });
    for protocol in ["http/protobuf", "grpc"] {
        let collector = telemetry();
        let (listener, address) = bound().await;
        let cancel = CancellationToken::new();
        collects(&collector, listener, protocol, &cancel);
        let running = run(config(
            address,
            &[(PROTOCOL, protocol), (COMPRESSION, "gzip")],
        ));
        let lab = telemetry();
        lab.forward_to(&running.forwarder);
        lab.intake()
            .logs(batch("cart", vec![record(1, "one")]))
            .await;
        lab.intake()
            .traces(spans("cart", &[Shape::root(1, 1)]))
            .await;
        lab.intake()
            .metrics(ExportMetricsServiceRequest::default())
            .unwrap();
        let target = Target {
            labels: vec![("service".into(), "cart".into())],
            url: format!("http://{page}/metrics"),
        };
        lab.metrics.scraper().set_targets(vec![target]).unwrap();
        lab.metrics.round().await;
        let stats = running.stop().await;
        let sent = |sent| Forwarded {
            sent,
            ..Forwarded::default()
        };
        assert_eq!(
            (stats.logs, stats.traces, stats.metrics),
            (sent(1), sent(1), sent(2)),
            "{stats:?}"
        );
        assert_eq!(
            collector.query_logs("one", 0, i64::MAX, 10).unwrap().len(),
            1
        );
        assert!(collector.trace(&Shape::trace_id(1)).is_some());
        let now_ns = collector.intake().time().now_ns();
        for (name, value) in [
            ("depth", 7.0),
            ("sold_total", 3.0),
            ("lat_bucket", 2.0),
            ("lat_count", 2.0),
            ("up", 1.0),
        ] {
            let query = format!("{name}{{service=\"cart\"}}");
            let found = collector.metrics.scalar(&query, now_ns).unwrap();
            assert_eq!(found, Some(value), "{name}");
        }
        // how it goes can be asked for in the lab
        lab.metrics.round().await;
        let sent = lab.metrics.scalar(
            "telemetry_forward_batches_total{signal=\"logs\", outcome=\"sent\"}",
            now_ns + 5_000_000_000,
        );
        assert_eq!(sent.unwrap(), Some(1.0));
        cancel.cancel();
    }
}

#[tokio::test]
async fn a_collector_that_is_down_gets_the_batches_when_it_is_back() {
    for protocol in ["http/protobuf", "grpc"] {
        let (listener, address) = bound().await;
        drop(listener);
        let running = run(config(address, &[(PROTOCOL, protocol)]));
        let encoded = batch("cart", vec![record(1, "one")]).encode_to_vec();
        running.forwarder.offer(Signal::Logs, encoded.into());
        running.until(|logs| logs.retried >= 3).await;
        let problem = running.forwarder.stats().problem.unwrap();
        assert!(
            problem.starts_with("logs: ") && problem.contains("refused"),
            "{problem}"
        );

        let listener = TcpListener::bind(address).await.unwrap();
        let collector = telemetry();
        collects(&collector, listener, protocol, &CancellationToken::new());
        let logs = running.until(|logs| logs.sent == 1).await;
        assert_eq!((logs.dropped, logs.failed), (0, 0));
        assert_eq!(collector.stats().logs.received, 1, "once");
        running.stop().await;
    }
}

#[tokio::test]
async fn what_a_collector_refuses_for_now_is_sent_again_and_what_for_good_is_not() {
    let partial = ExportResponse {
        partial_success: Some(PartialSuccess {
            rejected: 3,
            message: "too old".into(),
        }),
    };
    let busy = |status: StatusCode| (status, [("retry-after", "0")], "").into_response();
    let (collector, address) = Collector::serve(vec![
        busy(StatusCode::TOO_MANY_REQUESTS),
        busy(StatusCode::SERVICE_UNAVAILABLE),
        partial.encode_to_vec().into_response(),
        StatusCode::BAD_REQUEST.into_response(),
    ])
    .await;
    let running = run(config(address, &[(HEADERS, "x-tenant=a%20b")]));
    running
        .forwarder
        .offer(Signal::Logs, Bytes::from_static(b"one"));
    let logs = running.until(|logs| logs.sent == 1).await;
    assert_eq!((logs.retried, logs.rejected_items, logs.failed), (2, 3, 0));
    assert_eq!(
        running.forwarder.stats().problem.unwrap(),
        "logs: 3 refused: too old"
    );
    running
        .forwarder
        .offer(Signal::Logs, Bytes::from_static(b"two"));
    let logs = running.until(|logs| logs.failed == 1).await;
    assert_eq!((logs.retried, logs.sent), (2, 1));
    let seen = collector.seen.lock().clone();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|headers| headers["x-tenant"] == "a b"
        && headers["content-type"] == "application/x-protobuf"));
    running.stop().await;
}

#[tokio::test]
async fn a_collector_that_never_answers_costs_what_is_dropped_and_nobodys_time() {
    // it takes connections and says nothing
    let (listener, address) = bound().await;
    let running = run(config(address, &[]));
    let lab = telemetry();
    lab.forward_to(&running.forwarder);
    let offered = QUEUE_BATCHES + 50;
    for number in 0..offered {
        lab.intake()
            .logs(batch("cart", vec![record(1, &number.to_string())]))
            .await;
    }
    assert_eq!(
        lab.stats().logs.received,
        offered as u64,
        "the lab has them all"
    );
    let waiting = lab.stats().forward.unwrap().logs;
    // one may be on its way
    assert!((49..=50).contains(&waiting.dropped), "{waiting:?}");
    let large = Bytes::from(vec![0; QUEUE_BYTES + 1]);
    running.forwarder.offer(Signal::Traces, large);
    assert_eq!(running.forwarder.stats().traces.dropped, 1);
    let stats = running.stop().await;
    drop(listener);
    assert_eq!(stats.logs.sent, 0);
    assert_eq!(stats.logs.dropped, offered as u64, "{stats:?}");
}

#[tokio::test]
async fn where_plain_http_is_spoken_an_https_url_fails_at_once_and_says_so() {
    let (_folder, authority) = config::tests::authority();
    for protocol in ["http/protobuf", "grpc"] {
        let (_collector, address) = Collector::serve(Vec::new()).await;
        let endpoint = format!("https://{address}");
        let running = run(config(
            address,
            &[
                (ENDPOINT, &endpoint),
                (PROTOCOL, protocol),
                (CERTIFICATE, &authority),
            ],
        ));
        running
            .forwarder
            .offer(Signal::Logs, Bytes::from_static(b"one"));
        let logs = running.until(|logs| logs.failed == 1).await;
        assert_eq!(logs.retried, 0);
        let problem = running.stop().await.problem.unwrap();
        assert!(problem.contains("write http://"), "{problem}");
    }
}

#[tokio::test]
async fn a_signal_without_an_endpoint_goes_nowhere() {
    let (collector, address) = Collector::serve(Vec::new()).await;
    let endpoint = format!("http://{address}/v1/logs");
    let read = ForwardConfig::read(|name| {
        (name == "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT").then(|| endpoint.clone())
    });
    let running = run(read.unwrap().unwrap());
    assert!(running.forwarder.takes(Signal::Logs) && !running.forwarder.takes(Signal::Traces));
    for signal in Signal::ALL {
        running.forwarder.offer(signal, Bytes::from_static(b"one"));
    }
    running.until(|logs| logs.sent == 1).await;
    let stats = running.stop().await;
    assert_eq!(stats.traces, Forwarded::default());
    assert_eq!(collector.seen.lock().len(), 1);
}
