//! `lost-response`, of the family `http`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::matched;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter, request::METHODS,
};

/// `lost-response`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "lost-response",
    definition: "The work is done, but its answer never arrives",
    also_called: &["lost acknowledgement", "response timeout"],
    acts_at: ActsAt::Link,
    heals: "cannot be excluded on a network: callers must be able to repeat safely",
    aims: Aims::HttpLinks,
    parameters: &[
        Parameter::share("share", 0.2, "share of requests that are hit").from(0.0),
        Parameter::whole(
            "hang_ms",
            "ms",
            [0, 600_000],
            0,
            "how long the connection hangs before it is closed",
        ),
        Parameter::text("path", "", "only requests whose path begins so"),
        Parameter::choice("method", METHODS, "only requests of this method"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_lost_response",
            matched(values, json!({ "hang_ms": values.whole("hang_ms") })),
        )
    },
};
