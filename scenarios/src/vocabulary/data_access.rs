//! The family `data-access` of the fault vocabulary. It knows no scenario that uses it.

use super::{ActsAt, Family, Mechanism};

pub(super) const FAMILY: Family = Family {
    id: "data-access",
    definition: "Reading or writing the database costs more than it must",
    mechanisms: &[
        Mechanism {
            id: "n-plus-one",
            definition: "One query or call is made per element instead of one for all",
            also_called: &["N+1", "chatty", "query per row"],
            acts_at: ActsAt::Service,
            heals: "batched queries and calls",
        },
        Mechanism {
            id: "missing-index",
            definition: "A query scans what an index would find",
            also_called: &["full table scan", "sequential scan"],
            acts_at: ActsAt::Data,
            heals: "the index",
        },
        Mechanism {
            id: "slow-database",
            definition: "Every query is slow, because the database itself is",
            also_called: &["database overload", "slow disk"],
            acts_at: ActsAt::Data,
            heals: "recovery of the database",
        },
        Mechanism {
            id: "unbounded-result",
            definition: "A query returns far more rows than are needed",
            also_called: &["missing pagination", "missing LIMIT", "SELECT *"],
            acts_at: ActsAt::Service,
            heals: "a limit or pages",
        },
    ],
};
