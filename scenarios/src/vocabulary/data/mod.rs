//! The family `data` of the fault vocabulary: a mechanism is a file here and a line below.

mod binary_float_money;
mod clock_skew;
mod delayed_processing;
mod duplicate_delivery;
mod missing_idempotency;
mod partial_transaction;
mod reordering;
mod schema_drift;
mod stale_cache;

use super::{
    Family,
    request::{matched, matched_all},
};

/// The family.
pub(super) const FAMILY: Family = Family {
    id: "data",
    definition: "What is stored or passed on is not what it should be",
    mechanisms: &[
        binary_float_money::MECHANISM,
        missing_idempotency::MECHANISM,
        stale_cache::MECHANISM,
        schema_drift::MECHANISM,
        clock_skew::MECHANISM,
        duplicate_delivery::MECHANISM,
        reordering::MECHANISM,
        partial_transaction::MECHANISM,
        delayed_processing::MECHANISM,
    ],
};
