//! `delay-share`, of the family `http`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::matched;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter, request::METHODS,
};

/// `delay-share`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "delay-share",
    definition: "A share of requests is answered late",
    also_called: &["tail latency", "slow responses"],
    acts_at: ActsAt::Service,
    heals: "ends when the answering side recovers",
    aims: Aims::HttpLinks,
    parameters: &[
        Parameter::share("share", 0.2, "share of requests that are hit").from(0.0),
        Parameter::whole("delay_ms", "ms", [0, 600_000], 2_000, "mean delay").from(0.0),
        Parameter::whole(
            "jitter_ms",
            "ms",
            [0, 600_000],
            0,
            "how far a delay strays from the mean",
        )
        .from(0.0),
        Parameter::text("path", "", "only requests whose path begins so"),
        Parameter::choice("method", METHODS, "only requests of this method"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_delay",
            matched(
                values,
                json!({ "delay_ms": values.whole("delay_ms"), "jitter_ms": values.whole("jitter_ms") }),
            ),
        )
    },
};
