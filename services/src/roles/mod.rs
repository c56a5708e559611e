//! The roles, one file or folder each, and the table that starts them.

mod checkout;
mod inventory;
mod ledger;
mod orders;
mod payments;
mod pricing;
mod promotions;
mod psp;
mod shipping;
mod storefront;
mod worker;

#[cfg(test)]
mod tests;

use std::{future::ready, sync::Arc};

use axum::Router;
use futures_util::future::BoxFuture;
use scenarios::shop::Role;

use crate::{error::ServiceError, service::Service, settings::Settings};

/// A role at work.
pub struct Running {
    service: Arc<Service>,
    /// Its routes.
    pub router: Router,
    adapting: Adapting,
}

/// Makes what is made from settings (slots, pools, indexes, threads) follow them.
type Adapting =
    Box<dyn Fn(Arc<Settings>) -> BoxFuture<'static, Result<(), ServiceError>> + Send + Sync>;

impl Running {
    /// A role all of whose settings are read when they are needed.
    fn plain(service: &Arc<Service>, router: Router) -> Self {
        Self::adapting(service, router, |_| Box::pin(ready(Ok(()))))
    }

    /// A role that holds something made from settings.
    fn adapting(
        service: &Arc<Service>,
        router: Router,
        adapt: impl Fn(Arc<Settings>) -> BoxFuture<'static, Result<(), ServiceError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            service: Arc::clone(service),
            router,
            adapting: Box::new(adapt),
        }
    }

    /// Puts settings in force.
    ///
    /// # Errors
    /// When something cannot follow them; then the former stay in force.
    pub async fn adapt(&self, settings: Settings) -> Result<(), ServiceError> {
        let followed = async {
            self.service.follow(&settings).await?;
            (self.adapting)(Arc::new(settings.clone())).await
        };
        if let Err(error) = followed.await {
            let before = self.service.settings.now();
            // it was possible before; should it be no longer, the first error is the one to tell
            let _ = self.service.follow(&before).await;
            return Err(error);
        }
        self.service.settings.replace(settings);
        Ok(())
    }
}

/// The tables of a role that keeps data.
#[must_use]
pub fn schema(role: Role) -> Option<&'static str> {
    Some(match role {
        Role::Storefront => include_str!("../../schema/storefront.sql"),
        Role::Checkout => include_str!("../../schema/checkout.sql"),
        Role::Promotions => include_str!("../../schema/promotions.sql"),
        Role::Payments => include_str!("../../schema/payments.sql"),
        Role::Ledger => include_str!("../../schema/ledger.sql"),
        Role::Inventory => include_str!("../../schema/inventory.sql"),
        Role::Orders => include_str!("../../schema/orders.sql"),
        Role::Worker => include_str!("../../schema/worker.sql"),
        Role::Pricing | Role::Psp | Role::Shipping => return None,
    })
}

/// Starts a service's role.
///
/// # Errors
/// When what it needs cannot be prepared.
pub async fn start(service: &Arc<Service>) -> Result<Running, ServiceError> {
    let running = match service.role {
        Role::Storefront => Ok(storefront::start(service)),
        Role::Checkout => Ok(checkout::start(service)),
        Role::Pricing => Ok(pricing::start(service)),
        Role::Promotions => promotions::start(service).await,
        Role::Payments => Ok(payments::start(service)),
        Role::Ledger => Ok(ledger::start(service)),
        Role::Inventory => inventory::start(service).await,
        Role::Orders => orders::start(service).await,
        Role::Worker => worker::start(service),
        Role::Psp => Ok(psp::start(service)),
        Role::Shipping => Ok(shipping::start(service)),
    }?;
    service.follow(&service.settings.now()).await?;
    Ok(running)
}
