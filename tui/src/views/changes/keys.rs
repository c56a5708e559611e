//! Keys of the change history.

use super::state;
use crate::app::App;
use crate::app::keymap::{Row, foot};

/// Rows.
pub const KEYS: &[Row] = &[
    foot(&["m"], "pin", "pin the change as evidence", App::pin),
    foot(
        &["/"],
        "find",
        "find words on this screen",
        App::start_finding,
    ),
    foot(
        &["w"],
        "around",
        "narrow all views to the minutes around the change",
        state::narrow,
    ),
    foot(
        &["gl"],
        "logs",
        "logs of the service that changed",
        App::its_logs,
    ),
    foot(
        &["gm"],
        "metrics",
        "metrics of the service that changed",
        App::its_metrics,
    ),
    foot(
        &["V"],
        "span",
        "select a span of time: from this change to the one that you move to; Enter looks at it in all views",
        App::begin_span,
    ),
    foot(
        &["i"],
        "invert",
        "the oldest first, or the newest",
        state::invert,
    ),
    foot(&["y"], "copy", "copy the title", |app| {
        app.copy_selected(false)
    }),
];
