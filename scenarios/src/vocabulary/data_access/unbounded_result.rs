//! `unbounded-result`, of the family `data-access`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims};

/// `unbounded-result`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "unbounded-result",
    definition: "A query returns far more rows than are needed",
    also_called: &["missing pagination", "missing LIMIT", "SELECT *"],
    acts_at: ActsAt::Service,
    heals: "a limit or pages",
    aims: Aims::Services(&[Role::Orders]),
    parameters: &[],
    acts: |aim, _values| vec![set(aim, json!({ "history-limit": "none" }))],
};
