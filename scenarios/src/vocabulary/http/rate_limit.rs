//! `rate-limit`, of the family `http`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::matched_all;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter, request::METHODS,
};

/// `rate-limit`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "rate-limit",
    definition: "The called side refuses requests above an agreed rate (429)",
    also_called: &["throttling", "too many requests"],
    acts_at: ActsAt::Service,
    heals: "ends when the caller stays under the limit or it is raised",
    aims: Aims::HttpLinks,
    parameters: &[
        Parameter::number(
            "per_s",
            "requests/s",
            [0.1, 100_000.0],
            2.0,
            "what is let through",
        ),
        Parameter::whole("burst", "requests", [1, 100_000], 2, "how many at once"),
        Parameter::whole("retry_after_s", "s", [0, 3_600], 1, "value of Retry-After"),
        Parameter::text("path", "", "only requests whose path begins so"),
        Parameter::choice("method", METHODS, "only requests of this method"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_rate_limit",
            matched_all(
                values,
                json!({ "per_s": values.number("per_s"), "burst": values.whole("burst"), "retry_after_s": values.whole("retry_after_s") }),
            ),
        )
    },
};
