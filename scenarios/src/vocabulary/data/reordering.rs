//! `reordering`, of the family `data`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::matched;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter, request::METHODS,
};

/// `reordering`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "reordering",
    definition: "Messages arrive in another order than they were sent",
    also_called: &["out of order"],
    acts_at: ActsAt::Link,
    heals: "sequence numbers, or consumers that do not mind",
    aims: Aims::HttpLinks,
    parameters: &[
        Parameter::share("share", 0.3, "share of requests that are hit").from(0.0),
        Parameter::whole(
            "hold_ms",
            "ms",
            [1, 60_000],
            500,
            "how long a message waits at most for one to pass it",
        ),
        Parameter::text("path", "", "only requests whose path begins so"),
        Parameter::choice("method", METHODS, "only requests of this method"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_reorder",
            matched(values, json!({ "hold_ms": values.whole("hold_ms") })),
        )
    },
};
