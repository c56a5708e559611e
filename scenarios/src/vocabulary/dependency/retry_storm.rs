//! `retry-storm`, of the family `dependency`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, call, setting, toxics},
    aim::Aims,
    parameter::Parameter,
};

/// `retry-storm`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "retry-storm",
    definition: "Retries without backoff multiply the load on what is already failing",
    also_called: &["retry amplification", "thundering herd"],
    acts_at: ActsAt::Service,
    heals: "fewer retries, backoff with jitter, a retry budget",
    aims: Aims::Calls(&[
        (Role::Checkout, Role::Payments),
        (Role::Payments, Role::Psp),
    ]),
    parameters: &[
        Parameter::whole(
            "retries",
            "attempts",
            [1, 20],
            6,
            "attempts after the first, without backoff",
        ),
        Parameter::share("share", 0.5, "share of requests that are hit").from(0.0),
    ],
    acts: |aim, values| {
        let (from, _) = call(aim);
        let retries = json!({ "retries": { "max": values.whole("retries"), "backoff_ms": 0 } });
        let mut acts = toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_status",
            json!({ "share": values.number("share"), "status": 503 }),
        );
        acts.push(Act::Set {
            service: from,
            settings: vec![setting(retries)],
        });
        acts
    },
};
