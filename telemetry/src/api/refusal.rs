//! How a query API answers: with JSON, or with why it refuses as plain text, like Loki and Tempo.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode};
use serde_json::Value;

use crate::error::QueryError;

/// Byte offset of what is wrong with a query.
const ERROR_POSITION: HeaderName = HeaderName::from_static("x-error-position");

/// Runs a query off the async threads and answers with its result.
pub(super) async fn answer(
    work: impl FnOnce() -> Result<Value, Refusal> + Send + 'static,
) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Json(value).into_response(),
        Ok(Err(refusal)) => refusal.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    position: Option<usize>,
}

impl Refusal {
    /// A refusal with a status of its own.
    pub(super) fn new(status: StatusCode, message: String) -> Self {
        Self {
            status,
            message,
            position: None,
        }
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            position: error.position(),
            message: error.to_string(),
        }
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.message).into_response();
        if let Some(position) = self.position {
            response
                .headers_mut()
                .insert(ERROR_POSITION, position.into());
        }
        response
    }
}
