//! `disk-full`, of the family `resource`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims};

/// `disk-full`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "disk-full",
    definition: "Writes fail because the disk is full",
    also_called: &["no space left on device", "ENOSPC"],
    acts_at: ActsAt::Process,
    heals: "space",
    aims: Aims::DatabaseOwners,
    parameters: &[],
    acts: |aim, _values| vec![set(aim, json!({ "disk-full": true }))],
};
