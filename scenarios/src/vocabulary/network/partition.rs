//! `partition`, of the family `network`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::toxic::Stream;
use crate::vocabulary::{ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter};

/// `partition`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "partition",
    definition: "Nothing passes between two processes, in one direction or both",
    also_called: &["netsplit", "network split", "unreachable"],
    acts_at: ActsAt::Link,
    heals: "ends when the path is back; connections may hang until their timeout",
    aims: Aims::Links,
    parameters: &[
        Parameter::choice(
            "direction",
            &["both", "downstream", "upstream"],
            "both ways, or only answers, or only requests",
        ),
        Parameter::share("connections", 1.0, "share of connections that are hit"),
    ],
    acts: |aim, values| {
        let stream = match values.word("direction") {
            "downstream" => Stream::Downstream,
            "upstream" => Stream::Upstream,
            _ => Stream::Both,
        };
        toxics(
            aim,
            stream,
            values.number("connections"),
            "partition",
            json!({}),
        )
    },
};
