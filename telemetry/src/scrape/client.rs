//! A lean HTTP/1.1 client for loopback with connections kept alive. Knows no format beyond its content type.

use std::time::Duration;

use bytes::Bytes;
use display_full_error::DisplayFullErrorExt;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::exposition::Format;
use crate::outbound::AGENT;

/// Bytes of the largest body; a longer one fails the scrape. A service of the lab exposes some 100 KB.
const BODY_BYTES_MAX: usize = 16 << 20;
/// What is asked for, as Prometheus does: OpenMetrics for its exemplars, else the text format.
const ACCEPTED: &str =
    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// What a target said.
#[derive(Debug)]
pub(super) struct Page {
    pub body: Bytes,
    pub format: Format,
}

/// Why a target said nothing usable.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("{0}")]
    Connect(String),
    #[error("server returned HTTP status {0}")]
    Status(StatusCode),
    #[error("cannot read the body: {0}")]
    Body(String),
}

#[derive(Debug)]
pub(super) struct Client {
    http: legacy::Client<HttpConnector, Empty<Bytes>>,
}

impl Client {
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            http: legacy::Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(1)
                .build(connector),
        }
    }

    pub async fn fetch(&self, uri: Uri, timeout: Duration) -> Result<Page, FetchError> {
        match tokio::time::timeout(timeout, self.get(uri, timeout)).await {
            Ok(page) => page,
            Err(_) => Err(FetchError::Timeout(timeout)),
        }
    }

    async fn get(&self, uri: Uri, timeout: Duration) -> Result<Page, FetchError> {
        let request = Request::get(uri)
            .header(ACCEPT, ACCEPTED)
            .header(
                "x-prometheus-scrape-timeout-seconds",
                timeout.as_secs_f64().to_string(),
            )
            .header(USER_AGENT, AGENT)
            .body(Empty::new())
            .map_err(|error| FetchError::Connect(error.to_string()))?;
        let response = self
            .http
            .request(request)
            .await
            // the client's own text is only "client error (Connect)"
            .map_err(|error| FetchError::Connect(error.to_string_full()))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let kind = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("");
        let format = if kind
            .trim_start()
            .starts_with("application/openmetrics-text")
        {
            Format::OpenMetrics
        } else {
            Format::Text
        };
        let body = Limited::new(response.into_body(), BODY_BYTES_MAX)
            .collect()
            .await;
        let body = body
            .map_err(|error| FetchError::Body(error.to_string()))?
            .to_bytes();
        Ok(Page { body, format })
    }
}
