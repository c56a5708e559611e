//! Why a checkout fails: the reasons that are counted, and what the customer is told.

use axum::http::StatusCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use crate::{ServiceError, peer::CallError, problem::Problem, signals::metrics::Metrics};

/// Reason, as in `checkout_failure_total{reason}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A step took too long.
    Timeout,
    /// A service that is needed is not there.
    Unavailable,
    /// No worker slot in time.
    NoSlot,
    /// Payments holds the amount for wrong.
    AmountMismatch,
    /// The provider declined.
    PaymentDeclined,
    /// An article is sold out.
    OutOfStock,
    /// The request cannot be.
    Invalid,
}

impl Reason {
    const ALL: [Self; 7] = [
        Self::Timeout,
        Self::Unavailable,
        Self::NoSlot,
        Self::AmountMismatch,
        Self::PaymentDeclined,
        Self::OutOfStock,
        Self::Invalid,
    ];

    /// As a label.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::NoSlot => "no_slot",
            Self::AmountMismatch => "amount_mismatch",
            Self::PaymentDeclined => "payment_declined",
            Self::OutOfStock => "out_of_stock",
            Self::Invalid => "invalid",
        }
    }
}

/// A failed checkout.
#[derive(Debug, Clone)]
pub struct Failure {
    /// As counted.
    pub reason: Reason,
    /// As told.
    pub problem: Problem,
}

impl Failure {
    /// For this reason; the answer's `error` is the reason's word.
    pub fn of(reason: Reason, mut problem: Problem) -> Self {
        reason.word().clone_into(&mut problem.body.error);
        Self { reason, problem }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let word = problem.body.error.as_str();
        let known = Reason::ALL.into_iter().find(|reason| reason.word() == word);
        let reason = known.unwrap_or(match problem.status {
            StatusCode::GATEWAY_TIMEOUT => Reason::Timeout,
            status if status.is_client_error() => Reason::Invalid,
            _ => Reason::Unavailable,
        });
        Self::of(reason, problem)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Problem::from(error).into()
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Problem::from(error).into()
    }
}

/// `checkout_failure_total`.
#[derive(Debug, Clone, Default)]
pub struct Failures(Family<ReasonLabel, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

impl Failures {
    /// Every reason is there from the start: a rate over a series that appears with its first failure would miss it.
    pub fn register(&self, metrics: &Metrics) {
        for reason in Reason::ALL {
            self.counter(reason);
        }
        metrics.register("checkout_failure", "Checkouts that failed", self.0.clone());
    }

    /// Counts one.
    pub fn count(&self, reason: Reason) {
        self.counter(reason).inc();
    }

    fn counter(&self, reason: Reason) -> Counter {
        let label = ReasonLabel {
            reason: reason.word(),
        };
        self.0.get_or_create(&label).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::ProblemBody;
    use scenarios::shop::Role;
    use std::time::Duration;

    #[test]
    fn the_reason_of_the_service_that_failed_survives_the_way_back() {
        let refused = |status, error: &str| CallError::Refused {
            status,
            body: ProblemBody {
                error: error.to_owned(),
                reason: String::new(),
            },
        };
        for (error, reason) in [
            (
                refused(StatusCode::GATEWAY_TIMEOUT, "timeout"),
                Reason::Timeout,
            ),
            (
                refused(StatusCode::UNPROCESSABLE_ENTITY, "amount_mismatch"),
                Reason::AmountMismatch,
            ),
            (
                refused(StatusCode::PAYMENT_REQUIRED, "payment_declined"),
                Reason::PaymentDeclined,
            ),
            (
                refused(StatusCode::CONFLICT, "out_of_stock"),
                Reason::OutOfStock,
            ),
            (
                refused(StatusCode::SERVICE_UNAVAILABLE, "no_slot"),
                Reason::NoSlot,
            ),
            (
                refused(StatusCode::INTERNAL_SERVER_ERROR, "internal"),
                Reason::Unavailable,
            ),
            (refused(StatusCode::BAD_REQUEST, "no_key"), Reason::Invalid),
            (
                CallError::TimedOut {
                    peer: Role::Pricing,
                    after: Duration::ZERO,
                },
                Reason::Timeout,
            ),
        ] {
            assert_eq!(Failure::from(error.clone()).reason, reason, "{error:?}");
        }
    }
}
