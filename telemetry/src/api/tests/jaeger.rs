//! Jaeger's query API through the router: what Jaeger's page and Grafana's data source send, and what is
//! wrong in every way.

use super::*;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};

/// The store of [`filled`] with a link and an event on the child.
async fn linked() -> Telemetry {
    let telemetry = filled().await;
    let mut other = Shape::root(6200, 1);
    other.start_ms = 6_200_000;
    other.duration_ms = 750;
    other.name = "POST /orders";
    other.kind = 3;
    let mut request = spans("storefront", &[other]);
    let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
    span.trace_state = "vendor=1".into();
    span.attributes = vec![
        int("http.status_code", 503),
        int("huge", i64::MAX),
        crate::logs::fixture::attribute(
            "retry",
            opentelemetry_proto::tonic::common::v1::any_value::Value::BoolValue(true),
        ),
        crate::logs::fixture::attribute(
            "ratio",
            opentelemetry_proto::tonic::common::v1::any_value::Value::DoubleValue(0.5),
        ),
    ];
    span.links = vec![Link {
        trace_id: Shape::trace_id(6000).to_vec(),
        span_id: vec![0, 0, 0, 0, 0, 0, 0, 1],
        ..Link::default()
    }];
    span.events = vec![Event {
        time_unix_nano: 6_200_100_000_000,
        name: "exception".into(),
        attributes: vec![text("exception.type", "Timeout")],
        ..Event::default()
    }];
    telemetry.intake().traces(request).await;
    telemetry
}

/// A request as the URL that a client sends, and the body of its answer.
async fn sent(telemetry: &Telemetry, url: &str) -> (StatusCode, Value) {
    let request = Request::get(url).body(Body::empty()).unwrap();
    let (status, _, body) = send(telemetry, request).await;
    (status, serde_json::from_slice(&body).unwrap())
}

async fn data(telemetry: &Telemetry, url: &str) -> Value {
    let (status, mut answer) = sent(telemetry, url).await;
    assert_eq!(status, StatusCode::OK, "{url}: {answer}");
    for name in ["total", "limit", "offset"] {
        assert!(answer[name].is_u64(), "{url}: {answer}");
    }
    assert!(answer.as_object().unwrap().contains_key("errors"));
    answer["data"].take()
}

/// Roots of the traces that a search finds.
async fn found(telemetry: &Telemetry, more: &str) -> Vec<String> {
    let url = format!("/jaeger/api/traces?start=7000000000&end=9000000000{more}");
    let traces = data(telemetry, &url).await;
    let root = |trace: &Value| {
        trace["spans"][0]["operationName"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    traces.as_array().unwrap().iter().map(root).collect()
}

#[tokio::test]
async fn services_and_operations_are_listed() {
    let telemetry = linked().await;
    assert_eq!(
        sent(&telemetry, "/jaeger/api/services").await.1,
        json!({"data": ["checkout", "storefront"], "total": 2, "limit": 0, "offset": 0, "errors": null})
    );
    assert_eq!(
        data(&telemetry, "/jaeger/api/services/storefront/operations").await,
        json!(["GET /", "POST /orders"])
    );
    assert_eq!(
        data(&telemetry, "/jaeger/api/operations?service=storefront").await,
        json!([
            {"name": "GET /", "spanKind": "server"},
            {"name": "POST /orders", "spanKind": "client"}
        ])
    );
    assert_eq!(
        data(
            &telemetry,
            "/jaeger/api/operations?service=storefront&spanKind=client"
        )
        .await,
        json!([{"name": "POST /orders", "spanKind": "client"}])
    );
    assert_eq!(
        data(&telemetry, "/jaeger/api/services/none/operations").await,
        json!([])
    );
}

#[tokio::test]
async fn a_trace_has_the_shape_of_jaeger_query() {
    let telemetry = linked().await;
    let id = crate::attributes::hex(&Shape::trace_id(6200));
    let answer = data(&telemetry, &format!("/jaeger/api/traces/{id}")).await;
    let origin = crate::attributes::hex(&Shape::trace_id(6000));
    assert_eq!(
        answer,
        json!([{
            "traceID": id,
            "processes": {"p1": {"serviceName": "storefront", "tags": [
                {"key": "region", "type": "string", "value": "eu"}
            ]}},
            "warnings": null,
            "spans": [{
                "traceID": id,
                "spanID": "0000000000000001",
                "operationName": "POST /orders",
                "references": [
                    {"refType": "FOLLOWS_FROM", "traceID": origin, "spanID": "0000000000000001"}
                ],
                "startTime": 8_200_000_000_i64,
                "duration": 750_000,
                "tags": [
                    {"key": "http.status_code", "type": "int64", "value": 503},
                    {"key": "huge", "type": "int64", "value": "9223372036854775807"},
                    {"key": "retry", "type": "bool", "value": true},
                    {"key": "ratio", "type": "float64", "value": 0.5},
                    {"key": "span.kind", "type": "string", "value": "client"},
                    {"key": "w3c.tracestate", "type": "string", "value": "vendor=1"}
                ],
                "logs": [{"timestamp": 8_200_100_000_i64, "fields": [
                    {"key": "event", "type": "string", "value": "exception"},
                    {"key": "exception.type", "type": "string", "value": "Timeout"}
                ]}],
                "processID": "p1",
                "warnings": null
            }]
        }])
    );
    let both = data(&telemetry, &format!("/jaeger/api/traces/{origin}")).await;
    let child = &both[0]["spans"][1];
    assert_eq!(
        child["references"],
        json!([{"refType": "CHILD_OF", "traceID": origin, "spanID": "0000000000000001"}])
    );
    let tag = |key: &str| {
        let tags = child["tags"].as_array().unwrap();
        tags.iter().find(|tag| tag["key"] == key).unwrap()["value"].clone()
    };
    assert_eq!(
        (
            tag("error"),
            tag("otel.status_code"),
            tag("otel.status_description")
        ),
        (json!(true), json!("ERROR"), json!("it failed"))
    );
    assert_eq!(both[0]["processes"].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn a_search_asks_one_span_for_everything() {
    let telemetry = linked().await;
    let orders = ["POST /orders"];
    for (more, roots) in [
        ("&service=storefront", &["POST /orders", "GET /"][..]),
        ("&service=storefront&limit=1", &orders),
        ("&service=storefront&operation=POST%20%2Forders", &orders),
        ("&service=storefront&operation=&minDuration=500ms", &orders),
        (
            "&service=storefront&minDuration=99.5ms&maxDuration=200ms",
            &["GET /"],
        ),
        (
            "&service=storefront&tags=%7B%22http.status_code%22%3A%22503%22%7D",
            &orders,
        ),
        ("&service=storefront&tag=retry:true&tag=ratio:0.5", &orders),
        (
            "&service=storefront&tag=region:eu&tag=span.kind:server",
            &["GET /"],
        ),
        ("&service=storefront&tag=error:true", &[]),
        ("&service=checkout&tag=error:true", &["GET /"]),
        (
            "&service=checkout&tag=otel.status_description:it%20failed",
            &["GET /"],
        ),
        ("&service=checkout&tag=http.status_code:503", &[]),
        ("&service=nobody", &[]),
    ] {
        assert_eq!(found(&telemetry, more).await, roots, "{more}");
    }
    let before = "/jaeger/api/traces?service=storefront&start=1&end=2";
    assert_eq!(data(&telemetry, before).await, json!([]));
    // the lab's present is 10,000 s
    for (back, count) in [
        ("lookback=1h", 2),
        ("lookback=1800s", 1),
        ("lookback=custom", 2),
        ("", 2),
    ] {
        let url = format!("/jaeger/api/traces?service=storefront&{back}");
        assert_eq!(
            data(&telemetry, &url).await.as_array().unwrap().len(),
            count
        );
    }
}

#[tokio::test]
async fn traces_are_found_by_their_ids_with_errors_for_the_others() {
    let telemetry = linked().await;
    let (status, answer) = sent(&telemetry, "/jaeger/api/traces?traceID=1770&traceID=99").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        answer["errors"],
        json!([{"msg": "trace not found", "traceID": "99"}])
    );
}

#[tokio::test]
async fn dependencies_are_the_edges_of_the_graph() {
    let telemetry = linked().await;
    let call = json!([{"parent": "storefront", "child": "checkout", "callCount": 1}]);
    for url in [
        "/jaeger/api/dependencies?endTs=9000000&lookback=3600000",
        "/jaeger/api/dependencies",
        "/jaeger/api/dependencies?service=checkout",
    ] {
        assert_eq!(data(&telemetry, url).await, call, "{url}");
    }
    for url in [
        "/jaeger/api/dependencies?endTs=9000000&lookback=1000",
        "/jaeger/api/dependencies?service=nobody",
    ] {
        assert_eq!(data(&telemetry, url).await, json!([]), "{url}");
    }
}

#[tokio::test]
async fn refusals_have_jaegers_shape() {
    let telemetry = linked().await;
    for (url, code, says) in [
        ("/jaeger/api/traces/zz", 400, "hexadecimal"),
        ("/jaeger/api/traces/99", 404, "trace not found"),
        ("/jaeger/api/traces", 400, "'service' is required"),
        ("/jaeger/api/operations", 400, "'service' is required"),
        ("/jaeger/api/traces?service=a&start=soon", 400, "'start'"),
        (
            "/jaeger/api/traces?service=a&minDuration=5",
            400,
            "'minDuration'",
        ),
        (
            "/jaeger/api/traces?service=a&minDuration=2s&maxDuration=1s",
            400,
            "greater",
        ),
        ("/jaeger/api/traces?service=a&limit=-1", 400, "limit"),
        ("/jaeger/api/traces?service=a&limit=99999", 400, "limit"),
        ("/jaeger/api/traces?service=a&tag=x", 400, "key:value"),
        ("/jaeger/api/traces?service=a&tags=%7B", 400, "JSON"),
        (
            "/jaeger/api/traces?service=a&lookback=soon",
            400,
            "'lookback'",
        ),
        ("/jaeger/api/traces?traceID=xyz", 400, "traceID"),
        ("/jaeger/api/dependencies?endTs=x", 400, "'endTs'"),
        ("/jaeger/api/dependencies?lookback=-5", 400, "negative"),
    ] {
        let (status, answer) = sent(&telemetry, url).await;
        assert_eq!(status.as_u16(), code, "{url}");
        assert_eq!(answer["data"], Value::Null, "{url}");
        assert_eq!(answer["errors"][0]["code"], code, "{url}");
        let message = answer["errors"][0]["msg"].as_str().unwrap();
        assert!(message.contains(says), "{url}: {message}");
    }
}

/// What Grafana's Jaeger data source sends (its `pkg/tsdb/jaeger/client.go`): the service list, which is
/// its health check too, the operations of a service, a search, a trace with and without times, and the
/// dependencies; parameters in the order of Go's `url.Values`.
#[tokio::test]
async fn grafanas_requests_are_answered() {
    let telemetry = linked().await;
    for (url, results) in [
        ("/jaeger/api/services", 2),
        ("/jaeger/api/services/storefront/operations", 2),
        (
            "/jaeger/api/traces?end=9000000000&limit=20&service=storefront&start=7000000000",
            2,
        ),
        (
            "/jaeger/api/traces?limit=20&maxDuration=2s&minDuration=100ms&operation=POST+%2Forders&service=storefront&tags=%7B%22error%22%3A%22false%22%7D",
            0,
        ),
        ("/jaeger/api/traces/00000000000000000000000000001838", 1),
        (
            "/jaeger/api/traces/00000000000000000000000000001838?end=9000000000&start=7000000000",
            1,
        ),
        ("/jaeger/api/dependencies?endTs=9000000&lookback=2000000", 1),
    ] {
        let answer = data(&telemetry, url).await;
        assert_eq!(answer.as_array().unwrap().len(), results, "{url}");
    }
}
