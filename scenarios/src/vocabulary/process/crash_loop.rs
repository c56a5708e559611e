//! `crash-loop`, of the family `process`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `crash-loop`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "crash-loop",
    definition: "The process ends again soon after every start",
    also_called: &["CrashLoopBackOff", "restart loop"],
    acts_at: ActsAt::Process,
    heals: "removing what makes it crash",
    aims: Aims::Services(&[]),
    parameters: &[Parameter::whole(
        "after_ms",
        "ms",
        [1, 600_000],
        2_000,
        "how long a process lives",
    )],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "exit-after-ms": values.whole("after_ms") }),
        )]
    },
};
