//! The family `none` of the fault vocabulary: a mechanism is a file here and a line below.

mod no_fault;

use super::Family;

/// The family.
pub(super) const FAMILY: Family = Family {
    id: "none",
    definition: "There is no fault",
    mechanisms: &[no_fault::MECHANISM],
};
