//! The family `data-access` of the fault vocabulary: a mechanism is a file here and a line below.

mod missing_index;
mod n_plus_one;
mod slow_database;
mod unbounded_result;

use super::Family;

/// The family.
pub(super) const FAMILY: Family = Family {
    id: "data-access",
    definition: "Reading or writing the database costs more than it must",
    mechanisms: &[
        n_plus_one::MECHANISM,
        missing_index::MECHANISM,
        slow_database::MECHANISM,
        unbounded_result::MECHANISM,
    ],
};
