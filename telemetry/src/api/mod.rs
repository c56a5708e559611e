//! The public query APIs, in the shapes that real clients expect: Loki, Tempo, Jaeger, the service graph and
//! the derived views.
//! Each only translates between HTTP and the queries.

mod conditions;
mod cors;
mod derived;
mod graph;
mod instant;
mod jaeger;
mod loki;
mod parameters;
pub(crate) mod prometheus;
mod refusal;
mod tempo;
#[cfg(test)]
mod tests;

pub use cors::{Origins, OriginsInvalid};

use axum::Router;
use serde_json::{Value, json};

use crate::facade::Telemetry;

/// All query routes.
pub fn router(telemetry: Telemetry) -> Router {
    Router::new()
        .merge(loki::router())
        .merge(tempo::router())
        .merge(jaeger::router())
        .merge(graph::router())
        .merge(derived::router())
        .with_state(telemetry)
}

/// What a server says of its build, as the version of the API that it serves.
fn build_info(version: &str) -> Value {
    json!({
        "version": version,
        "revision": concat!("drill-", env!("CARGO_PKG_VERSION")),
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    })
}
