//! What a caller is told when a request fails: a status and `{error, reason}`, the first a stable
//! word, the second a sentence with what to do.

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use display_full_error::DisplayFullErrorExt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::peer::CallError;

/// The word of a refusal because a caller's quota is used up.
pub const QUOTA_EXHAUSTED: &str = "quota_exhausted";

/// A failed request.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Status of the answer.
    pub status: StatusCode,
    /// What is in its body.
    pub body: ProblemBody,
}

/// Body of a failed request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemBody {
    /// A stable word.
    pub error: String,
    /// A sentence.
    pub reason: String,
}

impl Problem {
    /// Any.
    pub fn new(status: StatusCode, error: &str, reason: impl Into<String>) -> Self {
        Self {
            status,
            body: ProblemBody {
                error: error.to_owned(),
                reason: reason.into(),
            },
        }
    }

    /// 422: the request is well formed and cannot be.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", reason)
    }

    /// 404: what it is about does not exist.
    pub fn unknown(error: &str, reason: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error, reason)
    }

    /// 409: it contradicts what is there.
    pub fn conflict(error: &str, reason: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, error, reason)
    }

    /// 500: something here is broken.
    pub fn internal(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", reason)
    }

    /// 503: something needed is not there now.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", reason)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, axum::Json(self.body)).into_response()
    }
}

impl From<CallError> for Problem {
    /// A called service's own refusal is passed on, its troubles become this service's.
    fn from(error: CallError) -> Self {
        match error {
            // what a called service holds against this one is not its caller's fault
            CallError::Refused { status, body } if status == StatusCode::UNAUTHORIZED => Self {
                status: StatusCode::BAD_GATEWAY,
                body,
            },
            CallError::Refused { body, .. } if body.error == QUOTA_EXHAUSTED => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                body,
            },
            CallError::Refused { status, body } if status.is_client_error() => {
                Self { status, body }
            }
            CallError::TimedOut { .. } => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", error.to_string())
            }
            // why it failed stays readable along the chain
            CallError::Refused { status, body } => {
                let status = match status {
                    StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => status,
                    _ => StatusCode::BAD_GATEWAY,
                };
                Self { status, body }
            }
            CallError::Unreachable { .. } => Self::unavailable(error.to_string()),
            CallError::Garbled { .. } => {
                Self::new(StatusCode::BAD_GATEWAY, "garbled", error.to_string())
            }
        }
    }
}

impl From<crate::ServiceError> for Problem {
    fn from(error: crate::ServiceError) -> Self {
        tracing::error!(error = error.to_string_full(), "request failed");
        Self::internal("the database failed; the log says why")
    }
}

/// The part of the path that the route leaves open; refusals have the house's form.
#[derive(Debug)]
pub struct Segment<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segment<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(invalid(rejection.status(), rejection.body_text())),
        }
    }
}

/// The query string; refusals have the house's form.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(invalid(rejection.status(), rejection.body_text())),
        }
    }
}

/// A JSON body whose refusals have the house's form.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(refusal(&rejection)),
        }
    }
}

fn invalid(status: StatusCode, reason: String) -> Problem {
    Problem::new(status, "invalid", reason)
}

fn refusal(rejection: &JsonRejection) -> Problem {
    let error = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "not_json",
        _ => "invalid",
    };
    Problem::new(rejection.status(), error, rejection.body_text())
}
