//! Having a cart priced, with a breaker and a budget if there are any. The fallback is list prices
//! without discounts.

use scenarios::shop::Role;

use super::{Checkout, failure::Failure};
use crate::{
    hop::Hop,
    peer::Call,
    roles::pricing::at_list_price,
    wire::{Basket, PricedLine, Prices},
};

impl Checkout {
    /// The basket's lines with prices and discounts.
    pub(super) async fn price(
        &self,
        hop: &Hop,
        basket: &Basket,
    ) -> Result<Vec<PricedLine>, Failure> {
        let at_list_prices = || basket.lines.iter().map(at_list_price).collect();
        let Some(pricing) = self.service.peer(Role::Pricing) else {
            return Ok(at_list_prices());
        };
        let settings = self.service.settings.now();
        let Ok(pass) = self.pricing.pass() else {
            return Ok(at_list_prices());
        };
        let call =
            Call::post("/prices", basket, settings.call_timeout).within(settings.deadline_budget);
        match pricing.call::<Prices>(hop, call).await {
            Ok(prices) => {
                pass.succeeded();
                Ok(prices.lines)
            }
            Err(error) if error.is_worth_retrying() => {
                pass.failed();
                let (order_id, correlation_id) = (basket.order_id.as_str(), hop.correlation());
                tracing::warn!(order_id, correlation_id, reason = %error, "prices are missing");
                if settings.breaker.is_some() {
                    Ok(at_list_prices())
                } else {
                    Err(error.into())
                }
            }
            Err(error) => {
                // it answered: it is well
                pass.succeeded();
                Err(error.into())
            }
        }
    }
}
