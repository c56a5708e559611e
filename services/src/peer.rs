//! Calling another service: a span and a measurement per call; the trace, correlation id, deadline
//! and the caller's credential handed on.
//!
//! It knows no retries and no breakers: who calls decides what a failure means.

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use bytes::Bytes;
use display_full_error::DisplayFullErrorExt;
use http_body_util::{BodyExt, Full, Limited};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use scenarios::shop::{CORRELATION_HEADER, Role};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{
    connections::Connections,
    hop::Hop,
    names::Names,
    problem::ProblemBody,
    signals::metrics::{CallStatus, Called, Metrics},
    wire::DEADLINE_HEADER,
};

/// Largest answer that is read, bytes; a larger one is an error. A full page of the settlement file has 200 KiB.
const ANSWER_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// Why a call brought no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// No answer in time.
    #[error("{peer} did not answer within {after:?}")]
    TimedOut {
        /// Called service.
        peer: Role,
        /// What it was given.
        after: Duration,
    },
    /// No connection, or it broke before the answer was complete.
    #[error("{peer} could not be reached: {reason}")]
    Unreachable {
        /// Called service.
        peer: Role,
        /// What happened.
        reason: String,
    },
    /// It answered that it cannot or will not.
    #[error("{}", .body.reason)]
    Refused {
        /// 4xx or 5xx.
        status: StatusCode,
        /// Its reasons.
        body: ProblemBody,
    },
    /// It answered something else than agreed.
    #[error("{peer} sent an answer that is no answer: {reason}")]
    Garbled {
        /// Called service.
        peer: Role,
        /// What is wrong.
        reason: String,
    },
}

impl CallError {
    /// Whether the same call could go better at once: nobody refused it.
    #[must_use]
    pub fn is_worth_retrying(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => status.is_server_error(),
            Self::Garbled { .. } => false,
        }
    }
}

/// A called service.
#[derive(Debug, Clone)]
pub struct Peer {
    role: Role,
    address: Arc<str>,
    connections: Connections,
    metrics: Arc<Metrics>,
}

/// What to call.
#[derive(Debug)]
pub struct Call {
    method: Method,
    path: String,
    body: Bytes,
    extra: Option<(HeaderName, HeaderValue)>,
    timeout: Duration,
    budget: Option<Duration>,
}

impl Call {
    /// A GET.
    pub fn get(path: impl Into<String>, timeout: Duration) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: Bytes::new(),
            extra: None,
            timeout,
            budget: None,
        }
    }

    /// A POST with a JSON body.
    pub fn post(path: impl Into<String>, body: &impl Serialize, timeout: Duration) -> Self {
        let body = serde_json::to_vec(body).expect("the house's bodies are plain structs");
        Self {
            method: Method::POST,
            body: body.into(),
            ..Self::get(path, timeout)
        }
    }

    /// A DELETE.
    pub fn delete(path: impl Into<String>, timeout: Duration) -> Self {
        Self {
            method: Method::DELETE,
            ..Self::get(path, timeout)
        }
    }

    /// With a further header. A value that no header can have is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.extra = HeaderValue::from_str(value)
            .ok()
            .map(|value| (HeaderName::from_static(name), value));
        self
    }

    /// With a budget for the hop.
    #[must_use]
    pub fn within(mut self, budget: Option<Duration>) -> Self {
        self.budget = budget;
        self
    }
}

impl Peer {
    /// A service that goes by its name, at this port.
    #[must_use]
    pub fn new(role: Role, port: u16, connections: Connections, metrics: Arc<Metrics>) -> Self {
        Self {
            role,
            address: Arc::from(format!("http://{}:{port}", Names::of(role))),
            connections,
            metrics,
        }
    }

    /// Which it is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The connections that it is called over.
    #[must_use]
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// A path of it as a URL.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Calls it and reads the JSON answer.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call<T: DeserializeOwned>(&self, hop: &Hop, call: Call) -> Result<T, CallError> {
        let body = self.send(hop, call).await?;
        serde_json::from_slice(&body).map_err(|error| CallError::Garbled {
            peer: self.role,
            reason: error.to_string(),
        })
    }

    /// Calls it where only success matters.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn tell(&self, hop: &Hop, call: Call) -> Result<(), CallError> {
        self.send(hop, call).await.map(drop)
    }

    async fn send(&self, hop: &Hop, call: Call) -> Result<Bytes, CallError> {
        let span = client_span(&call.method, self.role);
        let mut measured = Measured {
            peer: self,
            method: static_name(&call.method),
            began: Instant::now(),
            status: CallStatus::Abandoned,
            span: span.clone(),
        };
        let (allowed, handed) = hop.allow(call.timeout, call.budget);
        let request = self.request(hop, call, handed, &span)?;
        let answered = tokio::time::timeout(allowed, self.exchange(request))
            .instrument(span)
            .await;
        let (status, result) = match answered {
            Err(_) => (
                CallStatus::TimedOut,
                Err(CallError::TimedOut {
                    peer: self.role,
                    after: allowed,
                }),
            ),
            Ok(Err(reason)) => (
                CallStatus::Unreachable,
                Err(CallError::Unreachable {
                    peer: self.role,
                    reason,
                }),
            ),
            Ok(Ok((status, body))) => (CallStatus::Answered(status.as_u16()), judged(status, body)),
        };
        measured.status = status;
        result
    }

    fn request(
        &self,
        hop: &Hop,
        call: Call,
        handed: Option<Duration>,
        span: &Span,
    ) -> Result<Request<Full<Bytes>>, CallError> {
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = call.method;
        *request.uri_mut() =
            self.url(&call.path)
                .parse()
                .map_err(|error| CallError::Unreachable {
                    peer: self.role,
                    reason: format!("{}: {error}", call.path),
                })?;
        let headers = request.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(header::AUTHORIZATION, self.connections.credential());
        TraceContextPropagator::new().inject_context(&span.context(), &mut HeaderInjector(headers));
        if let Ok(id) = HeaderValue::from_str(hop.correlation())
            && !id.is_empty()
        {
            headers.insert(CORRELATION_HEADER, id);
        }
        if let Some(handed) = handed {
            let millis = u64::try_from(handed.as_millis()).unwrap_or(u64::MAX);
            headers.insert(DEADLINE_HEADER, HeaderValue::from(millis));
        }
        if let Some((name, value)) = call.extra {
            headers.insert(name, value);
        }
        Ok(request)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), String> {
        let answer = self
            .connections
            .request(request)
            .await
            // hyper's own words are "client error (SendRequest)"
            .map_err(|error| error.to_string_full())?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_LIMIT_BYTES)
            .collect()
            .await
            .map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    }
}

/// The span of a call; it ends when the call does.
pub fn client_span(method: &Method, peer: Role) -> Span {
    let name = format!("{method} {peer}");
    tracing::info_span!(
        "call",
        otel.name = name.as_str(),
        otel.kind = "client",
        otel.status_code = Empty,
        peer.service = peer.name(),
        http.request.method = method.as_str(),
        http.response.status_code = Empty,
        error.type = Empty,
    )
}

fn judged(status: StatusCode, body: Bytes) -> Result<Bytes, CallError> {
    if status.is_success() {
        return Ok(body);
    }
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| ProblemBody {
        error: "unknown".to_owned(),
        reason: format!("answered {status} without saying why"),
    });
    Err(CallError::Refused { status, body })
}

/// A method as a label.
pub fn static_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}

/// Observes a call when it ends, also when nobody waits for it any more.
struct Measured<'a> {
    peer: &'a Peer,
    method: &'static str,
    began: Instant,
    status: CallStatus,
    span: Span,
}

impl Drop for Measured<'_> {
    fn drop(&mut self) {
        mark(&self.span, self.status);
        let labels = Called {
            peer: self.peer.role.name(),
            method: self.method,
            status: self.status,
        };
        self.peer
            .metrics
            .called
            .get_or_create(&labels)
            .observe(self.began.elapsed().as_secs_f64());
    }
}

/// Writes into a client span how the call ended: for a caller, 4xx is an error too.
pub fn mark(span: &Span, status: CallStatus) {
    let error = match status {
        CallStatus::Answered(status) => {
            span.record("http.response.status_code", status);
            if status < 400 {
                return;
            }
            None
        }
        CallStatus::TimedOut => Some("timeout"),
        CallStatus::Unreachable => Some("unreachable"),
        CallStatus::Abandoned => Some("abandoned"),
    };
    span.record("otel.status_code", "ERROR");
    if let Some(error) = error {
        span.record("error.type", error);
    }
}
