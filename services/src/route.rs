//! Serving a route: the server span with the caller's trace, the measurement, the correlation id,
//! and what becomes of a panic or of a caller that goes away.
//!
//! It knows nothing of what a route does.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    handler::Handler,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post, put},
};
use futures_util::FutureExt;
use opentelemetry::{propagation::TextMapPropagator, trace::TraceContextExt};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{
    harm::requests::Verdict,
    hop::Hop,
    problem::Problem,
    service::Service,
    signals::metrics::{Exemplar, Served},
    wire::BODY_LIMIT_BYTES,
};

/// Status of a request whose caller went away before the answer (nginx's 499).
const CALLER_GONE: u16 = 499;

/// A router under construction; every route it is given is instrumented.
pub struct Routes<S> {
    service: Arc<Service>,
    router: Router<S>,
    access_log: bool,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet.
    pub fn new(service: &Arc<Service>) -> Self {
        Self {
            service: Arc::clone(service),
            router: Router::new(),
            access_log: false,
        }
    }

    /// Logs every request of the routes that follow: for the edge, where users are.
    pub fn with_access_log(mut self) -> Self {
        self.access_log = true;
        self
    }

    /// A GET route.
    pub fn get<T: 'static>(self, path: &'static str, handler: impl Handler<T, S>) -> Self {
        self.add("GET", path, get(handler))
    }

    /// A POST route.
    pub fn post<T: 'static>(self, path: &'static str, handler: impl Handler<T, S>) -> Self {
        self.add("POST", path, post(handler))
    }

    /// A PUT route.
    pub fn put<T: 'static>(self, path: &'static str, handler: impl Handler<T, S>) -> Self {
        self.add("PUT", path, put(handler))
    }

    /// A DELETE route.
    pub fn delete<T: 'static>(self, path: &'static str, handler: impl Handler<T, S>) -> Self {
        self.add("DELETE", path, delete(handler))
    }

    /// The router, with its state.
    pub fn with_state(self, state: S) -> Router {
        self.router
            .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
            .with_state(state)
    }

    fn add(mut self, method: &'static str, path: &'static str, handler: MethodRouter<S>) -> Self {
        let seen = Arc::new(Seen {
            service: Arc::clone(&self.service),
            name: format!("{method} {path}"),
            method,
            route: path,
            access_log: self.access_log,
        });
        let handler = handler.layer(from_fn_with_state(seen, serve));
        self.router = self.router.route(path, handler);
        self
    }
}

/// A route, as it is told of.
struct Seen {
    service: Arc<Service>,
    name: String,
    method: &'static str,
    route: &'static str,
    access_log: bool,
}

async fn serve(State(seen): State<Arc<Seen>>, mut request: Request, next: Next) -> Response {
    let hop = Hop::of(request.headers());
    let span = server_span(&seen, &hop, request.headers());
    let mut measured = Measured {
        seen,
        hop: hop.clone(),
        span: span.clone(),
        status: None,
    };
    request.extensions_mut().insert(hop);
    let service = Arc::clone(&measured.seen.service);
    let answered = AssertUnwindSafe(handled(&service, request, next))
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let mut response = answered.unwrap_or_else(|panic| {
        let message = panic_message(panic.as_ref());
        span.in_scope(|| tracing::error!(panic = message, "request handler panicked"));
        Problem::internal("this request met a defect; the log says which").into_response()
    });
    measured.status = Some(response.status());
    if !service.keeps_alive() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

async fn handled(service: &Service, request: Request, next: Next) -> Response {
    match service.interference.judge(request.headers()) {
        Verdict::Pass => next.run(request).await,
        Verdict::Refuse(problem) => problem.into_response(),
        Verdict::Break => read_past(request.uri().path()).into_response(),
    }
}

/// Takes the byte after the last one for the last one, which is a defect.
fn read_past(path: &str) -> StatusCode {
    let last = path.as_bytes()[path.len()];
    StatusCode::from_u16(u16::from(last)).unwrap_or_default()
}

fn server_span(seen: &Seen, hop: &Hop, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = seen.name.as_str(),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = seen.method,
        http.route = seen.route,
        http.response.status_code = Empty,
        correlation_id = Empty,
        order_id = Empty,
    );
    if !hop.correlation().is_empty() {
        span.record("correlation_id", hop.correlation());
    }
    let caller = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // without a subscriber there is no span to give a parent to
    let _ = span.set_parent(caller);
    span
}

/// Observes a request when it ends, also when its caller went away.
struct Measured {
    seen: Arc<Seen>,
    hop: Hop,
    span: Span,
    status: Option<StatusCode>,
}

impl Drop for Measured {
    fn drop(&mut self) {
        let took = Instant::now() - self.hop.arrived();
        let status = self.status.map_or(CALLER_GONE, |status| status.as_u16());
        self.span.record("http.response.status_code", status);
        if status >= 500 || status == CALLER_GONE {
            self.span.record("otel.status_code", "ERROR");
        }
        self.span
            .in_scope(|| self.log(status, took.as_secs_f64() * 1e3));
        let labels = Served {
            route: self.seen.route,
            method: self.seen.method,
            status,
        };
        self.seen
            .service
            .metrics
            .served
            .get_or_create(&labels)
            .observe(took.as_secs_f64(), trace_of(&self.span), None);
    }
}

impl Measured {
    fn log(&self, status: u16, duration_ms: f64) {
        let (method, route) = (self.seen.method, self.seen.route);
        let correlation_id = self.hop.correlation();
        if status == CALLER_GONE {
            tracing::warn!(
                method,
                route,
                duration_ms,
                correlation_id,
                "caller went away before the answer"
            );
        } else if self.seen.access_log {
            tracing::info!(
                method,
                route,
                status,
                duration_ms,
                correlation_id,
                "request served"
            );
        }
    }
}

fn trace_of(span: &Span) -> Option<Exemplar> {
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| Exemplar {
        trace_id: context.trace_id().to_string(),
    })
}

/// What a panic said.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

/// Notes the order that the current request is about in its span.
pub fn note_order(order_id: &str) {
    Span::current().record("order_id", order_id);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use axum::{body::Body, http::Request as HttpRequest};
    use scenarios::{control::ServiceConfig, shop::Role};
    use tower::ServiceExt;

    async fn service() -> Arc<Service> {
        let config = ServiceConfig {
            role: Role::Pricing,
            instance: "pricing-1".to_owned(),
            version: "1".to_owned(),
            otlp_endpoint: String::new(),
            peers: std::collections::BTreeMap::new(),
            database: None,
            fresh_database: false,
            database_round_trip_ms: 0.0,
            trace_share: 1.0,
            seed: 1,
            settings: Vec::new(),
            runtime_threads: 1,
        };
        Service::open(&config, Clock::default()).await.unwrap()
    }

    fn get_request(path: &str) -> HttpRequest<Body> {
        HttpRequest::get(path).body(Body::empty()).unwrap()
    }

    fn count(service: &Service, route: &str, status: u16) -> bool {
        let series = format!(
            r#"http_server_request_duration_seconds_count{{route="{route}",method="GET",status="{status}"}} 1"#
        );
        service.metrics.text().unwrap().contains(&series)
    }

    async fn panics() -> &'static str {
        panic!("a defect")
    }

    #[tokio::test]
    async fn a_panic_is_a_500_of_that_request_only() {
        let service = service().await;
        let router = Routes::new(&service)
            .get("/panics", panics)
            .get("/works", async || "fine")
            .with_state(());
        let broken = router
            .clone()
            .oneshot(get_request("/panics"))
            .await
            .unwrap();
        assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let fine = router.oneshot(get_request("/works")).await.unwrap();
        assert_eq!(fine.status(), StatusCode::OK);
        assert!(count(&service, "/panics", 500) && count(&service, "/works", 200));
        assert!(!service.broken.is_cancelled());
    }

    #[tokio::test]
    async fn a_request_whose_caller_went_away_is_counted_as_such() {
        let service = service().await;
        let router = Routes::new(&service)
            .get("/hangs", std::future::pending::<()>)
            .with_state(());
        let mut request = Box::pin(router.oneshot(get_request("/hangs")));
        assert!(futures_util::poll!(request.as_mut()).is_pending());
        drop(request);
        assert!(count(&service, "/hangs", CALLER_GONE));
    }

    #[tokio::test]
    async fn a_panic_in_a_task_marks_the_service_as_broken() {
        let service = service().await;
        service.spawn(async { panic!("a defect") });
        service.broken.cancelled().await;
    }
}
