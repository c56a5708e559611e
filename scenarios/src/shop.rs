//! The shop's fixed facts: its roles, who calls whom, its edge API as the load uses it, its
//! customers and goods. What is broken in it is said elsewhere.

use serde::{Deserialize, Serialize};

/// A service of the shop. Its name is the `service` label in all telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // the table in `does` is their documentation
pub enum Role {
    Storefront,
    Checkout,
    Pricing,
    Promotions,
    Payments,
    Ledger,
    Inventory,
    Orders,
    Worker,
    Psp,
    Shipping,
}

impl Role {
    /// All roles, edge first, the outside world last.
    pub const ALL: [Self; 11] = [
        Self::Storefront,
        Self::Checkout,
        Self::Pricing,
        Self::Promotions,
        Self::Payments,
        Self::Ledger,
        Self::Inventory,
        Self::Orders,
        Self::Worker,
        Self::Psp,
        Self::Shipping,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Storefront => "storefront",
            Self::Checkout => "checkout",
            Self::Pricing => "pricing",
            Self::Promotions => "promotions",
            Self::Payments => "payments",
            Self::Ledger => "ledger",
            Self::Inventory => "inventory",
            Self::Orders => "orders",
            Self::Worker => "worker",
            Self::Psp => "psp",
            Self::Shipping => "shipping",
        }
    }

    /// What it does, one line.
    #[must_use]
    pub const fn does(self) -> &'static str {
        match self {
            Self::Storefront => {
                "the edge: login, browse, cart, checkout, order history; where load enters"
            }
            Self::Checkout => {
                "totals, idempotency, payment orchestration, under a limited number of worker slots"
            }
            Self::Pricing => "price of a cart",
            Self::Promotions => "discounts and bundles",
            Self::Payments => "charges through the provider",
            Self::Ledger => "double-entry journal and reconciliation",
            Self::Inventory => "stock and reservations",
            Self::Orders => "order history with shipping quotes",
            Self::Worker => "background jobs: nightly report, settlement queue",
            Self::Psp => "outside: the payment provider",
            Self::Shipping => "outside: shipping quotes",
        }
    }

    /// Whom it calls. Every pair is a link with a proxy of its own.
    #[must_use]
    pub const fn calls(self) -> &'static [Self] {
        match self {
            Self::Storefront => &[Self::Checkout, Self::Orders],
            Self::Checkout => &[
                Self::Pricing,
                Self::Payments,
                Self::Ledger,
                Self::Inventory,
                Self::Orders,
            ],
            Self::Pricing => &[Self::Promotions],
            Self::Promotions => &[Self::Checkout],
            Self::Payments => &[Self::Psp],
            Self::Orders => &[Self::Shipping],
            Self::Worker => &[Self::Ledger],
            // the settlement file, for reconciliation
            Self::Ledger => &[Self::Psp],
            Self::Inventory | Self::Psp | Self::Shipping => &[],
        }
    }

    /// Whether it keeps data in a database.
    #[must_use]
    pub const fn has_database(self) -> bool {
        matches!(
            self,
            Self::Storefront
                | Self::Checkout
                | Self::Promotions
                | Self::Payments
                | Self::Ledger
                | Self::Inventory
                | Self::Orders
                | Self::Worker
        )
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| format!("no service is called `{text}`"))
    }
}

/// Customers are numbered from 0. The first [`LONG_TIME_CUSTOMERS`] have long order histories
/// (30 to 90 orders) from the first moment; all others have none to three.
pub const CUSTOMERS: u32 = 2_000;
/// See [`CUSTOMERS`].
pub const LONG_TIME_CUSTOMERS: u32 = 40;
/// Goods are numbered from 0. The first [`BUNDLE_GOODS`] are sold in bundles.
pub const GOODS: u32 = 200;
/// See [`GOODS`].
pub const BUNDLE_GOODS: u32 = 20;

/// `POST /login` → [`LoginAnswer`]. The correlation id begins here and goes with every later
/// request as the header [`CORRELATION_HEADER`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Login {
    /// Customer number.
    pub customer: u32,
}

/// Answer to [`Login`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginAnswer {
    /// From login to payment.
    pub correlation_id: String,
}

/// Header that carries the correlation id on every hop.
pub const CORRELATION_HEADER: &str = "x-correlation-id";

/// `PUT /carts/{customer}`: replaces the cart. 204.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cart {
    /// Lines.
    pub lines: Vec<CartLine>,
}

/// A line of a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// Number of the article.
    pub sku: u32,
    /// How many, 1 or more.
    pub quantity: u32,
}

/// `POST /checkout` → [`OrderAnswer`]; 4xx and 5xx with `{error, reason}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckoutRequest {
    /// Customer number.
    pub customer: u32,
    /// Chosen by the client, unique: the business id that every hop logs.
    pub order_id: String,
}

/// Answer to [`CheckoutRequest`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrderAnswer {
    /// Order id.
    pub order_id: String,
    /// What was charged, minor units.
    pub charged_minor_units: i64,
}

// Further edge routes: `GET /browse?page=N&customer=C` → list of goods; `GET /orders/{customer}` → history.
