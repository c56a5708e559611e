//! The family `change` of the fault vocabulary: a mechanism is a file here and a line below.

mod bad_configuration;
mod bad_release;
mod feature_flag;
mod infrastructure_drift;
mod traffic_surge;

use super::Family;

/// The family.
pub(super) const FAMILY: Family = Family {
    id: "change",
    definition: "Somebody changed something, and no more specific mechanism describes the harm",
    mechanisms: &[
        bad_release::MECHANISM,
        bad_configuration::MECHANISM,
        feature_flag::MECHANISM,
        infrastructure_drift::MECHANISM,
        traffic_surge::MECHANISM,
    ],
};
