//! `infrastructure-drift`, of the family `change`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, service, setting},
    aim::Aims,
    parameter::Parameter,
};

/// `infrastructure-drift`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "infrastructure-drift",
    definition: "What runs is not what the description of the infrastructure says",
    also_called: &["configuration drift", "manual change"],
    acts_at: ActsAt::Operation,
    heals: "applying the description",
    aims: Aims::DatabaseOwners,
    parameters: &[Parameter::whole(
        "connections",
        "connections",
        [1, 64],
        1,
        "connections to the database in the process that drifted",
    )],
    acts: |aim, values| {
        vec![Act::Drift {
            service: service(aim),
            settings: vec![setting(
                json!({ "database-connections": values.whole("connections") }),
            )],
        }]
    },
};
