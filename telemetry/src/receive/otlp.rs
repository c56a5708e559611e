//! OTLP over HTTP, by the specification (opentelemetry.io/docs/specs/otlp, OTLP/HTTP): bodies,
//! encodings, response messages, error statuses. Knows no store.

use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode, header};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::intake::Intake;

/// Bytes of a request's body, compressed or not. A larger one is answered with 413; exporters send
/// batches of 512 records, which is some 500 KB.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The receiver's routes.
pub fn router(intake: Arc<Intake>) -> Router {
    Router::new()
        .route("/v1/logs", post(logs))
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(metrics))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(intake)
}

type Body = Result<Bytes, BytesRejection>;

async fn logs(State(intake): State<Arc<Intake>>, headers: HeaderMap, body: Body) -> Response {
    let (encoding, request) = match decode::<ExportLogsServiceRequest>(&headers, body) {
        Ok(decoded) => decoded,
        Err(refusal) => return refusal.into_response(),
    };
    intake.logs(request).await;
    encoding.answer(&ExportLogsServiceResponse {
        partial_success: None,
    })
}

async fn traces(State(intake): State<Arc<Intake>>, headers: HeaderMap, body: Body) -> Response {
    let (encoding, request) = match decode::<ExportTraceServiceRequest>(&headers, body) {
        Ok(decoded) => decoded,
        Err(refusal) => return refusal.into_response(),
    };
    let rejected = intake.traces(request).await;
    encoding.answer(&ExportTraceServiceResponse {
        partial_success: (rejected > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: i64::try_from(rejected).unwrap_or(i64::MAX),
            error_message: "a span needs a trace id of 16 bytes and a span id of 8, not all zero"
                .into(),
        }),
    })
}

async fn metrics(State(intake): State<Arc<Intake>>, headers: HeaderMap, body: Body) -> Response {
    let (encoding, request) = match decode::<ExportMetricsServiceRequest>(&headers, body) {
        Ok(decoded) => decoded,
        Err(refusal) => return refusal.into_response(),
    };
    let refused = intake.metrics(request).err();
    encoding.answer(&ExportMetricsServiceResponse {
        partial_success: refused.map(|(rejected_data_points, error_message)| {
            ExportMetricsPartialSuccess {
                rejected_data_points,
                error_message,
            }
        }),
    })
}

/// How a request is encoded, and so its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    fn answer<M: Message + Serialize>(self, message: &M) -> Response {
        self.body(StatusCode::OK, message)
    }

    fn body<M: Message + Serialize>(self, status: StatusCode, message: &M) -> Response {
        let body = match self {
            Self::Protobuf => message.encode_to_vec(),
            Self::Json => serde_json::to_vec(message).unwrap_or_default(),
        };
        (status, [(header::CONTENT_TYPE, self.content_type())], body).into_response()
    }
}

/// A refusal: `google.rpc.Status`, as the specification asks for.
#[derive(Debug)]
struct Refusal {
    encoding: Encoding,
    status: StatusCode,
    message: String,
}

/// The two fields of `google.rpc.Status` that matter here.
#[derive(Clone, PartialEq, Message, Serialize)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// `google.rpc.Code.INVALID_ARGUMENT`
const INVALID_ARGUMENT: i32 = 3;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = RpcStatus {
            code: INVALID_ARGUMENT,
            message: self.message,
        };
        self.encoding.body(self.status, &status)
    }
}

fn decode<M: Message + Default + DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<(Encoding, M), Refusal> {
    let encoding = encoding(headers)?;
    let refuse = |status, message| Refusal {
        encoding,
        status,
        message,
    };
    let body = body.map_err(|rejection| {
        let message = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            _ => rejection.body_text(),
        };
        refuse(rejection.status(), message)
    })?;
    let body = inflate(headers, body).map_err(|(status, message)| refuse(status, message))?;
    let message = match encoding {
        Encoding::Protobuf => M::decode(body).map_err(|error| error.to_string()),
        Encoding::Json => serde_json::from_slice(&body).map_err(|error| error.to_string()),
    };
    match message {
        Ok(message) => Ok((encoding, message)),
        Err(error) => Err(refuse(
            StatusCode::BAD_REQUEST,
            format!("the body is not an OTLP export request: {error}"),
        )),
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let content_type = headers.get(header::CONTENT_TYPE);
    let written = content_type.map_or("", |value| value.to_str().unwrap_or("?"));
    let mime = written.split(';').next().unwrap_or_default().trim();
    match mime.to_ascii_lowercase().as_str() {
        "application/x-protobuf" | "application/protobuf" => Ok(Encoding::Protobuf),
        "application/json" => Ok(Encoding::Json),
        _ => Err(Refusal {
            encoding: Encoding::Json,
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            message: format!(
                "content type {written:?}: send application/x-protobuf or application/json"
            ),
        }),
    }
}

fn inflate(headers: &HeaderMap, body: Bytes) -> Result<Bytes, (StatusCode, String)> {
    let encoding = headers.get(header::CONTENT_ENCODING);
    match encoding.map_or(Ok("identity"), |value| value.to_str()) {
        Ok("identity" | "") => Ok(body),
        Ok("gzip") => {
            let mut inflated = Vec::new();
            let limit = BODY_BYTES_MAX as u64 + 1;
            flate2::read::MultiGzDecoder::new(&*body)
                .take(limit)
                .read_to_end(&mut inflated)
                .map_err(|error| {
                    let message = format!("the body is not gzip: {error}");
                    (StatusCode::BAD_REQUEST, message)
                })?;
            if inflated.len() > BODY_BYTES_MAX {
                return Err((StatusCode::PAYLOAD_TOO_LARGE, too_large()));
            }
            Ok(Bytes::from(inflated))
        }
        _ => Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content encoding: send gzip or none".into(),
        )),
    }
}

fn too_large() -> String {
    format!("the body has more than {BODY_BYTES_MAX} bytes: send smaller batches")
}
