//! `bandwidth`, of the family `network`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::direction;
use crate::vocabulary::{ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter};

/// `bandwidth`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "bandwidth",
    definition: "The link carries fewer bytes per second than are sent",
    also_called: &["throttled link", "saturated link"],
    acts_at: ActsAt::Link,
    heals: "ends with the limit, or with smaller messages",
    aims: Aims::Links,
    parameters: &[
        Parameter::whole("rate_kb_s", "KB/s", [1, 10_000_000], 20, "what passes"),
        Parameter::choice(
            "direction",
            &["downstream", "upstream"],
            "answers, or requests",
        ),
        Parameter::share("connections", 1.0, "share of connections that are hit"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            direction(values),
            values.number("connections"),
            "bandwidth",
            json!({ "rate": values.whole("rate_kb_s") }),
        )
    },
};
