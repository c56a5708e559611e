//! What is selected in the trace view, for whoever asks: to pin, copy, search, follow, complete and export.

use api::PinTarget;

use super::aside::{self, Aside};
use super::waterfall::{Row, label};
use super::{details, differs, state};
use crate::app::App;
use crate::app::places::Subject;
use crate::ask::Ask;
use crate::client::loki::quoted;
use crate::client::traceql;
use crate::text;
use crate::time::clock_millis;
use crate::views::logs;

/// What `m` pins: the selected span or group of repeated spans, or the whole trace of the list.
#[must_use]
pub fn pin(app: &App) -> Option<PinTarget> {
    let traces = &app.views.traces;
    match aside::shown(traces) {
        Some(Aside::Compare) => {
            let found = traces.compared.value.as_ref();
            return found.map(|f| whole(f.b.trace_id.clone()));
        }
        Some(Aside::Differs) => return None,
        None => {}
    }
    if let Some(line) = details::line(traces) {
        return Some(logs::pin_of(line));
    }
    match &traces.open {
        Some(trace) => Some(PinTarget::Span {
            trace_id: trace.clone(),
            span_id: traces.span().map(|s| s.id.clone()),
            repeated: matches!(traces.selected_row(), Some(Row::Group { .. })),
        }),
        None => traces.hit().map(|h| whole(h.trace_id.clone())),
    }
}

fn whole(trace_id: String) -> PinTarget {
    PinTarget::Span {
        trace_id,
        span_id: None,
        repeated: false,
    }
}

/// Pins the whole trace.
pub fn pin_trace(app: &mut App) {
    let traces = &app.views.traces;
    let id = traces
        .open
        .clone()
        .or_else(|| traces.hit().map(|h| h.trace_id.clone()));
    match id {
        Some(trace_id) => app.tell(Ask::Pin(api::PinRequest {
            target: whole(trace_id),
            note: String::new(),
        })),
        None => app.say_bad("no trace is selected"),
    }
}

/// Whether a value is selected that can be filtered by.
#[must_use]
pub fn has_value(app: &App) -> bool {
    let traces = &app.views.traces;
    match aside::shown(traces) {
        Some(aside) => aside == Aside::Differs && state::has_rows(app),
        None => details::value(traces).is_some() || state::in_list(app),
    }
}

/// `=`, `!`: filters by the selected value.
pub fn filter(app: &mut App, keep: bool) {
    match aside::shown(&app.views.traces) {
        Some(Aside::Differs) => differs::narrow(app, keep),
        None if app.views.traces.open.is_some() => details::filter(app, keep),
        None => filter_list(app, keep),
        Some(_) => app.say("no value is selected; x shows what failed traces have more often"),
    }
}

/// The traces that begin as the selected one does, or the others.
fn filter_list(app: &mut App, keep: bool) {
    let Some(hit) = app.views.traces.hit() else {
        return app.say("no trace is selected; = and ! filter by what it begins with");
    };
    if hit.running {
        return app.say("this request is running still: what it began with is not known yet");
    }
    let of = |key: &str, value: &str| {
        let is = if keep { "=" } else { "!=" };
        format!("{key} {is} {}", quoted(value))
    };
    let (service, name) = (
        of("rootServiceName", &hit.service),
        of("rootName", &hit.name),
    );
    let condition = match keep {
        true => format!("{service} && {name}"),
        false => format!("({service} || {name})"),
    };
    let base = state::base(app);
    if base.contains(&condition) {
        return app.say("these traces are filtered by that already; [ goes back");
    }
    state::show_query(app, &traceql::and_also(&base, &condition));
}

/// Texts of the rows, for searching.
#[must_use]
pub fn texts(app: &App) -> (Vec<String>, usize) {
    let traces = &app.views.traces;
    if let Some(aside) = aside::shown(traces) {
        return aside::texts(traces, aside);
    }
    match traces.current() {
        Some(w) => {
            let rows = traces.rows();
            let at = traces.row.of(rows.len());
            (
                rows.iter()
                    .map(|r| {
                        format!(
                            "{} {}",
                            w.spans[r.span()].service,
                            label(&w.spans[r.span()])
                        )
                    })
                    .collect(),
                at,
            )
        }
        None => (
            traces
                .hits
                .iter()
                .map(|h| format!("{} {}", h.service, h.name))
                .collect(),
            traces.at.of(traces.hits.len()),
        ),
    }
}

/// The selected span or trace, as text.
#[must_use]
pub fn record(app: &App, whole: bool) -> Option<String> {
    let traces = &app.views.traces;
    if let Some(aside) = aside::shown(traces) {
        return aside::record(traces, aside, whole);
    }
    if let Some((key, value)) = details::value(traces).filter(|_| !whole) {
        return Some(format!("{key}={value}"));
    }
    if let Some(line) = details::line(traces) {
        return Some(match whole {
            true => logs::line::as_json(line),
            false => line.line.clone(),
        });
    }
    if let Some(span) = traces.span() {
        let value = serde_json::json!({
            "trace_id": traces.open, "span_id": span.id, "parent": span.parent, "service": span.service, "name": span.name, "kind": span.kind,
            "start": clock_millis(span.start_ns / 1_000_000), "duration": text::seconds(span.seconds()), "error": span.error, "message": span.message, "attributes": span.attributes,
        });
        return Some(if whole {
            value.to_string()
        } else {
            label(span)
        });
    }
    traces.hit().map(|h| {
        if whole {
            format!(
                "{} {} {} {}",
                h.trace_id,
                h.service,
                h.name,
                text::seconds(h.duration_ms / 1000.0)
            )
        } else {
            h.trace_id.clone()
        }
    })
}

/// Where the links of the selected span or trace lead.
#[must_use]
pub fn about(app: &App) -> Subject {
    let traces = &app.views.traces;
    if let Some(aside) = aside::shown(traces) {
        return aside::about(traces, aside);
    }
    let span = traces.span();
    let hit = traces.hit();
    Subject {
        service: span
            .map(|s| s.service.clone())
            .or_else(|| hit.map(|h| h.service.clone())),
        trace: traces
            .open
            .clone()
            .or_else(|| hit.map(|h| h.trace_id.clone())),
        at_ms: span
            .map(|s| s.start_ns / 1_000_000)
            .or_else(|| hit.map(|h| h.start_ns / 1_000_000)),
        promql: None,
    }
}

/// Words that the query can hold.
#[must_use]
pub fn completions(app: &App) -> Vec<String> {
    let mut out = app.services();
    let mut keys: Vec<String> = app
        .views
        .traces
        .waterfall
        .iter()
        .flat_map(|w| &w.spans)
        .flat_map(|s| s.attributes.keys())
        .filter(|k| !k.starts_with("event."))
        .map(|k| {
            if k.starts_with("resource.") {
                k.clone()
            } else {
                format!("span.{k}")
            }
        })
        .collect();
    keys.sort();
    keys.dedup();
    out.extend(keys);
    out.extend(
        [
            "status",
            "error",
            "duration",
            "name",
            "kind",
            "traceDuration",
            "rootName",
            "rootServiceName",
            "resource.service.name",
        ]
        .map(str::to_owned),
    );
    out
}

/// The spans of the open trace, or the list, as JSON.
#[must_use]
pub fn export(app: &App) -> Option<(&'static str, String)> {
    let traces = &app.views.traces;
    let value: serde_json::Value = match traces.current() {
        Some(w) => w
            .spans
            .iter()
            .map(|s| serde_json::json!({ "span_id": s.id, "parent": s.parent, "service": s.service, "name": s.name, "start_ns": s.start_ns, "end_ns": s.end_ns, "error": s.error, "attributes": s.attributes }))
            .collect(),
        None => traces.hits.iter().map(|h| serde_json::json!({ "trace_id": h.trace_id, "service": h.service, "name": h.name, "start_ns": h.start_ns, "duration_ms": h.duration_ms, "error": h.error })).collect(),
    };
    serde_json::to_string_pretty(&value)
        .ok()
        .map(|json| ("json", json))
}
