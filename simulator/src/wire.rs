//! The lab's HTTP client: loopback, HTTP/1.1, keep-alive. It knows no routes.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

/// Bytes of an answer that are read; a longer one is an error, so that a broken service cannot fill the lab's memory. The
/// longest honest answer is a history of 90 orders, some 60 KB.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Idle connections kept per service.
const IDLE_PER_HOST: usize = 256;
/// Idle connections are closed after this time, long before a service would.
const IDLE: Duration = Duration::from_secs(20);

/// Shared by cloning.
#[derive(Debug, Clone)]
pub(crate) struct Client(Pool<HttpConnector, Full<Bytes>>);

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: http::StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("the request cannot be built")]
    Request(#[from] http::Error),
    #[error(transparent)]
    Transport(#[from] hyper_util::client::legacy::Error),
    #[error("{0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
}

impl Client {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(
            Pool::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .build(connector),
        )
    }

    /// Sends a request and reads the whole answer. A body is JSON unless the headers say what it is.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Option<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Answer, WireError> {
        let mut request = Request::new(Full::from(Bytes::new()));
        *request.method_mut() = method;
        *request.uri_mut() = url.parse::<http::Uri>().map_err(http::Error::from)?;
        *request.headers_mut() = headers;
        if let Some(body) = body {
            let json = header::HeaderValue::from_static("application/json");
            let headers = request.headers_mut();
            headers.entry(header::CONTENT_TYPE).or_insert(json);
            *request.body_mut() = Full::from(Bytes::from(body));
        }
        let exchange = async {
            let answer = self.0.request(request).await?;
            let status = answer.status();
            let headers = answer.headers().clone();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES)
                .collect()
                .await
                .map_err(WireError::Body)?
                .to_bytes();
            Ok(Answer {
                status,
                headers,
                body,
            })
        };
        tokio::time::timeout(timeout, exchange)
            .await
            .unwrap_or(Err(WireError::Timeout(timeout)))
    }
}
