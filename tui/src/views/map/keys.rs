//! Keys of the map.

use super::state;
use crate::app::App;
use crate::app::keymap::{Row, foot};

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["Enter"],
        "traces",
        "traces of the selected call",
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
        "logs of the service that is called",
        App::its_logs,
    ),
    foot(
        &["gm"],
        "metrics",
        "metrics of the service that is called",
        App::its_metrics,
    ),
    foot(&["/"], "find", "find a service", App::start_finding),
    foot(&["y"], "copy", "copy the call's figures", |app| {
        app.copy_selected(false)
    }),
    foot(
        &["t"],
        "range",
        "time range: 1m, 5m, 15m, all",
        App::cycle_range,
    ),
];
