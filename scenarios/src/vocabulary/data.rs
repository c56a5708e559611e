//! The family `data` of the fault vocabulary. It knows no scenario that uses it.

use super::{ActsAt, Family, Mechanism};

pub(super) const FAMILY: Family = Family {
    id: "data",
    definition: "What is stored or passed on is not what it should be",
    mechanisms: &[
        Mechanism {
            id: "binary-float-money",
            definition: "Amounts of money are computed in binary floating point",
            also_called: &[
                "rounding error",
                "double precision",
                "IEEE 754",
                "truncated cents",
            ],
            acts_at: ActsAt::Service,
            heals: "decimal arithmetic, and a correction of what was booked wrongly",
        },
        Mechanism {
            id: "missing-idempotency",
            definition: "A repeated request does its work again",
            also_called: &[
                "idempotency key",
                "double charge",
                "double submit",
                "unsafe retry",
            ],
            acts_at: ActsAt::Service,
            heals: "an idempotency key that all attempts share and the receiver honours",
        },
        Mechanism {
            id: "stale-cache",
            definition: "A cache answers with what is no longer true",
            also_called: &["cache invalidation", "outdated cache"],
            acts_at: ActsAt::Data,
            heals: "invalidation or expiry of the cache",
        },
        Mechanism {
            id: "schema-drift",
            definition: "Two sides disagree on the shape of their data",
            also_called: &[
                "incompatible schema",
                "breaking change",
                "missing migration",
            ],
            acts_at: ActsAt::Data,
            heals: "migrating one side",
        },
        Mechanism {
            id: "clock-skew",
            definition: "Clocks of two machines disagree",
            also_called: &["clock drift", "NTP", "wrong time"],
            acts_at: ActsAt::Process,
            heals: "synchronised clocks, or no reliance on them",
        },
        Mechanism {
            id: "duplicate-delivery",
            definition: "A message is delivered more than once",
            also_called: &["at-least-once", "duplicate message"],
            acts_at: ActsAt::Link,
            heals: "consumers that recognise what they have seen",
        },
        Mechanism {
            id: "reordering",
            definition: "Messages arrive in another order than they were sent",
            also_called: &["out of order"],
            acts_at: ActsAt::Link,
            heals: "sequence numbers, or consumers that do not mind",
        },
        Mechanism {
            id: "partial-transaction",
            definition: "Part of an operation is stored and the rest is not",
            also_called: &["inconsistent write", "missing rollback", "dual write"],
            acts_at: ActsAt::Data,
            heals: "one transaction, or compensation",
        },
        Mechanism {
            id: "delayed-processing",
            definition: "Work that was accepted is done much later than its caller assumes",
            also_called: &["late processing", "asynchronous lag"],
            acts_at: ActsAt::Service,
            heals: "states that tell accepted from done",
        },
    ],
};
