//! What every service answers about itself, outside traces and latency metrics: `/healthz`,
//! `/readyz`, `/health` and `/metrics`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tokio::time::Instant;

use crate::{problem::Problem, service::Service};

/// Content type of the OpenMetrics text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /health`.
#[derive(Debug, Serialize)]
struct Health {
    service: &'static str,
    instance: String,
    version: String,
    /// `ok` or `failing`.
    status: &'static str,
    uptime_s: f64,
    checks: Vec<Check>,
}

/// Something the service depends on itself.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    took_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The routes.
pub fn routes(service: Arc<Service>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(service)
}

/// What a caller of a route that is not there is told.
pub async fn no_route() -> Problem {
    Problem::unknown("no_route", "there is nothing under this path and method")
}

async fn ready(State(service): State<Arc<Service>>) -> Response {
    if service.stopping.is_cancelled() {
        return Problem::unavailable("stopping").into_response();
    }
    if !service.settings.now().harms.ready {
        return Problem::unavailable("warming up: caches are not filled yet").into_response();
    }
    let failing = checks(&service).await.into_iter().find(|check| !check.ok);
    match failing {
        None => "ready\n".into_response(),
        Some(check) => {
            let detail = check.detail.unwrap_or_default();
            Problem::unavailable(format!("{}: {detail}", check.name)).into_response()
        }
    }
}

async fn health(State(service): State<Arc<Service>>) -> Response {
    let checks = checks(&service).await;
    let fine = checks.iter().all(|check| check.ok);
    let status = if fine {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = Health {
        service: service.role.name(),
        instance: service.instance.clone(),
        version: service.version.clone(),
        status: if fine { "ok" } else { "failing" },
        uptime_s: service.started.elapsed().as_secs_f64(),
        checks,
    };
    (status, Json(body)).into_response()
}

async fn metrics(State(service): State<Arc<Service>>) -> Response {
    match service.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => Problem::internal(error.to_string()).into_response(),
    }
}

async fn checks(service: &Service) -> Vec<Check> {
    let Some(database) = service.its_database() else {
        return Vec::new();
    };
    let began = Instant::now();
    let outcome = database.check().await;
    vec![Check {
        name: "database",
        ok: outcome.is_ok(),
        took_ms: began.elapsed().as_secs_f64() * 1e3,
        detail: outcome.err(),
    }]
}
