//! `bad-configuration`, of the family `change`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `bad-configuration`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "bad-configuration",
    definition: "A configuration value is wrong for the work it governs",
    also_called: &["misconfiguration", "wrong setting", "wrong default"],
    acts_at: ActsAt::Operation,
    heals: "the right value",
    aims: Aims::Services(&[
        Role::Checkout,
        Role::Pricing,
        Role::Promotions,
        Role::Payments,
        Role::Orders,
    ]),
    parameters: &[Parameter::whole(
        "call_timeout_ms",
        "ms",
        [1, 600_000],
        2,
        "timeout of its calls",
    )],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "call-timeout-ms": values.whole("call_timeout_ms") }),
        )]
    },
};
