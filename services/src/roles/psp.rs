//! psp: outside, the payment provider. It charges once per idempotency key, keeps a book of what it
//! charged, and works on even when its caller has gone away; some answers never arrive.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::time::Duration;
use tracing::Instrument;

use super::Running;
use crate::{
    chance::Chance,
    hop::Hop,
    idempotency::{Begun, Idempotency, Ticket, Wait},
    problem::{Asked, Body, Problem},
    route::{Routes, note_order},
    serve::HangUp,
    service::Service,
    wire::{Charge, ChargeRequest, IDEMPOTENCY_HEADER, Settled, Settlements, check_order_id},
};

/// Keys and charges that are remembered; beyond it the oldest are forgotten. Hours of a drill's busiest load.
const BOOK_CHARGES: usize = 100_000;
/// Charges on a page of the settlement file.
const PAGE_CHARGES: usize = 1_000;
/// Largest charge, minor units; above it the card is declined.
const CARD_LIMIT_MINOR_UNITS: i64 = 100_000_000;
/// Longest idempotency key, bytes.
const KEY_LIMIT_BYTES: usize = 128;

#[derive(Debug, Clone)]
struct Psp(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    service: Arc<Service>,
    /// Of this process: a restarted provider begins a new book.
    run: String,
    known: Idempotency<Charge>,
    book: Mutex<VecDeque<Settled>>,
    sequence: AtomicI64,
    latency: Chance,
    delay: Chance,
    loss: Chance,
}

/// Starts it.
pub fn start(service: &Arc<Service>) -> Running {
    let router = Routes::new(service)
        .post("/charges", charge)
        .get("/settlements", settlements)
        .with_state(Psp(Arc::new(Inner {
            service: Arc::clone(service),
            run: uuid::Uuid::new_v4().simple().to_string(),
            known: Idempotency::new(BOOK_CHARGES),
            book: Mutex::default(),
            sequence: AtomicI64::new(0),
            latency: Chance::new(service.seed, "latency"),
            delay: Chance::new(service.seed, "delay"),
            loss: Chance::new(service.seed, "loss"),
        })));
    Running::plain(service, router)
}

async fn charge(
    State(psp): State<Psp>,
    hop: Hop,
    headers: HeaderMap,
    Body(request): Body<ChargeRequest>,
) -> Result<Response, Problem> {
    check_order_id(&request.order_id)?;
    check_amount(request.amount_minor_units)?;
    note_order(&request.order_id);
    let key = idempotency_key(&headers)?;
    let settings = psp.0.service.settings.now();
    let wait = match psp.0.known.begin(key) {
        Begun::First(ticket) => {
            let wait = ticket.wait();
            let delay = if psp.0.delay.happens(settings.delayed_share) {
                settings.delayed_by
            } else {
                Duration::ZERO
            };
            let takes = delay + psp.0.latency.latency(settings.latency);
            psp.work(ticket, &request, hop, takes);
            wait
        }
        Begun::Again(wait) => {
            tokio::time::sleep(psp.0.latency.latency(settings.latency)).await;
            wait
        }
    };
    let charge = outcome(wait, &request).await?;
    let mut response = Json(charge).into_response();
    if psp.0.loss.happens(settings.lost_answers) {
        response.extensions_mut().insert(HangUp);
    }
    Ok(response)
}

impl Psp {
    /// Books a charge after a while, whether or not anyone still waits for the answer.
    fn work(&self, ticket: Ticket<Charge>, request: &ChargeRequest, hop: Hop, takes: Duration) {
        let psp = self.clone();
        let order_id = request.order_id.clone();
        let amount_minor_units = request.amount_minor_units;
        let span = tracing::info_span!("process", otel.name = "process charge", order_id);
        let work = async move {
            tokio::time::sleep(takes).await;
            let charge = psp.book(order_id, amount_minor_units);
            tracing::info!(
                order_id = charge.order_id,
                charge_id = charge.charge_id,
                amount_minor_units,
                correlation_id = hop.correlation(),
                "charge booked"
            );
            ticket.done(charge);
        };
        self.0.service.spawn(work.instrument(span));
    }

    fn book(&self, order_id: String, amount_minor_units: i64) -> Charge {
        let mut book = self.0.book.lock();
        let sequence = self.0.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        book.push_back(Settled {
            sequence,
            order_id: order_id.clone(),
            amount_minor_units,
        });
        if book.len() > BOOK_CHARGES {
            book.pop_front();
        }
        Charge {
            charge_id: format!("ch_{sequence:08}"),
            order_id,
            amount_minor_units,
        }
    }
}

/// The result of a key, which must have been for the same charge.
async fn outcome(wait: Wait<Charge>, request: &ChargeRequest) -> Result<Charge, Problem> {
    let Some(charge) = wait.result().await else {
        return Err(Problem::unavailable(
            "the charge was given up while stopping",
        ));
    };
    let same = charge.order_id == request.order_id
        && charge.amount_minor_units == request.amount_minor_units;
    if same {
        return Ok(charge);
    }
    Err(Problem::conflict(
        "key_reused",
        "this idempotency key was used for another charge; use a new one",
    ))
}

fn check_amount(amount_minor_units: i64) -> Result<(), Problem> {
    if amount_minor_units <= 0 {
        return Err(Problem::invalid(format!(
            "an amount must be above 0, this one is {amount_minor_units}"
        )));
    }
    if amount_minor_units > CARD_LIMIT_MINOR_UNITS {
        return Err(Problem::new(
            StatusCode::PAYMENT_REQUIRED,
            "payment_declined",
            "the amount is beyond the card's limit",
        ));
    }
    Ok(())
}

/// The idempotency key of a charge.
///
/// # Errors
/// 400 `no_key` when there is none or it is too long.
pub fn idempotency_key(headers: &HeaderMap) -> Result<&str, Problem> {
    headers
        .get(IDEMPOTENCY_HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|key| (1..=KEY_LIMIT_BYTES).contains(&key.len()))
        .ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "no_key",
                format!(
                    "a charge needs the header {IDEMPOTENCY_HEADER}, 1 to {KEY_LIMIT_BYTES} bytes"
                ),
            )
        })
}

#[derive(Debug, Deserialize)]
struct After {
    /// Book that the number belongs to; another one begins at 0.
    #[serde(default)]
    run: String,
    #[serde(default)]
    after: i64,
}

async fn settlements(State(psp): State<Psp>, Asked(after): Asked<After>) -> Json<Settlements> {
    let psp = &psp.0;
    let after = if after.run == psp.run { after.after } else { 0 };
    let book = psp.book.lock();
    let begin = book.partition_point(|charge| charge.sequence <= after);
    let charges: Vec<Settled> = book.range(begin..).take(PAGE_CHARGES).cloned().collect();
    let more = begin + charges.len() < book.len();
    Json(Settlements {
        run: psp.run.clone(),
        charges,
        more,
    })
}
