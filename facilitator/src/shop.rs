//! What a drill needs of the lab, as a narrow waist: the state of the shop, remedies and the proof.
//! [`crate::drill`] implements it on the real lab.

use api::{
    ActionOutcome, ActionRequest, Change, ProofView, ReadyRequest, Remedy, ServiceView, ShopAnswer,
    ShopRequest,
};
use futures_util::future::BoxFuture;
use simulator::lab::Lab;

use crate::refusal::Refusal;

/// The shop of one drill, and what can be done to it.
pub trait Shop: Send + Sync + 'static {
    /// Its processes.
    fn services(&self) -> Vec<ServiceView>;

    /// What preparation is doing, in words.
    fn activity(&self) -> String;

    /// The change history so far, oldest first.
    fn changes(&self) -> Vec<Change>;

    /// Actions on offer.
    fn remedies(&self) -> Vec<Remedy>;

    /// Applies a remedy, or takes it back; a rollout in steps has begun when this returns. The outcome is journalled.
    ///
    /// # Errors
    /// When there is no such remedy.
    fn act<'a>(
        &'a self,
        request: &'a ActionRequest,
    ) -> BoxFuture<'a, Result<ActionOutcome, Refusal>>;

    /// Ends what goes on by itself before the drill ends: a rollout that is not through is taken back.
    fn settle(&self) -> BoxFuture<'_, ()>;

    /// Requests that are ready to be sent to its services.
    fn ready_requests(&self) -> Vec<ReadyRequest>;

    /// Sends a person's request to a service, and journals it.
    ///
    /// # Errors
    /// When it is not sent: no such service, a part that cannot be, too many.
    fn send(&self, request: ShopRequest) -> BoxFuture<'_, Result<ShopAnswer, Refusal>>;

    /// Starts the stress test; its result is journalled when it ends.
    ///
    /// # Errors
    /// When one runs already.
    fn start_proof(&self) -> Result<(), Refusal>;

    /// The stress test as it stands.
    fn proof(&self) -> ProofView;

    /// The lab itself, for its instructor; a shop that is none has none.
    fn lab(&self) -> Option<&Lab>;
}
