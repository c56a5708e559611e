//! `malformed-body`, of the family `http`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::matched;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter, request::METHODS,
};

/// `malformed-body`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "malformed-body",
    definition: "Answers arrive whole but cannot be parsed",
    also_called: &["invalid JSON", "parse error"],
    acts_at: ActsAt::Service,
    heals: "ends when the answering side is repaired",
    aims: Aims::HttpLinks,
    parameters: &[
        Parameter::share("share", 0.3, "share of requests that are hit").from(0.0),
        Parameter::text("path", "", "only requests whose path begins so"),
        Parameter::choice("method", METHODS, "only requests of this method"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_malformed_body",
            matched(values, json!({})),
        )
    },
};
