//! `missing-timeout`, of the family `dependency`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, call, setting, toxics},
    aim::Aims,
    parameter::Parameter,
};

/// As good as no timeout: ten minutes, the most that a service and a toxic take.
const LONGEST_MS: u64 = 600_000;

/// `missing-timeout`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "missing-timeout",
    definition: "A call waits for ever for a dependency that does not answer",
    also_called: &["hanging call", "no deadline"],
    acts_at: ActsAt::Service,
    heals: "a timeout on the call",
    aims: Aims::CallsOf(&[
        Role::Checkout,
        Role::Pricing,
        Role::Promotions,
        Role::Payments,
        Role::Orders,
    ]),
    parameters: &[Parameter::share("share", 0.2, "share of requests that are hit").from(0.0)],
    acts: |aim, values| {
        let (from, _) = call(aim);
        let mut acts = toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_lost_response",
            json!({ "share": values.number("share"), "hang_ms": LONGEST_MS }),
        );
        acts.push(Act::Set {
            service: from,
            settings: vec![setting(json!({ "call-timeout-ms": LONGEST_MS }))],
        });
        acts
    },
};
