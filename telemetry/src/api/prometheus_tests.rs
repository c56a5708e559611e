//! The API through its router: shapes that clients rely on, and errors.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::metrics::MetricsConfig;
use crate::metrics::exemplars::Exemplar;
use crate::time::WallTime;

fn metrics() -> Metrics {
    let metrics = Metrics::new(MetricsConfig::default(), Arc::new(WallTime));
    for at in 0..=10 {
        let value = f64::from(at as i32);
        metrics.append(
            &[("__name__", "m"), ("service", "cart")],
            1_000_000 + at * 1000,
            value,
        );
        metrics.append(
            &[("__name__", "m"), ("service", "pay")],
            1_000_000 + at * 1000,
            if at == 10 { f64::INFINITY } else { value },
        );
    }
    metrics
}

async fn send(metrics: &Metrics, request: Request<Body>) -> (u16, Value) {
    let response = metrics.router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (
        status,
        serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{status}: {body:?}")),
    )
}

async fn ask(metrics: &Metrics, path: &str) -> (u16, Value) {
    send(
        metrics,
        Request::get(format!("/prometheus/api/v1/{path}"))
            .body(Body::empty())
            .unwrap(),
    )
    .await
}

#[tokio::test]
async fn an_instant_query_gives_a_vector_with_values_as_text() {
    let (status, body) = ask(&metrics(), "query?query=m&time=1010").await;
    assert_eq!(status, 200);
    let expected = json!({ "status": "success", "data": { "resultType": "vector", "result": [
        { "metric": { "__name__": "m", "service": "cart" }, "value": [1010, "10"] },
        { "metric": { "__name__": "m", "service": "pay" }, "value": [1010, "+Inf"] },
    ] } });
    assert_eq!(body, expected);
    let (_, body) = ask(&metrics(), "query?query=1%2F0&time=1970-01-01T00:16:50.5Z").await;
    assert_eq!(
        body["data"],
        json!({ "resultType": "scalar", "result": [1010.5, "+Inf"] })
    );
    let (_, body) = ask(&metrics(), "query?query=%22a%22&time=1").await;
    assert_eq!(
        body["data"],
        json!({ "resultType": "string", "result": [1, "a"] })
    );
    let (_, body) = ask(
        &metrics(),
        "query?query=m%7Bservice%3D%22cart%22%7D%5B2s%5D&time=1002",
    )
    .await;
    assert_eq!(
        body["data"]["result"][0]["values"],
        json!([[1000, "0"], [1001, "1"], [1002, "2"]])
    );
}

#[tokio::test]
async fn a_range_query_gives_a_matrix_by_get_and_by_form() {
    let expected = json!({ "resultType": "matrix", "result": [{ "metric": {}, "values": [[1000, "0"], [1002.5, "4"], [1005, "10"]] }] });
    let (_, body) = ask(
        &metrics(),
        "query_range?query=sum(m)&start=1000&end=1005&step=2.5",
    )
    .await;
    assert_eq!(body["data"], expected);
    let form = Request::post("/prometheus/api/v1/query_range")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(
            "query=sum%28m%29&start=1000&end=1005&step=2500ms",
        ))
        .unwrap();
    assert_eq!(send(&metrics(), form).await.1["data"], expected);
    let (_, body) = ask(&metrics(), "query_range?query=count_over_time(m%7Bservice%3D%22pay%22%7D%5B%24__interval%5D)&start=1000&end=1005&step=5").await;
    assert_eq!(
        body["data"]["result"][0]["values"],
        json!([[1000, "1"], [1005, "6"]])
    );
}

#[test]
fn only_the_present_of_the_wall_clock_stands_for_the_present_of_the_lab() {
    let now = jiff::Timestamp::now().as_millisecond();
    assert!(super::is_callers_now(now));
    for other in [0, now - 3_600_000, now + 3_600_000, i64::MIN, i64::MAX] {
        assert!(!super::is_callers_now(other), "{other}");
    }
}

#[tokio::test]
async fn errors_have_prometheus_shape_status_and_a_position() {
    for (path, status, kind, part) in [
        ("query", 400, "bad_data", "found nothing"),
        ("query?query=sum(m", 400, "bad_data", "closes `(`"),
        ("query?query=m&time=soon", 400, "bad_data", "\"time\""),
        ("query?query=info(m)", 400, "bad_data", "info()"),
        (
            "query?query=m%2Bon(x)m&time=1010",
            422,
            "execution",
            "many-to-many",
        ),
        (
            "query_range?query=m&start=1&end=2",
            400,
            "bad_data",
            "\"step\"",
        ),
        (
            "query_range?query=m&start=1&end=2&step=0",
            400,
            "bad_data",
            "\"step\"",
        ),
        (
            "query_range?query=m&start=2&end=1&step=1",
            400,
            "bad_data",
            "\"end\"",
        ),
        (
            "query_range?query=m&start=0&end=11001&step=1",
            400,
            "bad_data",
            "11000 points",
        ),
        (
            "query_range?query=m[5m]&start=0&end=1&step=1",
            400,
            "bad_data",
            "range vector",
        ),
        ("series", 400, "bad_data", "match[]"),
        (
            "series?match[]=sum(m)",
            400,
            "bad_data",
            "not a series selector",
        ),
        ("label/0a/values", 400, "bad_data", "invalid label name"),
        ("rules?type=x", 400, "bad_data", "\"type\""),
    ] {
        let path = path.replace('[', "%5B").replace(']', "%5D");
        let (found, body) = ask(&metrics(), &path).await;
        assert_eq!(
            (found, &body["status"], &body["errorType"]),
            (status, &json!("error"), &json!(kind)),
            "{path}: {body}"
        );
        assert!(
            body["error"].as_str().unwrap().contains(part),
            "{path}: {body}"
        );
    }
    assert_eq!(
        ask(&metrics(), "query?query=up%20%2B%20info(m)").await.1["position"],
        5
    );
}

#[tokio::test]
async fn series_labels_and_values_are_found() {
    let metrics = metrics();
    metrics.append(&[("__name__", "n"), ("zone", "b")], 2_000_000, 1.0);
    assert_eq!(
        ask(&metrics, "labels").await.1["data"],
        json!(["__name__", "service", "zone"])
    );
    assert_eq!(
        ask(&metrics, "labels?match%5B%5D=m").await.1["data"],
        json!(["__name__", "service"])
    );
    assert_eq!(
        ask(&metrics, "label/__name__/values").await.1["data"],
        json!(["m", "n"])
    );
    assert_eq!(
        ask(&metrics, "label/__name__/values?start=1900").await.1["data"],
        json!(["n"])
    );
    assert_eq!(
        ask(
            &metrics,
            "label/service/values?match%5B%5D=m%7Bservice!%3D%22pay%22%7D"
        )
        .await
        .1["data"],
        json!(["cart"])
    );
    let (_, body) = ask(
        &metrics,
        "series?match%5B%5D=n&match%5B%5D=m%7Bservice%3D%22pay%22%7D",
    )
    .await;
    assert_eq!(
        body["data"],
        json!([{ "__name__": "m", "service": "pay" }, { "__name__": "n", "zone": "b" }])
    );
}

#[tokio::test]
async fn rules_alerts_metadata_and_exemplars_are_shown() {
    let metrics = metrics();
    metrics.alerts().load([("rules.yaml", "groups: [{name: g, rules: [{record: r, expr: 'sum(m)'}, {alert: A, expr: 'm > 5', annotations: {summary: s}}]}]")]).unwrap();
    metrics.alerts().evaluate(1_007_000_000_000);
    let (_, body) = ask(&metrics, "alerts").await;
    assert_eq!(
        body["data"]["alerts"][0]["labels"],
        json!({ "alertname": "A", "service": "cart" })
    );
    assert_eq!(
        (
            &body["data"]["alerts"][0]["state"],
            &body["data"]["alerts"][0]["activeAt"]
        ),
        (&json!("firing"), &json!("1970-01-01T00:16:47Z"))
    );
    let (_, body) = ask(&metrics, "rules?type=alert").await;
    let rules = &body["data"]["groups"][0]["rules"];
    assert_eq!(
        (
            rules.as_array().unwrap().len(),
            &rules[0]["state"],
            &rules[0]["health"]
        ),
        (1, &json!("firing"), &json!("ok"))
    );
    metrics
        .inner
        .catalog
        .note("m", |known| known.kind = "gauge".into());
    assert_eq!(
        ask(&metrics, "metadata?metric=m").await.1["data"],
        json!({ "m": [{ "type": "gauge", "help": "", "unit": "" }] })
    );
    let series = Labels::from_pairs([("__name__", "m"), ("service", "cart")]);
    let exemplar = Exemplar {
        labels: Labels::from_pairs([("trace_id", "ab")]),
        value: 0.5,
        t_ms: 1_003_000,
    };
    metrics.inner.exemplars.append(&series, exemplar);
    let (_, body) = ask(
        &metrics,
        "query_exemplars?query=rate(m%5B1m%5D)&start=1000&end=1010",
    )
    .await;
    assert_eq!(
        body["data"][0]["exemplars"],
        json!([{ "labels": { "trace_id": "ab" }, "value": "0.5", "timestamp": 1003 }])
    );
    assert_eq!(
        ask(&metrics, "status/buildinfo").await.1["data"]["version"],
        "2.42.0"
    );
}

#[tokio::test]
async fn targets_are_shown_and_can_be_discovered() {
    let metrics = metrics();
    let target = crate::scrape::Target {
        labels: vec![("job".into(), "shop".into())],
        url: "http://127.0.0.1:1/metrics".into(),
    };
    metrics.scraper().set_targets(vec![target]).unwrap();
    let (_, body) = ask(&metrics, "targets").await;
    assert_eq!(
        (
            &body["data"]["activeTargets"][0]["health"],
            &body["data"]["activeTargets"][0]["scrapePool"]
        ),
        (&json!("unknown"), &json!("shop"))
    );
    let request = Request::get("/prometheus/sd").body(Body::empty()).unwrap();
    assert_eq!(
        send(&metrics, request).await.1,
        json!([{ "targets": ["127.0.0.1:1"], "labels": { "job": "shop", "__scheme__": "http", "__metrics_path__": "/metrics" } }])
    );
}

#[tokio::test]
async fn lists_are_cut_at_the_limit_with_a_warning() {
    let metrics = metrics();
    for (path, found) in [
        ("labels", json!(["__name__", "service"])),
        ("label/service/values", json!(["cart", "pay"])),
        (
            "series?match[]=m",
            json!([{ "__name__": "m", "service": "cart" }, { "__name__": "m", "service": "pay" }]),
        ),
    ] {
        let with = |limit: &str| {
            let more = if path.contains('?') { '&' } else { '?' };
            format!("{path}{more}limit={limit}")
        };
        for none in ["", "0", "2", "+3"] {
            let (status, body) = ask(&metrics, &with(&none.replace('+', "%2B"))).await;
            assert_eq!(status, 200);
            assert_eq!(
                body,
                json!({ "status": "success", "data": found }),
                "{none}"
            );
        }
        let (_, body) = ask(&metrics, &with("1")).await;
        assert_eq!(body["data"], json!([found[0]]));
        assert_eq!(body["warnings"], json!(["results truncated due to limit"]));
        for bad in ["-1", "x", "1.5", "99999999999999999999"] {
            let (status, body) = ask(&metrics, &with(bad)).await;
            assert_eq!((status, &body["errorType"]), (400, &json!("bad_data")));
            let error = body["error"].as_str().unwrap();
            assert!(
                error.starts_with("invalid parameter \"limit\": "),
                "{error}"
            );
        }
    }
}
