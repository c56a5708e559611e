//! `clock-skew`, of the family `data`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `clock-skew`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "clock-skew",
    definition: "Clocks of two machines disagree",
    also_called: &["clock drift", "NTP", "wrong time"],
    acts_at: ActsAt::Process,
    heals: "synchronised clocks, or no reliance on them",
    aims: Aims::Services(&[]),
    parameters: &[Parameter::signed(
        "offset_ms",
        "ms",
        [-3_600_000, 3_600_000],
        30_000,
        "how far its clock is ahead",
    )
    .from(0.0)],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "clock-skew-ms": values.signed("offset_ms") }),
        )]
    },
};
