//! Bodies in and out: JSON with errors that name their place, refusals with their status.

use api::Problem;
use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use crate::refusal::{Refusal, RefusalKind};

/// Bytes of a request's body; a longer one is refused. The largest honest one is a note of 8 KiB.
pub(super) const LONGEST_BODY_BYTES: usize = 64 * 1024;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.kind {
            RefusalKind::NotFound => StatusCode::NOT_FOUND,
            RefusalKind::NotNow => StatusCode::CONFLICT,
            RefusalKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            RefusalKind::Malformed => StatusCode::BAD_REQUEST,
            RefusalKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            RefusalKind::Forbidden => StatusCode::UNAUTHORIZED,
            RefusalKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            RefusalKind::Method => StatusCode::METHOD_NOT_ALLOWED,
            RefusalKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json::<Problem>(self.problem)).into_response()
    }
}

/// A JSON body of a known shape, whatever the content type says.
pub(super) struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Refusal::new(
                    RefusalKind::TooLarge,
                    "the body is too large",
                    format!("send at most {LONGEST_BODY_BYTES} bytes"),
                )
            } else {
                Refusal::new(
                    RefusalKind::Malformed,
                    error.body_text(),
                    "send the body again",
                )
            }
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let (kind, remedy) = if error.is_data() {
                (
                    RefusalKind::Invalid,
                    "the shapes are described in the api crate",
                )
            } else {
                (RefusalKind::Malformed, "send a JSON object")
            };
            Refusal::new(
                kind,
                format!("the body is not what is asked for: {error}"),
                remedy,
            )
        })
    }
}
