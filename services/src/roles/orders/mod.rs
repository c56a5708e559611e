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
    index(service.database(), settings.extra_index).await?;
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
    let database = service.database().clone();
    Ok(Running::adapting(service, router, move |settings| {
        let database = database.clone();
        Box::pin(async move { index(&database, settings.extra_index).await })
    }))
}

/// Makes or drops the additional index.
async fn index(database: &Database, wanted: bool) -> Result<(), ServiceError> {
    let sql = if wanted {
        "CREATE INDEX IF NOT EXISTS items_by_order ON items (order_id, sku)"
    } else {
        "DROP INDEX IF EXISTS items_by_order"
    };
    database.script("change the index", sql.to_owned()).await
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
        "INSERT INTO items (order_id, line, sku, quantity) VALUES {} ON CONFLICT (order_id, line) DO NOTHING",
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
        history::read(orders.service.database(), settings.history_reads, customer).await?;
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
