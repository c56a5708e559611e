//! `feature-flag`, of the family `change`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims};

/// `feature-flag`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "feature-flag",
    definition: "A flag switched on what was not ready",
    also_called: &["toggle", "rollout"],
    acts_at: ActsAt::Operation,
    heals: "switching it off",
    aims: Aims::Services(&[Role::Storefront]),
    parameters: &[],
    acts: |aim, _values| vec![set(aim, json!({ "recommendations": true }))],
};
