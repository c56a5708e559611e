//! `connection-reset`, of the family `network`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::toxic::Stream;
use crate::vocabulary::{ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter};

/// `connection-reset`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "connection-reset",
    definition: "Established connections are cut by a reset",
    also_called: &["RST", "ECONNRESET", "dropped connection"],
    acts_at: ActsAt::Link,
    heals: "ends with its cause; callers must reconnect",
    aims: Aims::Links,
    parameters: &[
        Parameter::whole(
            "after_ms",
            "ms",
            [0, 60_000],
            0,
            "how long connections live",
        ),
        Parameter::share("connections", 1.0, "share of connections that are hit"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            values.number("connections"),
            "reset_peer",
            json!({ "timeout": values.whole("after_ms") }),
        )
    },
};
