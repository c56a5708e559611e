//! `slow-start`, of the family `process`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, service, set},
    aim::Aims,
    parameter::Parameter,
};

/// `slow-start`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "slow-start",
    definition: "The process takes long before it can work",
    also_called: &["cold start", "slow boot"],
    acts_at: ActsAt::Process,
    heals: "time, or less to do at start",
    aims: Aims::Services(&[]),
    parameters: &[Parameter::whole(
        "delay_ms",
        "ms",
        [1, 60_000],
        8_000,
        "how long a process takes to start",
    )],
    acts: |aim, values| {
        vec![
            set(aim, json!({ "start-delay-ms": values.whole("delay_ms") })),
            Act::Restart {
                service: service(aim),
            },
        ]
    },
};
