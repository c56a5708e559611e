//! `slow-database`, of the family `data-access`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `slow-database`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "slow-database",
    definition: "Every query is slow, because the database itself is",
    also_called: &["database overload", "slow disk"],
    acts_at: ActsAt::Data,
    heals: "recovery of the database",
    aims: Aims::DatabaseOwners,
    parameters: &[
        Parameter::whole("delay_ms", "ms", [0, 60_000], 50, "more for each query").from(0.0),
        Parameter::whole(
            "jitter_ms",
            "ms",
            [0, 60_000],
            0,
            "how far a delay strays from the mean",
        )
        .from(0.0),
    ],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "database-delay-ms": { "delay_ms": values.whole("delay_ms"), "jitter_ms": values.whole("jitter_ms") } }),
        )]
    },
};
