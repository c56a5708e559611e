//! Keys of the debrief.

use super::state;
use crate::app::App;
use crate::app::keymap::{Row, foot};
use crate::views::case;

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["F"],
        "finish",
        "finish the drill: score and debrief",
        state::finish,
    )
    .when(App::may_act),
    foot(
        &["Enter"],
        "open",
        "go to the selected moment, or look at what a query finds; ↓ selects",
        state::enter,
    )
    .when(|app| state::selected(app).is_some()),
    foot(&["Tab"], "section", "next section", |app| {
        state::next_section(app, true)
    })
    .when(state::is_open),
    foot(
        &["W"],
        "five whys",
        "write the five whys and choose guardrails",
        case::forms::open_learning,
    )
    .when(case::state::may_learn),
    foot(
        &["/"],
        "find",
        "find words in the debrief",
        App::start_finding,
    )
    .when(state::is_open),
    foot(
        &["Ctrl-s"],
        "export",
        "write the debrief into files: as text to read, and as JSON",
        App::export,
    )
    .when(state::is_open),
];
