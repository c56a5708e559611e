//! The desk's shop, on the lab of the same drill. Proofs run in a task of their own, which ends with
//! the drill.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use api::{
    ActionOutcome, ActionRequest, Change, ProofView, ReadyRequest, Remedy, ServiceView, ShopAnswer,
    ShopRequest,
};
use display_full_error::DisplayFullErrorExt;
use futures_util::future::BoxFuture;
use simulator::lab::{Lab, SendError};
use tokio_util::task::TaskTracker;

use crate::{
    refusal::{Refusal, RefusalKind},
    shop::Shop,
};

/// See the head of this file.
pub(super) struct LabShop {
    lab: Arc<Lab>,
    proofs: TaskTracker,
    /// Whether a proof was asked for and has not ended: it begins a moment after it was asked for.
    proving: Arc<AtomicBool>,
}

impl LabShop {
    pub(super) fn new(lab: Arc<Lab>, proofs: TaskTracker) -> Self {
        Self {
            lab,
            proofs,
            proving: Arc::new(AtomicBool::new(false)),
        }
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
        Box::pin(self.lab.stop_rollout())
    }

    fn ready_requests(&self) -> Vec<ReadyRequest> {
        self.lab.ready_requests()
    }

    fn send(&self, request: ShopRequest) -> BoxFuture<'_, Result<ShopAnswer, Refusal>> {
        Box::pin(async move {
            let sent = self.lab.send(request).await;
            sent.map_err(|error| {
                let kind = match error {
                    SendError::NoService { .. } => RefusalKind::NotFound,
                    SendError::Unfit { .. } => RefusalKind::Invalid,
                    SendError::TooMany => RefusalKind::TooMany,
                };
                let remedy = "GET /api/v1/drill/requests lists requests that are ready";
                Refusal::new(kind, error.to_string(), remedy)
            })
        })
    }

    fn start_proof(&self) -> Result<(), Refusal> {
        if self.lab.rolls_out() {
            return Err(Refusal::not_now(
                "a release is being rolled out in steps, and two releases cannot be proven at once",
                "wait until the rollout has ended, or take it back",
            ));
        }
        if self.proving.swap(true, Ordering::AcqRel) {
            return Err(Refusal::not_now(
                "a stress test is running",
                "wait until it has ended",
            ));
        }
        let (lab, proving) = (self.lab.clone(), self.proving.clone());
        self.proofs.spawn(async move {
            if let Err(error) = lab.prove().await {
                tracing::warn!(
                    error = error.to_string_full(),
                    "the stress test did not end"
                );
            }
            proving.store(false, Ordering::Release);
        });
        Ok(())
    }

    fn proof(&self) -> ProofView {
        let mut view = self.lab.view().proof;
        view.running |= self.proving.load(Ordering::Acquire);
        view
    }

    fn lab(&self) -> Option<&Lab> {
        Some(&self.lab)
    }
}
