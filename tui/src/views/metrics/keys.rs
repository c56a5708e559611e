//! Keys of the metrics view.

use super::{exemplars, filter, panels, presets, state};
use crate::app::App;
use crate::app::keymap::{Row, foot, row};
use crate::widgets::cursor::Motion;

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["/"],
        "query",
        "PromQL, or words that ready expressions are searched for; Tab completes names",
        App::start_finding,
    ),
    foot(
        &["P"],
        "ready",
        "ready expressions: golden signals and every metric",
        presets::choose,
    ),
    foot(
        &["X"],
        "peak",
        "crosshair to the greatest value of the series, so that m pins that one",
        state::cross_peak,
    )
    .when(state::has_series),
    foot(
        &["m"],
        "pin",
        "pin the selected series' value as evidence: at the crosshair, or else the newest",
        App::pin,
    )
    .when(state::has_series),
    foot(
        &["e"],
        "request",
        "crosshair to the next single request that was kept (×); Enter opens its trace",
        |app| exemplars::step(app, true),
    )
    .when(exemplars::any),
    foot(
        &["v"],
        "service",
        "the next service that ready expressions are about",
        presets::next_service,
    ),
    foot(
        &["Left", "h"],
        "read",
        "read earlier values: the crosshair to the left",
        |app| app.motion(Motion::Left),
    )
    .when(state::has_series),
    foot(
        &["Right", "l"],
        "later",
        "read later values: the crosshair to the right",
        |app| app.motion(Motion::Right),
    )
    .when(|app| state::crosshair(app).is_some()),
    row(
        &["x"],
        "at page",
        "crosshair to the page, or away",
        state::cross_page,
    ),
    foot(
        &["Enter"],
        "drill in",
        "the trace of the request that the crosshair stands on (×), or else logs of the series' service about the crosshair",
        exemplars::enter,
    )
    .when(state::has_series),
    row(
        &["E"],
        "request before",
        "crosshair to the single request before (×)",
        |app| exemplars::step(app, false),
    ),
    row(
        &["w"],
        "next mark",
        "crosshair to the next page, alert, change or action",
        |app| state::cross_mark(app, true),
    ),
    row(
        &["W"],
        "mark before",
        "crosshair to the page, alert, change or action before",
        |app| state::cross_mark(app, false),
    ),
    foot(
        &["gt"],
        "traces",
        "traces of the series' service",
        App::its_traces,
    )
    .when(state::has_series),
    foot(
        &["="],
        "only",
        "only series with this one's label, in each selector of the expression",
        |app| filter::filter(app, true),
    )
    .when(filter::has_label),
    row(&["!"], "without", "no series with that label", |app| {
        filter::filter(app, false)
    })
    .when(filter::has_label),
    foot(
        &["V"],
        "span",
        "select a span of time: from the crosshair to where you move it; Enter looks at it in all views",
        App::begin_span,
    ),
    row(&["+"], "keep", "keep this chart as a panel", panels::keep),
    row(&["d"], "drop", "drop the present panel", panels::remove),
    foot(&["Tab"], "panel", "the next panel", |app| {
        panels::step(app, true)
    })
    .when(|app| !app.views.metrics.panels.is_empty()),
    foot(
        &["t"],
        "range",
        "time range: 1m, 5m, 15m, all",
        App::cycle_range,
    ),
];
