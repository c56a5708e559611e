//! `missing-index`, of the family `data-access`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims};

/// `missing-index`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "missing-index",
    definition: "A query scans what an index would find",
    also_called: &["full table scan", "sequential scan"],
    acts_at: ActsAt::Data,
    heals: "the index",
    aims: Aims::Services(&[Role::Orders]),
    parameters: &[],
    acts: |aim, _values| vec![set(aim, json!({ "items-index": false }))],
};
