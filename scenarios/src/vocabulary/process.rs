//! The family `process` of the fault vocabulary. It knows no scenario that uses it.

use super::{ActsAt, Family, Mechanism};

pub(super) const FAMILY: Family = Family {
    id: "process",
    definition: "A process does not run as it should",
    mechanisms: &[
        Mechanism {
            id: "crash",
            definition: "The process ends unexpectedly, once",
            also_called: &["panic", "segfault", "unhandled exception"],
            acts_at: ActsAt::Process,
            heals: "a restart",
        },
        Mechanism {
            id: "crash-loop",
            definition: "The process ends again soon after every start",
            also_called: &["CrashLoopBackOff", "restart loop"],
            acts_at: ActsAt::Process,
            heals: "removing what makes it crash",
        },
        Mechanism {
            id: "hang",
            definition: "The process runs but does no work",
            also_called: &["livelock", "frozen process"],
            acts_at: ActsAt::Process,
            heals: "a restart, and the removal of its cause",
        },
        Mechanism {
            id: "slow-start",
            definition: "The process takes long before it can work",
            also_called: &["cold start", "slow boot"],
            acts_at: ActsAt::Process,
            heals: "time, or less to do at start",
        },
        Mechanism {
            id: "failed-readiness",
            definition: "The process works but reports that it is not ready, or the reverse",
            also_called: &["health check", "readiness probe"],
            acts_at: ActsAt::Process,
            heals: "a readiness check that tells the truth",
        },
    ],
};
