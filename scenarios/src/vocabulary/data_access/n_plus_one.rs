//! `n-plus-one`, of the family `data-access`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims};

/// `n-plus-one`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "n-plus-one",
    definition: "One query or call is made per element instead of one for all",
    also_called: &["N+1", "chatty", "query per row"],
    acts_at: ActsAt::Service,
    heals: "batched queries and calls",
    aims: Aims::Services(&[Role::Orders]),
    parameters: &[],
    acts: |aim, _values| vec![set(aim, json!({ "history-reads": "per-order" }))],
};
