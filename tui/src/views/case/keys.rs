//! Keys of the notebook.

use super::{forms, state};
use crate::app::keymap::{Row, foot, row};

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["S"],
        "diagnose",
        "submit a diagnosis: component, mechanism, trigger, scope, confidence, pins",
        forms::open_diagnosis,
    ),
    foot(
        &["+"],
        "hypothesis",
        "open a hypothesis",
        forms::open_hypothesis,
    ),
    foot(
        &["s"],
        "support",
        "support the selected hypothesis, with pins",
        |app| forms::open_settle_selected(app, 1),
    ),
    foot(
        &["r"],
        "reject",
        "reject the selected hypothesis, with the pins that rule it out",
        |app| forms::open_settle_selected(app, 2),
    ),
    foot(&["x"], "drop", "drop the selected pin", state::unpin),
    foot(
        &["T"],
        "hint",
        "take a hint, after saying what it costs",
        state::hint,
    ),
    foot(
        &["W"],
        "five whys",
        "write the five whys and choose guardrails, after a right diagnosis",
        forms::open_learning,
    ),
    row(&["N"], "note", "write a note", |app| {
        forms::open_note(app, false)
    }),
    row(&["U"], "update", "send a status update", |app| {
        forms::open_note(app, true)
    }),
    row(
        &["Enter"],
        "go there",
        "a pin goes to where it was found, a hypothesis is settled, the rest is read",
        state::enter,
    ),
];
