//! Both doors on real sockets and through the router, with what may come in.

use std::net::SocketAddr;

use axum::body::Body;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::codec::CompressionEncoding;
use tower::ServiceExt;

use std::sync::Arc;

use proptest::prelude::*;

use super::status::RpcStatus;
use super::*;
use crate::logs::fixture::{batch, record};
use crate::time::WallTime;
use crate::traces::fixture::{Shape, batch as spans};
use crate::{Telemetry, TelemetryConfig};

fn telemetry() -> Telemetry {
    Telemetry::new(TelemetryConfig::default(), Arc::new(WallTime))
}

/// Opens the second door; it closes with the guard.
async fn open(receiver: &Arc<Receiver>) -> (SocketAddr, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let cancel = CancellationToken::new();
    tokio::spawn(grpc::serve(listener, receiver.clone(), cancel.clone()));
    (address, cancel.drop_guard())
}

async fn call(
    address: SocketAddr,
    path: &'static str,
    body: impl Into<Bytes>,
    gzip: bool,
) -> Result<ExportResponse, tonic::Status> {
    let client = legacy::Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<tonic::body::Body>();
    let origin = format!("http://{address}").parse().unwrap();
    let mut grpc = tonic::client::Grpc::with_origin(client, origin)
        .accept_compressed(CompressionEncoding::Gzip);
    if gzip {
        grpc = grpc.send_compressed(CompressionEncoding::Gzip);
    }
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static(path);
    let answer = grpc.unary(tonic::Request::new(body.into()), path, grpc::Raw);
    Ok(ExportResponse::decode(answer.await?.into_inner()).unwrap())
}

/// An empty element again and again: two bytes each.
fn bomb() -> Vec<u8> {
    [0x0a, 0x00].repeat(ELEMENTS_MAX + 1)
}

#[tokio::test]
async fn grpc_takes_all_signals_plain_and_gzip() {
    let telemetry = telemetry();
    let (address, _open) = open(telemetry.receiver()).await;
    for gzip in [false, true] {
        let logs = batch("cart", vec![record(1, "one"), record(2, "two")]).encode_to_vec();
        let answer = call(address, Signal::Logs.grpc_path(), logs, gzip).await;
        assert_eq!(answer.unwrap().partial_success, None);
    }
    let mut traces = spans("cart", &[Shape::root(1, 1), Shape::root(1, 2)]);
    traces.resource_spans[0].scope_spans[0].spans[1]
        .span_id
        .clear();
    let answer = call(
        address,
        Signal::Traces.grpc_path(),
        traces.encode_to_vec(),
        true,
    )
    .await;
    let partial = answer.unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected, 1);
    assert!(partial.message.contains("span id"), "{}", partial.message);
    let metrics = ExportMetricsServiceRequest::default().encode_to_vec();
    let answer = call(address, Signal::Metrics.grpc_path(), metrics, false).await;
    assert_eq!(answer.unwrap().partial_success, None);

    assert_eq!(
        telemetry
            .query_logs("{service=\"cart\"}", 0, i64::MAX, 10)
            .unwrap()
            .len(),
        4
    );
    assert_eq!(telemetry.trace(&Shape::trace_id(1)).unwrap().spans.len(), 1);
}

#[tokio::test]
async fn grpc_refuses_with_the_statuses_of_the_specification() {
    use tonic::Code as C;
    let telemetry = telemetry();
    let (address, _open) = open(telemetry.receiver()).await;
    let logs = Signal::Logs.grpc_path();
    for (path, body, gzip, code) in [
        (logs, b"\x07junk".to_vec(), false, C::InvalidArgument),
        (
            logs,
            vec![0; BODY_BYTES_MAX + 1],
            false,
            C::ResourceExhausted,
        ),
        // a bomb: 16 KB on the wire
        (
            logs,
            vec![0; BODY_BYTES_MAX + 1],
            true,
            C::ResourceExhausted,
        ),
        (logs, bomb(), true, C::ResourceExhausted),
        (
            "/grpc.health.v1.Health/Check",
            Vec::new(),
            false,
            C::Unimplemented,
        ),
    ] {
        let status = call(address, path, body, gzip).await.unwrap_err();
        assert_eq!(status.code(), code, "{status}");
        // none of them gets better by trying again
        assert!(status.details().is_empty(), "{status}");
    }
    assert_eq!(telemetry.stats().logs.received, 0);
    assert!(
        call(address, logs, Vec::new(), false).await.is_ok(),
        "the door is still open"
    );
}

/// Sends one message with a mark and an encoding of the caller's choice, as no client does; returns `grpc-status`.
async fn send_marked(address: SocketAddr, mark: u8, encoding: &str, message: &[u8]) -> u32 {
    let client = legacy::Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<http_body_util::Full<Bytes>>();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = [&[mark], &length[..], message].concat();
    let request = Request::post(format!("http://{address}{}", Signal::Logs.grpc_path()))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header("grpc-encoding", encoding)
        .body(Bytes::from(body).into());
    let (head, body) = client.request(request.unwrap()).await.unwrap().into_parts();
    let body = body.collect().await.unwrap();
    let ended = body.trailers().cloned().unwrap_or(head.headers);
    ended["grpc-status"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn grpc_takes_zstd_within_the_same_limits() {
    use tonic::Code as C;
    let telemetry = telemetry();
    let (address, _open) = open(telemetry.receiver()).await;
    let logs = batch("cart", vec![record(1, "one"), record(2, "two")]).encode_to_vec();
    let packed = |body: &[u8]| zstd::encode_all(body, 1).unwrap();
    let mut gzip = flate2::read::GzEncoder::new(&*logs, flate2::Compression::fast());
    let mut gzipped = Vec::new();
    std::io::Read::read_to_end(&mut gzip, &mut gzipped).unwrap();
    // a frame whose reader is to remember 128 MiB of nothing
    let mut far = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    far.window_log(27).unwrap();
    std::io::Write::write_all(&mut far, &logs).unwrap();
    let far = far.finish().unwrap();
    for (mark, encoding, message, code) in [
        (1, "zstd", packed(&logs), C::Ok),
        (1, "gzip", gzipped.clone(), C::Ok),
        // what is not marked is not compressed, whatever is named
        (0, "zstd", logs.clone(), C::Ok),
        (1, "identity", logs.clone(), C::Internal),
        (1, "snappy", logs.clone(), C::Unimplemented),
        (1, "zstd", gzipped, C::InvalidArgument),
        (1, "zstd", logs.clone(), C::InvalidArgument),
        (1, "zstd", far, C::InvalidArgument),
        (
            1,
            "zstd",
            packed(&vec![0; BODY_BYTES_MAX + 1]),
            C::ResourceExhausted,
        ),
        (1, "zstd", packed(&bomb()), C::ResourceExhausted),
        (
            1,
            "zstd",
            packed(&vec![0; BODY_BYTES_MAX])[..100].to_vec(),
            C::InvalidArgument,
        ),
        (7, "zstd", packed(&logs), C::Internal),
    ] {
        let status = send_marked(address, mark, encoding, &message).await;
        assert_eq!(C::from_i32(status as i32), code, "{mark} {encoding}");
    }
    assert_eq!(telemetry.stats().logs.received, 6);
}

#[tokio::test]
async fn without_room_both_doors_say_when_to_come_back() {
    let telemetry = telemetry();
    let receiver = Arc::new(Receiver::holding(telemetry.intake().clone(), 400));
    let (address, _open) = open(&receiver).await;
    let body = batch("cart", vec![record(1, &"x".repeat(300))]).encode_to_vec();

    let mut held = receiver.ticket();
    held.grow(200).unwrap();
    let status = call(address, Signal::Logs.grpc_path(), body.clone(), false)
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    let delay = RpcStatus::decode(status.details()).unwrap().retry_delay();
    assert_eq!(delay, Some(admission::RETRY_AFTER));

    let post = |encoding: &str, body: Vec<u8>| {
        let request = Request::post("/v1/logs").header(header::CONTENT_TYPE, encoding);
        router(receiver.clone()).oneshot(request.body(Body::from(body)).unwrap())
    };
    let answer = post("application/x-protobuf", body.clone()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
    assert_eq!(
        answer.headers()[header::CONTENT_TYPE],
        "application/x-protobuf"
    );
    let answer = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(RpcStatus::decode(answer).unwrap().code, 14);

    drop(held);
    let answer = post("application/x-protobuf", body).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(telemetry.stats().logs.received, 1);
}

#[tokio::test]
async fn http_answers_in_the_senders_encoding() {
    let telemetry = telemetry();
    let post = async |path: &str, kind: &str, body: Vec<u8>| {
        let request = Request::post(path).header(header::CONTENT_TYPE, kind);
        let answer = telemetry
            .router()
            .oneshot(request.body(Body::from(body)).unwrap());
        let (head, body) = answer.await.unwrap().into_parts();
        assert_eq!(head.headers[header::CONTENT_TYPE], kind);
        (head.status, body.collect().await.unwrap().to_bytes())
    };
    let span = json!({ "traceId": "5b8efff798038103d269b633813fc60c", "name": "no span id" });
    let traces = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] });
    let (status, body) = post("/v1/traces", "application/json", traces.to_string().into()).await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (status, &answer["partialSuccess"]["rejectedSpans"]),
        (StatusCode::OK, &json!("1"))
    );
    let (_, body) = post("/v1/logs", "application/json", b"{}".to_vec()).await;
    assert_eq!(body, "{}");

    let (status, body) = post("/v1/logs", "application/x-protobuf", bomb()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let refusal = RpcStatus::decode(body).unwrap();
    assert!(refusal.message.contains("elements"), "{}", refusal.message);
    let many = format!("{{\"x\": [{}0]}}", "0,".repeat(ELEMENTS_MAX));
    let (status, _) = post("/v1/logs", "application/json", many.into()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, body) = post(
        "/v1/metrics",
        "application/json",
        b"{\"resourceMetrics\": 7}".to_vec(),
    )
    .await;
    let refusal: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (status, &refusal["code"]),
        (StatusCode::BAD_REQUEST, &json!(3))
    );
}

#[tokio::test]
async fn zstd_bodies_and_large_ones_arrive_too() {
    let telemetry = telemetry();
    // large enough for a thread of its own
    let lines = (0..5_000)
        .map(|n| record(n, &format!("line {n}")))
        .collect();
    let body = batch("cart", lines).encode_to_vec();
    for (encoding, body) in [
        ("identity", body.clone()),
        ("zstd", zstd::encode_all(&*body, 1).unwrap()),
    ] {
        let request = Request::post("/v1/logs")
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .header(header::CONTENT_ENCODING, encoding)
            .body(Body::from(body));
        let answer = telemetry.router().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(telemetry.stats().logs.received, 10_000);
}

/// A body of each signal and encoding that is right, to be damaged.
fn right(signal: Signal, json: bool) -> Vec<u8> {
    let logs = batch("cart", vec![record(1, "one"), record(2, "two")]);
    let traces = spans("cart", &[Shape::root(1, 1), Shape::child(1, 2, 1)]);
    let metrics = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","histogram":{"aggregationTemporality":1,
        "dataPoints":[{"count":"3","sum":1.5,"bucketCounts":["1","2"],"explicitBounds":[0.5],
        "exemplars":[{"asDouble":0.1,"traceId":"5b8efff798038103d269b633813fc60c"}]}]}}]}]}]}"#;
    let read: ExportMetricsServiceRequest = serde_json::from_str(metrics).unwrap();
    match (signal, json) {
        (Signal::Logs, true) => serde_json::to_vec(&logs).unwrap(),
        (Signal::Logs, false) => logs.encode_to_vec(),
        (Signal::Traces, true) => serde_json::to_vec(&traces).unwrap(),
        (Signal::Traces, false) => traces.encode_to_vec(),
        (Signal::Metrics, true) => metrics.into(),
        (Signal::Metrics, false) => read.encode_to_vec(),
    }
}

proptest! {
    #[test]
    fn a_damaged_body_is_taken_or_refused_and_nothing_else(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<proptest::sample::Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let telemetry = telemetry();
        for (signal, json) in Signal::ALL.into_iter().flat_map(|signal| [(signal, true), (signal, false)]) {
            let mut body = right(signal, json);
            for (at, byte) in &damage {
                let at = at.index(body.len());
                body[at] = *byte;
            }
            body.truncate(cut.index(body.len() * 2).max(1));
            let kind = if json { "application/json" } else { "application/x-protobuf" };
            let request = Request::post(signal.http_path()).header(header::CONTENT_TYPE, kind);
            let answer = telemetry.router().oneshot(request.body(Body::from(body)).unwrap());
            let status = runtime.block_on(answer).unwrap().status();
            prop_assert!(status == StatusCode::OK || status == StatusCode::BAD_REQUEST, "{status}");
        }
    }
}
