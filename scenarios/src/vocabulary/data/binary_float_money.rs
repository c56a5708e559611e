//! `binary-float-money`, of the family `data`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `binary-float-money`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "binary-float-money",
    definition: "Amounts of money are computed in binary floating point",
    also_called: &[
        "rounding error",
        "double precision",
        "IEEE 754",
        "truncated cents",
    ],
    acts_at: ActsAt::Service,
    heals: "decimal arithmetic, and a correction of what was booked wrongly",
    aims: Aims::Services(&[Role::Checkout]),
    parameters: &[Parameter::choice(
        "ending",
        &["truncated", "rounded"],
        "what is done with the fraction of a cent",
    )],
    acts: |aim, values| {
        let money = match values.word("ending") {
            "rounded" => "binary-float-rounded",
            _ => "binary-float",
        };
        vec![set(aim, json!({ "money": money }))]
    },
};
