//! `slow-close`, of the family `network`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::toxic::Stream;
use crate::vocabulary::{ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter};

/// `slow-close`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "slow-close",
    definition: "Connections stay open long after the last byte",
    also_called: &["lingering connection", "FIN_WAIT"],
    acts_at: ActsAt::Link,
    heals: "ends with its cause on the link",
    aims: Aims::Links,
    parameters: &[
        Parameter::whole(
            "delay_ms",
            "ms",
            [0, 600_000],
            5_000,
            "how long a connection stays open after its last byte",
        )
        .from(0.0),
        Parameter::share("connections", 1.0, "share of connections that are hit"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            values.number("connections"),
            "slow_close",
            json!({ "delay": values.whole("delay_ms") }),
        )
    },
};
