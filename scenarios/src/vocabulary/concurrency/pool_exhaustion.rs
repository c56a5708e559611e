//! `pool-exhaustion`, of the family `concurrency`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::shop::Role;
use crate::vocabulary::{
    ActsAt, Mechanism,
    act::{service, set},
    aim::Aims,
    parameter::Parameter,
};

/// `pool-exhaustion`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "pool-exhaustion",
    definition: "A pool of connections or workers is too small for the work, which queues before it",
    also_called: &[
        "connection pool",
        "thread pool",
        "worker pool",
        "starved pool",
    ],
    acts_at: ActsAt::Service,
    heals: "a pool that fits the load times the time each use takes",
    aims: Aims::Services(&[
        Role::Storefront,
        Role::Checkout,
        Role::Promotions,
        Role::Payments,
        Role::Ledger,
        Role::Inventory,
        Role::Orders,
        Role::Worker,
    ]),
    parameters: &[Parameter::whole(
        "size",
        "connections or slots",
        [1, 64],
        1,
        "what is left of the pool",
    )],
    acts: |aim, values| {
        let pool = match service(aim) {
            Role::Checkout => "worker-slots",
            Role::Payments => "outbound-connections",
            Role::Orders => "read-connections",
            _ => "database-connections",
        };
        vec![set(aim, json!({ pool: values.whole("size") }))]
    },
};
