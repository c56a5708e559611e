//! `stale-cache`, of the family `data`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::matched_all;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter, request::METHODS,
};

/// `stale-cache`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "stale-cache",
    definition: "A cache answers with what is no longer true",
    also_called: &["cache invalidation", "outdated cache"],
    acts_at: ActsAt::Data,
    heals: "invalidation or expiry of the cache",
    aims: Aims::HttpLinks,
    parameters: &[
        Parameter::whole(
            "ttl_ms",
            "ms",
            [1, 86_400_000],
            600_000,
            "how long an answer is repeated",
        ),
        Parameter::text("path", "", "only requests whose path begins so"),
        Parameter::choice("method", METHODS, "only requests of this method"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_stale",
            matched_all(values, json!({ "ttl_ms": values.whole("ttl_ms") })),
        )
    },
};
