//! `circular-wait`, of the family `concurrency`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, set, setting},
    aim::Aims,
    parameter::Parameter,
};

/// `circular-wait`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "circular-wait",
    definition: "Requests hold something limited while they wait, round a circle, for more of it",
    also_called: &["deadlock", "deadly embrace"],
    acts_at: ActsAt::Service,
    heals: "breaking the circle; a restart only until it closes again",
    aims: Aims::Services(&[Role::Promotions]),
    parameters: &[Parameter::whole(
        "slots",
        "slots",
        [1, 10_000],
        4,
        "worker slots of checkout, which the circle needs",
    )],
    acts: |aim, values| {
        vec![
            set(aim, json!({ "cart-totals": "callback" })),
            Act::Set {
                service: Role::Checkout,
                settings: vec![setting(json!({ "worker-slots": values.whole("slots") }))],
            },
        ]
    },
};
