//! Charging an order through payments, with retries.

use scenarios::shop::Role;
use tokio::time::Duration;

use super::{Checkout, failure::Failure};
use crate::{
    hop::Hop,
    peer::{Call, CallError},
    wire::{Charge, ChargeRequest, IDEMPOTENCY_HEADER, OrderLines},
};

impl Checkout {
    /// Charges an order. Whether its attempts can be told to be of one order is a setting.
    pub(super) async fn charge(&self, hop: &Hop, order: &OrderLines) -> Result<(), Failure> {
        let Some(payments) = self.service.peer(Role::Payments) else {
            return Ok(());
        };
        let request = ChargeRequest {
            order_id: order.order_id.clone(),
            amount_minor_units: order.charged_minor_units,
            lines: order.lines.clone(),
        };
        let retries = self.service.settings.now().retries;
        let mut backoff = Duration::from_millis(retries.backoff_ms);
        let mut attempt = 0;
        loop {
            // taken anew: a change of settings holds from the next attempt on
            let settings = self.service.settings.now();
            let key = idempotency_key(settings.stable_idempotency_key, &order.order_id);
            let call = Call::post("/charges", &request, settings.call_timeout)
                .header(IDEMPOTENCY_HEADER, &key);
            let error = match payments.call::<Charge>(hop, call).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if attempt >= retries.max || !error.is_worth_retrying() {
                return Err(error.into());
            }
            attempt += 1;
            tell_of_retry(hop, &order.order_id, &error, attempt);
            self.service.metrics.count_retry(Role::Payments);
            tokio::time::sleep(backoff).await;
            backoff *= 2;
        }
    }
}

fn idempotency_key(stable: bool, order_id: &str) -> String {
    if stable {
        order_id.to_owned()
    } else {
        uuid::Uuid::new_v4().simple().to_string()
    }
}

fn tell_of_retry(hop: &Hop, order_id: &str, error: &CallError, attempt: u32) {
    let correlation_id = hop.correlation();
    if matches!(error, CallError::TimedOut { .. }) {
        tracing::warn!(
            order_id,
            correlation_id,
            attempt,
            "charge attempt timed out, retrying"
        );
    } else {
        tracing::warn!(order_id, correlation_id, attempt, reason = %error, "charge attempt failed, retrying");
    }
}
