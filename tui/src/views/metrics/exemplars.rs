//! Single observations on the chart, each of which leads to the trace that it was made in. Of many only the greatest of
//! each part of the window is shown, so that they stay apart.

use super::{promql, state};
use crate::app::App;
use crate::ask::Ask;
use crate::client::Asker;
use crate::client::prometheus::Exemplar;
use crate::views::traces;
use crate::widgets::axis::Unit;
use crate::widgets::chart::Dot;

/// Cells of the screen for each part of the window, of which one observation is shown, and how many parts there are.
const PART: u16 = 4;
const PARTS: (u16, u16) = (10, 40);
/// What names the series of histograms, which alone keep observations.
const BUCKETS: &str = "_bucket";

/// Asks for the observations of the present expression; an expression without histograms has none.
pub fn refresh(app: &mut App) {
    let query = app.views.metrics.query.ran.clone();
    if !query.contains(BUCKETS) {
        return;
    }
    let window = app.range.passed();
    app.ask(Ask::Exemplars { query, window }, Asker::Screen);
}

/// Observations have arrived.
pub fn arrived(app: &mut App, found: Vec<Exemplar>, ask: &Ask) {
    let metrics = &mut app.views.metrics;
    if let Ask::Exemplars { query, .. } = ask {
        metrics.exemplars = found;
        metrics.exemplars_of.clone_from(query);
    }
}

/// Those of the lines on the screen, though another expression is under way or was refused.
fn known(app: &App) -> &[Exemplar] {
    let metrics = &app.views.metrics;
    match metrics.exemplars_of == metrics.query.good {
        true => &metrics.exemplars,
        false => &[],
    }
}

/// The observations that are shown, in order of time. The picked one stays among them as long as it is known.
#[must_use]
pub fn shown(app: &App) -> Vec<&Exemplar> {
    let window = app.range.window();
    let parts = (app.size.0 / PART).clamp(PARTS.0, PARTS.1);
    let part_ms = (window.length_ms() / i64::from(parts)).max(1);
    let picked = app.views.metrics.picked.as_ref();
    let mut out: Vec<&Exemplar> = Vec::new();
    let within = |e: &&Exemplar| e.at_ms >= window.start_ms && e.at_ms <= window.end_ms;
    for one in known(app).iter().filter(within) {
        let part = |e: &Exemplar| e.at_ms.div_euclid(part_ms);
        match out.last_mut() {
            Some(last) if part(last) == part(one) => {
                let is_picked = |e: &Exemplar| Some(e) == picked;
                if !is_picked(last) && (is_picked(one) || one.value > last.value) {
                    *last = one;
                }
            }
            _ => out.push(one),
        }
    }
    out
}

/// Where they stand on a chart of a unit: what was observed is in seconds, so that on other charts they stand at the bottom.
#[must_use]
pub fn dots(app: &App) -> Vec<Dot> {
    let unit = promql::unit(&app.views.metrics.query.good);
    let picked = picked(app);
    let dot = |one: &Exemplar| Dot {
        at_ms: one.at_ms,
        value: Some(one.value).filter(|v| v.is_finite() && unit == Unit::Seconds),
        picked: picked == Some(one),
    };
    shown(app).into_iter().map(dot).collect()
}

/// The observation that the crosshair stands on.
#[must_use]
pub fn picked(app: &App) -> Option<&Exemplar> {
    let metrics = &app.views.metrics;
    let picked = metrics.picked.as_ref()?;
    (state::crosshair(app) == Some(picked.at_ms)).then_some(picked)
}

/// Whether the present chart has observations.
#[must_use]
pub fn any(app: &App) -> bool {
    !known(app).is_empty()
}

/// `e`, `E`: the crosshair to the next or previous observation; without a crosshair to the newest.
pub fn step(app: &mut App, forward: bool) {
    let shown = shown(app);
    let at = state::crosshair(app);
    let next = match (picked(app), at) {
        // several may have been made at one moment
        (Some(here), _) => {
            let place = shown.iter().position(|e| *e == here);
            place.and_then(|i| match forward {
                true => shown.get(i + 1),
                false => i.checked_sub(1).and_then(|i| shown.get(i)),
            })
        }
        (None, Some(at)) if forward => shown.iter().find(|e| e.at_ms > at),
        (None, Some(at)) => shown.iter().rev().find(|e| e.at_ms < at),
        (None, None) => shown.last(),
    };
    match next.map(|e| (*e).clone()) {
        Some(one) => pick(app, one),
        None if shown.is_empty() => {
            app.say("no single requests are kept for this chart; latencies have them: P, then p95")
        }
        None if forward => app.say("this is the last request that was kept in this time range"),
        None => app.say("this is the first request that was kept in this time range"),
    }
}

/// The crosshair to an observation.
pub fn pick(app: &mut App, one: Exemplar) {
    app.views.metrics.crosshair_ms = Some(one.at_ms);
    app.views.metrics.picked = Some(one);
}

/// Enter: the trace of the observation that the crosshair stands on, or else the logs of the series.
pub fn enter(app: &mut App) {
    match picked(app).map(|e| e.trace_id.clone()) {
        Some(trace) => traces::state::show_span(app, &trace, None),
        None => state::enter(app),
    }
}
