//! `latency`, of the family `network`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::toxic::Stream;
use crate::vocabulary::{ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter};

/// `latency`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "latency",
    definition: "Every answer on the link takes longer by a constant time",
    also_called: &["slow link", "network delay"],
    acts_at: ActsAt::Link,
    heals: "ends with its cause on the link",
    aims: Aims::Links,
    parameters: &[
        Parameter::whole(
            "delay_ms",
            "ms",
            [0, 60_000],
            300,
            "mean delay of every chunk that comes back",
        )
        .from(0.0),
        Parameter::whole(
            "jitter_ms",
            "ms",
            [0, 60_000],
            0,
            "how far a delay strays from the mean",
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
            json!({ "latency": values.whole("delay_ms"), "jitter": values.whole("jitter_ms") }),
        )
    },
};
