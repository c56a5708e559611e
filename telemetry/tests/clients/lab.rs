//! A telemetry with both doors open, and its query APIs.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use telemetry::receive::grpc;
use telemetry::time::WallTime;
use telemetry::{Telemetry, TelemetryConfig};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;

/// See the head of this file; the doors close when it is dropped.
pub struct Lab {
    telemetry: Telemetry,
    http: String,
    grpc: String,
    _open: DropGuard,
}

impl Lab {
    /// Opens both doors.
    pub async fn open() -> Self {
        let telemetry = Telemetry::new(TelemetryConfig::default(), Arc::new(WallTime));
        let cancel = CancellationToken::new();
        let bind = async || {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            (listener, url)
        };
        let ((one, http), (two, grpc)) = (bind().await, bind().await);
        let serving = axum::serve(one, telemetry.router());
        tokio::spawn(
            serving
                .with_graceful_shutdown(cancel.clone().cancelled_owned())
                .into_future(),
        );
        tokio::spawn(grpc::serve(
            two,
            telemetry.receiver().clone(),
            cancel.clone(),
        ));
        Self {
            telemetry,
            http,
            grpc,
            _open: cancel.drop_guard(),
        }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is for a protocol.
    pub fn endpoint(&self, protocol: &str) -> &str {
        if protocol == "grpc" {
            &self.grpc
        } else {
            &self.http
        }
    }

    /// Asks an API, as a client of it would.
    pub async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let pairs = parameters.iter().map(|(name, value)| {
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        });
        let url = format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"));
        let request = Request::get(&url).body(Body::empty()).unwrap();
        let answer = self.telemetry.router().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body);
        assert!(status.is_success(), "{url}: {status} {text}");
        serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{url}: {text}: {error}"))
    }
}
