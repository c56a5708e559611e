//! Prometheus' HTTP API, in the shapes that Grafana and promtool expect. Translates between HTTP and the queries, nothing else.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use promql_parser::label::Matcher;
use promql_parser::parser::Expr;
use serde_json::{Value, json};

mod answer;
mod discovery;
mod status;

use super::parameters::Parameters;
use crate::error::QueryError;
use crate::metrics::{Labels, Metrics};
use crate::promql::{self, format_value};
use answer::{metric, render, seconds};

/// All routes under `/prometheus`, with full paths.
pub(crate) fn router(metrics: Metrics) -> Router {
    Router::new()
        .route("/prometheus/api/v1/query", get(query).post(query))
        .route(
            "/prometheus/api/v1/query_range",
            get(query_range).post(query_range),
        )
        .route(
            "/prometheus/api/v1/query_exemplars",
            get(query_exemplars).post(query_exemplars),
        )
        .route("/prometheus/api/v1/series", get(series).post(series))
        .route("/prometheus/api/v1/labels", get(labels).post(labels))
        .route("/prometheus/api/v1/label/{name}/values", get(label_values))
        .route("/prometheus/api/v1/metadata", get(metadata))
        .route("/prometheus/api/v1/rules", get(status::rules))
        .route("/prometheus/api/v1/alerts", get(status::alerts))
        .route("/prometheus/api/v1/targets", get(status::targets))
        .route("/prometheus/sd", get(discovery::targets))
        .route(
            "/prometheus/api/v1/status/buildinfo",
            get(status::build_info),
        )
        .route(
            "/prometheus/-/healthy",
            get(|| async { "Prometheus API is healthy.\n" }),
        )
        .route(
            "/prometheus/-/ready",
            get(|| async { "Prometheus API is ready.\n" }),
        )
        .with_state(metrics)
}

type Given = Result<Parameters, (StatusCode, String)>;

/// An answer in Prometheus' error shape. `position`, a byte offset in the query, is an addition of ours.
struct Refusal {
    status: StatusCode,
    kind: &'static str,
    message: String,
    position: Option<usize>,
}

impl Refusal {
    fn bad_data(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "bad_data",
            message: message.into(),
            position: None,
        }
    }
}

impl From<(StatusCode, String)> for Refusal {
    fn from((status, message): (StatusCode, String)) -> Self {
        Self {
            status,
            kind: "bad_data",
            message,
            position: None,
        }
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        let position = error.position();
        if position.is_some() {
            return Self {
                position,
                ..Self::bad_data(format!("invalid parameter \"query\": {error}"))
            };
        }
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            kind: "execution",
            message: error.to_string(),
            position,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "status": "error", "errorType": self.kind, "error": self.message });
        if let Some(position) = self.position {
            body["position"] = position.into();
        }
        (self.status, Json(body)).into_response()
    }
}

fn success(data: Value) -> Json<Value> {
    Json(json!({ "status": "success", "data": data }))
}

async fn query(State(metrics): State<Metrics>, given: Given) -> Result<Response, Refusal> {
    let given = given?;
    let at_ms = match time_or(&given, "time", now_ms(&metrics))? {
        asked if is_callers_now(asked) => now_ms(&metrics),
        asked => asked,
    };
    let expr = metrics.parse(
        given.get("query").unwrap_or_default(),
        std::time::Duration::ZERO,
        std::time::Duration::ZERO,
    )?;
    evaluate(move || {
        let limits = metrics.inner.config.limits;
        let answer = promql::instant(&metrics.inner.store, &expr, at_ms, limits)?;
        Ok(render(&answer, at_ms))
    })
    .await
}

async fn query_range(State(metrics): State<Metrics>, given: Given) -> Result<Response, Refusal> {
    let given = given?;
    let text = given.get("query").unwrap_or_default().to_owned();
    let mut span = (
        time(required(&given, "start")?, "start")?,
        time(required(&given, "end")?, "end")?,
    );
    if is_callers_now(span.1) {
        let now_ms = now_ms(&metrics);
        span = (now_ms.saturating_sub(span.1.saturating_sub(span.0)), now_ms);
    }
    let step = required(&given, "step")?;
    let step = promql::parse_duration(step).filter(|d| d.as_millis() > 0).ok_or_else(|| {
        Refusal::bad_data(format!("invalid parameter \"step\": {step:?} is not a duration above zero such as 15s or 0.5"))
    })?;
    if span.1 < span.0 {
        return Err(Refusal::bad_data(
            "invalid parameter \"end\": end timestamp must not be before start time",
        ));
    }
    let step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
    let length_ms = span.1.saturating_sub(span.0);
    let points_max = metrics.inner.config.limits.points_per_series as i64;
    // as Prometheus counts: steps after the first
    if length_ms / step_ms > points_max {
        return Err(Refusal::bad_data(format!(
            "exceeded maximum resolution of {points_max} points per timeseries. Try decreasing the query resolution (?step=XX)"
        )));
    }
    let expr = metrics.parse(
        &text,
        step,
        std::time::Duration::from_millis(length_ms.unsigned_abs()),
    )?;
    evaluate(move || {
        let (inner, limits) = (&metrics.inner, metrics.inner.config.limits);
        let kept = Some(&inner.rollups);
        let answer = promql::range_with(kept, &inner.store, &expr, span, step_ms, limits)?;
        Ok(render(&answer, span.1))
    })
    .await
}

/// Runs an evaluation, and the writing of its answer, off the server's own threads.
async fn evaluate(
    work: impl FnOnce() -> Result<String, QueryError> + Send + 'static,
) -> Result<Response, Refusal> {
    let internal = |error: tokio::task::JoinError| Refusal {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        kind: "internal",
        message: format!("the evaluation failed: {error}"),
        position: None,
    };
    let body = tokio::task::spawn_blocking(work)
        .await
        .map_err(internal)??;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

async fn query_exemplars(
    State(metrics): State<Metrics>,
    given: Given,
) -> Result<Json<Value>, Refusal> {
    let given = given?;
    let second = std::time::Duration::from_secs(1);
    let expr = metrics.parse(required(&given, "query")?, second, second)?;
    let (from_ms, to_ms) = window(&given)?;
    let selectors = promql::selectors(&expr);
    let found = metrics
        .inner
        .exemplars
        .select(&selectors, from_ms, to_ms)
        .into_iter()
        .map(|(series, exemplars)| {
            let exemplars = exemplars.into_iter().map(|exemplar| {
                json!({
                    "labels": metric(&exemplar.labels),
                    "value": format_value(exemplar.value),
                    "timestamp": seconds(exemplar.t_ms),
                })
            });
            json!({ "seriesLabels": metric(&series), "exemplars": exemplars.collect::<Vec<_>>() })
        });
    Ok(success(found.collect()))
}

async fn series(State(metrics): State<Metrics>, given: Given) -> Result<Json<Value>, Refusal> {
    let given = given?;
    if given.all("match[]").next().is_none() {
        return Err(Refusal::bad_data("no match[] parameter provided"));
    }
    let found = matched(&metrics, &given)?;
    limited(&given, found.iter().map(metric))
}

async fn labels(State(metrics): State<Metrics>, given: Given) -> Result<Json<Value>, Refusal> {
    let given = given?;
    let found = matched(&metrics, &given)?;
    let names: BTreeSet<&str> = found
        .iter()
        .flat_map(Labels::iter)
        .map(|(name, _)| name)
        .collect();
    limited(&given, names.into_iter().map(Value::from))
}

async fn label_values(
    State(metrics): State<Metrics>,
    Path(name): Path<String>,
    given: Given,
) -> Result<Json<Value>, Refusal> {
    if !promql::is_label_name(&name) {
        return Err(Refusal::bad_data(format!("invalid label name: {name:?}")));
    }
    let given = given?;
    let found = matched(&metrics, &given)?;
    let values: BTreeSet<&str> = found
        .iter()
        .filter_map(|labels| labels.get(&name))
        .collect();
    limited(&given, values.into_iter().map(Value::from))
}

async fn metadata(State(metrics): State<Metrics>, given: Given) -> Result<Json<Value>, Refusal> {
    let given = given?;
    let limit = given
        .number("limit", usize::MAX, usize::MAX)
        .map_err(Refusal::bad_data)?;
    let only = given.get("metric");
    let families = metrics
        .inner
        .catalog
        .all()
        .into_iter()
        .filter(|(name, _)| only.is_none_or(|only| only == name));
    let described = families.take(limit).map(|(name, known)| {
        (
            name,
            json!([{ "type": known.kind, "help": known.help, "unit": known.unit }]),
        )
    });
    Ok(success(Value::Object(described.collect())))
}

/// What was found, up to the `limit` that was asked for, with a warning where there is more; 0 is no limit, as in Prometheus.
fn limited(
    given: &Parameters,
    mut found: impl Iterator<Item = Value>,
) -> Result<Json<Value>, Refusal> {
    let invalid = |why: String| Refusal::bad_data(format!("invalid parameter \"limit\": {why}"));
    let limit = match given.get("limit").filter(|text| !text.is_empty()) {
        None => 0,
        Some(text) => text
            .parse::<i64>()
            .map_err(|_| invalid(format!("{text:?} is not a whole number")))?,
    };
    let limit = usize::try_from(limit).map_err(|_| invalid("limit must be non-negative".into()))?;
    if limit == 0 {
        return Ok(success(found.collect()));
    }
    let data: Value = found.by_ref().take(limit).collect();
    if found.next().is_none() {
        return Ok(success(data));
    }
    Ok(Json(json!({
        "status": "success",
        "data": data,
        "warnings": ["results truncated due to limit"],
    })))
}

/// The series that the `match[]` selectors accept within `start` and `end`; without selectors all.
fn matched(metrics: &Metrics, given: &Parameters) -> Result<Vec<Labels>, Refusal> {
    let (from_ms, to_ms) = bounds(given)?;
    let mut selectors: Vec<Vec<Matcher>> = Vec::new();
    for text in given.all("match[]") {
        let expr = metrics
            .parse(text, std::time::Duration::ZERO, std::time::Duration::ZERO)
            .map_err(|error| Refusal {
                position: error.position(),
                ..Refusal::bad_data(format!("invalid parameter \"match[]\": {error}"))
            })?;
        if !matches!(expr, Expr::VectorSelector(_)) {
            return Err(Refusal {
                position: Some(0),
                ..Refusal::bad_data(format!(
                    "invalid parameter \"match[]\": {text:?} is not a series selector"
                ))
            });
        }
        selectors.extend(promql::selectors(&expr));
    }
    if selectors.is_empty() {
        return Ok(metrics.inner.store.series(&[], from_ms, to_ms));
    }
    let found: BTreeSet<Labels> = selectors
        .iter()
        .flat_map(|m| metrics.inner.store.series(m, from_ms, to_ms))
        .collect();
    Ok(found.into_iter().collect())
}

fn bounds(given: &Parameters) -> Result<(i64, i64), Refusal> {
    Ok((
        time_or(given, "start", i64::MIN)?,
        time_or(given, "end", i64::MAX)?,
    ))
}

/// As [`bounds`], where an end before the start is refused: Prometheus refuses it for exemplars, and lists nothing for series.
fn window(given: &Parameters) -> Result<(i64, i64), Refusal> {
    let window = bounds(given)?;
    if window.1 < window.0 {
        return Err(Refusal::bad_data(
            "invalid parameter \"end\": end timestamp must not be before start timestamp",
        ));
    }
    Ok(window)
}

fn required<'a>(given: &'a Parameters, name: &str) -> Result<&'a str, Refusal> {
    let value = given.get(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| Refusal::bad_data(format!("invalid parameter {name:?}: it is missing")))
}

fn time_or(given: &Parameters, name: &str, default_ms: i64) -> Result<i64, Refusal> {
    given
        .get(name)
        .filter(|text| !text.is_empty())
        .map_or(Ok(default_ms), |text| time(text, name))
}

/// Milliseconds of a time: seconds since 1970 with a fraction, or RFC 3339.
fn time(text: &str, name: &str) -> Result<i64, Refusal> {
    let seconds = text.parse::<f64>().ok().filter(|s| s.abs() < 9.2e15);
    let parsed = seconds
        .map(|s| (s * 1000.0).round() as i64)
        .or_else(|| Some(text.parse::<Timestamp>().ok()?.as_millisecond()));
    parsed.ok_or_else(|| Refusal::bad_data(format!("invalid parameter {name:?}: cannot parse {text:?} to a valid timestamp: give seconds since 1970 or RFC 3339")))
}

fn now_ms(metrics: &Metrics) -> i64 {
    metrics.inner.time.now_ns().div_euclid(1_000_000)
}

/// How far a caller's clock may be from that of this machine and a query may lie behind, milliseconds.
const CALLERS_NOW_MS: u64 = 5_000;

/// Whether a time is the present of the wall clock: promtool and others send it where none was given, and mean the
/// lab's present, which is hours away from it.
fn is_callers_now(at_ms: i64) -> bool {
    at_ms.abs_diff(Timestamp::now().as_millisecond()) <= CALLERS_NOW_MS
}

#[cfg(test)]
#[path = "prometheus_tests.rs"]
mod tests;
