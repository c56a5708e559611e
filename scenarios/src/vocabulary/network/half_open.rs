//! `half-open`, of the family `network`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::toxic::Stream;
use crate::vocabulary::{ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter};

/// `half-open`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "half-open",
    definition: "One side believes that a connection lives, the other has forgotten it",
    also_called: &["dead peer", "stale connection"],
    acts_at: ActsAt::Link,
    heals: "ends when keep-alives or timeouts clear the dead side",
    aims: Aims::Links,
    parameters: &[Parameter::share(
        "connections",
        1.0,
        "share of connections that are hit",
    )],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Both,
            values.number("connections"),
            "half_open",
            json!({}),
        )
    },
};
