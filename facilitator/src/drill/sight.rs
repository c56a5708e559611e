//! The desk's sight, on the telemetry of the same drill.

use std::collections::BTreeMap;

use telemetry::{
    Telemetry,
    alerts::{self, notify::Told},
    forward::ForwardStats,
    receive::Signal,
};

use crate::sight::{SeenAlert, SeenLine, SeenSelection, SeenSpan, SeenTrace, SeenValue, Sight};

/// Where a span says what it asked a database: OpenTelemetry's name, and the one before it.
const STATEMENTS: [&str; 2] = ["db.query.text", "db.statement"];

impl Sight for Telemetry {
    fn lines(
        &self,
        logql: &str,
        start_ns: i64,
        end_ns: i64,
        limit: usize,
    ) -> Result<Vec<SeenLine>, String> {
        let lines = self.query_logs(logql, start_ns, end_ns, limit);
        Ok(lines
            .map_err(|error| error.to_string())?
            .into_iter()
            .map(|line| SeenLine {
                ts_ns: line.ts_ns,
                service: line.label("service").unwrap_or_default().to_owned(),
                line: line.line,
            })
            .collect())
    }

    fn line_matches(&self, logql: &str, ts_ns: i64, line: &str) -> Result<bool, String> {
        self.log_matches(logql, ts_ns, line)
            .map_err(|error| error.to_string())
    }

    fn trace(&self, trace_id: &str) -> Option<SeenTrace> {
        let trace = Telemetry::trace(self, &id(trace_id)?)?;
        let root = trace.root().span_id;
        let mut spans: Vec<SeenSpan> = Vec::with_capacity(trace.spans.len());
        for span in &trace.spans {
            let statement = STATEMENTS.iter().find_map(|name| span.attribute(name));
            let seen = SeenSpan {
                span_id: hex(&span.span_id),
                parent_id: span.parent.map_or_else(String::new, |id| hex(&id)),
                service: span.service().to_owned(),
                name: span.name.to_string(),
                label: statement
                    .map_or_else(|| span.name.to_string(), |value| value.text().into_owned()),
                duration_ns: span.duration_ns(),
                failed: span.status == telemetry::traces::span::Status::Error,
            };
            if span.span_id == root {
                spans.insert(0, seen);
            } else {
                spans.push(seen);
            }
        }
        Some(SeenTrace {
            start_ns: trace.start_ns(),
            spans,
        })
    }

    fn traces(
        &self,
        traceql: &str,
        start_ns: i64,
        end_ns: i64,
        limit: usize,
    ) -> Result<Vec<String>, String> {
        let hits = self.search_traces(traceql, start_ns, end_ns, limit);
        Ok(hits
            .map_err(|error| error.to_string())?
            .iter()
            .map(|hit| hex(&hit.trace.id))
            .collect())
    }

    fn trace_matches(&self, traceql: &str, trace_id: &str) -> Result<bool, String> {
        let Some(id) = id(trace_id) else {
            return Ok(false);
        };
        let spans = Telemetry::trace_matches(self, traceql, &id);
        spans
            .map(|spans| !spans.is_empty())
            .map_err(|error| error.to_string())
    }

    fn instant(&self, promql: &str, at_ms: i64) -> Result<Vec<SeenValue>, String> {
        let samples = self
            .metrics
            .instant(promql, at_ms.saturating_mul(1_000_000));
        Ok(samples
            .map_err(|error| error.to_string())?
            .into_iter()
            .map(|sample| SeenValue {
                labels: sample.labels.into_iter().collect(),
                value: sample.value,
            })
            .collect())
    }

    fn range(
        &self,
        promql: &str,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
    ) -> Result<Vec<(i64, f64)>, String> {
        let nanos = |ms: i64| ms.saturating_mul(1_000_000);
        let found = self
            .metrics
            .range(promql, nanos(start_ms), nanos(end_ms), nanos(step_ms));
        let series = found.map_err(|error| error.to_string())?;
        let points = series.into_iter().next().map(|one| one.points);
        let points = points.unwrap_or_default().into_iter();
        Ok(points.map(|point| (point.t_ms, point.value)).collect())
    }

    fn selections(&self, promql: &str) -> Result<Vec<SeenSelection>, String> {
        let found = self.metrics.selections(promql);
        let seen = |found: telemetry::promql::Selection| SeenSelection {
            family: found.family,
            equals: found.equals,
        };
        found
            .map(|found| found.into_iter().map(seen).collect())
            .map_err(|error| error.to_string())
    }

    fn alerts(&self) -> Vec<SeenAlert> {
        self.metrics
            .alerts()
            .alerts()
            .into_iter()
            .filter_map(seen)
            .collect()
    }

    fn banner(&self) -> Option<String> {
        let stats = self.stats();
        let recordings = [stats.recording, stats.metrics_recording];
        let stopped = recordings
            .into_iter()
            .flatten()
            .find_map(|status| status.error)
            .map(|error| format!("recording of telemetry stopped: {error}"));
        let lost = stats.forward.and_then(|forward| lost(&forward));
        let untold = stats.webhooks.iter().filter_map(untold);
        let all: Vec<String> = stopped.into_iter().chain(lost).chain(untold).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// Which webhook was not told, if any message was lost.
fn untold(webhook: &Told) -> Option<String> {
    let messages = webhook.failed + webhook.dropped;
    let problem = webhook.problem.as_deref().unwrap_or("it is too slow");
    let what = match messages {
        0 => return None,
        1 => "a message about an alert".to_owned(),
        _ => format!("{messages} messages about alerts"),
    };
    Some(format!("{what} did not reach {}: {problem}", webhook.to))
}

/// What was not forwarded, if anything.
fn lost(forward: &ForwardStats) -> Option<String> {
    let of = Signal::ALL.map(|signal| forward.of(signal));
    let batches: u64 = of.iter().map(|of| of.dropped + of.failed).sum();
    let problem = forward.problem.as_deref().unwrap_or("it is too slow");
    (batches > 0).then(|| {
        format!(
            "{batches} batches of telemetry did not reach {}: {problem}",
            forward.endpoint
        )
    })
}

/// An alert that is worth showing, as it goes over the wire.
fn seen(alert: alerts::Alert) -> Option<SeenAlert> {
    let labels: BTreeMap<String, String> = alert.labels.into_iter().collect();
    let mut annotations: BTreeMap<String, String> = alert.annotations.into_iter().collect();
    let since_ns = match alert.state {
        alerts::State::Inactive => return None,
        alerts::State::Pending => alert.active_since_ns,
        alerts::State::Firing => alert.fired_at_ns.unwrap_or(alert.active_since_ns),
        alerts::State::Resolved => alert.resolved_at_ns.unwrap_or(alert.active_since_ns),
    };
    let wire = api::Alert {
        name: alert.name,
        state: alert.state.name().to_owned(),
        severity: labels
            .get("severity")
            .cloned()
            .unwrap_or_else(|| "warning".to_owned()),
        service: labels.get("service").cloned(),
        summary: annotations.remove("summary").unwrap_or_default(),
        description: annotations.remove("description").unwrap_or_default(),
        query: alert.expr,
        value: if alert.value.is_finite() {
            alert.value
        } else {
            0.0
        },
        since_ms: since_ns / 1_000_000,
        runbook_url: annotations.remove("runbook_url"),
    };
    Some(SeenAlert {
        alert: wire,
        labels,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A trace id of 32 hex digits; shorter ones are taken as filled with zeros in front, as Tempo does.
fn id(text: &str) -> Option<[u8; 16]> {
    let wanted = text.is_ascii() && !text.is_empty() && text.len() <= 32;
    let number = u128::from_str_radix(text, 16)
        .ok()
        .filter(|_| wanted && !text.starts_with('+'))?;
    Some(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_ids_are_read_as_hex_and_nothing_else() {
        assert_eq!(
            id("0000000000000000000000000000002a").map(|id| id[15]),
            Some(42)
        );
        assert_eq!(
            id("2a").map(|id| hex(&id)),
            Some("0000000000000000000000000000002a".to_owned())
        );
        for junk in ["", "+2a", "xyz", "0000000000000000000000000000002a0"] {
            assert_eq!(id(junk), None, "{junk}");
        }
    }
}
