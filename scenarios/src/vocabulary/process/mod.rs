//! The family `process` of the fault vocabulary: a mechanism is a file here and a line below.

mod crash;
mod crash_loop;
mod failed_readiness;
mod hang;
mod slow_start;

use super::Family;

/// The family.
pub(super) const FAMILY: Family = Family {
    id: "process",
    definition: "A process does not run as it should",
    mechanisms: &[
        crash::MECHANISM,
        crash_loop::MECHANISM,
        hang::MECHANISM,
        slow_start::MECHANISM,
        failed_readiness::MECHANISM,
    ],
};
