//! `jitter`, of the family `network`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::toxic::Stream;
use crate::vocabulary::{ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter};

/// `jitter`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "jitter",
    definition: "Delays on the link vary widely from chunk to chunk",
    also_called: &["variable delay"],
    acts_at: ActsAt::Link,
    heals: "ends with its cause on the link",
    aims: Aims::Links,
    parameters: &[
        Parameter::whole(
            "jitter_ms",
            "ms",
            [0, 60_000],
            250,
            "delays lie between 0 and twice this",
        )
        .from(0.0),
        Parameter::share("connections", 1.0, "share of connections that are hit"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            values.number("connections"),
            "latency",
            json!({ "latency": values.whole("jitter_ms"), "jitter": values.whole("jitter_ms") }),
        )
    },
};
