//! One attempt to send a batch: HTTP or gRPC, and what the answer means (OpenTelemetry protocol specification, "Failures",
//! "Retryable response codes"). Knows no queue and no retry.

use std::io::Write;

use bytes::Bytes;
use display_full_error::DisplayFullErrorExt;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use prost::Message;
use tonic::codec::CompressionEncoding;

use super::config::{ForwardConfig, Protocol};
use crate::outbound::{AGENT, Failure, retry_after};
use crate::receive::grpc::Raw;
use crate::receive::status::RpcStatus;
use crate::receive::{ExportResponse, PartialSuccess, Signal};

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Sends batches to one endpoint; connections are kept.
#[derive(Debug)]
pub(super) struct Sender {
    config: ForwardConfig,
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    http2: legacy::Client<HttpConnector, tonic::body::Body>,
}

impl Sender {
    pub fn new(config: ForwardConfig) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(config.timeout));
        let pool = || {
            let mut builder = legacy::Client::builder(TokioExecutor::new());
            builder
                .pool_timer(TokioTimer::new())
                .pool_max_idle_per_host(3);
            builder
        };
        Self {
            config,
            http: pool().build(connector.clone()),
            http2: pool().http2_only(true).build(connector),
        }
    }

    /// Sends a batch once; what was refused of it is no failure.
    pub async fn send(
        &self,
        signal: Signal,
        batch: &Bytes,
    ) -> Result<Option<PartialSuccess>, Failure> {
        let attempt = async {
            match self.config.protocol {
                Protocol::Http => self.post(signal, batch).await,
                Protocol::Grpc => self.export(signal, batch).await,
            }
        };
        let timeout = self.config.timeout;
        match tokio::time::timeout(timeout, attempt).await {
            Ok(sent) => sent,
            Err(_) => {
                let why = format!("no answer within {} ms", timeout.as_millis());
                Err(Failure::Passing(why, None))
            }
        }
    }

    async fn post(&self, signal: Signal, batch: &Bytes) -> Result<Option<PartialSuccess>, Failure> {
        let mut request = Request::post(format!("{}{}", self.config.endpoint, signal.http_path()))
            .header(CONTENT_TYPE, "application/x-protobuf")
            .header(USER_AGENT, AGENT);
        let mut body = batch.clone();
        if self.config.gzip {
            request = request.header(CONTENT_ENCODING, "gzip");
            body = gzip(batch).map_err(|error| Failure::Lasting(error.to_string()))?;
        }
        let mut request = request
            .body(Full::new(body))
            .map_err(|error| Failure::Lasting(error.to_string()))?;
        request.headers_mut().extend(self.config.headers.clone());
        let passing = |why: String| Failure::Passing(why, None);
        let answer = self.http.request(request).await;
        let answer = answer.map_err(|error| passing(error.to_string_full()))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes);
        if head.status.is_success() {
            // what cannot be read was taken all the same
            return Ok(body.ok().and_then(|body| rejected(&body)));
        }
        let said = body.ok().and_then(|body| RpcStatus::decode(body).ok());
        let said = said.map_or(String::new(), |status| status.message);
        let why = format!("HTTP status {} {said}", head.status.as_u16());
        let why = why.trim_end().to_owned();
        match head.status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(Failure::Passing(why, retry_after(&head.headers))),
            _ => Err(Failure::Lasting(why)),
        }
    }

    async fn export(
        &self,
        signal: Signal,
        batch: &Bytes,
    ) -> Result<Option<PartialSuccess>, Failure> {
        let origin = self.config.endpoint.parse().map_err(|error| {
            Failure::Lasting(format!("{} is no URL: {error}", self.config.endpoint))
        })?;
        let mut grpc = tonic::client::Grpc::with_origin(self.http2.clone(), origin)
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(ANSWER_BYTES_MAX);
        if self.config.gzip {
            grpc = grpc.send_compressed(CompressionEncoding::Gzip);
        }
        let mut request = tonic::Request::new(batch.clone());
        request
            .metadata_mut()
            .as_mut()
            .extend(self.config.headers.clone());
        let path = PathAndQuery::from_static(signal.grpc_path());
        if let Err(error) = grpc.ready().await {
            return Err(Failure::Passing(error.to_string_full(), None));
        }
        match grpc.unary(request, path, Raw).await {
            Ok(answer) => Ok(rejected(answer.get_ref())),
            Err(status) => Err(grpc_failure(&status)),
        }
    }
}

fn rejected(answer: &Bytes) -> Option<PartialSuccess> {
    let answer = ExportResponse::decode(answer.clone()).ok()?;
    let partial = answer.partial_success?;
    (partial.rejected != 0 || !partial.message.is_empty()).then_some(partial)
}

fn grpc_failure(status: &tonic::Status) -> Failure {
    use tonic::Code as C;
    let delay = RpcStatus::decode(status.details())
        .ok()
        .and_then(|status| status.retry_delay());
    // a connection that cannot be made has its reason in the sources
    let cause =
        std::error::Error::source(status).map(|cause| format!(": {}", cause.to_string_full()));
    let why = format!(
        "{:?} {}{}",
        status.code(),
        status.message(),
        cause.unwrap_or_default()
    );
    let connects = std::error::Error::source(status).is_some();
    match status.code() {
        C::Cancelled
        | C::DeadlineExceeded
        | C::Aborted
        | C::OutOfRange
        | C::Unavailable
        | C::DataLoss => Failure::Passing(why, delay),
        C::ResourceExhausted if delay.is_some() => Failure::Passing(why, delay),
        C::Unknown if connects => Failure::Passing(why, None),
        _ => Failure::Lasting(why),
    }
}

fn gzip(batch: &[u8]) -> std::io::Result<Bytes> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(batch)?;
    Ok(packed.finish()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_statuses_are_tried_again_is_the_specifications() {
        use tonic::{Code, Status};
        for code in [
            Code::Unavailable,
            Code::Aborted,
            Code::Cancelled,
            Code::DataLoss,
        ] {
            assert!(
                matches!(
                    grpc_failure(&Status::new(code, "")),
                    Failure::Passing(_, None)
                ),
                "{code:?}"
            );
        }
        for code in [
            Code::InvalidArgument,
            Code::Unauthenticated,
            Code::ResourceExhausted,
            Code::Internal,
        ] {
            assert!(
                matches!(grpc_failure(&Status::new(code, "")), Failure::Lasting(_)),
                "{code:?}"
            );
        }
    }
}
