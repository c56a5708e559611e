//! `truncated-body`, of the family `http`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::matched;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter, request::METHODS,
};

/// `truncated-body`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "truncated-body",
    definition: "Answers end before they are complete",
    also_called: &["incomplete response", "unexpected end of file"],
    acts_at: ActsAt::Link,
    heals: "ends with its cause on the path",
    aims: Aims::HttpLinks,
    parameters: &[
        Parameter::share("share", 0.3, "share of requests that are hit").from(0.0),
        Parameter::whole(
            "after_bytes",
            "bytes",
            [0, 1_000_000],
            10,
            "how much of the body arrives",
        ),
        Parameter::text("path", "", "only requests whose path begins so"),
        Parameter::choice("method", METHODS, "only requests of this method"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_truncated_body",
            matched(
                values,
                json!({ "after_bytes": values.whole("after_bytes") }),
            ),
        )
    },
};
