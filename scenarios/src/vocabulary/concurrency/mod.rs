//! The family `concurrency` of the fault vocabulary: a mechanism is a file here and a line below.

mod circular_wait;
mod lock_contention;
mod lost_update;
mod pool_exhaustion;
mod thread_starvation;
mod unbounded_queue;

use super::Family;

/// The family.
pub(super) const FAMILY: Family = Family {
    id: "concurrency",
    definition: "Work that runs at the same time gets in its own way",
    mechanisms: &[
        circular_wait::MECHANISM,
        pool_exhaustion::MECHANISM,
        lock_contention::MECHANISM,
        lost_update::MECHANISM,
        thread_starvation::MECHANISM,
        unbounded_queue::MECHANISM,
    ],
};
