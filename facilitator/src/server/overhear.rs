//! Overhears the queries that a person asks of the public telemetry APIs, so that they are
//! journalled with the rows they returned. It changes neither request nor answer.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Query, Request, State},
    http::{Method, Uri, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use crate::{
    desk::{Answered, Desk, Language, Question},
    refusal::{Refusal, RefusalKind},
};

/// Bytes of a query sent as a form; a longer one is refused, as no honest query is.
const LONGEST_FORM_BYTES: usize = 64 * 1024;
/// Bytes of an answer that is looked into; a longer one is refused with what to do. The query engines'
/// own limits keep answers far below.
const LONGEST_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Window of a query that states none: an hour, as Loki has it; milliseconds.
const DEFAULT_WINDOW_MS: i64 = 3_600_000;

/// Passes a request on, and tells the desk if it was a person's question.
pub(super) async fn overhear(
    State(desk): State<Arc<Desk>>,
    request: Request,
    next: Next,
) -> Response {
    let background = request.headers().contains_key(api::BACKGROUND_HEADER);
    let Some(heard) = Heard::at(request.uri().path()) else {
        return next.run(request).await;
    };
    // a browser asks for leave before it asks its page's question
    let preflight = request.method() == Method::OPTIONS;
    if background || preflight || !desk.listens() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let body = match form(&parts, body).await {
        Ok(body) => body,
        Err(refusal) => return refusal.into_response(),
    };
    let now_ms = desk.now_ms();
    let question = heard.question(&parts, &body, now_ms);
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    let Some(question) = question else {
        return answer;
    };
    let (parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, LONGEST_ANSWER_BYTES).await else {
        return Refusal::new(
            RefusalKind::TooLarge,
            "the answer is too large",
            "narrow the query or its time range",
        )
        .into_response();
    };
    let answered = heard.answered(parts.status.is_success(), &bytes);
    let told = tokio::task::spawn_blocking(move || desk.asked(question, &answered)).await;
    if let Err(error) = told {
        tracing::error!(%error, "a query could not be journalled");
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// A query's body, for the methods that have one.
async fn form(parts: &Parts, body: Body) -> Result<Bytes, Refusal> {
    if parts.method == Method::GET {
        return Ok(Bytes::new());
    }
    to_bytes(body, LONGEST_FORM_BYTES).await.map_err(|_| {
        Refusal::new(
            RefusalKind::TooLarge,
            "the query is too large",
            format!("send at most {LONGEST_FORM_BYTES} bytes"),
        )
    })
}

/// Where a trace is asked for by its id.
const TRACES: [&str; 3] = [
    "/tempo/api/traces/",
    "/tempo/api/v2/traces/",
    "/jaeger/api/traces/",
];

/// What Jaeger's search asks for; the rest of its parameters says when and how many.
const JAEGER_ASKS: [&str; 7] = [
    "traceID",
    "service",
    "operation",
    "tags",
    "tag",
    "minDuration",
    "maxDuration",
];

/// An endpoint at which questions are asked.
enum Heard {
    /// LogQL.
    Loki,
    /// PromQL.
    Prometheus,
    /// TraceQL.
    Search,
    /// A search in Jaeger's parameters.
    Jaeger,
    /// A trace by its id.
    Trace(String),
}

impl Heard {
    fn at(path: &str) -> Option<Self> {
        match path {
            "/loki/api/v1/query" | "/loki/api/v1/query_range" => Some(Self::Loki),
            "/prometheus/api/v1/query" | "/prometheus/api/v1/query_range" => Some(Self::Prometheus),
            "/tempo/api/search" => Some(Self::Search),
            "/jaeger/api/traces" => Some(Self::Jaeger),
            _ => TRACES
                .iter()
                .find_map(|prefix| path.strip_prefix(prefix))
                .filter(|id| !id.is_empty() && !id.contains('/'))
                .map(|id| Self::Trace(id.to_ascii_lowercase())),
        }
    }

    /// What was asked; none where there is no query, which the endpoint itself refuses.
    fn question(&self, parts: &Parts, body: &[u8], now_ms: i64) -> Option<Question> {
        let mut fields = fields(&parts.uri);
        let sent = std::str::from_utf8(body).ok();
        if let Some(uri) = sent.and_then(|form| format!("/?{form}").parse::<Uri>().ok()) {
            fields.extend(self::fields(&uri));
        }
        let (language, text) = match self {
            Self::Loki => (Language::Logql, fields.remove("query")?),
            Self::Prometheus => (Language::Promql, fields.remove("query")?),
            Self::Search => (
                Language::Traceql,
                fields
                    .remove("q")
                    .or_else(|| fields.remove("tags"))
                    .unwrap_or_default(),
            ),
            Self::Jaeger => {
                let asked = JAEGER_ASKS.iter().filter_map(|name| {
                    let value = fields.get(*name).filter(|value| !value.is_empty())?;
                    Some(format!("{name}={value}"))
                });
                (Language::Traceql, asked.collect::<Vec<_>>().join(" "))
            }
            Self::Trace(id) => (Language::Traceql, id.clone()),
        };
        let time = |name: &str| fields.get(name).and_then(|text| millis(text));
        let end_ms = time("end").or_else(|| time("time")).unwrap_or(now_ms);
        let instant = fields.contains_key("time")
            || !fields.contains_key("start") && language == Language::Promql;
        let start_ms = if instant {
            end_ms
        } else {
            time("start").unwrap_or(end_ms - DEFAULT_WINDOW_MS)
        };
        Some(Question {
            language,
            text,
            start_ms,
            end_ms,
        })
    }

    /// What the answer shows.
    fn answered(&self, success: bool, bytes: &[u8]) -> Answered {
        if !success {
            return Answered::Error(complaint(bytes));
        }
        if let Self::Trace(id) = self {
            return Answered::Traces(vec![id.clone()]);
        }
        let Ok(answer) = serde_json::from_slice::<Value>(bytes) else {
            return Answered::Series(0);
        };
        match self {
            Self::Search => Answered::Traces(
                rows(&answer["traces"])
                    .filter_map(|hit| hit["traceID"].as_str().map(str::to_owned))
                    .collect(),
            ),
            Self::Jaeger => Answered::Traces(
                rows(&answer["data"])
                    .filter_map(|trace| trace["traceID"].as_str().map(str::to_owned))
                    .collect(),
            ),
            Self::Loki if answer["data"]["resultType"] == "streams" => Answered::Lines(
                rows(&answer["data"]["result"])
                    .flat_map(|stream| rows(&stream["values"]))
                    .filter_map(line)
                    .collect(),
            ),
            _ => Answered::Series(rows(&answer["data"]["result"]).count() as u64),
        }
    }
}

fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A line of a Loki stream: `["<nanoseconds>", "<line>", …]`.
fn line(value: &Value) -> Option<(i64, String)> {
    let ts_ns = value.get(0)?.as_str()?.parse().ok()?;
    Some((ts_ns, value.get(1)?.as_str()?.to_owned()))
}

fn fields(uri: &Uri) -> HashMap<String, String> {
    Query::<HashMap<String, String>>::try_from_uri(uri)
        .map_or_else(|_| HashMap::new(), |query| query.0)
}

/// The message of an error in any of the clients' shapes, at most a line.
fn complaint(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let said = answer["error"]
        .as_str()
        .or_else(|| answer["message"].as_str())
        .or_else(|| answer["errors"][0]["msg"].as_str());
    said.unwrap_or(&text).chars().take(200).collect()
}

/// A time as the query APIs take it: seconds (with fraction), milli-, micro- or nanoseconds since the
/// epoch, told apart by their size, or RFC 3339. Unix milliseconds.
fn millis(text: &str) -> Option<i64> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(match whole.unsigned_abs() {
            0..100_000_000_000 => whole.saturating_mul(1_000),
            100_000_000_000..100_000_000_000_000 => whole,
            100_000_000_000_000..100_000_000_000_000_000 => whole / 1_000,
            _ => whole / 1_000_000,
        });
    }
    if let Ok(seconds) = text.parse::<f64>() {
        #[allow(clippy::cast_possible_truncation)] // a cast saturates
        return Some((seconds * 1e3) as i64);
    }
    text.parse::<jiff::Timestamp>()
        .ok()
        .map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_forms_that_clients_send() {
        for text in [
            "1799982000",
            "1799982000.000",
            "1799982000000",
            "1799982000000000",
            "1799982000000000000",
            "2027-01-15T03:00:00Z",
        ] {
            assert_eq!(millis(text), Some(1_799_982_000_000), "{text}");
        }
        assert_eq!(millis("yesterday"), None);
    }
}
