//! orders: the order history of a customer, with shipping quotes for its items. How the history is
//! read and how quotes are asked for are settings.

mod history;
mod past;
mod quotes;

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use prometheus_client::metrics::histogram::Histogram;
use sqlx::AssertSqlSafe;
use tokio::time::Instant;

use super::Running;
use crate::{
    database::{Database, Statement, values},
    error::ServiceError,
    hop::Hop,
    problem::{Body, Problem, Segment},
    route::{Routes, note_order},
    service::Service,
    settings::Settings,
    wire::{History, OrderLines, check_customer, check_order_id, check_priced},
};
use quotes::Quotes;

/// Upper bounds of the buckets of queries per history.
const QUERY_BUCKETS: [f64; 9] = [1.0, 2.0, 3.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0];

#[derive(Debug, Clone)]
struct Orders {
    service: Arc<Service>,
    quotes: Quotes,
    queries: Histogram,
}

/// Fills in the past and starts it.
pub async fn start(service: &Arc<Service>) -> Result<Running, ServiceError> {
    let settings = service.settings.now();
    past::fill(service.database(), service.seed, service.clock.unix_ms()).await?;
    index(service.database(), &settings).await?;
    let queries = Histogram::new(QUERY_BUCKETS);
    let help = "Database queries of one history";
    service
        .metrics
        .register("order_history_queries", help, queries.clone());
    let orders = Orders {
        service: Arc::clone(service),
        quotes: Quotes::new(service),
        queries,
    };
    let router = Routes::new(service)
        .post("/orders", file)
        .get("/customers/{id}/orders", history)
        .with_state(orders);
    let follower = Arc::clone(service);
    Ok(Running::adapting(service, router, move |settings| {
        let service = Arc::clone(&follower);
        Box::pin(async move {
            let before = service.settings.now();
            let same = before.items_index == settings.items_index
                && before.extra_index == settings.extra_index;
            if same {
                // even an index that is there already would be waited for behind a lock
                return Ok(());
            }
            index(service.database(), &settings).await
        })
    }))
}

/// Makes or drops the index that finds an order's items, and the additional one.
async fn index(database: &Database, settings: &Settings) -> Result<(), ServiceError> {
    let of_items = if settings.items_index {
        "CREATE INDEX IF NOT EXISTS items_of_order ON items (order_id, line)"
    } else {
        "DROP INDEX IF EXISTS items_of_order"
    };
    let additional = if settings.extra_index {
        "CREATE INDEX IF NOT EXISTS items_by_order ON items (order_id, sku)"
    } else {
        "DROP INDEX IF EXISTS items_by_order"
    };
    let sql = format!("{of_items}; {additional}");
    database.script("change the index", sql).await
}

async fn file(
    State(orders): State<Orders>,
    Body(order): Body<OrderLines>,
) -> Result<StatusCode, Problem> {
    check_customer(order.customer)?;
    check_order_id(&order.order_id)?;
    check_priced(&order.lines)?;
    note_order(&order.order_id);
    let insert = Statement::new(
        "INSERT orders",
        "INSERT INTO orders (order_id, customer, placed, charged_minor_units) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (order_id) DO NOTHING",
    );
    let insert = insert
        .text(order.order_id.as_str())
        .int(order.customer)
        .int(orders.service.clock.unix_ms())
        .int(order.charged_minor_units);
    let sql = format!(
        "INSERT INTO items (order_id, line, sku, quantity) SELECT * FROM (VALUES {}) AS filed \
         WHERE NOT EXISTS (SELECT 1 FROM items WHERE order_id = $1)",
        values(1, order.lines.len(), 4)
    );
    let mut items = Statement::new("INSERT items", AssertSqlSafe(sql));
    for (line, number) in order.lines.iter().zip(0_i64..) {
        items = items
            .text(order.order_id.as_str())
            .int(number)
            .int(line.sku)
            .int(line.quantity);
    }
    orders.service.database().batch(vec![insert, items]).await?;
    Ok(StatusCode::CREATED)
}

async fn history(
    State(orders): State<Orders>,
    hop: Hop,
    Segment(customer): Segment<u32>,
) -> Result<Json<History>, Problem> {
    check_customer(customer)?;
    let began = Instant::now();
    let settings = orders.service.settings.now();
    let (mut history, queries) =
        history::read(orders.service.database(), &settings, customer).await?;
    orders.queries.observe(f64::from(queries));
    orders.quotes.fill(&hop, &settings, &mut history).await;
    #[allow(clippy::cast_possible_truncation)] // a request's time
    let duration_ms = began.elapsed().as_millis() as u64;
    tracing::info!(
        customer,
        correlation_id = hop.correlation(),
        orders = history.orders.len(),
        queries,
        duration_ms,
        "order history read"
    );
    Ok(Json(history))
}
