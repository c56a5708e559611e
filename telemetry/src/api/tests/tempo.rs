//! What Grafana's Tempo data source sends, answered in the shape that it reads: the backend's requests
//! (its `pkg/tsdb/tempo`) and those of the editor through the proxy (`language_provider.ts`,
//! `datasource.ts`).

use super::*;

async fn json_of(telemetry: &Telemetry, url: &str) -> Value {
    let request = Request::get(url)
        .header(header::ACCEPT, "application/json")
        .body(Body::empty())
        .unwrap();
    let (status, _, body) = send(telemetry, request).await;
    let text = String::from_utf8(body).unwrap();
    assert_eq!(status, StatusCode::OK, "{url}: {text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_search_has_the_fields_and_types_that_grafana_reads() {
    let telemetry = filled().await;
    let url = "/tempo/api/search?q=%7Bstatus%3Derror%7D&limit=20&spss=3&start=7000&end=9000";
    let answer = json_of(&telemetry, url).await;
    let trace = &answer["traces"][0];
    // Go reads texts of numbers here, and numbers there: the other way round is an error
    for text in [
        "traceID",
        "rootServiceName",
        "rootTraceName",
        "startTimeUnixNano",
    ] {
        assert!(trace[text].is_string(), "{text}: {trace}");
    }
    assert!(trace["durationMs"].is_u64());
    assert_eq!(
        trace["serviceStats"],
        json!({
            "checkout": {"spanCount": 1, "errorCount": 1},
            "storefront": {"spanCount": 1, "errorCount": 0}
        })
    );
    let set = &trace["spanSets"][0];
    assert_eq!((&trace["spanSet"], &set["matched"]), (set, &json!(1)));
    let span = &set["spans"][0];
    for text in ["spanID", "name", "startTimeUnixNano", "durationNanos"] {
        assert!(span[text].is_string(), "{text}: {span}");
    }
    assert_eq!(
        span["attributes"],
        json!([
            {"key": "service.name", "value": {"stringValue": "checkout"}},
            {"key": "status", "value": {"stringValue": "error"}}
        ])
    );
    assert!(answer["metrics"]["inspectedTraces"].is_u64());
    assert!(answer["metrics"]["inspectedSpans"].is_string());
    let none = json_of(&telemetry, "/tempo/api/search?q=%7B%7D&start=1&end=2").await;
    assert_eq!(none["traces"], json!([]));
}

#[tokio::test]
async fn a_trace_comes_as_protobuf_of_either_version() {
    /// `tempopb.TraceByIDResponse`, as far as Grafana reads it.
    #[derive(Clone, PartialEq, Message)]
    struct ById {
        #[prost(message, optional, tag = "1")]
        trace: Option<TracesData>,
        #[prost(int32, tag = "3")]
        status: i32,
        #[prost(string, tag = "4")]
        message: String,
    }
    let telemetry = filled().await;
    let id = crate::attributes::hex(&Shape::trace_id(6000));
    let protobuf = |url: String| {
        let request = Request::get(url).header(header::ACCEPT, "application/protobuf");
        request.body(Body::empty()).unwrap()
    };
    let v2 = protobuf(format!("/tempo/api/v2/traces/{id}?start=7000&end=9000"));
    let (status, headers, body) = send(&telemetry, v2).await;
    assert_eq!(
        (status, &headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"application/protobuf".parse().unwrap())
    );
    let answer = ById::decode(&*body).unwrap();
    assert_eq!((answer.status, &*answer.message), (0, ""), "not partial");
    let v1 = protobuf(format!("/tempo/api/traces/{id}"));
    let (_, _, body) = send(&telemetry, v1).await;
    let trace = TracesData::decode(&*body).unwrap();
    assert_eq!(answer.trace.unwrap(), trace);
    let spans = trace
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .map(|scope| scope.spans.len());
    assert_eq!(spans.sum::<usize>(), 2);
    // it asks version 1 again where version 2 is answered with 404
    let missing = protobuf("/tempo/api/v2/traces/77".into());
    assert_eq!(send(&telemetry, missing).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_editor_gets_tags_by_scope_and_typed_values() {
    let telemetry = filled().await;
    let tags = json_of(
        &telemetry,
        "/tempo/api/v2/search/tags?limit=5000&start=7000&end=9000",
    )
    .await;
    let scope = |name: &str| {
        let mut scopes = tags["scopes"].as_array().unwrap().iter();
        scopes.find(|scope| scope["name"] == name).unwrap()["tags"].clone()
    };
    assert_eq!(scope("span"), json!(["db.system", "rows"]));
    assert_eq!(scope("resource"), json!(["region", "service.name"]));
    assert!(
        scope("intrinsic")
            .as_array()
            .unwrap()
            .contains(&json!("rootServiceName"))
    );
    for (url, values) in [
        (
            "/tempo/api/v2/search/tag/resource.service.name/values?limit=5000",
            json!([
                {"type": "string", "value": "checkout"},
                {"type": "string", "value": "storefront"}
            ]),
        ),
        (
            // encoded twice, as its proxy decodes once
            "/tempo/api/v2/search/tag/span%252Edb%252Esystem/values?limit=5000",
            json!([{"type": "string", "value": "sqlite"}]),
        ),
        (
            "/tempo/api/v2/search/tag/span.rows/values",
            json!([{"type": "int", "value": "7"}]),
        ),
        (
            "/tempo/api/v2/search/tag/resource.service.name/values?q=%7Bspan.rows%3D7%7D",
            json!([{"type": "string", "value": "checkout"}]),
        ),
        (
            // asked while the condition is being typed
            "/tempo/api/v2/search/tag/.service.name/values?q=%7Bspan.rows%3D%7D",
            json!([
                {"type": "string", "value": "checkout"},
                {"type": "string", "value": "storefront"}
            ]),
        ),
        (
            "/tempo/api/v2/search/tag/status/values?start=1&end=2",
            json!([
                {"type": "keyword", "value": "error"},
                {"type": "keyword", "value": "ok"},
                {"type": "keyword", "value": "unset"}
            ]),
        ),
        ("/tempo/api/v2/search/tag/duration/values", json!([])),
    ] {
        assert_eq!(json_of(&telemetry, url).await["tagValues"], values, "{url}");
    }
    refused(
        &telemetry,
        "/tempo/api/v2/search/tags",
        &[("scope", "planet")],
    )
    .await;
    let only = json_of(&telemetry, "/tempo/api/v2/search/tags?scope=event").await;
    assert_eq!(only["scopes"], json!([]));
}

#[tokio::test]
async fn health_and_version_are_told() {
    let telemetry = filled().await;
    let (status, body) = get(&telemetry, "/tempo/api/echo", &[]).await;
    assert_eq!((status, &*body), (StatusCode::OK, "echo"));
    let (status, _) = get(&telemetry, "/tempo/ready", &[]).await;
    assert_eq!(status, StatusCode::OK);
    let version = json_of(&telemetry, "/tempo/api/status/buildinfo").await;
    assert!(version["version"].as_str().unwrap().starts_with("2."));
}

#[tokio::test]
async fn the_search_from_before_traceql_is_understood() {
    let telemetry = filled().await;
    let window = [("start", "7000"), ("end", "9000")];
    for (name, value, count) in [
        ("tags", "service.name=checkout db.system=\"sqlite\"", 1),
        ("tags", "service.name=storefront db.system=sqlite", 0),
        ("tags", "name=\"GET /\" rows=7", 1),
        ("tags", "error=true", 1),
        ("minDuration", "100ms", 1),
        ("minDuration", "101ms", 0),
        ("maxDuration", "99ms", 0),
    ] {
        let asked = [window[0], window[1], (name, value)];
        let answer = get_json(&telemetry, "/tempo/api/search", &asked).await;
        let found = answer["traces"].as_array().unwrap().len();
        assert_eq!(found, count, "{name}={value}");
    }
    refused(&telemetry, "/tempo/api/search", &[("minDuration", "long")]).await;
}
