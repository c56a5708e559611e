//! `failed-readiness`, of the family `process`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims};

/// `failed-readiness`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "failed-readiness",
    definition: "The process works but reports that it is not ready, or the reverse",
    also_called: &["health check", "readiness probe"],
    acts_at: ActsAt::Process,
    heals: "a readiness check that tells the truth",
    aims: Aims::Services(&[]),
    parameters: &[],
    acts: |aim, _values| vec![set(aim, json!({ "ready": false }))],
};
