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
        state::apply,
    )
    .when(|app| {
        app.may_act()
            && state::selected(app).is_some_and(|r| !r.applied && state::rolling(r).is_none())
    }),
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
        &["/"],
        "find",
        "find words on this screen",
        App::start_finding,
    ),
];
