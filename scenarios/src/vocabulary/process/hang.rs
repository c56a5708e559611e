//! `hang`, of the family `process`. It knows no scenario that uses it, and not who carries it out.

use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, service},
    aim::Aims,
};

/// `hang`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "hang",
    definition: "The process runs but does no work",
    also_called: &["livelock", "frozen process"],
    acts_at: ActsAt::Process,
    heals: "a restart, and the removal of its cause",
    aims: Aims::Services(&[]),
    parameters: &[],
    acts: |aim, _values| {
        vec![Act::Pause {
            service: service(aim),
        }]
    },
};
