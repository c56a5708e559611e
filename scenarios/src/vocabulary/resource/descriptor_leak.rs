//! `descriptor-leak`, of the family `resource`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `descriptor-leak`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "descriptor-leak",
    definition: "Files or sockets are opened and not closed, until no more can be",
    also_called: &["too many open files", "EMFILE", "socket leak"],
    acts_at: ActsAt::Process,
    heals: "closing them; a restart only for a while",
    aims: Aims::Services(&[]),
    parameters: &[
        Parameter::number(
            "per_s",
            "descriptors/s",
            [0.1, 10_000.0],
            50.0,
            "how fast it grows",
        ),
        Parameter::whole(
            "most",
            "descriptors",
            [1, 1_000],
            200,
            "how many are left to be opened",
        ),
    ],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "descriptor-leak": { "per_s": values.number("per_s"), "most": values.whole("most") } }),
        )]
    },
};
