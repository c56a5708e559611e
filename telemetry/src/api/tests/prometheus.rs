//! What Grafana's Prometheus data source sends (its `packages/grafana-prometheus` and
//! `pkg/promlib`), answered in the shape that it reads.

use super::*;

async fn filled() -> Telemetry {
    let telemetry = telemetry();
    for second in 9_000..=9_060 {
        for code in ["200", "500"] {
            let labels = [
                ("__name__", "http_requests_total"),
                ("service", "checkout"),
                ("code", code),
            ];
            let t_ms = second * 1000;
            assert!(telemetry.metrics.append(&labels, t_ms, second as f64));
        }
    }
    telemetry
}

/// The data of a successful answer to a form.
async fn form(telemetry: &Telemetry, path: &str, form: &'static str) -> Value {
    let request = post(path, "application/x-www-form-urlencoded", form);
    let (status, _, body) = send(telemetry, request).await;
    let mut answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    assert_eq!(answer["status"], "success");
    answer["data"].take()
}

async fn data(telemetry: &Telemetry, url: &str) -> Value {
    let request = Request::get(url).body(Body::empty()).unwrap();
    let (status, _, body) = send(telemetry, request).await;
    let mut answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, StatusCode::OK, "{url}: {answer}");
    assert_eq!(answer["status"], "success");
    answer["data"].take()
}

#[tokio::test]
async fn health_and_version_are_told() {
    let telemetry = filled().await;
    // the health check; its answer is one frame of 2
    let two = form(
        &telemetry,
        "/prometheus/api/v1/query",
        "query=1%2B1&time=9060",
    )
    .await;
    assert_eq!(
        (&two["resultType"], &two["result"][1]),
        (&json!("scalar"), &json!("2"))
    );
    let build = data(&telemetry, "/prometheus/api/v1/status/buildinfo").await;
    assert!(build["version"].as_str().unwrap().starts_with("2."));
    assert!(build.get("features").is_none(), "no Mimir");
}

#[tokio::test]
async fn queries_come_as_forms() {
    let telemetry = filled().await;
    let range = form(
        &telemetry,
        "/prometheus/api/v1/query_range",
        "end=9060&query=sum+by+%28code%29+%28rate%28http_requests_total%5B1m0s%5D%29%29&start=9000&step=15",
    )
    .await;
    assert_eq!(range["resultType"], "matrix");
    let series = range["result"].as_array().unwrap();
    assert_eq!(series.len(), 2);
    let point = series[0]["values"].as_array().unwrap().last().unwrap();
    assert!(point[0].is_number() && point[1].is_string(), "{point}");
    let instant = form(
        &telemetry,
        "/prometheus/api/v1/query",
        "query=http_requests_total&time=9060.000",
    )
    .await;
    assert_eq!(instant["result"].as_array().unwrap().len(), 2);
    let exemplars = form(
        &telemetry,
        "/prometheus/api/v1/query_exemplars",
        "end=9060&query=http_requests_total&start=9000",
    )
    .await;
    assert_eq!(exemplars, json!([]));
}

#[tokio::test]
async fn the_editor_gets_names_values_series_and_metadata() {
    let telemetry = filled().await;
    let names = json!(["__name__", "code", "service"]);
    let all = form(
        &telemetry,
        "/prometheus/api/v1/labels",
        "start=9000&end=9060&limit=40000",
    )
    .await;
    assert_eq!(all, names);
    let of =
        "/prometheus/api/v1/labels?start=9000&end=9060&match%5B%5D=%7Bservice%3D%22checkout%22%7D";
    assert_eq!(data(&telemetry, of).await, names);
    let values = "/prometheus/api/v1/label/code/values?start=9000&end=9060&match%5B%5D=http_requests_total&limit=40000";
    assert_eq!(data(&telemetry, values).await, json!(["200", "500"]));
    let metrics = "/prometheus/api/v1/label/__name__/values?start=9000&end=9060";
    assert_eq!(
        data(&telemetry, metrics).await,
        json!(["http_requests_total"])
    );
    let series = form(
        &telemetry,
        "/prometheus/api/v1/series",
        "start=9000&end=9060&match%5B%5D=http_requests_total%7Bcode%3D%22500%22%7D",
    )
    .await;
    assert_eq!(
        series,
        json!([{"__name__": "http_requests_total", "service": "checkout", "code": "500"}])
    );
    assert!(
        data(&telemetry, "/prometheus/api/v1/metadata?limit=40000")
            .await
            .is_object()
    );
    assert_eq!(
        data(&telemetry, "/prometheus/api/v1/rules").await,
        json!({"groups": []})
    );
}
