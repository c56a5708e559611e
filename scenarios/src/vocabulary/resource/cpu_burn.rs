//! `cpu-burn`, of the family `resource`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `cpu-burn`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "cpu-burn",
    definition: "Computation takes the processor from other work",
    also_called: &["busy loop", "high CPU", "noisy neighbour"],
    acts_at: ActsAt::Process,
    heals: "the computation's end, a limit or a lower priority",
    aims: Aims::Services(&[]),
    parameters: &[Parameter::number(
        "cores",
        "cores",
        [0.0, 1.0],
        0.8,
        "what it takes, at the lowest priority",
    )
    .from(0.0)],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "cpu-burn": { "duty": values.number("cores") } }),
        )]
    },
};
