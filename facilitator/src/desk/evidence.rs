//! Evidence: resolves what is pinned against the drill's own telemetry, and recognises which classes
//! of evidence it belongs to. It never trusts what a client says it saw.

use std::collections::BTreeMap;

use api::PinTarget;
use scenarios::{
    repeat::authored_id,
    scenario::{Evidence, Query},
};

use super::Desk;
use crate::{
    refusal::Refusal,
    score::words::{time_of_day, trimmed},
    sight::{SeenSelection, SeenSpan, SeenTrace, SeenValue, Sight, agree},
};

/// Lines looked through at the very nanosecond of a pin; more at once are a flood.
const LINES_AT_ONCE: usize = 10_000;
/// Characters of a pin's text; the rest is left out, as the pin points at it anyway.
const TEXT_CHARS: usize = 240;

/// What a pin was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    /// One line that shows it.
    pub text: String,
    /// Ids of the evidence classes it belongs to.
    pub classes: Vec<String>,
}

impl Desk {
    /// Finds what is to be pinned.
    pub(super) fn resolve(&self, target: &PinTarget) -> Result<Resolved, Refusal> {
        let text = match target {
            PinTarget::Log {
                ts_ns,
                service,
                line,
                ..
            } => self.resolve_line(*ts_ns, service, line)?,
            PinTarget::Span {
                trace_id,
                span_id,
                repeated,
            } => self.resolve_span(trace_id, span_id.as_deref(), *repeated)?,
            PinTarget::Metric {
                query,
                at_ms,
                labels,
            } => self.resolve_metric(query, *at_ms, labels)?,
            PinTarget::Change { id } => self.resolve_change(id)?,
        };
        let evidence = &self.plan.scenario.evidence;
        let classes = evidence
            .iter()
            .filter(|class| belongs(self.sight.as_ref(), class, target))
            .map(|class| class.id.clone())
            .collect();
        Ok(Resolved {
            text: text.chars().take(TEXT_CHARS).collect(),
            classes,
        })
    }

    fn resolve_line(&self, ts_ns: i64, service: &str, line: &str) -> Result<String, Refusal> {
        let selector = format!("{{service={}}}", quoted(service));
        let lines = self
            .sight
            .lines(&selector, ts_ns, ts_ns.saturating_add(1), LINES_AT_ONCE)
            .map_err(|error| Refusal::invalid(error, "pin a line of a service"))?;
        if lines
            .iter()
            .any(|seen| seen.line == line && seen.service == service)
        {
            Ok(format!(
                "{} {service}: {line}",
                time_of_day(ts_ns / 1_000_000)
            ))
        } else {
            Err(Refusal::not_found(
                format!(
                    "{service} wrote no such line at {}",
                    time_of_day(ts_ns / 1_000_000)
                ),
                "pin a line as a query returned it: its time in nanoseconds, service and text",
            ))
        }
    }

    fn resolve_span(
        &self,
        trace_id: &str,
        span_id: Option<&str>,
        repeated: bool,
    ) -> Result<String, Refusal> {
        let unknown =
            |what: String| Refusal::not_found(what, "pin a trace or span as a search returned it");
        let trace = self
            .sight
            .trace(trace_id)
            .ok_or_else(|| unknown(format!("there is no trace `{trace_id}`")))?;
        let span = match span_id {
            None => trace.spans.first(),
            Some(id) => trace
                .spans
                .iter()
                .find(|span| span.span_id.eq_ignore_ascii_case(id)),
        }
        .ok_or_else(|| {
            unknown(format!(
                "trace `{trace_id}` has no span `{}`",
                span_id.unwrap_or_default()
            ))
        })?;
        let at = time_of_day(trace.start_ns / 1_000_000);
        if repeated {
            return Ok(format!("{at} {}", siblings(&trace, span, trace_id)));
        }
        let whole = match span_id {
            None => format!(", trace of {} spans", trace.spans.len()),
            Some(_) => String::new(),
        };
        Ok(format!(
            "{at} {} {}: {} ms{}{whole}",
            span.service,
            span.name,
            trimmed(millis(span.duration_ns)),
            if span.failed { ", failed" } else { "" },
        ))
    }

    fn resolve_metric(
        &self,
        query: &str,
        at_ms: i64,
        labels: &BTreeMap<String, String>,
    ) -> Result<String, Refusal> {
        let values = self.sight.instant(query, at_ms).map_err(|error| {
            Refusal::invalid(error, "pin an expression that the query API answers")
        })?;
        let pinned: Vec<_> = values.iter().filter(|seen| carries(seen, labels)).collect();
        let Some(first) = pinned.first() else {
            return Err(Refusal::not_found(
                format!("`{query}` has no such value at {}", time_of_day(at_ms)),
                "pin a point of a series at a time at which it has a value",
            ));
        };
        // the name stands in the query, and every series of the shop has the same job
        let pairs: Vec<String> = labels
            .iter()
            .filter(|(k, _)| !matches!(k.as_str(), "__name__" | "job"))
            .map(|(k, v)| format!("{k}={}", quoted(v)))
            .collect();
        let series = match pairs.is_empty() {
            true => String::new(),
            false => format!(" {{{}}}", pairs.join(", ")),
        };
        let more = match pinned.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        // the value first: it is what was pinned, and lists cut long queries off
        Ok(format!(
            "{} {} = {query}{series}{more}",
            time_of_day(at_ms),
            trimmed(first.value)
        ))
    }

    fn resolve_change(&self, id: &str) -> Result<String, Refusal> {
        let changes = self.changes();
        let found = changes.iter().find(|change| change.id == id);
        found
            .map(|change| format!("{} {}", time_of_day(change.at_ms), change.title))
            .ok_or_else(|| {
                Refusal::not_found(
                    format!("the change history has no entry `{id}`"),
                    "GET /api/v1/drill/changes lists them",
                )
            })
    }
}

/// A span with all that did the same beside it: how many, what, how long in all, where.
fn siblings(trace: &SeenTrace, span: &SeenSpan, trace_id: &str) -> String {
    /// Digits of a trace id that tell it from the others of a drill.
    const ID_CHARS: usize = 8;
    /// Characters of a statement that are shown; the count and the time behind it matter more.
    const LABEL_CHARS: usize = 120;
    let alike = trace.spans.iter().filter(|other| {
        (&other.parent_id, &other.service, &other.label)
            == (&span.parent_id, &span.service, &span.label)
    });
    let (count, failed, duration_ns) = alike.fold((0, 0, 0), |(count, failed, sum), span| {
        let is_failed = i32::from(span.failed);
        (count + 1, failed + is_failed, sum + span.duration_ns)
    });
    let label: String = span.label.chars().take(LABEL_CHARS).collect();
    let cut = if label.len() < span.label.len() {
        "…"
    } else {
        ""
    };
    let failed = match failed {
        0 => String::new(),
        n => format!(", {n} failed"),
    };
    format!(
        "{count} × {} {label}{cut}: {} s in all{failed}, in trace {}",
        span.service,
        trimmed(millis(duration_ns).round() / 1e3),
        trace_id.chars().take(ID_CHARS).collect::<String>()
    )
}

#[allow(clippy::cast_precision_loss)] // shown with three decimals
fn millis(duration_ns: i64) -> f64 {
    duration_ns as f64 / 1e6
}

/// Whether something pinned belongs to a class: one of the class's queries, asked at the pin's time, finds it.
pub(super) fn belongs(sight: &dyn Sight, class: &Evidence, target: &PinTarget) -> bool {
    class.queries().any(|query| finds(sight, query, target))
}

/// A query that does not work finds nothing.
fn finds(sight: &dyn Sight, query: &Query, target: &PinTarget) -> bool {
    match (query, target) {
        (Query::Logql(query), PinTarget::Log { ts_ns, line, .. }) => {
            sight.line_matches(query, *ts_ns, line).unwrap_or(false)
        }
        (Query::Traceql(query), PinTarget::Span { trace_id, .. }) => {
            sight.trace_matches(query, trace_id).unwrap_or(false)
        }
        (
            Query::Promql(class),
            PinTarget::Metric {
                query,
                at_ms,
                labels,
            },
        ) => shows(sight, class, query, *at_ms, labels).unwrap_or(false),
        (Query::Change(wanted), PinTarget::Change { id }) => {
            wanted == id || wanted == authored_id(id)
        }
        _ => false,
    }
}

/// Whether a PromQL value shows what a class's expression filters: both select series of one metric family, neither the labels
/// that they select by nor those of the pinned series contradict the class's (the latency of another service proves nothing of
/// this one), and the class has a value then whose labels agree with the pinned one's.
fn shows(
    sight: &dyn Sight,
    class: &str,
    query: &str,
    at_ms: i64,
    labels: &BTreeMap<String, String>,
) -> Result<bool, String> {
    let wanted = sight.selections(class)?;
    let read = sight.selections(query)?;
    let meets = |selection: &SeenSelection| {
        read.iter().any(|read| read.meets(selection)) && agree(labels, &selection.equals)
    };
    if !wanted.iter().any(meets) {
        return Ok(false);
    }
    let evidence = sight.instant(class, at_ms)?;
    let pinned = sight.instant(query, at_ms)?;
    Ok(pinned
        .iter()
        .filter(|seen| carries(seen, labels))
        .any(|seen| {
            evidence
                .iter()
                .any(|proof| agree(&seen.labels, &proof.labels))
        }))
}

/// Whether a series has all these labels.
fn carries(seen: &SeenValue, labels: &BTreeMap<String, String>) -> bool {
    labels
        .iter()
        .all(|(name, value)| seen.labels.get(name) == Some(value))
}

/// A quoted LogQL or PromQL string.
pub(super) fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}
