//! The family `dependency` of the fault vocabulary: a mechanism is a file here and a line below.

mod expired_credential;
mod missing_timeout;
mod quota_exhausted;
mod retry_storm;
mod upstream_failure_without_fallback;

use super::Family;

/// The family.
pub(super) const FAMILY: Family = Family {
    id: "dependency",
    definition: "A service cannot live with the failure of what it depends on",
    mechanisms: &[
        upstream_failure_without_fallback::MECHANISM,
        retry_storm::MECHANISM,
        missing_timeout::MECHANISM,
        expired_credential::MECHANISM,
        quota_exhausted::MECHANISM,
    ],
};
