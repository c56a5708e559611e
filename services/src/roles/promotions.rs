//! promotions: discounts on articles, coupons, and bundles, whose discount depends on the total of
//! the cart. Where that total comes from is a setting.

use std::sync::Arc;

use axum::{Json, extract::State};
use display_full_error::DisplayFullErrorExt;
use scenarios::{
    setting::CartTotals,
    shop::{CUSTOMERS, GOODS, Role},
};
use sqlx::AssertSqlSafe;
use tokio::sync::mpsc;

use super::Running;
use crate::{
    database::{Statement, values},
    error::ServiceError,
    goods,
    hop::Hop,
    peer::Call,
    problem::{Body, Problem},
    route::{Routes, note_order},
    service::Service,
    signals::metrics::Live,
    wire::{Basket, CartTotal, Discounts, check_customer, check_lines},
};

/// Totals that may wait for confirmation; beyond it they are not confirmed, which is logged.
const WAITING_TOTALS: usize = 1_000;
/// Total from which a bundle earns the full discount, minor units.
const FULL_BUNDLE_MINOR_UNITS: i64 = 5_000;
/// Discount of a bundle, basis points, below and from that total.
const BUNDLE_BASIS_POINTS: [u32; 2] = [250, 750];
/// One article in so many is discounted, one customer in so many has a coupon.
const DISCOUNTED_EVERY: u32 = 3;
/// See [`DISCOUNTED_EVERY`].
const COUPON_EVERY: u32 = 8;
/// Discount of a coupon, basis points.
const COUPON_BASIS_POINTS: u32 = 250;

#[derive(Debug, Clone)]
struct Promotions {
    service: Arc<Service>,
    confirmations: mpsc::Sender<(Hop, Basket)>,
}

/// Fills its tables and starts it.
pub async fn start(service: &Arc<Service>) -> Result<Running, ServiceError> {
    service
        .database()
        .script("fill the campaigns", campaigns())
        .await?;
    let (confirmations, waiting) = mpsc::channel(WAITING_TOTALS);
    let depth = confirmations.clone();
    #[allow(clippy::cast_precision_loss)] // at most the limit
    let depth = move || (WAITING_TOTALS - depth.capacity()) as f64;
    service.metrics.register_live(
        "queue_depth",
        "Items that wait",
        vec![Live::labelled("queue", "cart-totals", depth)],
    );
    service.spawn(confirm(Arc::clone(service), waiting));
    let router = Routes::new(service)
        .post("/discounts", discounts)
        .with_state(Promotions {
            service: Arc::clone(service),
            confirmations,
        });
    Ok(Running::plain(service, router))
}

/// SQL that fills campaigns and coupons; running it again changes nothing.
fn campaigns() -> String {
    let campaigns = (0..GOODS)
        .filter(|sku| sku % DISCOUNTED_EVERY == 0)
        .map(|sku| format!("({sku}, {})", 250 * (1 + sku % 7)));
    let coupons = (0..CUSTOMERS)
        .filter(|customer| customer % COUPON_EVERY == 5)
        .map(|customer| format!("({customer}, {COUPON_BASIS_POINTS})"));
    format!(
        "INSERT INTO campaigns (sku, basis_points) VALUES {} ON CONFLICT (sku) DO NOTHING; \
         INSERT INTO coupons (customer, basis_points) VALUES {} ON CONFLICT (customer) DO NOTHING;",
        campaigns.collect::<Vec<_>>().join(", "),
        coupons.collect::<Vec<_>>().join(", "),
    )
}

async fn discounts(
    State(promotions): State<Promotions>,
    hop: Hop,
    Body(basket): Body<Basket>,
) -> Result<Json<Discounts>, Problem> {
    check_customer(basket.customer)?;
    check_lines(&basket.lines)?;
    note_order(&basket.order_id);
    let campaigns = promotions.campaigns(&basket).await?;
    let coupon = promotions.coupon(basket.customer).await?;
    let bundle = promotions.bundle(&hop, &basket).await?;
    let basis_points = basket.lines.iter().map(|line| {
        let campaign = campaigns
            .iter()
            .find(|(sku, _)| *sku == i64::from(line.sku))
            .map_or(0, |(_, basis_points)| *basis_points);
        let bundled = if goods::in_bundles(line.sku) {
            bundle
        } else {
            0
        };
        u32::try_from(campaign + coupon).unwrap_or(0) + bundled
    });
    Ok(Json(Discounts {
        basis_points: basis_points.collect(),
    }))
}

impl Promotions {
    async fn campaigns(&self, basket: &Basket) -> Result<Vec<(i64, i64)>, Problem> {
        let places = values(1, 1, basket.lines.len());
        let sql = format!("SELECT sku, basis_points FROM campaigns WHERE sku IN {places}");
        let mut select = Statement::new("SELECT campaigns", AssertSqlSafe(sql));
        for line in &basket.lines {
            select = select.int(line.sku);
        }
        Ok(self.service.database().rows(select).await?)
    }

    async fn coupon(&self, customer: u32) -> Result<i64, Problem> {
        let sql = "SELECT basis_points FROM coupons WHERE customer = $1";
        let select = Statement::new("SELECT coupons", sql).int(customer);
        let rows = self.service.database().rows::<(i64,)>(select).await?;
        Ok(rows.first().map_or(0, |row| row.0))
    }

    /// Discount of the basket's bundles, basis points.
    async fn bundle(&self, hop: &Hop, basket: &Basket) -> Result<u32, Problem> {
        if !basket.lines.iter().any(|line| goods::in_bundles(line.sku)) {
            return Ok(0);
        }
        let total = match self.service.settings.now().cart_totals {
            CartTotals::Local => list_total(basket),
            CartTotals::Callback => ask(&self.service, hop, basket).await?,
            CartTotals::Queue => {
                if self
                    .confirmations
                    .try_send((hop.clone(), basket.clone()))
                    .is_err()
                {
                    let order_id = basket.order_id.as_str();
                    tracing::warn!(order_id, "cart total is not confirmed: the queue is full");
                }
                list_total(basket)
            }
        };
        Ok(BUNDLE_BASIS_POINTS[usize::from(total >= FULL_BUNDLE_MINOR_UNITS)])
    }
}

/// The basket's total by what the request says.
#[must_use]
pub fn list_total(basket: &Basket) -> i64 {
    basket
        .lines
        .iter()
        .map(|line| goods::list_price_minor_units(line.sku) * i64::from(line.quantity))
        .sum()
}

/// The basket's total by what checkout says.
async fn ask(service: &Service, hop: &Hop, basket: &Basket) -> Result<i64, Problem> {
    let settings = service.settings.now();
    let call =
        Call::post("/cart-totals", basket, settings.call_timeout).within(settings.deadline_budget);
    let total: CartTotal = service.needed(Role::Checkout)?.call(hop, call).await?;
    Ok(total.list_minor_units)
}

/// Has totals confirmed one after another, for as long as the service lives.
async fn confirm(service: Arc<Service>, mut waiting: mpsc::Receiver<(Hop, Basket)>) {
    loop {
        let next = tokio::select! {
            () = service.stopping.cancelled() => return,
            next = waiting.recv() => next,
        };
        let Some((hop, basket)) = next else { return };
        // the deadline was the request's, and nobody waits here
        let hop = Hop::own().correlated(hop.correlation());
        let order_id = basket.order_id.as_str();
        match ask(&service, &hop, &basket).await {
            Ok(total) => {
                let upsert = Statement::new(
                    "INSERT cart_totals",
                    "INSERT INTO cart_totals (order_id, list_minor_units) VALUES ($1, $2) \
                     ON CONFLICT (order_id) DO UPDATE SET list_minor_units = excluded.list_minor_units",
                );
                let upsert = upsert.text(order_id).int(total);
                if let Err(error) = service.database().execute(upsert).await {
                    tracing::error!(
                        order_id,
                        error = error.to_string_full(),
                        "cart total is not kept"
                    );
                }
            }
            Err(problem) => {
                let reason = problem.body.reason;
                tracing::warn!(order_id, reason, "cart total is not confirmed");
            }
        }
    }
}
