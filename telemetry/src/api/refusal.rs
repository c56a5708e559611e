//! Why a query API refuses a request, as plain text, like Loki and Tempo.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode};

use crate::error::QueryError;

/// Byte offset of what is wrong with a query.
const ERROR_POSITION: HeaderName = HeaderName::from_static("x-error-position");

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    position: Option<usize>,
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
        Self {
            status: StatusCode::BAD_REQUEST,
            message,
            position: None,
        }
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
