//! The family `change` of the fault vocabulary. It knows no scenario that uses it.

use super::{ActsAt, Family, Mechanism};

pub(super) const FAMILY: Family = Family {
    id: "change",
    definition: "Somebody changed something, and no more specific mechanism describes the harm",
    mechanisms: &[
        Mechanism {
            id: "bad-release",
            definition: "A release brought a defect",
            also_called: &["regression", "bug in a deployment"],
            acts_at: ActsAt::Operation,
            heals: "rolling back, or a corrected release",
        },
        Mechanism {
            id: "bad-configuration",
            definition: "A configuration value is wrong for the work it governs",
            also_called: &["misconfiguration", "wrong setting", "wrong default"],
            acts_at: ActsAt::Operation,
            heals: "the right value",
        },
        Mechanism {
            id: "feature-flag",
            definition: "A flag switched on what was not ready",
            also_called: &["toggle", "rollout"],
            acts_at: ActsAt::Operation,
            heals: "switching it off",
        },
        Mechanism {
            id: "infrastructure-drift",
            definition: "What runs is not what the description of the infrastructure says",
            also_called: &["configuration drift", "manual change"],
            acts_at: ActsAt::Operation,
            heals: "applying the description",
        },
        Mechanism {
            id: "traffic-surge",
            definition: "More traffic comes than the system was built for",
            also_called: &["overload", "spike", "flash crowd"],
            acts_at: ActsAt::Operation,
            heals: "capacity, or shedding load",
        },
    ],
};
