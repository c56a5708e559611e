//! How the API says things: proxies and toxics as JSON in Toxiproxy's shape, and its errors.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::proxy::{registry::RegistryError, scheduled::ToxicView, spec::ProxyView};

/// `{"error": "…", "status": 404}` with that status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Status code.
    pub status: StatusCode,
    /// What is wrong.
    pub message: String,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The body cannot be understood.
    pub(super) fn body(reason: impl std::fmt::Display) -> Self {
        Self::bad(format!("bad request body: {reason}"))
    }

    pub(super) fn missing(field: impl std::fmt::Display) -> Self {
        Self::bad(format!("missing required field: {field}"))
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        let status = match &error {
            RegistryError::NoProxy | RegistryError::NoToxic => StatusCode::NOT_FOUND,
            RegistryError::ProxyExists | RegistryError::ToxicExists => StatusCode::CONFLICT,
            RegistryError::OfLab(..) => StatusCode::FORBIDDEN,
            RegistryError::Toxic(_) => StatusCode::BAD_REQUEST,
            RegistryError::Listen { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let told = json!({ "error": self.message, "status": self.status.as_u16() });
        (self.status, Json(told)).into_response()
    }
}

pub(super) fn proxy_json(proxy: &ProxyView) -> Value {
    let toxics: Vec<_> = proxy.toxics.iter().map(toxic_json).collect();
    json!({
        "name": proxy.spec.name,
        "listen": proxy.spec.listen,
        "upstream": proxy.spec.upstream,
        "enabled": proxy.spec.enabled,
        "toxics": toxics,
    })
}

/// The schedule is ours: it is shown only where there is one.
pub(super) fn toxic_json(toxic: &ToxicView) -> Value {
    let mut shown = Map::new();
    shown.insert("attributes".to_owned(), toxic.toxic.attributes());
    shown.insert("name".to_owned(), json!(toxic.name));
    shown.insert("type".to_owned(), json!(toxic.toxic.kind()));
    shown.insert("stream".to_owned(), json!(toxic.stream));
    shown.insert("toxicity".to_owned(), json!(toxic.toxicity));
    let schedule = toxic.schedule;
    let times = [
        ("start_after", Some(schedule.start_after)),
        ("duration", schedule.duration),
        ("ramp", Some(schedule.ramp)),
    ];
    for (name, time) in times {
        if let Some(time) = time.filter(|time| !time.is_zero()) {
            let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            shown.insert(name.to_owned(), json!(ms));
        }
    }
    Value::Object(shown)
}
