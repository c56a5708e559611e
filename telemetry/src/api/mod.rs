//! The public query APIs, in the shapes that real clients expect: Loki, Tempo, the service graph and
//! the derived views.
//! Each only translates between HTTP and the queries.

mod derived;
mod graph;
mod instant;
mod loki;
mod parameters;
pub(crate) mod prometheus;
mod refusal;
mod tempo;
#[cfg(test)]
mod tests;

use axum::Router;

use crate::facade::Telemetry;

/// All query routes.
pub fn router(telemetry: Telemetry) -> Router {
    Router::new()
        .merge(loki::router())
        .merge(tempo::router())
        .merge(graph::router())
        .merge(derived::router())
        .with_state(telemetry)
}
