//! `dns-failure`, of the family `network`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{Act, call, setting},
    aim::Aims,
};

/// `dns-failure`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "dns-failure",
    definition: "A name is not resolved, or to the wrong address",
    also_called: &["name resolution", "NXDOMAIN"],
    acts_at: ActsAt::Link,
    heals: "ends when the name resolves and caches have expired",
    aims: Aims::CallsOf(&[]),
    parameters: &[],
    acts: |aim, _values| {
        let (from, to) = call(aim);
        vec![Act::Set {
            service: from,
            settings: vec![setting(json!({ "unresolvable": [to] }))],
        }]
    },
};
