//! `duplicate-delivery`, of the family `data`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::matched;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter, request::POST_FIRST,
};

/// `duplicate-delivery`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "duplicate-delivery",
    definition: "A message is delivered more than once",
    also_called: &["at-least-once", "duplicate message"],
    acts_at: ActsAt::Link,
    heals: "consumers that recognise what they have seen",
    aims: Aims::HttpLinks,
    parameters: &[
        Parameter::share("share", 0.5, "share of requests that are hit").from(0.0),
        Parameter::text("path", "", "only requests whose path begins so"),
        Parameter::choice("method", POST_FIRST, "only requests of this method"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_duplicate",
            matched(values, json!({})),
        )
    },
};
