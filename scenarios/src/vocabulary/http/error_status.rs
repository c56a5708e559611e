//! `error-status`, of the family `http`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::matched;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter, request::METHODS,
};

/// `error-status`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "error-status",
    definition: "A share of requests is answered with an error status",
    also_called: &["5xx", "internal server error"],
    acts_at: ActsAt::Service,
    heals: "ends when the answering side recovers",
    aims: Aims::HttpLinks,
    parameters: &[
        Parameter::share("share", 0.3, "share of requests that are hit").from(0.0),
        Parameter::whole("status", "", [400, 599], 503, "HTTP status of the answer"),
        Parameter::text("path", "", "only requests whose path begins so"),
        Parameter::choice("method", METHODS, "only requests of this method"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_status",
            matched(values, json!({ "status": values.whole("status") })),
        )
    },
};
