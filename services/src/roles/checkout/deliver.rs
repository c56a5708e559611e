//! Delivering what must not be lost once an order is paid: at once, or in the background until it
//! arrives. The receivers take a repetition for what it is.

use std::{sync::Arc, time::Duration};

use scenarios::shop::Role;
use tokio::sync::Semaphore;

use crate::{hop::Hop, peer::Call, service::Service, wire::OrderLines};

/// Deliveries that may be outstanding; beyond it one is given up at once, which is logged as an error.
const OUTSTANDING: usize = 1_000;
/// Attempts of a delivery after the first, and the pause between them: half a minute, longer than any partition of a drill.
const ATTEMPTS: u32 = 60;
/// See [`ATTEMPTS`].
const PAUSE: Duration = Duration::from_millis(500);

/// What is outstanding.
#[derive(Debug, Clone)]
pub struct Deliveries {
    service: Arc<Service>,
    places: Arc<Semaphore>,
}

impl Deliveries {
    /// Nothing.
    pub fn new(service: &Arc<Service>) -> Self {
        Self {
            service: Arc::clone(service),
            places: Arc::new(Semaphore::new(OUTSTANDING)),
        }
    }

    /// Delivers an order; to a service that this shop runs without, nothing is.
    pub async fn deliver(&self, hop: &Hop, to: Role, path: &'static str, order: &OrderLines) {
        if self.attempt(hop, to, path, order).await {
            return;
        }
        let order_id = order.order_id.as_str();
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::error!(
                order_id,
                to = to.name(),
                "delivery given up: too many are outstanding"
            );
            return;
        };
        let (deliveries, hop, order) = (self.clone(), hop.clone(), order.clone());
        self.service.spawn(async move {
            deliveries.keep_trying(&hop, to, path, &order).await;
            drop(place);
        });
    }

    async fn keep_trying(&self, hop: &Hop, to: Role, path: &'static str, order: &OrderLines) {
        let order_id = order.order_id.as_str();
        for _ in 0..ATTEMPTS {
            tokio::select! {
                () = self.service.stopping.cancelled() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
            if self.attempt(hop, to, path, order).await {
                tracing::info!(order_id, to = to.name(), "late delivery arrived");
                return;
            }
        }
        tracing::error!(order_id, to = to.name(), "delivery given up");
    }

    async fn attempt(&self, hop: &Hop, to: Role, path: &'static str, order: &OrderLines) -> bool {
        let Some(peer) = self.service.peer(to) else {
            return true;
        };
        let timeout = self.service.settings.now().call_timeout;
        match peer.tell(hop, Call::post(path, order, timeout)).await {
            Ok(()) => true,
            Err(error) => {
                let (order_id, correlation_id) = (order.order_id.as_str(), hop.correlation());
                tracing::warn!(order_id, correlation_id, to = to.name(), reason = %error, "delivery failed");
                false
            }
        }
    }
}
