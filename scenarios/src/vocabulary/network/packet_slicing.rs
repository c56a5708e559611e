//! `packet-slicing`, of the family `network`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::toxic::Stream;
use crate::vocabulary::{ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter};

/// `packet-slicing`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "packet-slicing",
    definition: "Data arrives in many tiny pieces with pauses between them",
    also_called: &["fragmentation", "trickle"],
    acts_at: ActsAt::Link,
    heals: "ends with its cause on the link",
    aims: Aims::Links,
    parameters: &[
        Parameter::whole(
            "piece_bytes",
            "bytes",
            [2, 65_536],
            64,
            "mean size of a piece",
        ),
        Parameter::whole(
            "pause_us",
            "us",
            [0, 10_000_000],
            2_000,
            "pause after each piece",
        )
        .from(0.0),
        Parameter::share("connections", 1.0, "share of connections that are hit"),
    ],
    acts: |aim, values| {
        let size = values.whole("piece_bytes");
        toxics(
            aim,
            Stream::Downstream,
            values.number("connections"),
            "slicer",
            json!({ "average_size": size, "size_variation": size / 2, "delay": values.whole("pause_us") }),
        )
    },
};
