//! `quota-exhausted`, of the family `dependency`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `quota-exhausted`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "quota-exhausted",
    definition: "An allowance at a provider is used up",
    also_called: &["usage limit", "out of credit"],
    acts_at: ActsAt::Operation,
    heals: "a new period or a larger allowance",
    aims: Aims::Services(&[]),
    parameters: &[Parameter::whole(
        "requests",
        "requests",
        [0, 1_000_000],
        20,
        "what is left of the allowance",
    )],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "quota": { "requests": values.whole("requests") } }),
        )]
    },
};
