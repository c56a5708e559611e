//! The HTTP APIs through the router: shapes, and errors for everything that can be wrong.

mod cors;
mod derived;
mod jaeger;
mod loki;
mod prometheus;
mod tempo;

use std::io::Write;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use prost::Message;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::logs::fixture::{batch, int, record, text};
use crate::receive::BODY_BYTES_MAX;
use crate::time::{TimeSource, TraceId};
use crate::traces::fixture::{Shape, batch as spans};
use crate::{Telemetry, TelemetryConfig};

/// Store time is 1,000 s after what emitters say, 2,000 s for records of a trace; now is 10,000 s.
struct Shifted;

impl TimeSource for Shifted {
    fn now_ns(&self) -> i64 {
        10_000_000_000_000
    }

    fn stamp_ns(&self, emitted_ns: i64, trace: Option<TraceId>) -> i64 {
        emitted_ns
            + if trace.is_some() {
                2_000_000_000_000
            } else {
                1_000_000_000_000
            }
    }
}

fn telemetry() -> Telemetry {
    Telemetry::new(TelemetryConfig::default(), Arc::new(Shifted))
}

/// Three lines (seconds 8001 to 8003 of store time) and one trace (8000 s).
async fn filled() -> Telemetry {
    let telemetry = telemetry();
    let mut failed = record(6003, "payment failed");
    failed.severity_number = 17;
    failed.trace_id = Shape::trace_id(6000).to_vec();
    failed.attributes = vec![int("http.status", 500)];
    let logs = vec![
        record(7001, "order placed"),
        record(7002, "order shipped"),
        failed,
    ];
    telemetry.intake().logs(batch("checkout", logs)).await;
    let mut child = Shape::child(6000, 2, 1);
    child.error = true;
    child.attributes = vec![text("db.system", "sqlite"), int("rows", 7)];
    telemetry
        .intake()
        .traces(spans("storefront", &[Shape::root(6000, 1)]))
        .await;
    telemetry.intake().traces(spans("checkout", &[child])).await;
    telemetry
}

async fn send(
    telemetry: &Telemetry,
    request: Request<Body>,
) -> (StatusCode, http::HeaderMap, Vec<u8>) {
    let response = telemetry.router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (
        parts.status,
        parts.headers,
        body.collect().await.unwrap().to_bytes().to_vec(),
    )
}

/// A GET with parameters, percent-encoded here.
async fn get(
    telemetry: &Telemetry,
    path: &str,
    parameters: &[(&str, &str)],
) -> (StatusCode, String) {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let pairs: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let request = Request::get(format!("{path}?{}", pairs.join("&")))
        .body(Body::empty())
        .unwrap();
    let (status, _, body) = send(telemetry, request).await;
    (status, String::from_utf8(body).unwrap())
}

async fn get_json(telemetry: &Telemetry, path: &str, parameters: &[(&str, &str)]) -> Value {
    let (status, body) = get(telemetry, path, parameters).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

async fn refused(telemetry: &Telemetry, path: &str, parameters: &[(&str, &str)]) -> String {
    let (status, body) = get(telemetry, path, parameters).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {body}");
    body
}

fn post(path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header(header::CONTENT_TYPE, content_type)
        .body(body.into())
        .unwrap()
}

#[tokio::test]
async fn protobuf_json_and_gzip_are_received_and_restamped() {
    let telemetry = telemetry();
    let request = batch("a", vec![record(1, "one")]);
    let protobuf = request.encode_to_vec();
    let (status, headers, body) = send(
        &telemetry,
        post("/v1/logs", "application/x-protobuf", protobuf.clone()),
    )
    .await;
    assert_eq!(
        (status, &headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"application/x-protobuf".parse().unwrap())
    );
    assert_eq!(
        ExportLogsServiceResponse::decode(&*body)
            .unwrap()
            .partial_success,
        None
    );

    let json = serde_json::to_vec(&request).unwrap();
    let (status, _, body) = send(
        &telemetry,
        post("/v1/logs", "application/json; charset=utf-8", json),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    assert!(serde_json::from_slice::<Value>(&body).unwrap().is_object());

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&protobuf).unwrap();
    let mut zipped = post("/v1/logs", "application/x-protobuf", gzip.finish().unwrap());
    zipped
        .headers_mut()
        .insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    assert_eq!(send(&telemetry, zipped).await.0, StatusCode::OK);

    let lines = telemetry.query_logs("one", 0, i64::MAX, 10).unwrap();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line.ts_ns == 1_001_000_000_000));
}

#[tokio::test]
async fn spans_keep_their_length_and_broken_ones_are_told() {
    let telemetry = telemetry();
    let mut request = spans("a", &[Shape::root(1, 1), Shape::root(1, 2)]);
    request.resource_spans[0].scope_spans[0].spans[1]
        .span_id
        .clear();
    let (status, _, body) = send(
        &telemetry,
        post(
            "/v1/traces",
            "application/x-protobuf",
            request.encode_to_vec(),
        ),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    let partial = ExportTraceServiceResponse::decode(&*body)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_spans, 1);
    let trace = telemetry.trace(&Shape::trace_id(1)).unwrap();
    assert_eq!(
        (trace.start_ns(), trace.duration_ns()),
        (2_001_001_000_000, 100_000_000)
    );
}

#[tokio::test]
async fn junk_is_refused_with_the_right_status_and_stores_nothing() {
    let telemetry = telemetry();
    let status = async |request| send(&telemetry, request).await.0;
    for path in ["/v1/logs", "/v1/traces", "/v1/metrics"] {
        assert_eq!(
            status(post(path, "application/x-protobuf", "\u{7}junk")).await,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            status(post(
                path,
                "application/json",
                "{\"resourceLogs\": 5, \"resourceSpans\": 5, \"resourceMetrics\": 5}"
            ))
            .await,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            status(post(path, "application/json", "[".repeat(100_000))).await,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            status(post(path, "text/plain", "x")).await,
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        );
        assert_eq!(
            status(Request::post(path).body(Body::from("x")).unwrap()).await,
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        );
        let mut zipped = post(path, "application/json", "not gzip");
        zipped
            .headers_mut()
            .insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        assert_eq!(status(zipped).await, StatusCode::BAD_REQUEST);
        let mut brotli = post(path, "application/json", "{}");
        brotli
            .headers_mut()
            .insert(header::CONTENT_ENCODING, "br".parse().unwrap());
        assert_eq!(status(brotli).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(
            status(Request::get(path).body(Body::empty()).unwrap()).await,
            StatusCode::METHOD_NOT_ALLOWED
        );
    }
    let stats = telemetry.stats();
    assert_eq!((stats.logs.received, stats.traces.received), (0, 0));
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused_compressed_or_not() {
    let telemetry = telemetry();
    let large = vec![0; BODY_BYTES_MAX + 1];
    let (status, _, body) = send(
        &telemetry,
        post("/v1/logs", "application/json", large.clone()),
    )
    .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let message = serde_json::from_slice::<Value>(&body).unwrap();
    // RESOURCE_EXHAUSTED, and nothing that says when to try again: it would be as large then
    assert_eq!(
        (&message["code"], message.get("details")),
        (&json!(8), None)
    );
    assert!(
        message["message"]
            .as_str()
            .unwrap()
            .contains("smaller batches"),
        "{message}"
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&large).unwrap();
    let mut bomb = post("/v1/logs", "application/x-protobuf", gzip.finish().unwrap());
    bomb.headers_mut()
        .insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    assert_eq!(
        send(&telemetry, bomb).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn lines_come_as_streams_with_all_labels() {
    let telemetry = filled().await;
    let answer = get_json(
        &telemetry,
        "/loki/api/v1/query_range",
        &[("query", "{service=\"checkout\"} |= \"order\"")],
    )
    .await;
    assert_eq!(answer["status"], "success");
    assert_eq!(answer["data"]["resultType"], "streams");
    let stream = &answer["data"]["result"][0];
    assert_eq!(
        stream["stream"],
        json!({"service": "checkout", "level": "info", "scope": "shop", "service_version": "1.2"})
    );
    assert_eq!(
        stream["values"],
        json!([
            ["8002000000000", "order shipped"],
            ["8001000000000", "order placed"]
        ])
    );
    let forward = [
        ("query", "order"),
        ("direction", "forward"),
        ("limit", "1"),
        ("start", "8000"),
        ("end", "8002.5"),
    ];
    let answer = get_json(&telemetry, "/loki/api/v1/query_range", &forward).await;
    assert_eq!(
        answer["data"]["result"][0]["values"],
        json!([["8001000000000", "order placed"]])
    );
}

#[tokio::test]
async fn a_form_is_as_good_as_a_url() {
    let telemetry = filled().await;
    let form = "query=%7Bservice%3D%22checkout%22%7D&limit=1";
    let (status, _, body) = send(
        &telemetry,
        post(
            "/loki/api/v1/query_range",
            "application/x-www-form-urlencoded",
            form,
        ),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["data"]["result"][0]["stream"]["http_status"], "500");
}

#[tokio::test]
async fn numbers_come_as_matrix_or_vector() {
    let telemetry = filled().await;
    let query = "sum by (level) (count_over_time({service=\"checkout\"}[10s]))";
    let range = [
        ("query", query),
        ("start", "8000"),
        ("end", "8010"),
        ("step", "5s"),
    ];
    let answer = get_json(&telemetry, "/loki/api/v1/query_range", &range).await;
    assert_eq!(answer["data"]["resultType"], "matrix");
    let result = &answer["data"]["result"];
    assert_eq!(
        result[0],
        json!({"metric": {"level": "error"}, "values": [[8005.0, "1"], [8010.0, "1"]]})
    );
    let answer = get_json(
        &telemetry,
        "/loki/api/v1/query",
        &[("query", query), ("time", "8010")],
    )
    .await;
    assert_eq!(answer["data"]["resultType"], "vector");
    assert_eq!(
        answer["data"]["result"][1],
        json!({"metric": {"level": "info"}, "value": [8010.0, "2"]})
    );
    let health = get_json(
        &telemetry,
        "/loki/api/v1/query",
        &[("query", "vector(1)+vector(1)")],
    )
    .await;
    assert_eq!(health["data"]["result"][0]["value"][1], "2");
}

#[tokio::test]
async fn labels_values_series_and_stats_describe_the_streams() {
    let telemetry = filled().await;
    let answer = get_json(&telemetry, "/loki/api/v1/labels", &[]).await;
    assert_eq!(answer["data"], json!(["level", "service", "service_name"]));
    let answer = get_json(&telemetry, "/loki/api/v1/label/level/values", &[]).await;
    assert_eq!(answer["data"], json!(["error", "info"]));
    let answer = get_json(
        &telemetry,
        "/loki/api/v1/label/service_name/values",
        &[("query", "{level=\"error\"}")],
    )
    .await;
    assert_eq!(answer["data"], json!(["checkout"]));
    let answer = get_json(
        &telemetry,
        "/loki/api/v1/series",
        &[
            ("match[]", "{level=\"info\"}"),
            ("match[]", "{level=\"warn\"}"),
        ],
    )
    .await;
    assert_eq!(
        answer["data"],
        json!([{"service": "checkout", "level": "info"}])
    );
    let answer = get_json(
        &telemetry,
        "/loki/api/v1/index/stats",
        &[("query", "{service=~\".+\"}")],
    )
    .await;
    assert_eq!(
        answer,
        json!({"streams": 2, "chunks": 1, "entries": 3, "bytes": 39})
    );
}

#[tokio::test]
async fn bad_log_requests_say_what_is_wrong() {
    let telemetry = filled().await;
    let range = "/loki/api/v1/query_range";
    for (parameters, needle) in [
        (vec![], "query is missing"),
        (vec![("query", "{service=")], "at byte 9"),
        (
            vec![("query", "x"), ("start", "yesterday")],
            "start=\"yesterday\" is not a time",
        ),
        (
            vec![("query", "x"), ("start", "20"), ("end", "10")],
            "start is after end",
        ),
        (vec![("query", "x"), ("since", "soon")], "since"),
        (
            vec![("query", "x"), ("limit", "5001")],
            "over the limit of 5000",
        ),
        (vec![("query", "x"), ("limit", "-1")], "not a whole number"),
        (
            vec![("query", "x"), ("direction", "up")],
            "forward or backward",
        ),
        (
            vec![("query", "rate({a=\"b\"}[1m])"), ("step", "0")],
            "step",
        ),
        (
            vec![("query", "rate({a=\"b\"}[1m])"), ("step", "0.000001")],
            "steps",
        ),
        (vec![("query", "sum(rate({a=\"b\"}))")], "the window"),
    ] {
        let message = refused(&telemetry, range, &parameters).await;
        assert!(message.contains(needle), "{parameters:?}: {message}");
    }
    let message = refused(&telemetry, "/loki/api/v1/query", &[("query", "{a=\"b\"}")]).await;
    assert!(message.contains("query_range"), "{message}");
    let message = refused(&telemetry, range, &[("query", &"(".repeat(5000))]).await;
    assert!(message.contains("nests deeper"), "{message}");
    let message = refused(&telemetry, range, &[("query", &"x".repeat(20_000))]).await;
    assert!(message.contains("limit"), "{message}");
    let message = refused(
        &telemetry,
        "/loki/api/v1/series",
        &[("match[]", "{a=\"b\"} | json")],
    )
    .await;
    assert!(message.contains("not a stream selector"), "{message}");
}

#[tokio::test]
async fn the_place_of_an_error_stands_in_a_header() {
    let telemetry = filled().await;
    for path in [
        "/loki/api/v1/query_range?query=%7Ba%3D",
        "/tempo/api/search?q=%7B.a%3D",
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (status, headers, _) = send(&telemetry, request).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            headers["x-error-position"]
                .to_str()
                .unwrap()
                .parse::<usize>()
                .unwrap()
                >= 3
        );
    }
}

#[tokio::test]
async fn a_search_answers_in_tempos_shape() {
    let telemetry = filled().await;
    let search = [
        ("q", "{ status = error } | select(span.rows)"),
        ("start", "8000"),
        ("end", "8001"),
    ];
    let answer = get_json(&telemetry, "/tempo/api/search", &search).await;
    let trace = &answer["traces"][0];
    assert_eq!(trace["traceID"], "00000000000000000000000000001770");
    assert_eq!(
        (&trace["rootServiceName"], &trace["rootTraceName"]),
        (&json!("storefront"), &json!("GET /"))
    );
    assert_eq!(trace["rootReceived"], true);
    assert_eq!(
        (&trace["startTimeUnixNano"], &trace["durationMs"]),
        (&json!("8000001000000"), &json!(101))
    );
    assert_eq!(
        trace["serviceStats"]["checkout"],
        json!({"spanCount": 1, "errorCount": 1})
    );
    let set = &trace["spanSets"][0];
    assert_eq!(set["matched"], 1);
    let span = &set["spans"][0];
    assert_eq!(
        (&span["spanID"], &span["durationNanos"]),
        (&json!("0000000000000002"), &json!("100000000"))
    );
    assert!(
        span["attributes"]
            .as_array()
            .unwrap()
            .contains(&json!({"key": "rows", "value": {"intValue": "7"}}))
    );
    let none = get_json(
        &telemetry,
        "/tempo/api/search",
        &[("q", "{ status = error }"), ("end", "7000")],
    )
    .await;
    assert_eq!(none["traces"], json!([]));
    let few = get_json(
        &telemetry,
        "/tempo/api/search",
        &[("q", "{}"), ("spss", "1")],
    )
    .await;
    let set = &few["traces"][0]["spanSets"][0];
    assert_eq!(
        (set["spans"].as_array().unwrap().len(), &set["matched"]),
        (1, &json!(2))
    );
}

#[tokio::test]
async fn a_trace_by_id_is_otlp() {
    let telemetry = filled().await;
    let id = "00000000000000000000000000001770";
    let answer = get_json(&telemetry, &format!("/tempo/api/traces/{id}"), &[]).await;
    let span = &answer["batches"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(
        (&span["traceId"], &span["name"]),
        (&json!(id), &json!("GET /"))
    );
    let answer = get_json(&telemetry, "/tempo/api/v2/traces/1770", &[]).await;
    assert_eq!(
        answer["trace"]["resourceSpans"].as_array().unwrap().len(),
        2
    );
    let request = Request::get(format!("/tempo/api/traces/{id}"))
        .header(header::ACCEPT, "application/protobuf");
    let (_, headers, body) = send(&telemetry, request.body(Body::empty()).unwrap()).await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/protobuf");
    assert_eq!(TracesData::decode(&*body).unwrap().resource_spans.len(), 2);
    assert_eq!(
        get(&telemetry, "/tempo/api/traces/99", &[]).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        get(&telemetry, "/tempo/api/traces/xyz", &[]).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(get(&telemetry, "/tempo/api/echo", &[]).await.1, "echo");
}

#[tokio::test]
async fn tags_and_their_values_are_listed() {
    let telemetry = filled().await;
    let answer = get_json(&telemetry, "/tempo/api/search/tags", &[]).await;
    assert_eq!(
        answer["tagNames"],
        json!(["db.system", "region", "rows", "service.name"])
    );
    let answer = get_json(
        &telemetry,
        "/tempo/api/v2/search/tags",
        &[("scope", "span")],
    )
    .await;
    assert_eq!(
        answer["scopes"],
        json!([{"name": "span", "tags": ["db.system", "rows"]}])
    );
    let answer = get_json(&telemetry, "/tempo/api/search/tag/service.name/values", &[]).await;
    assert_eq!(answer["tagValues"], json!(["checkout", "storefront"]));
    let answer = get_json(&telemetry, "/tempo/api/v2/search/tag/status/values", &[]).await;
    assert_eq!(
        answer["tagValues"],
        json!([
            {"type": "keyword", "value": "error"},
            {"type": "keyword", "value": "ok"},
            {"type": "keyword", "value": "unset"}
        ])
    );
    refused(
        &telemetry,
        "/tempo/api/v2/search/tag/non%20sense/values",
        &[],
    )
    .await;
}

#[tokio::test]
async fn bad_trace_requests_say_what_is_wrong() {
    let telemetry = filled().await;
    for (parameters, needle) in [
        (vec![("q", "{ foo = 1 }")], "at byte 2"),
        (
            vec![("q", "{}"), ("start", "x")],
            "start=\"x\" is not a time",
        ),
        (vec![("q", "{}"), ("limit", "1000000")], "over the limit"),
        (vec![("q", "{}"), ("spss", "many")], "not a whole number"),
    ] {
        let message = refused(&telemetry, "/tempo/api/search", &parameters).await;
        assert!(message.contains(needle), "{message}");
    }
    let message = refused(
        &telemetry,
        "/tempo/api/search",
        &[("q", &"{!".repeat(8000))],
    )
    .await;
    assert!(
        message.contains("nests deeper") || message.contains("at byte"),
        "{message}"
    );
}

#[tokio::test]
async fn the_graph_comes_in_three_formats() {
    let telemetry = filled().await;
    let window = [("start", "8000"), ("end", "8010")];
    let answer = get_json(&telemetry, "/graph", &window).await;
    assert_eq!(answer["edges"][0]["from"], "storefront");
    assert_eq!(
        (&answer["edges"][0]["to"], &answer["edges"][0]["rate"]),
        (&json!("checkout"), &json!(0.1))
    );
    for (format, begin) in [("dot", "digraph"), ("mermaid", "flowchart")] {
        let (status, body) = get(
            &telemetry,
            "/graph",
            &[window[0], window[1], ("format", format)],
        )
        .await;
        assert!(
            status == StatusCode::OK && body.starts_with(begin),
            "{body}"
        );
    }
    assert!(
        refused(&telemetry, "/graph", &[("format", "png")])
            .await
            .contains("json, dot or mermaid")
    );
    assert!(
        refused(&telemetry, "/graph", &[("start", "never")])
            .await
            .contains("start")
    );
}

#[tokio::test]
async fn a_recording_loads_into_the_same_answers() {
    let folder = tempfile::tempdir().unwrap();
    let telemetry = telemetry();
    telemetry.record_to(folder.path()).unwrap();
    telemetry
        .intake()
        .logs(batch("a", vec![record(1, "one"), record(2, "two")]))
        .await;
    telemetry
        .intake()
        .traces(spans("a", &[Shape::root(1, 1)]))
        .await;
    telemetry.stop_recording();
    telemetry
        .intake()
        .logs(batch("a", vec![record(3, "three")]))
        .await;
    let status = telemetry.stats().recording.unwrap();
    assert_eq!((status.batches, status.error), (2, None));

    let replayed = self::telemetry();
    replayed.load(folder.path()).unwrap();
    let lines = |telemetry: &Telemetry| {
        telemetry
            .query_logs("{service=\"a\"} != \"three\"", 0, i64::MAX, 10)
            .unwrap()
    };
    assert_eq!(lines(&replayed), lines(&telemetry));
    assert_eq!(lines(&replayed)[0].ts_ns, 1_001_000_000_000);
    assert_eq!(
        replayed.trace(&Shape::trace_id(1)).unwrap().spans,
        telemetry.trace(&Shape::trace_id(1)).unwrap().spans
    );
    assert!(
        replayed.load(&folder.path().join("nothing")).is_ok(),
        "a folder without files has no records"
    );
}

#[tokio::test]
async fn a_pinned_line_or_span_can_be_checked_against_a_query() {
    let telemetry = filled().await;
    let matches = |query: &str| {
        telemetry
            .log_matches(query, 8_003_000_000_000, "payment failed")
            .unwrap()
    };
    assert!(matches("{service=\"checkout\"} | http_status >= 500"));
    assert!(!matches("{service=\"checkout\"} |= \"order\""));
    assert!(telemetry.log_matches("{service=", 0, "").is_err());
    assert!(telemetry.log_matches("rate({a=\"b\"}[1m])", 0, "").is_err());
    let id = Shape::trace_id(6000);
    assert_eq!(
        telemetry.trace_matches("{ status = error }", &id).unwrap(),
        [[0, 0, 0, 0, 0, 0, 0, 2]]
    );
    assert!(
        telemetry
            .trace_matches("{ status = ok }", &id)
            .unwrap()
            .is_empty()
    );
    assert!(
        telemetry
            .trace_matches("{ status = ok }", &[9; 16])
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        telemetry.search_traces("{}", 0, i64::MAX, 5).unwrap().len(),
        1
    );
}

#[test]
fn an_export_request_of_every_kind_of_value_is_kept() {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, any_value::Value as Any};
    let telemetry = telemetry();
    let mut record = record(1, "x");
    record.body = Some(AnyValue {
        value: Some(Any::ArrayValue(ArrayValue {
            values: vec![AnyValue {
                value: Some(Any::IntValue(1)),
            }],
        })),
    });
    record.attributes = vec![
        crate::logs::fixture::attribute("bytes", Any::BytesValue(vec![0xab])),
        crate::logs::fixture::attribute("float", Any::DoubleValue(1.5)),
        crate::logs::fixture::attribute("truth", Any::BoolValue(true)),
        text("service", "hidden"),
    ];
    let request: ExportLogsServiceRequest = batch("a", vec![record]);
    telemetry.intake().log_store().append(&request);
    let line = telemetry
        .query_logs("{service=\"a\"}", 0, i64::MAX, 1)
        .unwrap()
        .remove(0);
    assert_eq!(line.line, "[1]");
    for (label, value) in [
        ("bytes", "\"ab\""),
        ("float", "1.5"),
        ("truth", "true"),
        ("service_extracted", "hidden"),
        ("service", "a"),
    ] {
        assert_eq!(line.label(label), Some(value));
    }
}
