//! What the services say to each other: bodies of internal routes and their limits. The edge's own
//! bodies are in `scenarios::shop`.

use scenarios::shop::{CUSTOMERS, CartLine};
use serde::{Deserialize, Serialize};

use crate::{goods, problem::Problem};

/// Largest request body, bytes; larger ones get 413.
pub const BODY_LIMIT_BYTES: usize = 64 * 1024;
/// Most lines of a cart; more are refused, so that no basket can hold a service up.
pub const LINES_LIMIT: usize = 100;
/// Most pieces of one article in a cart; more are refused.
pub const QUANTITY_LIMIT: u32 = 1_000;
/// Longest order id, bytes.
pub const ORDER_ID_LIMIT_BYTES: usize = 64;
/// Header that carries the idempotency key of a charge.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";
/// Header that carries what is left of a hop's budget, milliseconds.
pub const DEADLINE_HEADER: &str = "x-deadline-ms";

/// A cart to be priced, checked out or totalled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Basket {
    /// Order id.
    pub order_id: String,
    /// Customer number.
    pub customer: u32,
    /// Lines.
    pub lines: Vec<CartLine>,
}

/// A line with all that its amount follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// Article.
    pub sku: u32,
    /// Pieces.
    pub quantity: u32,
    /// Price of a piece before discount and tax, minor units.
    pub unit_price_minor_units: i64,
    /// Discount, 0 to 10 000.
    pub discount_basis_points: u32,
    /// Tax on the discounted price.
    pub tax_basis_points: u32,
}

/// pricing `POST /prices`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Prices {
    /// The basket's lines, in its order.
    pub lines: Vec<PricedLine>,
}

/// promotions `POST /discounts`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Discounts {
    /// Basis points per line, in the basket's order.
    pub basis_points: Vec<u32>,
}

/// checkout `POST /cart-totals`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CartTotal {
    /// Sum of list prices, minor units.
    pub list_minor_units: i64,
}

/// payments `POST /charges`; psp `POST /charges` takes the same without looking at the lines.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChargeRequest {
    /// Order id.
    pub order_id: String,
    /// Amount.
    pub amount_minor_units: i64,
    /// What it is for; payments holds the amount against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<PricedLine>,
}

/// Answer to [`ChargeRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The provider's id.
    pub charge_id: String,
    /// Order id.
    pub order_id: String,
    /// What was charged.
    pub amount_minor_units: i64,
}

/// psp `GET /settlements?run=R&after=N`: what was really charged, in the order of booking.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settlements {
    /// Book that the sequence numbers belong to.
    pub run: String,
    /// Charges with a sequence number above the one asked for.
    pub charges: Vec<Settled>,
    /// Whether there are more.
    pub more: bool,
}

/// A charge in the settlement file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settled {
    /// Ascending from 1 for each run of the provider.
    pub sequence: i64,
    /// Order id.
    pub order_id: String,
    /// Amount.
    pub amount_minor_units: i64,
}

/// ledger `POST /entries`, inventory `POST /reservations` and orders `POST /orders`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrderLines {
    /// Order id.
    pub order_id: String,
    /// Customer number.
    pub customer: u32,
    /// What checkout charged; nothing for a reservation.
    #[serde(default)]
    pub charged_minor_units: i64,
    /// Lines.
    pub lines: Vec<PricedLine>,
}

/// orders `GET /customers/{id}/orders`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct History {
    /// Newest first.
    pub orders: Vec<PastOrder>,
}

/// An order of a history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PastOrder {
    /// Order id.
    pub order_id: String,
    /// What was paid.
    pub charged_minor_units: i64,
    /// Items.
    pub items: Vec<PastItem>,
}

/// An item of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PastItem {
    /// Article.
    pub sku: u32,
    /// Pieces.
    pub quantity: u32,
    /// What sending it again would cost; nothing when shipping did not answer.
    pub shipping_minor_units: Option<i64>,
}

/// shipping `GET /quotes/{sku}`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Quote {
    /// Article.
    pub sku: u32,
    /// Price of sending a piece.
    pub shipping_minor_units: i64,
}

/// worker `POST /jobs/settlement`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementJob {
    /// Items to enqueue.
    pub items: u32,
}

/// ledger `POST /settlement-batches`: a batch that the worker has gone through.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SettlementBatch {
    /// Its id.
    pub batch: String,
    /// Its items.
    pub items: u32,
}

/// Refuses a customer number that does not exist.
///
/// # Errors
/// 404 `unknown_customer`.
pub fn check_customer(customer: u32) -> Result<(), Problem> {
    if customer < CUSTOMERS {
        return Ok(());
    }
    Err(Problem::unknown(
        "unknown_customer",
        format!(
            "there is no customer {customer}; they are numbered 0 to {}",
            CUSTOMERS - 1
        ),
    ))
}

/// Refuses lines that no cart may have.
///
/// # Errors
/// 422 `invalid`, naming the line.
pub fn check_lines(lines: &[CartLine]) -> Result<(), Problem> {
    if lines.is_empty() || lines.len() > LINES_LIMIT {
        return Err(Problem::invalid(format!(
            "a cart has 1 to {LINES_LIMIT} lines, this one has {}",
            lines.len()
        )));
    }
    for (index, line) in lines.iter().enumerate() {
        if !goods::exists(line.sku) {
            return Err(Problem::invalid(format!(
                "line {index}: there is no article {}",
                line.sku
            )));
        }
        if line.quantity == 0 || line.quantity > QUANTITY_LIMIT {
            return Err(Problem::invalid(format!(
                "line {index}: the quantity must be 1 to {QUANTITY_LIMIT}, it is {}",
                line.quantity
            )));
        }
    }
    Ok(())
}

/// Refuses an order id that cannot be one.
///
/// # Errors
/// 422 `invalid`.
pub fn check_order_id(order_id: &str) -> Result<(), Problem> {
    let fine = (1..=ORDER_ID_LIMIT_BYTES).contains(&order_id.len())
        && order_id.bytes().all(|byte| byte.is_ascii_graphic());
    if fine {
        return Ok(());
    }
    Err(Problem::invalid(format!(
        "an order id has 1 to {ORDER_ID_LIMIT_BYTES} visible ASCII characters and no spaces"
    )))
}

/// Refuses priced lines that cannot have come from pricing.
///
/// # Errors
/// 422 `invalid`, naming the line.
pub fn check_priced(lines: &[PricedLine]) -> Result<(), Problem> {
    let cart: Vec<CartLine> = lines
        .iter()
        .map(|line| CartLine {
            sku: line.sku,
            quantity: line.quantity,
        })
        .collect();
    check_lines(&cart)?;
    for (index, line) in lines.iter().enumerate() {
        let fine = (0..=100_000_000).contains(&line.unit_price_minor_units)
            && line.discount_basis_points <= 10_000
            && line.tax_basis_points <= 10_000;
        if !fine {
            return Err(Problem::invalid(format!(
                "line {index}: price, discount or tax is out of bounds"
            )));
        }
    }
    Ok(())
}
