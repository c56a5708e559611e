//! `partial-transaction`, of the family `data`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `partial-transaction`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "partial-transaction",
    definition: "Part of an operation is stored and the rest is not",
    also_called: &["inconsistent write", "missing rollback", "dual write"],
    acts_at: ActsAt::Data,
    heals: "one transaction, or compensation",
    aims: Aims::DatabaseOwners,
    parameters: &[Parameter::share("share", 0.3, "share of requests that are hit").from(0.0)],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "partial-batches": values.number("share") }),
        )]
    },
};
