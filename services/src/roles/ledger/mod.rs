//! ledger: the double-entry journal, and its reconciliation with what the provider says it charged.
//!
//! What an order owes follows from its lines in decimals, whatever total came along. Reconciliation
//! reads the provider's settlement file from where it stopped and compares order by order.

mod entries;
mod figures;
mod reconcile;

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use tokio::sync::Semaphore;

use super::Running;
use crate::{
    database::Statement,
    hop::Hop,
    problem::{Body, Problem},
    route::{Routes, note_order},
    service::Service,
    wire::{OrderLines, SettlementBatch, check_order_id, check_priced},
};
use figures::Figures;

#[derive(Debug, Clone)]
struct Ledger {
    service: Arc<Service>,
    figures: Figures,
    /// One reconciliation at a time; others wait their turn.
    turn: Arc<Semaphore>,
}

/// Starts it.
pub fn start(service: &Arc<Service>) -> Running {
    let ledger = Ledger {
        service: Arc::clone(service),
        figures: Figures::registered(&service.metrics),
        turn: Arc::new(Semaphore::new(1)),
    };
    let router = Routes::new(service)
        .post("/entries", enter)
        .post("/reconciliations", reconcile)
        .post("/settlement-batches", settle)
        .with_state(ledger);
    Running::plain(service, router)
}

async fn enter(
    State(ledger): State<Ledger>,
    hop: Hop,
    Body(order): Body<OrderLines>,
) -> Result<StatusCode, Problem> {
    check_order_id(&order.order_id)?;
    check_priced(&order.lines)?;
    note_order(&order.order_id);
    entries::enter(ledger.service.database(), &hop, &order).await?;
    Ok(StatusCode::CREATED)
}

async fn reconcile(
    State(ledger): State<Ledger>,
    hop: Hop,
) -> Result<Json<figures::Reconciled>, Problem> {
    let _turn = ledger
        .turn
        .acquire()
        .await
        .expect("the semaphore is never closed");
    let reconciled = reconcile::reconcile(&ledger.service, &hop).await?;
    ledger.figures.show(&reconciled);
    Ok(Json(reconciled))
}

async fn settle(
    State(ledger): State<Ledger>,
    Body(batch): Body<SettlementBatch>,
) -> Result<StatusCode, Problem> {
    check_order_id(&batch.batch)?;
    let insert = Statement::new(
        "INSERT settlement_batches",
        "INSERT INTO settlement_batches (batch, items) VALUES ($1, $2) ON CONFLICT (batch) DO NOTHING",
    );
    let insert = insert.text(batch.batch).int(batch.items);
    ledger.service.database().execute(insert).await?;
    Ok(StatusCode::CREATED)
}
