//! `unbounded-queue`, of the family `concurrency`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `unbounded-queue`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "unbounded-queue",
    definition: "A queue without limit grows faster than it drains",
    also_called: &["backlog", "missing back-pressure"],
    acts_at: ActsAt::Service,
    heals: "a limit with back-pressure",
    aims: Aims::Services(&[Role::Worker]),
    parameters: &[Parameter::whole(
        "per_s",
        "items/s",
        [1, 1_000],
        1,
        "items that are worked off",
    )],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "settlement-per-s": values.whole("per_s") }),
        )]
    },
};
