//! Keys of the overview.

use super::state;
use crate::app::keymap::{Row, foot, row};
use crate::views::{ViewId, of};

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["A"],
        "acknowledge",
        "acknowledge the page",
        state::acknowledge,
    ),
    row(
        &["a"],
        "act",
        "acknowledge the page if it waits; otherwise open Act",
        state::acknowledge_or_act,
    ),
    foot(
        &["b"],
        "brief",
        "read the brief: situation, architecture, what is normal",
        state::read_brief,
    ),
    foot(
        &["Enter"],
        "drill in",
        "page and alerts open as a chart, a service opens its logs",
        |app| of(ViewId::Overview).enter(app),
    ),
    foot(&["gl"], "logs", "logs of the selected service", |app| {
        app.follow(ViewId::Logs)
    }),
    foot(&["gt"], "traces", "traces of the selected service", |app| {
        app.follow(ViewId::Traces)
    }),
    foot(&["p"], "in full", "the selected item in full", state::read),
];
