//! Placing an order, step by step: price, reserve, charge, enter, file.

use scenarios::shop::Role;

use super::{
    Checkout,
    failure::{Failure, Reason},
};
use crate::{
    database::Statement,
    hop::Hop,
    money,
    peer::Call,
    problem::Problem,
    wire::{Basket, OrderLines, PricedLine},
};

impl Checkout {
    /// Places an order; one that was placed before is answered as it was then. Gives what was charged, minor units.
    pub(super) async fn place(&self, hop: &Hop, basket: &Basket) -> Result<i64, Failure> {
        let slot = self.slot(hop, &basket.order_id).await?;
        if let Some(charged) = self.begin(basket).await? {
            return Ok(charged);
        }
        let priced = self.price(hop, basket).await;
        drop(slot);
        let placed = match priced {
            Ok(lines) => self.sell(hop, basket, lines).await,
            Err(failure) => Err(failure),
        };
        let (status, charged) = match &placed {
            Ok(charged) => ("completed", *charged),
            Err(_) => ("failed", 0),
        };
        let sql = "UPDATE checkouts SET status = $1, charged_minor_units = $2 WHERE order_id = $3";
        let update = Statement::new("UPDATE checkouts", sql);
        let update = update
            .text(status)
            .int(charged)
            .text(basket.order_id.as_str());
        self.service.database().execute(update).await?;
        placed
    }

    /// Notes that the order is under way; gives what was charged when it was completed before.
    async fn begin(&self, basket: &Basket) -> Result<Option<i64>, Failure> {
        // an order that failed may be tried again: its charge has the same key
        let insert = Statement::new(
            "INSERT checkouts",
            "INSERT INTO checkouts (order_id, customer, status, charged_minor_units) \
             VALUES ($1, $2, 'started', 0) \
             ON CONFLICT (order_id) DO UPDATE SET status = 'started' WHERE checkouts.status = 'failed'",
        );
        let insert = insert.text(basket.order_id.as_str()).int(basket.customer);
        if self.service.database().execute(insert).await? > 0 {
            return Ok(None);
        }
        match self.status_of(&basket.order_id).await? {
            Some((status, charged)) if status == "completed" => Ok(Some(charged)),
            _ => Err(Failure::of(
                Reason::Invalid,
                Problem::conflict("invalid", "this order is being checked out already"),
            )),
        }
    }

    /// Sells priced lines.
    async fn sell(
        &self,
        hop: &Hop,
        basket: &Basket,
        lines: Vec<PricedLine>,
    ) -> Result<i64, Failure> {
        let amount = money::total(self.service.settings.now().money, &lines);
        let order = OrderLines {
            order_id: basket.order_id.clone(),
            customer: basket.customer,
            charged_minor_units: amount,
            lines,
        };
        self.reserve(hop, &order).await?;
        if let Err(failure) = self.charge(hop, &order).await {
            self.release(hop, &order.order_id).await;
            return Err(failure);
        }
        // paid: from here on nothing may be lost
        self.deliveries
            .deliver(hop, Role::Ledger, "/entries", &order)
            .await;
        self.deliveries
            .deliver(hop, Role::Orders, "/orders", &order)
            .await;
        Ok(amount)
    }

    async fn reserve(&self, hop: &Hop, order: &OrderLines) -> Result<(), Failure> {
        let Some(inventory) = self.service.peer(Role::Inventory) else {
            return Ok(());
        };
        let timeout = self.service.settings.now().call_timeout;
        inventory
            .tell(hop, Call::post("/reservations", order, timeout))
            .await?;
        Ok(())
    }

    /// Gives back what was reserved; what cannot be given back stays reserved, which is logged.
    async fn release(&self, hop: &Hop, order_id: &str) {
        let Some(inventory) = self.service.peer(Role::Inventory) else {
            return;
        };
        let timeout = self.service.settings.now().call_timeout;
        let call = Call::delete(format!("/reservations/{order_id}"), timeout);
        if let Err(error) = inventory.tell(hop, call).await {
            let correlation_id = hop.correlation();
            tracing::warn!(order_id, correlation_id, reason = %error, "reservation is not released");
        }
    }
}
