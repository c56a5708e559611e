//! The family `dependency` of the fault vocabulary. It knows no scenario that uses it.

use super::{ActsAt, Family, Mechanism};

pub(super) const FAMILY: Family = Family {
    id: "dependency",
    definition: "A service cannot live with the failure of what it depends on",
    mechanisms: &[
        Mechanism {
            id: "upstream-failure-without-fallback",
            definition: "A dependency fails and the caller has neither breaker nor fallback",
            also_called: &["cascading failure", "missing circuit breaker"],
            acts_at: ActsAt::Service,
            heals: "a circuit breaker with a fallback, or the dependency's recovery",
        },
        Mechanism {
            id: "retry-storm",
            definition: "Retries without backoff multiply the load on what is already failing",
            also_called: &["retry amplification", "thundering herd"],
            acts_at: ActsAt::Service,
            heals: "fewer retries, backoff with jitter, a retry budget",
        },
        Mechanism {
            id: "missing-timeout",
            definition: "A call waits for ever for a dependency that does not answer",
            also_called: &["hanging call", "no deadline"],
            acts_at: ActsAt::Service,
            heals: "a timeout on the call",
        },
        Mechanism {
            id: "expired-credential",
            definition: "A certificate, token or password is no longer accepted",
            also_called: &["expired certificate", "TLS", "401"],
            acts_at: ActsAt::Operation,
            heals: "renewal of the credential",
        },
        Mechanism {
            id: "quota-exhausted",
            definition: "An allowance at a provider is used up",
            also_called: &["usage limit", "out of credit"],
            acts_at: ActsAt::Operation,
            heals: "a new period or a larger allowance",
        },
    ],
};
