//! pricing: the price of a cart. List prices and tax are its own, discounts are asked for.

use std::sync::Arc;

use axum::{Json, extract::State};
use scenarios::shop::{CartLine, Role};

use super::Running;
use crate::{
    breaker::Breaker,
    goods,
    hop::Hop,
    peer::{Call, CallError},
    problem::{Body, Problem},
    route::{Routes, note_order},
    service::Service,
    signals::metrics::Live,
    wire::{Basket, Discounts, PricedLine, Prices, check_lines},
};

#[derive(Debug, Clone)]
struct Pricing {
    service: Arc<Service>,
    promotions: Breaker,
}

/// Starts it.
pub fn start(service: &Arc<Service>) -> Running {
    let promotions = Breaker::default();
    promotions.configure(service.settings.now().breaker);
    register_breaker(service, Role::Promotions, &promotions);
    let state = Pricing {
        service: Arc::clone(service),
        promotions: promotions.clone(),
    };
    let router = Routes::new(service)
        .post("/prices", prices)
        .with_state(state);
    Running::adapting(service, router, move |settings| {
        promotions.configure(settings.breaker);
        Box::pin(std::future::ready(Ok(())))
    })
}

/// Shows a breaker as `circuit_breaker_state`.
pub fn register_breaker(service: &Service, peer: Role, breaker: &Breaker) {
    let breaker = breaker.clone();
    service.metrics.register_live(
        "circuit_breaker_state",
        "0 closed, 1 half-open, 2 open",
        vec![Live::labelled("peer", peer.name(), move || {
            f64::from(breaker.level())
        })],
    );
}

/// A line at its list price.
#[must_use]
pub fn at_list_price(line: &CartLine) -> PricedLine {
    PricedLine {
        sku: line.sku,
        quantity: line.quantity,
        unit_price_minor_units: goods::list_price_minor_units(line.sku),
        discount_basis_points: 0,
        tax_basis_points: goods::tax_basis_points(line.sku),
    }
}

async fn prices(
    State(pricing): State<Pricing>,
    hop: Hop,
    Body(basket): Body<Basket>,
) -> Result<Json<Prices>, Problem> {
    check_lines(&basket.lines)?;
    note_order(&basket.order_id);
    let discounts = pricing.discounts(&hop, &basket).await?;
    let mut lines: Vec<PricedLine> = basket.lines.iter().map(at_list_price).collect();
    for (line, basis_points) in lines.iter_mut().zip(discounts.basis_points) {
        line.discount_basis_points = basis_points.min(10_000);
    }
    Ok(Json(Prices { lines }))
}

impl Pricing {
    /// What promotions grants; nothing when this shop has none, or when its breaker holds and it does not answer.
    async fn discounts(&self, hop: &Hop, basket: &Basket) -> Result<Discounts, CallError> {
        let none = Discounts {
            basis_points: Vec::new(),
        };
        let Some(promotions) = self.service.peer(Role::Promotions) else {
            return Ok(none);
        };
        let settings = self.service.settings.now();
        let Ok(pass) = self.promotions.pass() else {
            return Ok(none);
        };
        let call = Call::post("/discounts", basket, settings.call_timeout)
            .within(settings.deadline_budget);
        match promotions.call(hop, call).await {
            Ok(discounts) => {
                pass.succeeded();
                Ok(discounts)
            }
            Err(error) if error.is_worth_retrying() => {
                pass.failed();
                let (order_id, correlation_id) = (basket.order_id.as_str(), hop.correlation());
                tracing::warn!(order_id, correlation_id, reason = %error, "discounts are missing");
                if settings.breaker.is_some() {
                    Ok(none)
                } else {
                    Err(error)
                }
            }
            Err(error) => {
                // it answered: it is well
                pass.succeeded();
                Err(error)
            }
        }
    }
}
