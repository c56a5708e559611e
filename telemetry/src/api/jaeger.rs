//! Jaeger's HTTP query API under `/jaeger/api`, in the shapes of jaeger-query: `data`, `total`, `limit`,
//! `offset`, `errors`. Times are microseconds, those of dependencies milliseconds. Searches are TraceQL
//! conditions on one span, as Jaeger's own are.

mod shape;

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use super::conditions::{self, tag_is};
use super::parameters::{Parameters, trace_id};
use crate::attributes::hex;
use crate::error::QueryError;
use crate::facade::Telemetry;
use crate::query::parse_duration_ns;
use crate::traces::ast::Query;
use crate::traces::{SpanRow, Trace, search};

/// Traces of an answer where no limit is given, as in Jaeger.
const TRACES_DEFAULT: usize = 100;

/// Traces of an answer at most, as Jaeger's own page asks for.
const TRACES_MAX: usize = 1500;

/// Spans of an answer at most; what does not fit is an error beside the traces that do.
const SPANS_MAX: usize = 100_000;

/// Names of services and operations told at most.
const NAMES_MAX: usize = 10_000;

/// How far a search looks back where no start is given, as in Jaeger: two days, ns.
const SEARCH_LOOKBACK_NS: i64 = 2 * 86_400_000_000_000;

/// How far dependencies look back, as in Jaeger: a day, ns.
const DEPENDENCIES_LOOKBACK_NS: i64 = 86_400_000_000_000;

/// The routes.
pub(super) fn router() -> Router<Telemetry> {
    Router::new()
        .route("/jaeger/api/services", get(services))
        .route(
            "/jaeger/api/services/{service}/operations",
            get(operations_of),
        )
        .route("/jaeger/api/operations", get(operations))
        .route("/jaeger/api/traces", get(traces))
        .route("/jaeger/api/traces/{id}", get(trace))
        .route("/jaeger/api/dependencies", get(dependencies))
}

/// Why a request is refused, in Jaeger's shape.
#[derive(Debug)]
struct Refusal(StatusCode, String);

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self(StatusCode::BAD_REQUEST, message)
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = json!({"code": self.0.as_u16(), "msg": self.1});
        let body = structured(Value::Null, 0, json!([error]));
        (self.0, Json(body)).into_response()
    }
}

fn structured(data: Value, total: usize, errors: Value) -> Value {
    json!({"data": data, "total": total, "limit": 0, "offset": 0, "errors": errors})
}

/// Runs the work off the async threads.
async fn answer(work: impl FnOnce() -> Result<Value, Refusal> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(body)) => Json(body).into_response(),
        Ok(Err(refusal)) => refusal.into_response(),
        Err(error) => Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn listed<T: Into<Value>>(names: impl IntoIterator<Item = T>) -> Value {
    let names: Vec<Value> = names.into_iter().map(Into::into).collect();
    let total = names.len();
    structured(names.into(), total, Value::Null)
}

/// What `of` makes of the spans that are held, each once, in order.
fn distinct<T: Ord>(telemetry: &Telemetry, of: impl Fn(SpanRow<'_>) -> Option<T>) -> BTreeSet<T> {
    let mut found = BTreeSet::new();
    for segment in telemetry.intake().trace_store().snapshot() {
        for one in segment.rows().filter_map(&of) {
            if found.len() < NAMES_MAX {
                found.insert(one);
            }
        }
    }
    found
}

async fn services(State(telemetry): State<Telemetry>) -> Response {
    answer(move || {
        Ok(listed(distinct(&telemetry, |span| {
            Some(span.service().to_owned())
        })))
    })
    .await
}

async fn operations_of(
    State(telemetry): State<Telemetry>,
    Path(service): Path<String>,
) -> Response {
    answer(move || {
        Ok(listed(distinct(&telemetry, |span| {
            (span.service() == service).then(|| span.name().to_owned())
        })))
    })
    .await
}

async fn operations(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let service = required_service(&parameters)?;
        let kind = given(&parameters, "spanKind");
        let found = distinct(&telemetry, |span| {
            let fits = span.service() == service
                && kind.is_none_or(|kind| kind == shape::kind(span.kind()));
            fits.then(|| (span.name().to_owned(), shape::kind(span.kind())))
        });
        let one = |(name, kind)| json!({"name": name, "spanKind": kind});
        Ok(listed(found.into_iter().map(one)))
    })
    .await
}

async fn traces(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let ids: Vec<&str> = parameters.all("traceID").collect();
        if !ids.is_empty() {
            return by_ids(&telemetry, &ids);
        }
        let window = search_window(&telemetry, &parameters)?;
        let limit = parameters.number("limit", TRACES_DEFAULT, TRACES_MAX)?;
        let query = query(&parameters)?;
        let segments = telemetry.intake().trace_store().snapshot();
        let hits = search(&segments, &query, window, limit)?;
        let traces = hits.into_iter().map(|hit| hit.trace).collect();
        Ok(fitting(traces, SPANS_MAX, Vec::new()))
    })
    .await
}

/// The traces, as many as have `max` spans together, with errors for the others. The first is told whatever
/// its size.
fn fitting(traces: Vec<Trace>, max: usize, mut errors: Vec<Value>) -> Value {
    let (mut told, mut spans) = (Vec::new(), 0);
    for trace in &traces {
        spans += trace.spans.len();
        if told.is_empty() || spans <= max {
            told.push(shape::trace(trace));
        } else {
            let message = format!("more than {max} spans: ask for fewer traces, or by id");
            errors.push(json!({"msg": message, "traceID": hex(&trace.id)}));
        }
    }
    let errors = match errors.is_empty() {
        true => Value::Null,
        false => errors.into(),
    };
    structured(told.into(), 0, errors)
}

/// The traces with these ids; those that are not held are errors beside them.
fn by_ids(telemetry: &Telemetry, ids: &[&str]) -> Result<Value, Refusal> {
    if ids.len() > TRACES_MAX {
        return Err(format!("more than {TRACES_MAX} trace ids: ask for fewer").into());
    }
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for id in ids {
        let trace_id =
            trace_id(id).map_err(|message| format!("cannot parse traceID param: {message}"))?;
        match telemetry.trace(&trace_id) {
            Some(trace) => found.push(trace),
            None => missing.push(json!({"msg": "trace not found", "traceID": id})),
        }
    }
    Ok(fitting(found, SPANS_MAX, missing))
}

async fn trace(State(telemetry): State<Telemetry>, Path(id): Path<String>) -> Response {
    answer(move || {
        let trace_id = trace_id(&id)?;
        let found = telemetry.trace(&trace_id);
        let found =
            found.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, "trace not found".to_owned()))?;
        Ok(structured(json!([shape::trace(&found)]), 0, Value::Null))
    })
    .await
}

async fn dependencies(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let now_ns = telemetry.intake().time().now_ns();
        let end_ns = whole(&parameters, "endTs", 1_000_000)?.unwrap_or(now_ns);
        let back_ns = whole(&parameters, "lookback", 1_000_000)?;
        let back_ns = back_ns.unwrap_or(DEPENDENCIES_LOOKBACK_NS);
        if back_ns < 0 {
            return Err("lookback is negative: give milliseconds".to_owned().into());
        }
        let service = given(&parameters, "service");
        let graph = telemetry.graph(end_ns.saturating_sub(back_ns), end_ns.saturating_add(1));
        let links = graph.edges.iter().filter(|edge| {
            service.is_none_or(|service| service == edge.from || service == edge.to)
        });
        let links = links
            .map(|edge| json!({"parent": edge.from, "child": edge.to, "callCount": edge.calls}));
        Ok(structured(links.collect(), 0, Value::Null))
    })
    .await
}

fn given<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    parameters.get(name).filter(|text| !text.is_empty())
}

fn required_service(parameters: &Parameters) -> Result<&str, String> {
    given(parameters, "service").ok_or_else(|| "parameter 'service' is required".to_owned())
}

/// A whole number of units of `scale` ns.
fn whole(parameters: &Parameters, name: &str, scale: i64) -> Result<Option<i64>, String> {
    let Some(text) = given(parameters, name) else {
        return Ok(None);
    };
    let number: i64 = text
        .parse()
        .map_err(|_| format!("unable to parse param '{name}': {text:?} is not a whole number"))?;
    Ok(Some(number.saturating_mul(scale)))
}

fn duration(parameters: &Parameters, name: &str) -> Result<Option<i64>, String> {
    let Some(text) = given(parameters, name) else {
        return Ok(None);
    };
    let parsed = parse_duration_ns(text).map(Some);
    parsed.ok_or_else(|| {
        format!("unable to parse param '{name}': {text:?} is not a duration such as 1.2s or 100ms")
    })
}

/// The window of a search: `start` and `end` in microseconds, or `lookback` before the end.
fn search_window(telemetry: &Telemetry, parameters: &Parameters) -> Result<(i64, i64), Refusal> {
    let now_ns = telemetry.intake().time().now_ns();
    let end_ns = whole(parameters, "end", 1_000)?.unwrap_or(now_ns);
    let start_ns = match whole(parameters, "start", 1_000)? {
        Some(start_ns) => start_ns,
        // Jaeger's page says `custom` beside a start and an end
        None if given(parameters, "lookback") == Some("custom") => {
            end_ns.saturating_sub(SEARCH_LOOKBACK_NS)
        }
        None => {
            let back_ns = duration(parameters, "lookback")?.unwrap_or(SEARCH_LOOKBACK_NS);
            end_ns.saturating_sub(back_ns)
        }
    };
    Ok((start_ns, end_ns))
}

/// What a search asks of one span.
fn query(parameters: &Parameters) -> Result<Query, Refusal> {
    let (least_ns, most_ns) = (
        duration(parameters, "minDuration")?,
        duration(parameters, "maxDuration")?,
    );
    if let (Some(least_ns), Some(most_ns)) = (least_ns, most_ns)
        && most_ns < least_ns
    {
        return Err("'maxDuration' should be greater than 'minDuration'"
            .to_owned()
            .into());
    }
    let operation = given(parameters, "operation");
    let tags = tags(parameters)?;
    let conditions = std::iter::once(tag_is("service.name", required_service(parameters)?))
        .chain(operation.map(conditions::name_is))
        .chain(least_ns.map(conditions::lasts_at_least))
        .chain(most_ns.map(conditions::lasts_at_most))
        .chain(tags.iter().map(|(key, value)| tag_is(key, value)))
        .collect();
    Ok(conditions::all_of(conditions))
}

/// `tag=key:value`, and `tags` as a JSON object of text.
fn tags(parameters: &Parameters) -> Result<Vec<(String, String)>, String> {
    let mut tags = Vec::new();
    for tag in parameters.all("tag") {
        let (key, value) = tag.split_once(':').ok_or_else(|| {
            format!("malformed 'tag' parameter, expecting key:value, received: {tag}")
        })?;
        tags.push((key.to_owned(), value.to_owned()));
    }
    for object in parameters.all("tags").filter(|text| !text.is_empty()) {
        let pairs: std::collections::BTreeMap<String, String> = serde_json::from_str(object)
            .map_err(|error| {
                format!("malformed 'tags' parameter, cannot unmarshal JSON: {error}")
            })?;
        tags.extend(pairs);
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::fixture::{Shape, batch};
    use crate::traces::{TRACE_BYTES, TraceStore, assemble};

    #[test]
    fn more_spans_than_fit_are_an_error_beside_the_traces_that_do() {
        let store = TraceStore::new(TRACE_BYTES);
        for trace in 1..=3 {
            store.append(&batch(
                "a",
                &[Shape::root(trace, 1), Shape::child(trace, 2, 1)],
            ));
        }
        let held = |id| assemble(&store.snapshot(), &Shape::trace_id(id)).unwrap();
        let told = |ids: &[u64], max| {
            let answer = fitting(ids.iter().copied().map(held).collect(), max, Vec::new());
            let errors = answer["errors"].as_array().map_or(0, Vec::len);
            (answer["data"].as_array().unwrap().len(), errors)
        };
        assert_eq!(told(&[1, 2, 3], 6), (3, 0));
        assert_eq!(told(&[1, 2, 3], 5), (2, 1));
        assert_eq!(told(&[1, 2], 1), (1, 1), "the first is always told");
        assert_eq!(told(&[], 5), (0, 0));
        let answer = fitting(vec![held(1), held(2)], 2, Vec::new());
        assert_eq!(answer["errors"][0]["traceID"], hex(&Shape::trace_id(2)));
    }
}
