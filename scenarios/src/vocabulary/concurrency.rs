//! The family `concurrency` of the fault vocabulary. It knows no scenario that uses it.

use super::{ActsAt, Family, Mechanism};

pub(super) const FAMILY: Family = Family {
    id: "concurrency",
    definition: "Work that runs at the same time gets in its own way",
    mechanisms: &[
        Mechanism {
            id: "circular-wait",
            definition: "Requests hold something limited while they wait, round a circle, for more of it",
            also_called: &["deadlock", "deadly embrace"],
            acts_at: ActsAt::Service,
            heals: "breaking the circle; a restart only until it closes again",
        },
        Mechanism {
            id: "pool-exhaustion",
            definition: "A pool of connections or workers is too small for the work, which queues before it",
            also_called: &[
                "connection pool",
                "thread pool",
                "worker pool",
                "starved pool",
            ],
            acts_at: ActsAt::Service,
            heals: "a pool that fits the load times the time each use takes",
        },
        Mechanism {
            id: "lock-contention",
            definition: "Work queues for one lock that is held for long",
            also_called: &["mutex", "row lock", "convoy"],
            acts_at: ActsAt::Service,
            heals: "shorter critical sections, or finer locks",
        },
        Mechanism {
            id: "lost-update",
            definition: "Two writers read the same value and the later overwrites the earlier",
            also_called: &["race condition", "read-modify-write", "oversold"],
            acts_at: ActsAt::Service,
            heals: "a conditional update, or a serializable transaction with retry",
        },
        Mechanism {
            id: "thread-starvation",
            definition: "Blocking work occupies the threads that everything else needs",
            also_called: &[
                "blocked event loop",
                "blocked runtime",
                "blocking call in async",
            ],
            acts_at: ActsAt::Service,
            heals: "non-blocking calls, or threads of their own for blocking work",
        },
        Mechanism {
            id: "unbounded-queue",
            definition: "A queue without limit grows faster than it drains",
            also_called: &["backlog", "missing back-pressure"],
            acts_at: ActsAt::Service,
            heals: "a limit with back-pressure",
        },
    ],
};
