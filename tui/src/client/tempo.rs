//! Tempo's HTTP API, as much as the glass uses: search, and one trace as OTLP JSON.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

use super::{Asker, Client, traceql};
use crate::Failure;
use crate::time::Window;

/// A trace that a search found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TraceHit {
    /// 32 hex digits.
    pub trace_id: String,
    /// Service of the root span.
    pub service: String,
    /// Name of the root span.
    pub name: String,
    /// Begin, drill time in nanoseconds.
    pub start_ns: i64,
    /// Duration in milliseconds.
    pub duration_ms: f64,
    /// How many spans matched.
    pub matched: usize,
    /// Whether a span of it failed.
    pub error: bool,
    /// Whether its root span is not there yet: the request is still running, and `service` and `name` are those of the
    /// earliest span that is there.
    pub running: bool,
}

/// Which of the traces that match are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The newest.
    Newest,
    /// The slowest of the whole window.
    Slowest,
    /// The newest that failed, then the newest others.
    Failed,
}

/// Traces that a search found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TraceList {
    /// Traces.
    pub hits: Vec<TraceHit>,
    /// Whether more match than these.
    pub is_cut: bool,
}

/// Traces of one answer at most: more the lab refuses.
pub(super) const MOST: usize = 1000;

/// One span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Span {
    /// 16 hex digits.
    pub id: String,
    /// Its parent; empty at a root.
    pub parent: String,
    /// Service.
    pub service: String,
    /// Name.
    pub name: String,
    /// `server`, `client`, `internal`, `producer`, `consumer`.
    pub kind: &'static str,
    /// Begin, drill time in nanoseconds.
    pub start_ns: i64,
    /// End, drill time in nanoseconds.
    pub end_ns: i64,
    /// Whether it failed.
    pub error: bool,
    /// What the status says.
    pub message: String,
    /// Attributes of the span, then `resource.…`, then `event.…`.
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    /// Duration in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.end_ns - self.start_ns).max(0) as f64 / 1e9
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Search {
    #[serde(default)]
    traces: Vec<Found>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(default)]
    root_service_name: String,
    #[serde(default)]
    root_trace_name: String,
    // said beyond what Tempo says; without it a root is taken to be there
    #[serde(default = "there")]
    root_received: bool,
    #[serde(default)]
    start_time_unix_nano: Value,
    #[serde(default)]
    duration_ms: f64,
    #[serde(default)]
    span_sets: Vec<Set>,
    #[serde(default)]
    service_stats: BTreeMap<String, ServiceStats>,
}

fn there() -> bool {
    true
}

impl From<Found> for TraceHit {
    fn from(found: Found) -> Self {
        Self {
            error: found.service_stats.values().any(|s| s.error_count > 0),
            matched: found.span_sets.iter().map(|s| s.matched).sum(),
            start_ns: integer(&found.start_time_unix_nano),
            trace_id: found.trace_id,
            service: found.root_service_name,
            name: found.root_trace_name,
            running: !found.root_received,
            duration_ms: found.duration_ms,
        }
    }
}

/// Two lists as one, each trace once, the first list first.
fn merged(mut first: Vec<TraceHit>, then: Vec<TraceHit>) -> Vec<TraceHit> {
    let known: HashSet<String> = first.iter().map(|hit| hit.trace_id.clone()).collect();
    first.extend(
        then.into_iter()
            .filter(|hit| !known.contains(&hit.trace_id)),
    );
    first
}

/// Spans of a trace that one service wrote.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceStats {
    #[serde(default)]
    error_count: u64,
}

#[derive(Deserialize)]
struct Set {
    #[serde(default)]
    matched: usize,
}

/// Numbers that OTLP JSON writes as numbers or as text.
fn integer(value: &Value) -> i64 {
    match value {
        Value::Number(n) => n
            .as_i64()
            .or_else(|| n.as_f64().map(|f| f as i64))
            .unwrap_or_default(),
        Value::String(text) => text.parse().unwrap_or_default(),
        _ => 0,
    }
}

fn text_of(value: &Value) -> String {
    let Some(map) = value.as_object() else {
        return value.to_string();
    };
    match map.iter().next() {
        Some((kind, inner)) if kind == "arrayValue" => {
            let all = inner
                .get("values")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            all.iter().map(text_of).collect::<Vec<_>>().join(", ")
        }
        Some((_, Value::String(text))) => text.clone(),
        Some((_, inner)) => inner.to_string(),
        None => String::new(),
    }
}

fn attributes(value: &Value, prefix: &str) -> BTreeMap<String, String> {
    let list = value.get("attributes").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|a| {
            Some((
                format!("{prefix}{}", a.get("key")?.as_str()?),
                text_of(a.get("value")?),
            ))
        })
        .collect()
}

fn text_at(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::String(text) => match text.as_str() {
            "SPAN_KIND_SERVER" => "server",
            "SPAN_KIND_CLIENT" => "client",
            "SPAN_KIND_PRODUCER" => "producer",
            "SPAN_KIND_CONSUMER" => "consumer",
            _ => "internal",
        },
        other => match integer(other) {
            2 => "server",
            3 => "client",
            4 => "producer",
            5 => "consumer",
            _ => "internal",
        },
    }
}

fn span(raw: &Value, service: &str, resource: &BTreeMap<String, String>) -> Span {
    let status = raw.get("status").cloned().unwrap_or_default();
    let code = status.get("code").cloned().unwrap_or_default();
    let mut all = attributes(raw, "");
    all.extend(resource.clone());
    for event in raw
        .get("events")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let name = text_at(event, "name");
        let inner: Vec<String> = attributes(event, "")
            .into_iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        all.insert(format!("event.{name}"), inner.join(" "));
    }
    Span {
        id: text_at(raw, "spanId"),
        parent: text_at(raw, "parentSpanId"),
        service: service.to_owned(),
        name: text_at(raw, "name"),
        kind: kind_of(raw.get("kind").unwrap_or(&Value::Null)),
        start_ns: integer(raw.get("startTimeUnixNano").unwrap_or(&Value::Null)),
        end_ns: integer(raw.get("endTimeUnixNano").unwrap_or(&Value::Null)),
        error: code.as_str() == Some("STATUS_CODE_ERROR") || integer(&code) == 2,
        message: text_at(&status, "message"),
        attributes: all,
    }
}

/// Reads a trace as OTLP JSON, whether it says `resourceSpans` or, as Tempo does, `batches`, inside `trace` or not.
#[must_use]
pub fn spans(answer: &Value) -> Vec<Span> {
    let answer = answer.get("trace").unwrap_or(answer);
    let batches = answer
        .get("resourceSpans")
        .or_else(|| answer.get("batches"))
        .and_then(Value::as_array);
    let mut out = Vec::new();
    for batch in batches.into_iter().flatten() {
        let resource = batch
            .get("resource")
            .map(|r| attributes(r, "resource."))
            .unwrap_or_default();
        let service = resource
            .get("resource.service.name")
            .cloned()
            .unwrap_or_default();
        for scope in batch
            .get("scopeSpans")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            for raw in scope
                .get("spans")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                out.push(span(raw, &service, &resource));
            }
        }
    }
    out
}

impl Client {
    /// Traces of a window that match, as many as a limit allows: the newest, the slowest, or the newest failed ones before
    /// others.
    ///
    /// # Errors
    /// As [`Client::drill`]; a query that does not parse carries its position.
    pub async fn tempo_search(
        &self,
        query: &str,
        window: Window,
        wanted: Wanted,
        limit: usize,
        asker: Asker,
    ) -> Result<TraceList, Failure> {
        if wanted == Wanted::Slowest {
            return self.tempo_slowest(query, window, limit, asker).await;
        }
        let mut hits = self.tempo_newest(query, window, limit, asker).await?;
        let mut is_cut = hits.len() >= limit;
        if wanted == Wanted::Failed && is_cut {
            let failed = traceql::and_also(query, "status = error");
            let failed = self.tempo_newest(&failed, window, limit, Asker::Screen);
            hits = merged(failed.await?, hits);
            hits.truncate(limit);
            is_cut = true;
        }
        Ok(TraceList { hits, is_cut })
    }

    /// The slowest traces of a window. An answer holds the newest, so those that cannot be among the slowest are left out
    /// of the next question, until one answer holds all that can.
    async fn tempo_slowest(
        &self,
        query: &str,
        window: Window,
        limit: usize,
        asker: Asker,
    ) -> Result<TraceList, Failure> {
        /// Each round leaves about a fifth: this many find the slowest of ten million.
        const ROUNDS: usize = 6;
        let (mut bound_ms, mut hits, mut is_cut) = (None, Vec::new(), false);
        for round in 0..ROUNDS {
            let asked = bound_ms.map_or_else(
                || query.to_owned(),
                |ms: u64| traceql::and_also(query, &format!("traceDuration >= {ms}ms")),
            );
            let asker = if round == 0 { asker } else { Asker::Screen };
            let found = self.tempo_newest(&asked, window, MOST, asker).await?;
            let is_all = found.len() < MOST;
            hits = merged(found, hits);
            hits.sort_by(|a, b| b.duration_ms.total_cmp(&a.duration_ms));
            is_cut |= hits.len() > limit || !is_all;
            hits.truncate(limit);
            if is_all {
                break;
            }
            // durations are told in whole milliseconds
            let least = hits.last().map_or(0, |hit| hit.duration_ms as u64);
            bound_ms = Some(if bound_ms == Some(least) {
                least + 1
            } else {
                least
            });
        }
        Ok(TraceList { hits, is_cut })
    }

    /// The newest traces of a window that match.
    pub(super) async fn tempo_newest(
        &self,
        query: &str,
        window: Window,
        limit: usize,
        asker: Asker,
    ) -> Result<Vec<TraceHit>, Failure> {
        let parameters = [
            ("q", query.to_owned()),
            ("start", window.start_ms.div_euclid(1000).to_string()),
            ("end", (window.end_ms.div_euclid(1000) + 1).to_string()),
            ("limit", limit.to_string()),
            ("spss", "1".to_owned()),
        ];
        let found: Search = self.query("tempo/api/search", &parameters, asker).await?;
        Ok(found.traces.into_iter().map(TraceHit::from).collect())
    }

    /// All spans of one trace.
    ///
    /// # Errors
    /// As [`Client::drill`]; 404 when there is no such trace.
    pub async fn tempo_trace(&self, trace_id: &str, asker: Asker) -> Result<Vec<Span>, Failure> {
        if trace_id.is_empty() || !trace_id.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(Failure {
                status: Some(400),
                ..Failure::lost(format!(
                    "{trace_id:?} is not a trace id: it is 32 hex digits"
                ))
            });
        }
        let answer: Value = self
            .query(&format!("tempo/api/traces/{trace_id}"), &[], asker)
            .await?;
        Ok(spans(&answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otlp_json_is_read_in_both_dialects() {
        let text = r#"{"batches":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"orders"}}]},
            "scopeSpans":[{"spans":[{"traceId":"aa","spanId":"01","parentSpanId":"","name":"GET /orders","kind":"SPAN_KIND_SERVER",
            "startTimeUnixNano":"1000","endTimeUnixNano":"3000","status":{"code":2,"message":"timed out"},
            "attributes":[{"key":"http.response.status_code","value":{"intValue":"504"}}]}]}]}]}"#;
        let all = spans(&serde_json::from_str(text).unwrap());
        assert_eq!(all.len(), 1);
        assert_eq!(
            (all[0].service.as_str(), all[0].kind, all[0].error),
            ("orders", "server", true)
        );
        assert_eq!(all[0].attributes["http.response.status_code"], "504");
        let again =
            spans(&serde_json::from_str(&text.replace("batches", "resourceSpans")).unwrap());
        assert_eq!(all, again);
    }
}
