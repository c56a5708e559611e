//! `GET /derived/…`: the views of [`crate::derive`] as JSON. Errors are plain text with status 400, or 404
//! for a trace or objectives that are not held; the place of a broken query stands in the header `x-error-position`.
//!
//! Every answer has `limits`, the limits that it met. One of a window has `evicted_before_ns` where the
//! window begins before what is still held.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::parameters::{Parameters, trace_id};
use super::refusal::{Refusal, answer};
use crate::derive::{self, Of, ROWS_MAX};
use crate::facade::Telemetry;
use crate::logs::plan_lines;
use crate::objectives;
use crate::segments::SignalStats;
use crate::traces::{Trace, parse};

/// Width of the window where no start is given: five minutes, as that of `/graph`.
const WINDOW_NS: i64 = 300_000_000_000;

/// Rows of an answer where no limit is given.
const ROWS_DEFAULT: usize = 100;

/// Every line there is.
const ALL_LINES: &str = "{service=~\".+\"}";

/// The routes.
pub(super) fn router() -> Router<Telemetry> {
    Router::new()
        .route("/derived/red", get(red))
        .route("/derived/use", get(resources))
        .route("/derived/objectives", get(objectives))
        .route("/derived/patterns", get(patterns))
        .route("/derived/attributes", get(attributes))
        .route("/derived/compare", get(compare))
        .route("/derived/traces/{id}/critical-path", get(critical_path))
        .route("/derived/traces/{id}/repeated", get(repeated))
}

async fn red(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let window = window(&telemetry, &parameters)?;
        let segments = telemetry.intake().trace_store().snapshot();
        let red = derive::red(&segments, window, service(&parameters));
        of_window(&red, window.0, &telemetry.intake().trace_store().stats())
    })
    .await
}

async fn resources(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let window = window(&telemetry, &parameters)?;
        let found = derive::resources(&telemetry.metrics, window, service(&parameters))?;
        written(&found)
    })
    .await
}

/// At `time`, now where it is not given; of one `service` where it is.
async fn objectives(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let now_ns = telemetry.intake().time().now_ns();
        let at_ns = super::instant::time_or("time", parameters.get("time"), now_ns)?;
        let specs = telemetry.metrics.objectives();
        let mut found = objectives::figures(&telemetry.metrics, &specs, at_ns)?;
        if let Some(service) = service(&parameters) {
            found.retain(|figures| figures.service == service);
            if found.is_empty() {
                let known: Vec<&str> = specs.iter().map(|spec| &*spec.service).collect();
                let known = match known.is_empty() {
                    true => "none is loaded".to_owned(),
                    false => format!("these have: {}", known.join(", ")),
                };
                let message = format!("service={service:?} has no objectives; {known}");
                return Err(Refusal::new(StatusCode::NOT_FOUND, message));
            }
        }
        Ok(json!({ "objectives": written(&found)?, "limits": [] }))
    })
    .await
}

async fn patterns(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let (start_ns, end_ns) = window(&telemetry, &parameters)?;
        let since_ns = match parameters.get("since").filter(|text| !text.is_empty()) {
            None => None,
            given => Some(super::instant::time_or("since", given, 0)?),
        };
        let query = parameters
            .get("query")
            .filter(|text| !text.trim().is_empty());
        let plan = plan_lines(query.unwrap_or(ALL_LINES))?;
        let limit = parameters.number("limit", ROWS_DEFAULT, ROWS_MAX)?;
        let store = telemetry.intake().log_store();
        let window = (start_ns, end_ns);
        let found = derive::patterns(&store.snapshot(), &plan, window, since_ns, limit)?;
        of_window(&found, start_ns, &store.stats())
    })
    .await
}

async fn attributes(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let window = window(&telemetry, &parameters)?;
        let given = |name: &str| parameters.get(name).filter(|text| !text.trim().is_empty());
        let query = given("q").ok_or_else(|| {
            "q is missing: give TraceQL that selects what to look at, such as { status = error }"
                .to_owned()
        })?;
        let query = parse(query)?;
        let against = given("against").map(parse).transpose()?;
        let of = match given("of").unwrap_or("traces") {
            "traces" => Of::Traces,
            "spans" => Of::Spans,
            other => return Err(format!("of={other:?}: give traces or spans").into()),
        };
        let limit = parameters.number("limit", ROWS_DEFAULT, ROWS_MAX)?;
        let store = telemetry.intake().trace_store();
        let segments = store.snapshot();
        let found =
            derive::over_represented(&segments, &query, against.as_ref(), of, window, limit)?;
        of_window(&found, window.0, &store.stats())
    })
    .await
}

async fn compare(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let side = |name: &str| {
            let id = parameters.get(name).unwrap_or_default();
            if id.is_empty() {
                return Err(format!("{name} is missing: give the trace ids a and b").into());
            }
            held(&telemetry, id)
        };
        written(&derive::compare(&side("a")?, &side("b")?))
    })
    .await
}

async fn critical_path(State(telemetry): State<Telemetry>, Path(id): Path<String>) -> Response {
    answer(move || written(&derive::critical_path(&held(&telemetry, &id)?))).await
}

async fn repeated(State(telemetry): State<Telemetry>, Path(id): Path<String>) -> Response {
    answer(move || written(&derive::repeated(&held(&telemetry, &id)?))).await
}

/// A trace that is held.
fn held(telemetry: &Telemetry, id: &str) -> Result<Trace, Refusal> {
    let trace_id = trace_id(id)?;
    telemetry.trace(&trace_id).ok_or_else(|| {
        let message = format!("trace {id} not found: it was never received, or is evicted");
        Refusal::new(StatusCode::NOT_FOUND, message)
    })
}

fn service(parameters: &Parameters) -> Option<&str> {
    parameters.get("service").filter(|name| !name.is_empty())
}

fn window(telemetry: &Telemetry, parameters: &Parameters) -> Result<(i64, i64), String> {
    parameters.window(telemetry.intake().time().now_ns(), WINDOW_NS)
}

fn written(answer: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(answer)
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// An answer, with from when on its store still has everything where the window begins before.
fn of_window(
    answer: &impl Serialize,
    start_ns: i64,
    stats: &SignalStats,
) -> Result<Value, Refusal> {
    let mut value = written(answer)?;
    let oldest_ns = stats.oldest_ns.filter(|_| stats.evicted > 0);
    if let Some(oldest_ns) = oldest_ns.filter(|oldest_ns| start_ns < *oldest_ns) {
        value["evicted_before_ns"] = json!(oldest_ns);
    }
    Ok(value)
}
