//! `fail-first-n`, of the family `http`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::matched;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter, request::METHODS,
};

/// `fail-first-n`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "fail-first-n",
    definition: "The first requests of every caller or connection fail, later ones work",
    also_called: &["cold start errors", "warm-up"],
    acts_at: ActsAt::Service,
    heals: "ends when the answering side is warm",
    aims: Aims::HttpLinks,
    parameters: &[
        Parameter::whole("requests", "requests", [1, 10_000], 5, "how many fail"),
        Parameter::whole("status", "", [400, 599], 503, "HTTP status of the answer"),
        Parameter::choice(
            "per",
            &["connection", "link"],
            "first of every connection, or of all",
        ),
        Parameter::share("share", 1.0, "share of requests that are hit").from(0.0),
        Parameter::text("path", "", "only requests whose path begins so"),
        Parameter::choice("method", METHODS, "only requests of this method"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_fail_first",
            matched(
                values,
                json!({ "requests": values.whole("requests"), "status": values.whole("status"), "per": values.word("per") }),
            ),
        )
    },
};
