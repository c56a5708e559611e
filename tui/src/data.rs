//! The views as data: what a view shows, as one JSON object, for scripts. Keys are as the tables of
//! `docs/screens.md` tell; what comes from the lab's own types keeps their names. Knows no drawing.

use serde_json::{Value, json};

use crate::app::App;
use crate::client::derived::Objective;
use crate::client::graph::{Edge, Node};
use crate::client::prometheus::Series;
use crate::client::tempo::{Span, TraceHit};
use crate::time::clock_millis;
use crate::views::{self, ViewId};

/// The view on screen: `view`, `now` and `range` (Unix milliseconds of drill time), `query` where the view has one, and
/// what is peculiar to the view.
#[must_use]
pub fn of(app: &mut App) -> Value {
    let view = views::of(app.view);
    let query = view.query(app).map(|line| line.ran.clone());
    let window = app.range.passed();
    let mut told = json!({
        "view": view.name(),
        "now": app.range.now_ms,
        "range": { "start": window.start_ms, "end": window.end_ms },
    });
    if let Some(query) = query {
        told["query"] = json!(query);
    }
    if let (Some(told), Value::Object(own)) = (told.as_object_mut(), own(app)) {
        told.extend(own);
    }
    told
}

fn own(app: &App) -> Value {
    match app.view {
        ViewId::Overview => overview(app),
        ViewId::Logs => {
            let lines = app.views.logs.lines().iter();
            // the shape that copying a line gives
            let lines = lines.map(|l| serde_json::from_str(&views::logs::line::as_json(l)).ok());
            json!({ "logql": app.views.logs.logql(), "lines": lines.collect::<Vec<Option<Value>>>() })
        }
        ViewId::Traces => traces(app),
        ViewId::Metrics => {
            json!({ "series": app.views.metrics.series.iter().map(series).collect::<Vec<_>>() })
        }
        ViewId::Map => {
            let graph = app.views.map.graph.value.clone().unwrap_or_default();
            json!({
                "sampled": graph.sampled,
                "nodes": graph.nodes.iter().map(node).collect::<Vec<_>>(),
                "edges": graph.edges.iter().map(edge).collect::<Vec<_>>(),
                "cycles": graph.cycles,
            })
        }
        ViewId::Changes => json!({ "changes": views::changes::state::shown(app) }),
        ViewId::Case => json!({ "case": app.known.case.value }),
        ViewId::Act => {
            json!({ "remedies": app.known.remedies.value, "proof": app.known.proof.value })
        }
        ViewId::Debrief => json!({ "debrief": app.known.debrief.value }),
    }
}

/// The drill, the golden signals of each service, the objectives, the changes that are shown beside them.
fn overview(app: &App) -> Value {
    let golden = app.views.overview.golden.value.clone().unwrap_or_default();
    let last = |all: &[Series], service: &str| {
        let own = |s: &&Series| s.labels.get("service").map(String::as_str) == Some(service);
        all.iter().find(own).and_then(Series::last)
    };
    let service = |name: &String| {
        json!({
            "service": name,
            "requests_per_s": last(&golden.rate, name),
            "error_share": last(&golden.errors, name),
            "p95_s": last(&golden.p95, name),
            "cores": last(&golden.cpu, name),
        })
    };
    let objectives = app.views.overview.objectives.value.as_deref();
    json!({
        "drill": app.drill(),
        "services": app.services().iter().map(service).collect::<Vec<_>>(),
        "objectives": objectives.unwrap_or_default().iter().map(objective).collect::<Vec<_>>(),
        "changes": views::overview::state::recent(app),
    })
}

fn objective(told: &Objective) -> Value {
    json!({
        "service": told.service,
        "name": told.name,
        "description": told.description,
        "objective": told.objective,
        "window_s": told.window_s,
        "total": told.total,
        "failed": told.failed,
        "sli": told.sli,
        "error_budget_remaining": told.error_budget_remaining,
        "burn_rate": told.burn_rate,
        "policy": told.policy.map(|p| p.word()),
    })
}

/// The traces that were found, or the one that is open.
fn traces(app: &App) -> Value {
    let traces = &app.views.traces;
    match traces.current() {
        Some(open) => {
            let row = |(index, told): (usize, &Span)| span(told, open.critical.contains(&index));
            let spans = open.spans.iter().enumerate().map(row);
            json!({ "trace": { "trace_id": open.id, "spans": spans.collect::<Vec<_>>() } })
        }
        None => json!({ "traces": traces.hits.iter().map(hit).collect::<Vec<_>>() }),
    }
}

fn hit(told: &TraceHit) -> Value {
    json!({
        "trace_id": told.trace_id,
        "service": told.service,
        "name": told.name,
        "time": clock_millis(told.start_ns / 1_000_000),
        "start_ns": told.start_ns.to_string(),
        "duration_ms": told.duration_ms,
        "error": told.error,
        "running": told.running,
    })
}

fn span(told: &Span, critical: bool) -> Value {
    json!({
        "span_id": told.id,
        "parent": told.parent,
        "service": told.service,
        "name": told.name,
        "kind": told.kind,
        "start_ns": told.start_ns.to_string(),
        "duration_ms": told.seconds() * 1000.0,
        "error": told.error,
        "message": told.message,
        "critical": critical,
        "attributes": told.attributes,
    })
}

/// Values that are no numbers (`NaN`, infinities) are null, as JSON has no such numbers.
fn series(told: &Series) -> Value {
    json!({ "labels": told.labels, "points": told.points })
}

fn node(told: &Node) -> Value {
    json!({ "service": told.id, "calls": told.calls, "errors": told.errors, "p95_ms": told.p95_ms })
}

fn edge(told: &Edge) -> Value {
    json!({
        "from": told.from,
        "to": told.to,
        "calls": told.calls,
        "requests_per_s": told.rate,
        "error_share": told.error_share,
        "p50_ms": told.p50_ms,
        "p95_ms": told.p95_ms,
        "p99_ms": told.p99_ms,
    })
}
