//! Keys of the debrief.

use super::state;
use crate::app::App;
use crate::app::keymap::{Row, foot};

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["F"],
        "finish",
        "finish the drill: score and debrief",
        state::finish,
    ),
    foot(&["Tab"], "section", "next section", |app| {
        state::next_section(app, true)
    }),
    foot(
        &["W"],
        "five whys",
        "write the five whys and choose guardrails",
        crate::views::case::forms::open_learning,
    ),
    foot(
        &["/"],
        "find",
        "find words in the debrief",
        App::start_finding,
    ),
    foot(
        &["Ctrl-s"],
        "export",
        "write the debrief into a file",
        App::export,
    ),
];
