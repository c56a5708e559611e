//! storefront: the edge. Login, browsing, cart, checkout, order history; it refuses what cannot be
//! before anyone else hears of it.

use std::{collections::HashSet, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use scenarios::shop::{
    BUNDLE_GOODS, Cart, CartLine, CheckoutRequest, GOODS, Login, LoginAnswer, OrderAnswer, Role,
};
use serde::{Deserialize, Serialize};
use tokio::time::Duration;

use super::Running;
use crate::{
    database::Statement,
    goods,
    hop::Hop,
    peer::Call,
    problem::{Asked, Body, Problem, Segment},
    route::{Routes, note_order},
    service::Service,
    wire::{Basket, History, check_customer, check_lines, check_order_id},
};

/// Goods on a page.
const PAGE_GOODS: u32 = 20;

#[derive(Debug, Clone)]
struct Storefront {
    service: Arc<Service>,
}

/// Starts it.
pub fn start(service: &Arc<Service>) -> Running {
    let router = Routes::new(service)
        .with_access_log()
        .post("/login", login)
        .get("/browse", browse)
        .put("/carts/{customer}", put_cart)
        .post("/checkout", checkout)
        .get("/orders/{customer}", orders)
        .with_state(Storefront {
            service: Arc::clone(service),
        });
    Running::plain(service, router)
}

impl Storefront {
    fn timeout(&self) -> Duration {
        self.service.settings.now().call_timeout
    }

    async fn history(&self, hop: &Hop, customer: u32) -> Result<History, Problem> {
        check_customer(customer)?;
        let call = Call::get(format!("/customers/{customer}/orders"), self.timeout());
        Ok(self.service.needed(Role::Orders)?.call(hop, call).await?)
    }

    /// What a customer has bought before.
    async fn bought(&self, hop: &Hop, customer: u32) -> Result<HashSet<u32>, Problem> {
        let orders = self.history(hop, customer).await?.orders;
        let items = orders.iter().flat_map(|order| &order.items);
        Ok(items.map(|item| item.sku).collect())
    }

    async fn cart(&self, customer: u32) -> Result<Vec<CartLine>, Problem> {
        let select = Statement::new(
            "SELECT carts",
            "SELECT lines FROM carts WHERE customer = $1",
        )
        .int(customer);
        let rows = self.service.database().rows::<(String,)>(select).await?;
        let Some((lines,)) = rows.into_iter().next() else {
            return Err(empty_cart(customer));
        };
        serde_json::from_str(&lines).map_err(|error| Problem::internal(format!("cart: {error}")))
    }
}

async fn login(hop: Hop, Body(login): Body<Login>) -> Result<Json<LoginAnswer>, Problem> {
    check_customer(login.customer)?;
    let correlation_id = if hop.correlation().is_empty() {
        uuid::Uuid::new_v4().simple().to_string()
    } else {
        hop.correlation().to_owned()
    };
    tracing::info!(
        correlation_id,
        customer = login.customer,
        "customer logged in"
    );
    Ok(Json(LoginAnswer { correlation_id }))
}

#[derive(Debug, Deserialize)]
struct Page {
    #[serde(default)]
    page: u32,
    /// Who looks at it.
    customer: Option<u32>,
}

/// An article on sale.
#[derive(Debug, Serialize)]
struct Article {
    sku: u32,
    name: String,
    price_minor_units: i64,
    bundle: bool,
    /// Whether the customer has bought it before; only with recommendations.
    #[serde(skip_serializing_if = "Option::is_none")]
    recommended: Option<bool>,
}

async fn browse(
    State(shop): State<Storefront>,
    hop: Hop,
    Asked(Page { page, customer }): Asked<Page>,
) -> Result<Json<Vec<Article>>, Problem> {
    let first = page.saturating_mul(PAGE_GOODS);
    if first >= GOODS {
        let last = (GOODS - 1) / PAGE_GOODS;
        return Err(Problem::unknown(
            "no_page",
            format!("the last page is {last}"),
        ));
    }
    let bought = match customer {
        Some(customer) if shop.service.settings.now().recommendations => {
            Some(shop.bought(&hop, customer).await?)
        }
        _ => None,
    };
    let articles = (first..GOODS.min(first + PAGE_GOODS)).map(|sku| Article {
        sku,
        name: goods::name(sku),
        price_minor_units: goods::list_price_minor_units(sku),
        bundle: sku < BUNDLE_GOODS,
        recommended: bought.as_ref().map(|bought| bought.contains(&sku)),
    });
    Ok(Json(articles.collect()))
}

async fn put_cart(
    State(shop): State<Storefront>,
    Segment(customer): Segment<u32>,
    Body(cart): Body<Cart>,
) -> Result<StatusCode, Problem> {
    check_customer(customer)?;
    check_lines(&cart.lines)?;
    let lines = serde_json::to_string(&cart.lines).map_err(|e| Problem::internal(e.to_string()))?;
    let upsert = Statement::new(
        "INSERT carts",
        "INSERT INTO carts (customer, lines) VALUES ($1, $2) \
         ON CONFLICT (customer) DO UPDATE SET lines = excluded.lines",
    );
    let upsert = upsert.int(customer).text(lines);
    shop.service.database().execute(upsert).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn checkout(
    State(shop): State<Storefront>,
    hop: Hop,
    Body(request): Body<CheckoutRequest>,
) -> Result<Json<OrderAnswer>, Problem> {
    check_customer(request.customer)?;
    check_order_id(&request.order_id)?;
    note_order(&request.order_id);
    let basket = Basket {
        lines: shop.cart(request.customer).await?,
        order_id: request.order_id,
        customer: request.customer,
    };
    let call = Call::post("/checkouts", &basket, shop.timeout());
    let answered = shop
        .service
        .needed(Role::Checkout)?
        .call::<OrderAnswer>(&hop, call)
        .await;
    let answer = answered.map_err(|error| {
        let (order_id, correlation_id) = (basket.order_id.as_str(), hop.correlation());
        tracing::warn!(order_id, correlation_id, reason = %error, "checkout failed");
        Problem::from(error)
    })?;
    let clear = Statement::new("DELETE carts", "DELETE FROM carts WHERE customer = $1");
    shop.service
        .database()
        .execute(clear.int(basket.customer))
        .await?;
    Ok(Json(answer))
}

async fn orders(
    State(shop): State<Storefront>,
    hop: Hop,
    Segment(customer): Segment<u32>,
) -> Result<Json<History>, Problem> {
    Ok(Json(shop.history(&hop, customer).await?))
}

fn empty_cart(customer: u32) -> Problem {
    Problem::conflict(
        "empty_cart",
        format!("the cart of customer {customer} is empty; PUT /carts/{customer} fills it"),
    )
}
