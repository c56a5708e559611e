//! `GET /graph?start&end&format=json|dot|mermaid`: the service graph of a window.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};

use super::parameters::Parameters;
use crate::facade::Telemetry;

/// Width of the window where no start is given: five minutes.
const WINDOW_NS: i64 = 300_000_000_000;

/// The route.
pub(super) fn router() -> Router<Telemetry> {
    Router::new().route("/graph", get(graph))
}

async fn graph(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    match answer(&telemetry, &parameters) {
        Ok(response) => response,
        Err(message) => (StatusCode::BAD_REQUEST, message).into_response(),
    }
}

fn answer(telemetry: &Telemetry, parameters: &Parameters) -> Result<Response, String> {
    let now_ns = telemetry.intake().time().now_ns();
    let (start_ns, end_ns) = parameters.window(now_ns, WINDOW_NS)?;
    let graph = telemetry.graph(start_ns, end_ns);
    Ok(match parameters.get("format").unwrap_or("json") {
        "json" => Json(graph).into_response(),
        "dot" => ([(header::CONTENT_TYPE, "text/vnd.graphviz")], graph.dot()).into_response(),
        "mermaid" => (
            [(header::CONTENT_TYPE, "text/vnd.mermaid")],
            graph.mermaid(),
        )
            .into_response(),
        other => return Err(format!("format={other:?}: give json, dot or mermaid")),
    })
}
