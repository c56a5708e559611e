//! Keys of the log view.

use super::{filter, jump, order, patterns, state};
use crate::app::App;
use crate::app::keymap::{Row, foot, row};
use crate::client::loki::Severity;
use crate::widgets::cursor::Motion;

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["/"],
        "query",
        "LogQL in braces, or bare words; ! before words excludes them",
        App::start_finding,
    ),
    foot(
        &["Enter"],
        "trace",
        "follow the line's trace; on a field or a pattern, filter for it",
        state::enter,
    )
    .when(state::has_lines),
    foot(
        &["P"],
        "patterns",
        "patterns: what lines say, how often, what is new since the page",
        patterns::toggle,
    ),
    foot(&["m"], "pin", "pin the line as evidence", App::pin).when(state::has_lines),
    foot(&["Tab"], "fields", "between lines and fields", |app| {
        state::turn_to_fields(app, !app.views.logs.in_fields)
    })
    .when(state::has_lines),
    foot(&["="], "only", "filter for the selected value", |app| {
        filter::filter(app, true)
    })
    .when(state::has_value),
    foot(&["!"], "without", "filter out the selected value", |app| {
        filter::filter(app, false)
    })
    .when(state::has_value),
    foot(
        &["e"],
        "error",
        "next error, or the worst there is",
        |app| jump::severity(app, true, Severity::Error),
    )
    .when(state::has_rows),
    row(&["E"], "error before", "previous error", |app| {
        jump::severity(app, false, Severity::Error)
    }),
    row(&["w"], "warning", "next warning", |app| {
        jump::severity(app, true, Severity::Warn)
    }),
    row(&["W"], "warning before", "previous warning", |app| {
        jump::severity(app, false, Severity::Warn)
    }),
    foot(
        &["c"],
        "context",
        "the lines around this one, of every service",
        state::context,
    )
    .when(state::has_lines),
    row(
        &["o"],
        "same trace",
        "next record of the same trace",
        |app| jump::trace(app, true),
    ),
    row(
        &["O"],
        "same trace before",
        "previous record of the same trace",
        |app| jump::trace(app, false),
    ),
    foot(
        &["s"],
        "sort",
        "sort patterns: new first, by count, by change",
        |app| patterns::sort(app, true),
    )
    .when(patterns::has_rows),
    row(
        &["i"],
        "invert",
        "the other direction of that order",
        |app| patterns::sort(app, false),
    ),
    row(
        &["go"],
        "order",
        "logs of the order that the line names; again: its traces",
        order::follow,
    ),
    row(
        &["V"],
        "span",
        "select a span of time on the counts for all views: h l move its end",
        App::begin_span,
    ),
    row(
        &["h", "Left"],
        "left",
        "the texts of the lines back to the right",
        |app| app.motion(Motion::Left),
    ),
    row(
        &["l", "Right"],
        "right",
        "the texts of the lines to the left, to read their ends",
        |app| app.motion(Motion::Right),
    ),
    foot(
        &["t"],
        "range",
        "time range: 1m, 5m, 15m, all",
        App::cycle_range,
    ),
];
