//! The family `resource` of the fault vocabulary: a mechanism is a file here and a line below.

mod cpu_burn;
mod descriptor_leak;
mod disk_full;
mod log_flood;
mod memory_leak;
mod memory_limit_kill;

use super::Family;

/// The family.
pub(super) const FAMILY: Family = Family {
    id: "resource",
    definition: "A process or host runs out of something",
    mechanisms: &[
        cpu_burn::MECHANISM,
        memory_leak::MECHANISM,
        memory_limit_kill::MECHANISM,
        descriptor_leak::MECHANISM,
        disk_full::MECHANISM,
        log_flood::MECHANISM,
    ],
};
