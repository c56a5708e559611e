//! inventory: stock and reservations. How stock is taken is a setting.

mod stock;

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use scenarios::shop::GOODS;
use serde::Serialize;

use super::Running;
use crate::{
    database::Statement,
    error::ServiceError,
    problem::{Body, Problem, Segment},
    route::{Routes, note_order},
    service::Service,
    wire::{OrderLines, check_order_id, check_priced},
};

/// Pieces of each article at the start: no drill sells so many.
const STOCK_PIECES: u32 = 10_000_000;

#[derive(Debug, Clone)]
struct Inventory {
    service: Arc<Service>,
}

/// Fills the shelves and starts it.
pub async fn start(service: &Arc<Service>) -> Result<Running, ServiceError> {
    let stock: Vec<String> = (0..GOODS)
        .map(|sku| format!("({sku}, {STOCK_PIECES})"))
        .collect();
    let fill = format!(
        "INSERT INTO stock (sku, quantity) VALUES {} ON CONFLICT (sku) DO NOTHING",
        stock.join(", ")
    );
    service.database().script("fill the stock", fill).await?;
    let router = Routes::new(service)
        .post("/reservations", reserve)
        .delete("/reservations/{order_id}", release)
        .with_state(Inventory {
            service: Arc::clone(service),
        });
    Ok(Running::plain(service, router))
}

/// Answer to a reservation.
#[derive(Debug, Serialize)]
struct Reserved {
    order_id: String,
}

async fn reserve(
    State(inventory): State<Inventory>,
    Body(order): Body<OrderLines>,
) -> Result<(StatusCode, Json<Reserved>), Problem> {
    check_order_id(&order.order_id)?;
    check_priced(&order.lines)?;
    note_order(&order.order_id);
    let mut pieces = BTreeMap::<u32, i64>::new();
    for line in &order.lines {
        *pieces.entry(line.sku).or_default() += i64::from(line.quantity);
    }
    let pieces: Vec<(u32, i64)> = pieces.into_iter().collect();
    let lines = serde_json::to_string(&pieces).map_err(|e| Problem::internal(e.to_string()))?;
    let insert = Statement::new(
        "INSERT reservations",
        "INSERT INTO reservations (order_id, lines) VALUES ($1, $2) ON CONFLICT (order_id) DO NOTHING",
    );
    let insert = insert.text(order.order_id.as_str()).text(lines).touching(1);
    let done = inventory.take(insert, &pieces, 1).await?;
    let reserved = Reserved {
        order_id: order.order_id,
    };
    if done.is_some() {
        return Ok((StatusCode::CREATED, Json(reserved)));
    }
    if inventory.lines_of(&reserved.order_id).await?.is_some() {
        return Ok((StatusCode::OK, Json(reserved)));
    }
    Err(Problem::conflict(
        "out_of_stock",
        "an article of this order is sold out",
    ))
}

async fn release(
    State(inventory): State<Inventory>,
    Segment(order_id): Segment<String>,
) -> Result<StatusCode, Problem> {
    let Some(lines) = inventory.lines_of(&order_id).await? else {
        return Err(Problem::unknown(
            "no_reservation",
            "nothing is reserved for this order",
        ));
    };
    let pieces: Vec<(u32, i64)> =
        serde_json::from_str(&lines).map_err(|e| Problem::internal(e.to_string()))?;
    let delete = Statement::new(
        "DELETE reservations",
        "DELETE FROM reservations WHERE order_id = $1",
    );
    let delete = delete.text(order_id).touching(1);
    inventory.take(delete, &pieces, -1).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Inventory {
    /// As `stock::take` does in the way that is set.
    async fn take(
        &self,
        note: Statement,
        pieces: &[(u32, i64)],
        sign: i64,
    ) -> Result<Option<u64>, ServiceError> {
        let how = self.service.settings.now().reservations;
        stock::take(self.service.database(), how, note, pieces, sign).await
    }

    async fn lines_of(&self, order_id: &str) -> Result<Option<String>, Problem> {
        let sql = "SELECT lines FROM reservations WHERE order_id = $1";
        let select = Statement::new("SELECT reservations", sql).text(order_id);
        let rows = self.service.database().rows::<(String,)>(select).await?;
        Ok(rows.into_iter().next().map(|row| row.0))
    }
}
