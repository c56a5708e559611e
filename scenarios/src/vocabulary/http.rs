//! The family `http` of the fault vocabulary. It knows no scenario that uses it.

use super::{ActsAt, Family, Mechanism};

pub(super) const FAMILY: Family = Family {
    id: "http",
    definition: "Requests are answered wrongly, late or not at all",
    mechanisms: &[
        Mechanism {
            id: "error-status",
            definition: "A share of requests is answered with an error status",
            also_called: &["5xx", "internal server error"],
            acts_at: ActsAt::Service,
            heals: "ends when the answering side recovers",
        },
        Mechanism {
            id: "fail-first-n",
            definition: "The first requests of every caller or connection fail, later ones work",
            also_called: &["cold start errors", "warm-up"],
            acts_at: ActsAt::Service,
            heals: "ends when the answering side is warm",
        },
        Mechanism {
            id: "delay-share",
            definition: "A share of requests is answered late",
            also_called: &["tail latency", "slow responses"],
            acts_at: ActsAt::Service,
            heals: "ends when the answering side recovers",
        },
        Mechanism {
            id: "malformed-body",
            definition: "Answers arrive whole but cannot be parsed",
            also_called: &["invalid JSON", "parse error"],
            acts_at: ActsAt::Service,
            heals: "ends when the answering side is repaired",
        },
        Mechanism {
            id: "truncated-body",
            definition: "Answers end before they are complete",
            also_called: &["incomplete response", "unexpected end of file"],
            acts_at: ActsAt::Link,
            heals: "ends with its cause on the path",
        },
        Mechanism {
            id: "rate-limit",
            definition: "The called side refuses requests above an agreed rate (429)",
            also_called: &["throttling", "too many requests"],
            acts_at: ActsAt::Service,
            heals: "ends when the caller stays under the limit or it is raised",
        },
        Mechanism {
            id: "lost-response",
            definition: "The work is done, but its answer never arrives",
            also_called: &["lost acknowledgement", "response timeout"],
            acts_at: ActsAt::Link,
            heals: "cannot be excluded on a network: callers must be able to repeat safely",
        },
    ],
};
