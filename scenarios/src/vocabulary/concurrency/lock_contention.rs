//! `lock-contention`, of the family `concurrency`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `lock-contention`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "lock-contention",
    definition: "Work queues for one lock that is held for long",
    also_called: &["mutex", "row lock", "convoy"],
    acts_at: ActsAt::Service,
    heals: "shorter critical sections, or finer locks",
    aims: Aims::DatabaseOwners,
    parameters: &[
        Parameter::whole(
            "hold_ms",
            "ms",
            [1, 10_000],
            800,
            "how long the lock is held each time",
        )
        .from(1.0),
        Parameter::whole(
            "every_ms",
            "ms",
            [10, 60_000],
            1_000,
            "from one time to the next",
        ),
    ],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "write-lock": { "hold_ms": values.whole("hold_ms"), "every_ms": values.whole("every_ms").max(values.whole("hold_ms")) } }),
        )]
    },
};
