//! `lost-update`, of the family `concurrency`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims};

/// `lost-update`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "lost-update",
    definition: "Two writers read the same value and the later overwrites the earlier",
    also_called: &["race condition", "read-modify-write", "oversold"],
    acts_at: ActsAt::Service,
    heals: "a conditional update, or a serializable transaction with retry",
    aims: Aims::Services(&[Role::Inventory]),
    parameters: &[],
    acts: |aim, _values| vec![set(aim, json!({ "reservations": "read-then-write" }))],
};
