//! `GET /graph?start&end&format=json|dot|mermaid`: the service graph of a window.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use serde::Deserialize;

use super::instant::time_or;
use crate::facade::Telemetry;

/// Width of the window where no start is given: five minutes.
const WINDOW_NS: i64 = 300_000_000_000;

/// The route.
pub(super) fn router() -> Router<Telemetry> {
    Router::new().route("/graph", get(graph))
}

#[derive(Debug, Deserialize)]
struct Parameters {
    start: Option<String>,
    end: Option<String>,
    format: Option<String>,
}

async fn graph(
    State(telemetry): State<Telemetry>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    match answer(&telemetry, parameters) {
        Ok(response) => response,
        Err(message) => (StatusCode::BAD_REQUEST, message).into_response(),
    }
}

fn answer(
    telemetry: &Telemetry,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Response, String> {
    let Query(parameters) = parameters.map_err(|rejection| rejection.body_text())?;
    let now_ns = telemetry.intake().time().now_ns();
    let end_ns = time_or("end", parameters.end.as_deref(), now_ns)?;
    let start_ns = time_or(
        "start",
        parameters.start.as_deref(),
        end_ns.saturating_sub(WINDOW_NS),
    )?;
    if start_ns > end_ns {
        return Err("start is after end: swap them".into());
    }
    let graph = telemetry.graph(start_ns, end_ns);
    Ok(match parameters.format.as_deref().unwrap_or("json") {
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
