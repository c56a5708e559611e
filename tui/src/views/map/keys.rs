//! Keys of the map.

use super::{order, state};
use crate::app::App;
use crate::app::keymap::{Row, foot, row};

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["Enter"],
        "traces",
        "traces of the selected service, or those in which the one calls the other",
        state::enter,
    ),
    foot(
        &["w"],
        "window",
        "figures of the last two minutes, or of the whole time range",
        state::widen,
    ),
    foot(
        &["gl"],
        "logs",
        "logs of the selected service, or of the one that is called",
        App::its_logs,
    ),
    foot(
        &["gm"],
        "metrics",
        "metrics of the selected service, or of the one that is called",
        App::its_metrics,
    ),
    foot(
        &["m"],
        "pin",
        "pin the selected service or call as evidence: its failures, or else its slowness",
        App::pin,
    ),
    foot(&["Tab"], "service", "the next service", |app| {
        state::next_service(app, true)
    }),
    foot(
        &["s"],
        "sort",
        "sort the calls: by errors, by p99, by rate, by who calls whom",
        order::sort,
    ),
    row(&["i"], "invert", "the other way round", order::invert),
    foot(
        &["e"],
        "failing",
        "the next service or call that fails",
        |app| order::next_failing(app, true),
    ),
    row(
        &["E"],
        "failing before",
        "the previous service or call that fails",
        |app| order::next_failing(app, false),
    ),
    foot(&["/"], "find", "find a service", App::start_finding),
    foot(&["y"], "copy", "copy the figures", |app| {
        app.copy_selected(false)
    }),
    foot(
        &["t"],
        "range",
        "time range: 1m, 5m, 15m, all",
        App::cycle_range,
    ),
];
