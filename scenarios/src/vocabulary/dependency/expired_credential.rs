//! `expired-credential`, of the family `dependency`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, call, setting},
    aim::Aims,
};

/// `expired-credential`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "expired-credential",
    definition: "A certificate, token or password is no longer accepted",
    also_called: &["expired certificate", "TLS", "401"],
    acts_at: ActsAt::Operation,
    heals: "renewal of the credential",
    aims: Aims::CallsOf(&[]),
    parameters: &[],
    acts: |aim, _values| {
        let (from, to) = call(aim);
        vec![Act::Set {
            service: to,
            settings: vec![setting(json!({ "revoked-callers": [from] }))],
        }]
    },
};
