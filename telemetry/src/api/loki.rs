//! Loki's HTTP API under `/loki/api/v1`: errors are plain text with status 400, and the place of a
//! broken query additionally in the header `x-error-position` (byte offset).

mod drilldown;
mod tail;
mod volume;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use super::instant::{parse_step_ns, time_or};
use super::parameters::Parameters;
use super::refusal::{self, Refusal};
use crate::facade::Telemetry;
use crate::logs::ast::{LogExpr, Query, Stage};
use crate::logs::record::Labels;
use crate::logs::{
    Direction, Grid, LogLine, Plan, Series, Volumes, evaluate, parse, query_or_words, volumes,
};

/// Lines of an answer where no limit is given, as in Loki.
const LINES_DEFAULT: usize = 100;

/// Lines of an answer at most; a higher limit is refused, as in Loki.
const LINES_MAX: usize = 5000;

/// Window of an answer where no start is given, as in Loki: one hour.
const WINDOW_NS: i64 = 3_600_000_000_000;

/// Steps that a default step makes of a window, as in Loki.
const DEFAULT_STEPS: i64 = 250;

/// The routes. All answer GET and POST with a form, like Loki.
pub(super) fn router() -> Router<Telemetry> {
    Router::new()
        .route("/loki/api/v1/query", get(query).post(query))
        .route(
            "/loki/api/v1/query_range",
            get(query_range).post(query_range),
        )
        .route("/loki/api/v1/labels", get(labels).post(labels))
        .route("/loki/api/v1/label/{name}/values", get(label_values))
        .route("/loki/api/v1/series", get(series).post(series))
        .route(
            "/loki/api/v1/index/stats",
            get(index_stats).post(index_stats),
        )
        .route(
            "/loki/api/v1/index/volume",
            get(volume::instant).post(volume::instant),
        )
        .route(
            "/loki/api/v1/index/volume_range",
            get(volume::range).post(volume::range),
        )
        .route(
            "/loki/api/v1/detected_labels",
            get(drilldown::labels).post(drilldown::labels),
        )
        .route(
            "/loki/api/v1/detected_fields",
            get(drilldown::fields).post(drilldown::fields),
        )
        .route(
            "/loki/api/v1/detected_field/{name}/values",
            get(drilldown::field_values).post(drilldown::field_values),
        )
        .route(
            "/loki/api/v1/patterns",
            get(drilldown::patterns).post(drilldown::patterns),
        )
        .route("/loki/api/v1/tail", get(tail::tail))
        .route("/loki/api/v1/status/buildinfo", get(build_info))
        .route("/loki/ready", get(|| async { "ready\n" }))
}

/// Runs a query and answers with its data.
async fn answer(work: impl FnOnce() -> Result<Value, Refusal> + Send + 'static) -> Response {
    refusal::answer(|| Ok(json!({"status": "success", "data": work()?}))).await
}

async fn query(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let now_ns = telemetry.intake().time().now_ns();
        let at_ns = time_or("time", parameters.get("time"), now_ns)?;
        let Query::Metric(expression) = parse(&query_text(&parameters)?)? else {
            return Err(
                "log queries are not supported as an instant query: ask query_range"
                    .to_owned()
                    .into(),
            );
        };
        let segments = telemetry.intake().log_store().snapshot();
        let series = evaluate(&segments, &expression, Grid::instant(at_ns))?;
        let one = |series: Series| {
            let value = series.points.first().map(point);
            json!({"metric": object(series.labels), "value": value})
        };
        let result: Vec<_> = series.into_iter().map(one).collect();
        Ok(json!({"resultType": "vector", "result": result, "stats": {}}))
    })
    .await
}

async fn query_range(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let (start_ns, end_ns) = window(&telemetry, &parameters)?;
        let segments = telemetry.intake().log_store().snapshot();
        match parse(&query_text(&parameters)?)? {
            Query::Log(log) => {
                let limit = parameters.number("limit", LINES_DEFAULT, LINES_MAX)?;
                let direction = match parameters.get("direction").unwrap_or("backward") {
                    direction if direction.eq_ignore_ascii_case("backward") => Direction::Backward,
                    direction if direction.eq_ignore_ascii_case("forward") => Direction::Forward,
                    other => {
                        return Err(format!("direction={other:?}: give forward or backward").into());
                    }
                };
                let plan = Plan::new(&log)?;
                let lines = plan.lines(&segments, (start_ns, end_ns), limit, direction)?;
                Ok(json!({"resultType": "streams", "result": streams(lines), "stats": {}}))
            }
            Query::Metric(expression) => {
                let step_ns = step_ns(&parameters, start_ns, end_ns)?;
                let grid = Grid {
                    start_ns,
                    end_ns,
                    step_ns,
                };
                let series = evaluate(&segments, &expression, grid)?;
                let one = |series: Series| {
                    let values: Vec<_> = series.points.iter().map(point).collect();
                    json!({"metric": object(series.labels), "values": values})
                };
                let result: Vec<_> = series.into_iter().map(one).collect();
                Ok(json!({"resultType": "matrix", "result": result, "stats": {}}))
            }
        }
    })
    .await
}

async fn labels(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        window(&telemetry, &parameters)?;
        Ok(json!(["level", "service", "service_name"]))
    })
    .await
}

async fn label_values(
    State(telemetry): State<Telemetry>,
    Path(name): Path<String>,
    parameters: Parameters,
) -> Response {
    answer(move || {
        let query = parameters.get("query").map(str::to_owned);
        let streams = streams_of(&telemetry, &parameters, query.as_deref())?;
        let values: BTreeSet<_> = streams
            .into_keys()
            .filter_map(|(service, level)| match name.as_str() {
                "service" | "service_name" => Some(service),
                "level" => Some(level),
                _ => None,
            })
            .collect();
        Ok(json!(values))
    })
    .await
}

async fn series(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let mut streams = BTreeSet::new();
        let mut selectors: Vec<_> = parameters
            .all("match[]")
            .chain(parameters.all("match"))
            .map(Some)
            .collect();
        if selectors.is_empty() {
            selectors.push(None);
        }
        for selector in selectors {
            streams.extend(streams_of(&telemetry, &parameters, selector)?.into_keys());
        }
        let streams = streams.into_iter();
        let sets = streams.map(|(service, level)| json!({"service": service, "level": level}));
        Ok(sets.collect())
    })
    .await
}

async fn index_stats(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    let work = move || {
        let query = parameters.get("query").map(str::to_owned);
        let streams = streams_of(&telemetry, &parameters, query.as_deref())?;
        let (entries, bytes) = streams
            .values()
            .fold((0, 0), |sum, stream| (sum.0 + stream.0, sum.1 + stream.1));
        let chunks = telemetry.intake().log_store().snapshot().len();
        Ok::<_, Refusal>(
            json!({"streams": streams.len(), "chunks": chunks, "entries": entries, "bytes": bytes}),
        )
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(stats)) => Json(stats).into_response(),
        Ok(Err(refusal)) => refusal.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Entries and bytes of each stream, by service and level.
type Streams = BTreeMap<(String, String), (u64, u64)>;

/// The streams that a selector finds in the window.
fn streams_of(
    telemetry: &Telemetry,
    parameters: &Parameters,
    selector: Option<&str>,
) -> Result<Streams, Refusal> {
    let text = selector
        .filter(|text| !text.is_empty())
        .unwrap_or("{service=~\".+\"}");
    let mut streams = Streams::new();
    let log = stream_selector(text)?;
    for ((service, level, _), amount) in volumes_of(telemetry, parameters, &log, |_| 0)? {
        let key = (service.to_string(), level.name().to_owned());
        let stream = streams.entry(key).or_default();
        stream.0 += amount.lines;
        stream.1 += amount.bytes;
    }
    Ok(streams)
}

/// A stream selector, possibly with line filters.
fn stream_selector(text: &str) -> Result<LogExpr, Refusal> {
    let filters_only = |log: &LogExpr| {
        let mut stages = log.stages.iter();
        stages.all(|stage| matches!(stage, Stage::Line { .. }))
    };
    match parse(text)? {
        Query::Log(log) if filters_only(&log) => Ok(log),
        _ => Err(format!("{text:?} is not a stream selector such as {{service=\"…\"}}").into()),
    }
}

/// Lines and bytes of a selector in the window, by stream and by `step_of` their time.
fn volumes_of(
    telemetry: &Telemetry,
    parameters: &Parameters,
    log: &LogExpr,
    step_of: impl Fn(i64) -> i64,
) -> Result<Volumes, Refusal> {
    let window = window(telemetry, parameters)?;
    let segments = telemetry.intake().log_store().snapshot();
    Ok(volumes(&Plan::new(log)?, &segments, window, step_of)?)
}

/// The version of Loki whose API is served; Grafana switches features by it.
const API_VERSION: &str = "3.3.0";

async fn build_info() -> Json<Value> {
    Json(super::build_info(API_VERSION))
}

fn query_text(parameters: &Parameters) -> Result<String, String> {
    let text = parameters.get("query").unwrap_or_default();
    query_or_words(text).ok_or_else(|| {
        "query is missing: give LogQL such as {service=\"…\"}, or words to look for".to_owned()
    })
}

/// The window of a request: `start` and `end`, or `since` before the end.
fn window(telemetry: &Telemetry, parameters: &Parameters) -> Result<(i64, i64), String> {
    let width_ns = match parameters.get("since").filter(|text| !text.is_empty()) {
        None => WINDOW_NS,
        Some(text) => parse_step_ns(text)
            .ok_or_else(|| format!("since={text:?} is not a duration such as 15m"))?,
    };
    parameters.window(telemetry.intake().time().now_ns(), width_ns)
}

fn step_ns(parameters: &Parameters, start_ns: i64, end_ns: i64) -> Result<i64, String> {
    match parameters.get("step").filter(|text| !text.is_empty()) {
        Some(text) => parse_step_ns(text)
            .ok_or_else(|| format!("step={text:?} is not a duration above zero such as 15s")),
        None => {
            let whole_seconds = end_ns.saturating_sub(start_ns) / DEFAULT_STEPS / 1_000_000_000;
            Ok(whole_seconds.max(1) * 1_000_000_000)
        }
    }
}

/// Lines by their labels, as Loki without `categorize-labels` answers: all labels are the stream's.
fn streams(lines: Vec<LogLine>) -> Vec<Value> {
    let mut streams: Vec<(Labels, Vec<Value>)> = Vec::new();
    let mut known: HashMap<Labels, usize> = HashMap::new();
    for line in lines {
        let value = json!([line.ts_ns.to_string(), line.line]);
        match known.get(&line.labels) {
            Some(&at) => streams[at].1.push(value),
            None => {
                known.insert(line.labels.clone(), streams.len());
                streams.push((line.labels, vec![value]));
            }
        }
    }
    let one = |(labels, values)| json!({"stream": object(labels), "values": values});
    streams.into_iter().map(one).collect()
}

fn object(labels: Labels) -> Value {
    let labels = labels
        .into_iter()
        .map(|(name, value)| (name, Value::from(value)));
    Value::Object(labels.collect())
}

/// `[seconds, "value"]`
fn point((at_ns, value): &(i64, f64)) -> Value {
    let value = match value {
        value if value.is_nan() => "NaN".to_owned(),
        value if value.is_infinite() => if *value > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        value => value.to_string(),
    };
    json!([*at_ns as f64 / 1e9, value])
}
