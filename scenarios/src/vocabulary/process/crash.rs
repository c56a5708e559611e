//! `crash`, of the family `process`. It knows no scenario that uses it, and not who carries it out.

use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, service},
    aim::Aims,
};

/// `crash`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "crash",
    definition: "The process ends unexpectedly, once",
    also_called: &["panic", "segfault", "unhandled exception"],
    acts_at: ActsAt::Process,
    heals: "a restart",
    aims: Aims::Services(&[]),
    parameters: &[],
    acts: |aim, _values| {
        vec![Act::Kill {
            service: service(aim),
        }]
    },
};
