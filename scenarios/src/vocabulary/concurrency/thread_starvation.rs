//! `thread-starvation`, of the family `concurrency`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `thread-starvation`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "thread-starvation",
    definition: "Blocking work occupies the threads that everything else needs",
    also_called: &[
        "blocked event loop",
        "blocked runtime",
        "blocking call in async",
    ],
    acts_at: ActsAt::Service,
    heals: "non-blocking calls, or threads of their own for blocking work",
    aims: Aims::Services(&[]),
    parameters: &[
        Parameter::share("share", 0.5, "share of requests that are hit").from(0.0),
        Parameter::whole(
            "block_ms",
            "ms",
            [1, 10_000],
            200,
            "how long a thread is blocked",
        )
        .from(1.0),
    ],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "blocking-work": { "share": values.number("share"), "ms": values.whole("block_ms") } }),
        )]
    },
};
