//! `memory-limit-kill`, of the family `resource`. It knows no scenario that uses it, and not who carries it out.

use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, service},
    aim::Aims,
    parameter::Parameter,
};

/// `memory-limit-kill`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "memory-limit-kill",
    definition: "The process is killed at its memory limit (exit 137)",
    also_called: &["OOM", "out of memory"],
    acts_at: ActsAt::Process,
    heals: "less memory or a higher limit",
    aims: Aims::Services(&[]),
    parameters: &[Parameter::whole(
        "limit_mib",
        "MiB",
        [1, 4_096],
        1,
        "resident memory at which a process is killed",
    )],
    acts: |aim, values| {
        vec![Act::MemoryLimit {
            service: service(aim),
            mib: values.whole("limit_mib"),
        }]
    },
};
