//! The blocking HTTP client of the exporters. Each exporter has a thread of its own and may block
//! it; an asynchronous client would bring a second runtime and a megabyte of memory along.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// Longest answer of a collector that is read, bytes; the rest of a longer one is an error.
const ANSWER_LIMIT_BYTES: u64 = 64 * 1024;

/// A keep-alive connection to the collector.
pub struct ExportClient(ureq::Agent);

impl ExportClient {
    /// With this timeout for each step of an export. None for looking up the address, which is a number: it would cost a
    /// thread for every export, and so would one for the whole.
    pub fn new(timeout: Duration) -> Self {
        let settings = ureq::Agent::config_builder()
            .timeout_connect(Some(timeout))
            .timeout_send_request(Some(timeout))
            .timeout_send_body(Some(timeout))
            .timeout_recv_response(Some(timeout))
            .timeout_recv_body(Some(timeout))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Self(settings.into())
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, body.as_ref()))?;
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(ANSWER_LIMIT_BYTES).read_to_vec()?;
        Ok(Response::from_parts(parts, Bytes::from(body)))
    }
}

impl fmt::Debug for ExportClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExportClient")
    }
}

impl HttpClient for ExportClient {
    // what #[async_trait] would write; it saves the dependency
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move { self.send(request) })
    }
}
