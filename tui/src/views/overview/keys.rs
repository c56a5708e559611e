//! Keys of the overview.

use super::state;
use crate::app::App;
use crate::app::keymap::{Row, foot, row};

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["A"],
        "acknowledge",
        "acknowledge the page",
        state::acknowledge,
    )
    .when(state::waits_for_acknowledgement),
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
        state::enter,
    ),
    foot(
        &["gl"],
        "logs",
        "logs of the selected service",
        App::its_logs,
    ),
    foot(
        &["gt"],
        "traces",
        "traces of the selected service",
        App::its_traces,
    ),
    row(
        &["o"],
        "objectives",
        "objectives: what is promised, error budget left, burn rate, and what that means",
        state::read_objectives,
    ),
    foot(&["p"], "in full", "the selected item in full", state::read),
    foot(
        &["Tab"],
        "section",
        "next section: page, services, alerts, changes",
        |app| state::next_section(app, true),
    ),
    foot(&["m"], "pin", "pin the selected item as evidence", App::pin),
];
