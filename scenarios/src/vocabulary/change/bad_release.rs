//! `bad-release`, of the family `change`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, service, setting},
    aim::Aims,
    parameter::Parameter,
};

/// `bad-release`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "bad-release",
    definition: "A release brought a defect",
    also_called: &["regression", "bug in a deployment"],
    acts_at: ActsAt::Operation,
    heals: "rolling back, or a corrected release",
    aims: Aims::Services(&[]),
    parameters: &[Parameter::share("share", 0.3, "share of requests that are hit").from(0.0)],
    acts: |aim, values| {
        vec![Act::Release {
            service: service(aim),
            settings: vec![setting(
                json!({ "defect": { "share": values.number("share") } }),
            )],
        }]
    },
};
