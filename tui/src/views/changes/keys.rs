//! Keys of the change history.

use super::state;
use crate::app::keymap::{Row, foot};
use crate::views::ViewId;

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["m"],
        "pin",
        "pin the change as evidence",
        crate::app::App::pin,
    ),
    foot(
        &["/"],
        "find",
        "find words on this screen",
        crate::app::App::start_finding,
    ),
    foot(
        &["w"],
        "around",
        "narrow all views to the minutes around the change",
        state::narrow,
    ),
    foot(&["gl"], "logs", "logs of the service that changed", |app| {
        app.follow(ViewId::Logs)
    }),
    foot(
        &["gm"],
        "metrics",
        "metrics of the service that changed",
        |app| app.follow(ViewId::Metrics),
    ),
    foot(&["y"], "copy", "copy the title", |app| {
        app.copy_selected(false)
    }),
];
