//! The family `resource` of the fault vocabulary. It knows no scenario that uses it.

use super::{ActsAt, Family, Mechanism};

pub(super) const FAMILY: Family = Family {
    id: "resource",
    definition: "A process or host runs out of something",
    mechanisms: &[
        Mechanism {
            id: "cpu-burn",
            definition: "Computation takes the processor from other work",
            also_called: &["busy loop", "high CPU", "noisy neighbour"],
            acts_at: ActsAt::Process,
            heals: "the computation's end, a limit or a lower priority",
        },
        Mechanism {
            id: "memory-leak",
            definition: "Memory is kept that is no longer needed, and grows",
            also_called: &["unbounded cache", "growing heap"],
            acts_at: ActsAt::Process,
            heals: "a bound on what is kept; a restart only for a while",
        },
        Mechanism {
            id: "memory-limit-kill",
            definition: "The process is killed at its memory limit (exit 137)",
            also_called: &["OOM", "out of memory"],
            acts_at: ActsAt::Process,
            heals: "less memory or a higher limit",
        },
        Mechanism {
            id: "descriptor-leak",
            definition: "Files or sockets are opened and not closed, until no more can be",
            also_called: &["too many open files", "EMFILE", "socket leak"],
            acts_at: ActsAt::Process,
            heals: "closing them; a restart only for a while",
        },
        Mechanism {
            id: "disk-full",
            definition: "Writes fail because the disk is full",
            also_called: &["no space left on device", "ENOSPC"],
            acts_at: ActsAt::Process,
            heals: "space",
        },
        Mechanism {
            id: "log-flood",
            definition: "So much is logged that the logging itself harms",
            also_called: &["verbose logging", "debug logging"],
            acts_at: ActsAt::Process,
            heals: "a lower level, sampling or a rate limit",
        },
    ],
};
