//! `missing-idempotency`, of the family `data`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, service, setting},
    aim::Aims,
    parameter::Parameter,
};

/// `missing-idempotency`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "missing-idempotency",
    definition: "A repeated request does its work again",
    also_called: &[
        "idempotency key",
        "double charge",
        "double submit",
        "unsafe retry",
    ],
    acts_at: ActsAt::Service,
    heals: "an idempotency key that all attempts share and the receiver honours",
    aims: Aims::Services(&[Role::Checkout]),
    parameters: &[Parameter::share(
        "lost_answers",
        0.2,
        "share of the provider's answers that are lost, so that somebody repeats",
    )],
    acts: |aim, values| {
        vec![
            Act::Set {
                service: service(aim),
                settings: vec![
                    setting(json!({ "stable-idempotency-key": false })),
                    setting(json!({ "retries": { "max": 2, "backoff_ms": 0 } })),
                ],
            },
            Act::Set {
                service: Role::Psp,
                settings: vec![setting(
                    json!({ "lost-answers": values.number("lost_answers") }),
                )],
            },
        ]
    },
};
