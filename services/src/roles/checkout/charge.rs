//! Charging an order through payments, with retries.

use std::sync::Arc;

use scenarios::shop::Role;

use super::{Checkout, failure::Failure};
use crate::{
    hop::Hop,
    peer::Call,
    retry,
    settings::Settings,
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
        let attempt = async |settings: Arc<Settings>| {
            let key = idempotency_key(settings.stable_idempotency_key, &order.order_id);
            let call = Call::post("/charges", &request, settings.call_timeout)
                .header(IDEMPOTENCY_HEADER, &key);
            payments.call::<Charge>(hop, call).await
        };
        retry::charging(&self.service, hop, Role::Payments, &order.order_id, attempt).await?;
        Ok(())
    }
}

fn idempotency_key(stable: bool, order_id: &str) -> String {
    if stable {
        order_id.to_owned()
    } else {
        uuid::Uuid::new_v4().simple().to_string()
    }
}
