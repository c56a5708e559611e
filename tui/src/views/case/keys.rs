//! Keys of the notebook.

use super::{forms, state};
use crate::app::App;
use crate::app::keymap::{Row, foot};

/// Rows.
pub const KEYS: &[Row] = &[
    // once it can be written it is what comes next, and narrow footers keep what comes first
    foot(
        &["W"],
        "five whys",
        "write the five whys and choose guardrails, after a right diagnosis",
        forms::open_learning,
    )
    .when(state::may_learn),
    foot(
        &["S"],
        "diagnose",
        "submit a diagnosis: component, mechanism, trigger, scope, confidence, pins",
        forms::open_diagnosis,
    )
    .when(App::may_act),
    foot(
        &["+"],
        "hypothesis",
        "open a hypothesis",
        forms::open_hypothesis,
    )
    .when(App::may_act),
    foot(
        &["s"],
        "support",
        "support the selected hypothesis, with pins",
        |app| forms::open_settle_selected(app, 1),
    )
    .when(state::on_hypothesis),
    foot(
        &["r"],
        "reject",
        "reject the selected hypothesis, with the pins that rule it out",
        |app| forms::open_settle_selected(app, 2),
    )
    .when(state::on_hypothesis),
    foot(&["x"], "drop", "drop the selected pin", state::unpin).when(state::on_pin),
    foot(
        &["c"],
        "why",
        "comment on the selected pin: why it matters",
        forms::open_pin_note,
    )
    .when(state::on_pin),
    foot(
        &["Tab"],
        "section",
        "next section: evidence, hypotheses, diagnoses, hints, notes",
        |app| state::next_section(app, true),
    )
    .when(state::has_entries),
    foot(
        &["T"],
        "hint",
        "take a hint, after saying what it costs",
        state::hint,
    )
    .when(state::has_hints),
    foot(
        &["Enter"],
        "open",
        "a pin goes to where it was found, a hypothesis is settled, a step is gone to, the rest is read",
        state::enter,
    )
    .when(state::has_entries),
    foot(
        &["M"],
        "note",
        "write a note: a memo to yourself and the debrief",
        |app| forms::open_note(app, false),
    )
    .when(App::may_act),
    foot(&["U"], "update", "send a status update", |app| {
        forms::open_note(app, true)
    })
    .when(App::may_act),
];
