//! `traffic-surge`, of the family `change`. It knows no scenario that uses it, and not who carries it out.

use crate::vocabulary::{ActsAt, Mechanism, act::Act, aim::Aims, parameter::Parameter};

/// `traffic-surge`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "traffic-surge",
    definition: "More traffic comes than the system was built for",
    also_called: &["overload", "spike", "flash crowd"],
    acts_at: ActsAt::Operation,
    heals: "capacity, or shedding load",
    aims: Aims::Load,
    parameters: &[Parameter::number(
        "factor",
        "times",
        [0.0, 50.0],
        3.0,
        "times the traffic that there is",
    )
    .from(1.0)],
    acts: |_aim, values| {
        vec![Act::Load {
            factor: values.number("factor"),
        }]
    },
};
