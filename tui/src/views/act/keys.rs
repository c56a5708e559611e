//! Keys of the act view.

use super::{probe, state};
use crate::app::App;
use crate::app::keymap::{Row, foot};

/// Rows.
pub const KEYS: &[Row] = &[
    foot(
        &["Enter"],
        "apply",
        "carry out the selected remedy; a deploy or roll-back asks how, what can hurt asks first",
        state::enter,
    )
    .when(|app| {
        app.may_act()
            && !state::reads_answer(app)
            && state::selected(app).is_some_and(|r| !r.applied && state::rolling(r).is_none())
    }),
    foot(
        &["gt"],
        "its trace",
        "the trace of the request that was sent; Enter on its answer, too",
        App::its_traces,
    )
    .when(|app| state::answer(app).is_some()),
    foot(
        &["u"],
        "undo",
        "take the selected remedy back, or stop its rollout",
        state::undo,
    )
    .when(|app| {
        app.may_act()
            && state::selected(app).is_some_and(|r| r.applied || state::rolling(r).is_some())
    }),
    foot(
        &["P"],
        "stress test",
        "run the stress test against the shop as it is now",
        state::prove,
    )
    .when(state::can_prove),
    foot(
        &["R"],
        "request",
        "send a request to a service of the shop, and see its answer; gt opens its trace",
        probe::open,
    )
    .when(|app| app.may_act()),
    foot(
        &["Tab"],
        "pane",
        "to the list, what it does or the answer, the stress test",
        |app| state::next_pane(app, true),
    ),
    foot(
        &["/"],
        "find",
        "find words on this screen",
        App::start_finding,
    ),
];
