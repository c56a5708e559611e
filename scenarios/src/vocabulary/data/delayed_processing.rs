//! `delayed-processing`, of the family `data`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `delayed-processing`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "delayed-processing",
    definition: "Work that was accepted is done much later than its caller assumes",
    also_called: &["late processing", "asynchronous lag"],
    acts_at: ActsAt::Service,
    heals: "states that tell accepted from done",
    aims: Aims::Services(&[Role::Psp]),
    parameters: &[
        Parameter::share("share", 0.5, "share of requests that are hit").from(0.0),
        Parameter::whole("delay_ms", "ms", [0, 600_000], 5_000, "how much later").from(0.0),
    ],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "delayed-charges": { "share": values.number("share"), "delay_ms": values.whole("delay_ms") } }),
        )]
    },
};
