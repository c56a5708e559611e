//! Keys of the metrics view.

use super::{presets, state};
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
    ),
    foot(
        &["m"],
        "pin",
        "pin the selected series' value as evidence: at the crosshair, or else the newest",
        App::pin,
    ),
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
    ),
    foot(
        &["Right", "l"],
        "later",
        "read later values: the crosshair to the right",
        |app| app.motion(Motion::Right),
    )
    .when(|app| app.views.metrics.crosshair_ms.is_some()),
    row(
        &["x"],
        "at page",
        "crosshair to the page, or away",
        state::cross_page,
    ),
    foot(
        &["Enter"],
        "logs",
        "logs of the series' service, about the crosshair",
        state::enter,
    ),
    foot(
        &["gt"],
        "traces",
        "traces of the series' service",
        App::its_traces,
    ),
    row(
        &["+"],
        "keep",
        "keep this expression among the ready ones",
        state::keep,
    ),
    foot(
        &["t"],
        "range",
        "time range: 1m, 5m, 15m, all",
        App::cycle_range,
    ),
];
