//! checkout: totals, idempotency and payment orchestration, under a limited number of worker slots.
//!
//! A slot is held while a cart is priced, and by whoever asks for the total of a cart.

mod charge;
mod deliver;
mod failure;
mod place;
mod price;

use std::sync::Arc;

use axum::{Json, extract::State};
use prometheus_client::metrics::counter::Counter;
use scenarios::shop::{OrderAnswer, Role};
use tokio::time::{Duration, Instant};

use super::{Running, pricing::register_breaker, promotions::list_total};
use crate::{
    breaker::Breaker,
    database::Statement,
    hop::Hop,
    problem::{Body, Problem},
    route::{Routes, note_order},
    service::Service,
    signals::metrics::{Live, Metrics},
    slots::{Slot, Slots},
    wire::{Basket, CartTotal, check_customer, check_lines, check_order_id},
};
use deliver::Deliveries;
use failure::{Failure, Failures, Reason};

/// Longest wait for a slot; then the request is turned away. As long as a call may take by default.
const SLOT_WAIT_LIMIT: Duration = Duration::from_secs(3);
/// A wait for a slot beyond this is logged.
const LONG_WAIT: Duration = Duration::from_millis(500);

/// The role's state.
#[derive(Debug, Clone)]
struct Checkout {
    service: Arc<Service>,
    slots: Slots,
    pricing: Breaker,
    deliveries: Deliveries,
    counters: Counters,
}

/// What the business counts.
#[derive(Debug, Clone, Default)]
struct Counters {
    checkouts: Counter,
    failures: Failures,
    orders: Counter,
    revenue_minor_units: Counter,
}

/// Starts it.
pub fn start(service: &Arc<Service>) -> Running {
    let settings = service.settings.now();
    let checkout = Checkout {
        service: Arc::clone(service),
        slots: Slots::new(settings.worker_slots as usize),
        pricing: Breaker::default(),
        deliveries: Deliveries::new(service),
        counters: Counters::registered(&service.metrics),
    };
    checkout.pricing.configure(settings.breaker);
    register_breaker(service, Role::Pricing, &checkout.pricing);
    register_slots(service, &checkout.slots);
    let (slots, pricing) = (checkout.slots.clone(), checkout.pricing.clone());
    let router = Routes::new(service)
        .post("/checkouts", check_out)
        .post("/cart-totals", cart_total)
        .with_state(checkout);
    Running::adapting(service, router, move |settings| {
        slots.resize(settings.worker_slots as usize);
        pricing.configure(settings.breaker);
        Box::pin(std::future::ready(Ok(())))
    })
}

impl Counters {
    fn registered(metrics: &Metrics) -> Self {
        let counters = Self::default();
        metrics.register(
            "checkout",
            "Checkouts that ended, however they did",
            counters.checkouts.clone(),
        );
        counters.failures.register(metrics);
        metrics.register("orders", "Orders that were placed", counters.orders.clone());
        metrics.register(
            "revenue_minor_units",
            "What placed orders were charged",
            counters.revenue_minor_units.clone(),
        );
        counters
    }
}

async fn check_out(
    State(checkout): State<Checkout>,
    hop: Hop,
    Body(basket): Body<Basket>,
) -> Result<Json<OrderAnswer>, Problem> {
    note_order(&basket.order_id);
    let ended = match check(&basket) {
        Ok(()) => checkout.place(&hop, &basket).await,
        Err(problem) => Err(Failure::of(Reason::Invalid, problem)),
    };
    let counters = &checkout.counters;
    counters.checkouts.inc();
    match ended {
        Ok(charged_minor_units) => {
            counters.orders.inc();
            counters
                .revenue_minor_units
                .inc_by(charged_minor_units.unsigned_abs());
            tracing::info!(
                order_id = basket.order_id,
                correlation_id = hop.correlation(),
                customer = basket.customer,
                charged_minor_units,
                lines = basket.lines.len(),
                "checkout completed"
            );
            Ok(Json(OrderAnswer {
                order_id: basket.order_id,
                charged_minor_units,
            }))
        }
        Err(failure) => {
            counters.failures.count(failure.reason);
            tracing::warn!(
                order_id = basket.order_id,
                correlation_id = hop.correlation(),
                customer = basket.customer,
                reason = failure.reason.word(),
                detail = failure.problem.body.reason,
                "checkout failed"
            );
            Err(failure.problem)
        }
    }
}

fn check(basket: &Basket) -> Result<(), Problem> {
    check_customer(basket.customer)?;
    check_order_id(&basket.order_id)?;
    check_lines(&basket.lines)
}

async fn cart_total(
    State(checkout): State<Checkout>,
    hop: Hop,
    Body(basket): Body<Basket>,
) -> Result<Json<CartTotal>, Problem> {
    check_lines(&basket.lines)?;
    note_order(&basket.order_id);
    let _slot = checkout
        .slot(&hop, &basket.order_id)
        .await
        .map_err(|failure| failure.problem)?;
    checkout.status_of(&basket.order_id).await?;
    Ok(Json(CartTotal {
        list_minor_units: list_total(&basket),
    }))
}

impl Checkout {
    /// A worker slot, as soon as it is this request's turn.
    async fn slot(&self, hop: &Hop, order_id: &str) -> Result<Slot, Failure> {
        let limit = hop
            .remaining()
            .map_or(SLOT_WAIT_LIMIT, |left| left.min(SLOT_WAIT_LIMIT));
        let began = Instant::now();
        let slot = tokio::time::timeout(limit, self.slots.acquire()).await;
        let waited = began.elapsed();
        if waited >= LONG_WAIT {
            #[allow(clippy::cast_possible_truncation)] // bounded by the limit
            let waited_ms = waited.as_millis() as u64;
            let correlation_id = hop.correlation();
            tracing::warn!(
                order_id,
                correlation_id,
                waited_ms,
                "waiting for a worker slot took long"
            );
        }
        slot.map_err(|_| {
            let reason = format!("no worker slot became free within {limit:?}; try again");
            Failure::of(Reason::NoSlot, Problem::unavailable(reason))
        })
    }

    /// What is known of an order: its status and what was charged.
    async fn status_of(&self, order_id: &str) -> Result<Option<(String, i64)>, Problem> {
        let sql = "SELECT status, charged_minor_units FROM checkouts WHERE order_id = $1";
        let select = Statement::new("SELECT checkouts", sql).text(order_id);
        let rows = self
            .service
            .database()
            .rows::<(String, i64)>(select)
            .await?;
        Ok(rows.into_iter().next())
    }
}

fn register_slots(service: &Service, slots: &Slots) {
    let live = |read: fn(&Slots) -> usize| {
        let slots = slots.clone();
        #[allow(clippy::cast_precision_loss)] // a number of slots
        let read = move || read(&slots) as f64;
        vec![Live::plain(read)]
    };
    let metrics = &service.metrics;
    metrics.register_live("worker_slots_in_use", "Slots taken", live(Slots::in_use));
    metrics.register_live("worker_slots_limit", "Slots there are", live(Slots::limit));
    metrics.register_live(
        "worker_slots_waiting",
        "Requests that wait for a slot",
        live(Slots::waiting),
    );
}
