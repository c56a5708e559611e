//! Keys of the trace view.

use super::{aside, compare, details, differs, selection, state};
use crate::app::App;
use crate::app::keymap::{Row, foot, row};
use crate::views::logs::order;

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["/"],
        "query",
        "TraceQL in braces, or words: a service, error, >500ms, a span's name",
        App::start_finding,
    ),
    foot(
        &["Enter"],
        "open",
        "open the trace; on a span its logs; on a group its members",
        state::enter,
    )
    .when(state::has_rows),
    foot(
        &["m"],
        "pin",
        "pin the selected span or group of spans, or the trace of the list",
        App::pin,
    )
    .when(|app| selection::pin(app).is_some()),
    row(
        &["M"],
        "pin trace",
        "pin the whole trace",
        selection::pin_trace,
    ),
    foot(&["e"], "error", "next failed span or trace", |app| {
        state::jump_error(app, true)
    })
    .when(|app| state::has_rows(app) && aside::shown(&app.views.traces).is_none()),
    row(
        &["E"],
        "error before",
        "previous failed span or trace",
        |app| state::jump_error(app, false),
    ),
    foot(&["s"], "sort", "sort by time, duration, failure", |app| {
        state::sort(app, true)
    })
    .when(state::in_list),
    row(
        &["i"],
        "invert",
        "the other direction of the order",
        |app| state::sort(app, false),
    ),
    foot(
        &["Tab"],
        "details",
        "between the spans and what is below them",
        details::turn,
    )
    .when(state::in_trace),
    foot(
        &["v"],
        "its logs",
        "show the trace's logs in place of the span's attributes",
        |app| app.views.traces.show_logs = !app.views.traces.show_logs,
    )
    .when(state::in_trace),
    row(
        &["go"],
        "order",
        "logs of the order that the span or its trace names; again: its traces",
        order::follow,
    ),
    row(
        &["gl"],
        "logs",
        "logs of the selected span, in Logs",
        state::span_logs,
    ),
    row(
        &["gm"],
        "metrics",
        "metrics of the selected span's service",
        state::span_metrics,
    ),
    foot(
        &["x"],
        "differs",
        "what failed traces have more than others; again: slow ones",
        differs::next,
    )
    .when(|app| !state::in_trace(app)),
    foot(
        &["="],
        "only",
        "only traces with the selected value; in the list, those that begin as this one",
        |app| selection::filter(app, true),
    )
    .when(selection::has_value),
    foot(
        &["!"],
        "without",
        "only traces with another value of it; in the list, those that begin otherwise",
        |app| selection::filter(app, false),
    )
    .when(selection::has_value),
    foot(&["Esc"], "list", "back to the list", App::escape_key)
        .when(|app| state::in_trace(app) || app.views.traces.aside.is_some()),
    foot(
        &["c"],
        "compare",
        "mark the trace; on another one, compare that with the marked",
        compare::mark_or_compare,
    )
    .when(|app| state::has_rows(app) && aside::shown(&app.views.traces).is_none()),
];
