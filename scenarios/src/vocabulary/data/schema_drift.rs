//! `schema-drift`, of the family `data`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use super::matched;
use crate::toxic::Stream;
use crate::vocabulary::{
    ActsAt, Mechanism, act::toxics, aim::Aims, parameter::Parameter, request::METHODS,
};

/// `schema-drift`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "schema-drift",
    definition: "Two sides disagree on the shape of their data",
    also_called: &[
        "incompatible schema",
        "breaking change",
        "missing migration",
    ],
    acts_at: ActsAt::Data,
    heals: "migrating one side",
    aims: Aims::HttpLinks,
    parameters: &[
        Parameter::share("share", 1.0, "share of requests that are hit").from(0.0),
        Parameter::choice(
            "field",
            &["data", "result", "payload"],
            "the field that answers are wrapped in",
        ),
        Parameter::text("path", "", "only requests whose path begins so"),
        Parameter::choice("method", METHODS, "only requests of this method"),
    ],
    acts: |aim, values| {
        toxics(
            aim,
            Stream::Downstream,
            1.0,
            "http_envelope",
            matched(values, json!({ "field": values.word("field") })),
        )
    },
};
