//! The desk's shop, on the lab of the same drill. Proofs run in a task of their own, which ends with
//! the drill.

use std::sync::Arc;

use api::{
    ActionOutcome, ActionRequest, Change, ProofView, ReadyRequest, Remedy, ServiceView, ShopAnswer,
    ShopRequest,
};
use display_full_error::DisplayFullErrorExt;
use futures_util::future::BoxFuture;
use simulator::{
    LabError,
    lab::{Lab, SendError},
};
use tokio_util::task::TaskTracker;

use crate::{
    refusal::{Refusal, RefusalKind},
    shop::Shop,
};

/// See the head of this file.
pub(super) struct LabShop {
    lab: Arc<Lab>,
    proofs: TaskTracker,
}

impl LabShop {
    pub(super) const fn new(lab: Arc<Lab>, proofs: TaskTracker) -> Self {
        Self { lab, proofs }
    }
}

impl Shop for LabShop {
    fn services(&self) -> Vec<ServiceView> {
        self.lab.view().services
    }

    fn activity(&self) -> String {
        self.lab.view().activity
    }

    fn changes(&self) -> Vec<Change> {
        self.lab.changes()
    }

    fn remedies(&self) -> Vec<Remedy> {
        self.lab.remedies()
    }

    fn act<'a>(
        &'a self,
        request: &'a ActionRequest,
    ) -> BoxFuture<'a, Result<ActionOutcome, Refusal>> {
        let remedy = request.remedy.as_str();
        Box::pin(async move {
            let offered = self.lab.remedies();
            if !offered.iter().any(|offer| offer.id == remedy) {
                let ids: Vec<&str> = offered.iter().map(|offer| offer.id.as_str()).collect();
                return Err(Refusal::not_found(
                    format!("there is no action `{remedy}`"),
                    format!("there are {}", ids.join(", ")),
                ));
            }
            Ok(if request.undo {
                self.lab.undo(remedy).await
            } else {
                self.lab.roll_out(remedy, request.strategy).await
            })
        })
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.lab.settle())
    }

    fn ready_requests(&self) -> Vec<ReadyRequest> {
        self.lab.ready_requests()
    }

    fn send(&self, request: ShopRequest) -> BoxFuture<'_, Result<ShopAnswer, Refusal>> {
        Box::pin(async move {
            let sent = self.lab.send(request).await;
            sent.map_err(|error| not_sent(&error))
        })
    }

    fn start_proof(&self) -> Result<(), Refusal> {
        let proof = self.lab.start_proof().map_err(|error| match error {
            LabError::ProofRuns => {
                Refusal::not_now("a stress test is running", "wait until it has ended")
            }
            other => Refusal::not_now(
                other.to_string_full(),
                "wait until the rollout has ended, or take it back",
            ),
        })?;
        self.proofs.spawn(async move {
            if let Err(error) = proof.await {
                tracing::warn!(
                    error = error.to_string_full(),
                    "the stress test did not end"
                );
            }
        });
        Ok(())
    }

    fn proof(&self) -> ProofView {
        self.lab.proof_view()
    }

    fn lab(&self) -> Option<&Lab> {
        Some(&self.lab)
    }
}

/// Why a request was not sent, and what helps.
fn not_sent(error: &SendError) -> Refusal {
    let ready = "GET /api/v1/drill/requests lists requests that are ready";
    let (kind, remedy) = match error {
        SendError::NoService { .. } => (RefusalKind::NotFound, ready),
        SendError::Unfit { .. } => (RefusalKind::Invalid, ready),
        SendError::TooMany => (RefusalKind::TooMany, "send it again in ten seconds"),
        SendError::Lost(_) => (
            RefusalKind::Failed,
            "look whether it did its work before it is sent again",
        ),
    };
    Refusal::new(kind, error.to_string(), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_refused_says_what_helps() {
        let many = not_sent(&SendError::TooMany);
        assert_eq!(many.kind, RefusalKind::TooMany);
        let said = many.to_string();
        assert!(said.ends_with("send it again in ten seconds"), "{said}");
        let unfit = not_sent(&SendError::Unfit {
            field: "path",
            why: "is no path".into(),
        });
        assert_eq!(unfit.kind, RefusalKind::Invalid);
        assert!(unfit.to_string().contains("/requests"), "{unfit}");
    }
}
