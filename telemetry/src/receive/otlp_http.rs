//! OTLP over HTTP, by the specification (opentelemetry.io/docs/specs/otlp, OTLP/HTTP): encodings, response messages, error
//! statuses. Knows no store.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode, header};
use prost::Message;
use serde_json::{Value, json};

use super::admission::{BODY_BYTES_MAX, Refused, read};
use super::receiver::{Compression, Encoding, Receiver};
use super::signal::{ExportResponse, PartialSuccess, Signal};
use super::status::RpcStatus;

/// The receiver's routes.
pub fn router(receiver: Arc<Receiver>) -> Router {
    let mut router = Router::new();
    for signal in Signal::ALL {
        let receive = move |State(receiver): State<Arc<Receiver>>, request: Request| async move {
            receive(&receiver, signal, request).await
        };
        router = router.route(signal.http_path(), post(receive));
    }
    router.with_state(receiver)
}

async fn receive(receiver: &Receiver, signal: Signal, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let encoding = match encoding(&head.headers) {
        Ok(encoding) => encoding,
        // nothing says how the sender reads: as most do
        Err(refused) => return Encoding::Protobuf.refusal(&refused),
    };
    match export(receiver, signal, encoding, &head.headers, body).await {
        Ok(partial_success) => encoding.answer(signal, partial_success),
        Err(refused) => encoding.refusal(&refused),
    }
}

async fn export(
    receiver: &Receiver,
    signal: Signal,
    encoding: Encoding,
    headers: &HeaderMap,
    body: Body,
) -> Result<Option<PartialSuccess>, Refused> {
    let compression = compression(headers)?;
    let mut ticket = receiver.ticket();
    let body = read(body, BODY_BYTES_MAX, &mut ticket).await?;
    receiver
        .take(signal, encoding, compression, body, ticket)
        .await
}

impl Encoding {
    fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    fn answer(self, signal: Signal, partial_success: Option<PartialSuccess>) -> Response {
        let json = match &partial_success {
            None => json!({}),
            // 64-bit numbers are strings in protocol buffers' JSON
            Some(partial) => json!({ "partialSuccess": {
                signal.rejected_member(): partial.rejected.to_string(), "errorMessage": partial.message,
            } }),
        };
        self.body(StatusCode::OK, &ExportResponse { partial_success }, &json)
    }

    fn refusal(self, refused: &Refused) -> Response {
        let code = match refused {
            Refused::TooLarge | Refused::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
            Refused::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Refused::Slow => StatusCode::REQUEST_TIMEOUT,
            Refused::Broken(_) | Refused::Malformed(_) => StatusCode::BAD_REQUEST,
            Refused::Encoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refused::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let status = RpcStatus::from(refused);
        let mut response = self.body(code, &status, &status.json());
        if let Some(delay) = refused.retry_after() {
            let seconds = delay.as_secs().into();
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }

    fn body(self, status: StatusCode, message: &impl Message, json: &Value) -> Response {
        let body = match self {
            Self::Protobuf => message.encode_to_vec(),
            Self::Json => json.to_string().into_bytes(),
        };
        (status, [(header::CONTENT_TYPE, self.content_type())], body).into_response()
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Refused> {
    let content_type = headers.get(header::CONTENT_TYPE);
    let written = content_type.map_or("", |value| value.to_str().unwrap_or("?"));
    let mime = written.split(';').next().unwrap_or_default().trim();
    match mime.to_ascii_lowercase().as_str() {
        "application/x-protobuf" | "application/protobuf" => Ok(Encoding::Protobuf),
        "application/json" => Ok(Encoding::Json),
        "application/grpc" => Err(Refused::Encoding(
            "this door takes OTLP over HTTP: gRPC has a port of its own".into(),
        )),
        _ => Err(Refused::Encoding(format!(
            "content type {written:?}: send application/x-protobuf or application/json"
        ))),
    }
}

fn compression(headers: &HeaderMap) -> Result<Compression, Refused> {
    let written = headers
        .get(header::CONTENT_ENCODING)
        .map_or(Ok(""), |value| value.to_str());
    match written.unwrap_or("?").trim().to_ascii_lowercase().as_str() {
        "identity" | "" => Ok(Compression::None),
        "gzip" | "x-gzip" => Ok(Compression::Gzip),
        "zstd" => Ok(Compression::Zstd),
        _ => Err(Refused::Encoding(
            "content encoding: send gzip, zstd or none".into(),
        )),
    }
}
