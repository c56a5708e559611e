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
use hyper_util::rt::{TokioExecutor, TokioTimer};
use prost::Message;
use tonic::codec::CompressionEncoding;

use super::config::{Protocol, Target};
use crate::outbound::{AGENT, Connector, Failure, Remedy, Speaks, connector, failure, retry_after};
use crate::receive::grpc::Raw;
use crate::receive::status::RpcStatus;
use crate::receive::{ExportResponse, PartialSuccess, Signal};

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
const REMEDY: Remedy = Remedy {
    authority: "name the certificate of who signed it in OTEL_EXPORTER_OTLP_CERTIFICATE",
    client: "name a certificate that it takes in OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and …_CLIENT_KEY",
};

/// Sends batches of one signal to its collector; connections are kept.
#[derive(Debug)]
pub(super) struct Sender {
    signal: Signal,
    target: Target,
    client: Client,
}

#[derive(Debug)]
enum Client {
    Http(legacy::Client<Connector, Full<Bytes>>),
    Grpc(legacy::Client<Connector, tonic::body::Body>),
}

impl Sender {
    pub fn new(signal: Signal, target: Target) -> Self {
        let mut pool = legacy::Client::builder(TokioExecutor::new());
        pool.pool_timer(TokioTimer::new()).pool_max_idle_per_host(1);
        let connector = |speaks| connector(target.timeout, target.tls.clone(), speaks);
        let client = match target.protocol {
            Protocol::Http => Client::Http(pool.build(connector(Speaks::Http1))),
            Protocol::Grpc => Client::Grpc(pool.http2_only(true).build(connector(Speaks::Http2))),
        };
        Self {
            signal,
            target,
            client,
        }
    }

    /// Sends a batch once; what was refused of it is no failure.
    pub async fn send(&self, batch: &Bytes) -> Result<Option<PartialSuccess>, Failure> {
        let attempt = async {
            match &self.client {
                Client::Http(client) => self.post(client, batch).await,
                Client::Grpc(client) => self.export(client, batch).await,
            }
        };
        let timeout = self.target.timeout;
        match tokio::time::timeout(timeout, attempt).await {
            Ok(sent) => sent,
            Err(_) => {
                let why = format!("no answer within {} ms", timeout.as_millis());
                Err(Failure::Passing(why, None))
            }
        }
    }

    async fn post(
        &self,
        client: &legacy::Client<Connector, Full<Bytes>>,
        batch: &Bytes,
    ) -> Result<Option<PartialSuccess>, Failure> {
        let mut request = Request::post(self.target.uri.clone())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .header(USER_AGENT, AGENT);
        let mut body = batch.clone();
        if self.target.gzip {
            request = request.header(CONTENT_ENCODING, "gzip");
            body = gzip(batch).map_err(|error| Failure::Lasting(error.to_string()))?;
        }
        let mut request = request
            .body(Full::new(body))
            .map_err(|error| Failure::Lasting(error.to_string()))?;
        request.headers_mut().extend(self.target.headers.clone());
        let answer = client.request(request).await;
        let answer = answer.map_err(|error| failure(&error, REMEDY))?;
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
        client: &legacy::Client<Connector, tonic::body::Body>,
        batch: &Bytes,
    ) -> Result<Option<PartialSuccess>, Failure> {
        let mut grpc = tonic::client::Grpc::with_origin(client.clone(), self.target.uri.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(ANSWER_BYTES_MAX);
        if self.target.gzip {
            grpc = grpc.send_compressed(CompressionEncoding::Gzip);
        }
        let mut request = tonic::Request::new(batch.clone());
        request
            .metadata_mut()
            .as_mut()
            .extend(self.target.headers.clone());
        let path = PathAndQuery::from_static(self.signal.grpc_path());
        if let Err(error) = grpc.ready().await {
            return Err(failure(&error, REMEDY));
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
    let source = std::error::Error::source(status);
    if let Some(lasting @ Failure::Lasting(_)) = source.map(|source| failure(source, REMEDY)) {
        return lasting;
    }
    let cause = source.map(|cause| format!(": {}", cause.to_string_full()));
    let why = format!(
        "{:?} {}{}",
        status.code(),
        status.message(),
        cause.unwrap_or_default()
    );
    match status.code() {
        C::Cancelled
        | C::DeadlineExceeded
        | C::Aborted
        | C::OutOfRange
        | C::Unavailable
        | C::DataLoss => Failure::Passing(why, delay),
        C::ResourceExhausted if delay.is_some() => Failure::Passing(why, delay),
        C::Unknown if source.is_some() => Failure::Passing(why, None),
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
