//! The family `network` of the fault vocabulary. It knows no scenario that uses it.

use super::{ActsAt, Family, Mechanism};

pub(super) const FAMILY: Family = Family {
    id: "network",
    definition: "The network between two processes misbehaves",
    mechanisms: &[
        Mechanism {
            id: "latency",
            definition: "Every answer on the link takes longer by a constant time",
            also_called: &["slow link", "network delay"],
            acts_at: ActsAt::Link,
            heals: "ends with its cause on the link",
        },
        Mechanism {
            id: "jitter",
            definition: "Delays on the link vary widely from chunk to chunk",
            also_called: &["variable delay"],
            acts_at: ActsAt::Link,
            heals: "ends with its cause on the link",
        },
        Mechanism {
            id: "bandwidth",
            definition: "The link carries fewer bytes per second than are sent",
            also_called: &["throttled link", "saturated link"],
            acts_at: ActsAt::Link,
            heals: "ends with the limit, or with smaller messages",
        },
        Mechanism {
            id: "packet-slicing",
            definition: "Data arrives in many tiny pieces with pauses between them",
            also_called: &["fragmentation", "trickle"],
            acts_at: ActsAt::Link,
            heals: "ends with its cause on the link",
        },
        Mechanism {
            id: "connection-reset",
            definition: "Established connections are cut by a reset",
            also_called: &["RST", "ECONNRESET", "dropped connection"],
            acts_at: ActsAt::Link,
            heals: "ends with its cause; callers must reconnect",
        },
        Mechanism {
            id: "half-open",
            definition: "One side believes that a connection lives, the other has forgotten it",
            also_called: &["dead peer", "stale connection"],
            acts_at: ActsAt::Link,
            heals: "ends when keep-alives or timeouts clear the dead side",
        },
        Mechanism {
            id: "partition",
            definition: "Nothing passes between two processes, in one direction or both",
            also_called: &["netsplit", "network split", "unreachable"],
            acts_at: ActsAt::Link,
            heals: "ends when the path is back; connections may hang until their timeout",
        },
        Mechanism {
            id: "slow-close",
            definition: "Connections stay open long after the last byte",
            also_called: &["lingering connection", "FIN_WAIT"],
            acts_at: ActsAt::Link,
            heals: "ends with its cause on the link",
        },
        Mechanism {
            id: "dns-failure",
            definition: "A name is not resolved, or to the wrong address",
            also_called: &["name resolution", "NXDOMAIN"],
            acts_at: ActsAt::Link,
            heals: "ends when the name resolves and caches have expired",
        },
    ],
};
