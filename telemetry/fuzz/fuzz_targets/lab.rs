//! A small telemetry with something of each signal, for queries to find.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use telemetry::metrics::MetricsConfig;
use telemetry::time::WallTime;
use telemetry::{Telemetry, TelemetryConfig};
use tower::ServiceExt;

/// Time of the first sample, ns; there is one a second.
pub const BEGIN_NS: i64 = 1_700_000_000_000_000_000;
/// Time of the last.
pub const END_NS: i64 = BEGIN_NS + 60_000_000_000;

/// Stores of a few MB, so that a long run meets their budgets.
pub fn empty() -> Telemetry {
    let config = TelemetryConfig {
        log_bytes: 4 << 20,
        trace_bytes: 4 << 20,
        metrics: MetricsConfig::default(),
    };
    Telemetry::new(config, Arc::new(WallTime))
}

/// One minute of two services.
pub fn filled() -> Telemetry {
    let telemetry = empty();
    for second in 0..=60_i64 {
        let at_ns = BEGIN_NS + second * 1_000_000_000;
        for (service, weight) in [("cart", 1.0), ("orders", 3.0)] {
            for le in ["0.1", "1", "+Inf"] {
                let labels = [("__name__", "t_bucket"), ("service", service), ("le", le)];
                telemetry
                    .metrics
                    .append(&labels, at_ns / 1_000_000, second as f64 * weight);
            }
            let labels = [("__name__", "m"), ("service", service)];
            telemetry
                .metrics
                .append(&labels, at_ns / 1_000_000, (second % 7) as f64 * weight);
        }
    }
    let log = format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"cart"}}}}]}},"scopeLogs":[{{"logRecords":[
        {{"timeUnixNano":"{BEGIN_NS}","severityNumber":9,"body":{{"stringValue":"took=12ms size=3KiB code=200"}},"attributes":[{{"key":"user","value":{{"intValue":"7"}}}}]}},
        {{"timeUnixNano":"{END_NS}","severityNumber":17,"body":{{"stringValue":"{{\"took\":1.5,\"path\":\"/a\",\"deep\":{{\"b\":[1]}}}}"}}}}]}}]}}]}}"#
    );
    let span = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"cart"}}}}]}},"scopeSpans":[{{"spans":[
        {{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"GET /a","kind":2,"startTimeUnixNano":"{BEGIN_NS}","endTimeUnixNano":"{END_NS}"}},
        {{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"1102030405060708","parentSpanId":"0102030405060708","name":"SELECT","kind":3,"status":{{"code":2}},"startTimeUnixNano":"{BEGIN_NS}","endTimeUnixNano":"{END_NS}","attributes":[{{"key":"n","value":{{"doubleValue":2.5}}}}]}}]}}]}}]}}"#
    );
    for (path, body) in [("/v1/logs", log), ("/v1/traces", span)] {
        let status = post(
            &telemetry,
            path,
            &[("content-type", "application/json")],
            body.into(),
        );
        assert_eq!(status, StatusCode::OK);
    }
    telemetry
}

/// Sends a body through the routes that everybody uses.
pub fn post(
    telemetry: &Telemetry,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> StatusCode {
    let mut request = Request::builder().method(Method::POST).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Body::from(body))
        .expect("the request is made of constants");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let answer = runtime
        .block_on(telemetry.router().oneshot(request))
        .expect("the router never fails");
    answer.status()
}
