//! `upstream-failure-without-fallback`, of the family `dependency`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, call, setting, toxics},
    aim::Aims,
    parameter::Parameter,
};

/// `upstream-failure-without-fallback`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "upstream-failure-without-fallback",
    definition: "A dependency fails and the caller has neither breaker nor fallback",
    also_called: &["cascading failure", "missing circuit breaker"],
    acts_at: ActsAt::Service,
    heals: "a circuit breaker with a fallback, or the dependency's recovery",
    aims: Aims::CallsOf(&[]),
    parameters: &[
        Parameter::share("share", 1.0, "share of requests that are hit").from(0.0),
        Parameter::whole(
            "status",
            "",
            [400, 599],
            503,
            "HTTP status of the dependency",
        ),
    ],
    acts: |aim, values| {
        let (from, _) = call(aim);
        let mut acts = toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_status",
            json!({ "share": values.number("share"), "status": values.whole("status") }),
        );
        if matches!(from, Role::Checkout | Role::Pricing) {
            acts.push(Act::Set {
                service: from,
                settings: vec![setting(json!({ "breaker": null }))],
            });
        }
        acts
    },
};
