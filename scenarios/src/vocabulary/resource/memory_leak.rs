//! `memory-leak`, of the family `resource`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `memory-leak`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "memory-leak",
    definition: "Memory is kept that is no longer needed, and grows",
    also_called: &["unbounded cache", "growing heap"],
    acts_at: ActsAt::Process,
    heals: "a bound on what is kept; a restart only for a while",
    aims: Aims::Services(&[]),
    parameters: &[
        Parameter::number(
            "mib_per_s",
            "MiB/s",
            [0.01, 256.0],
            2.0,
            "how fast it grows",
        ),
        Parameter::whole("most_mib", "MiB", [1, 1_024], 64, "how far it grows"),
    ],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "memory-leak": { "mib_per_s": values.number("mib_per_s"), "most_mib": values.whole("most_mib") } }),
        )]
    },
};
