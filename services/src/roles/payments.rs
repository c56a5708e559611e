//! payments: charges through the provider, over a pool with a limited number of connections. A
//! charge that was confirmed is never made again under the same key, and an amount that its lines
//! do not add up to is refused.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use scenarios::shop::Role;
use tokio::time::{Duration, Instant};

use super::{Running, psp::idempotency_key};
use crate::{
    database::Statement,
    hop::Hop,
    money,
    peer::{Call, CallError},
    problem::{Body, Problem},
    retry,
    route::{Routes, note_order},
    service::Service,
    settings::Settings,
    slots::Slots,
    wire::{Charge, ChargeRequest, IDEMPOTENCY_HEADER, check_order_id, check_priced},
};

/// How far an amount may be off its lines, minor units: a cent of rounding is let pass, more is an error.
const ROUNDING_MINOR_UNITS: i64 = 1;
/// A wait for a connection beyond this is logged.
const LONG_WAIT: Duration = Duration::from_millis(250);
/// Name of the pool in metrics and logs.
const POOL: &str = "psp";

#[derive(Debug, Clone)]
struct Payments {
    service: Arc<Service>,
    connections: Slots,
}

/// Starts it.
pub fn start(service: &Arc<Service>) -> Running {
    let limit = service.settings.now().outbound_connections;
    let connections = Slots::new(limit as usize);
    tracing::info!(pool = POOL, limit, "outbound pool ready");
    connections.register_as_pool(POOL, &service.metrics);
    let router = Routes::new(service)
        .post("/charges", charge)
        .with_state(Payments {
            service: Arc::clone(service),
            connections: connections.clone(),
        });
    Running::adapting(service, router, move |settings| {
        let limit = settings.outbound_connections;
        if connections.limit() != limit as usize {
            connections.resize(limit as usize);
            tracing::info!(pool = POOL, limit, "outbound pool resized");
        }
        Box::pin(std::future::ready(Ok(())))
    })
}

async fn charge(
    State(payments): State<Payments>,
    hop: Hop,
    headers: HeaderMap,
    Body(request): Body<ChargeRequest>,
) -> Result<Json<Charge>, Problem> {
    check_order_id(&request.order_id)?;
    check_priced(&request.lines)?;
    note_order(&request.order_id);
    let key = idempotency_key(&headers)?;
    check_amount(&hop, &request)?;
    if let Some(charge) = payments.recorded(key).await? {
        let (order_id, correlation_id) = (request.order_id.as_str(), hop.correlation());
        tracing::info!(
            order_id,
            correlation_id,
            "charge is known, answered from the record"
        );
        return Ok(Json(charge));
    }
    let attempt = |settings| payments.attempt(&hop, key, &request, settings);
    let charge = retry::charging(
        &payments.service,
        &hop,
        Role::Psp,
        &request.order_id,
        attempt,
    )
    .await
    .map_err(|error| gave_up(&hop, &request, error))?;
    payments.record(key, &charge).await?;
    tracing::info!(
        order_id = charge.order_id,
        charge_id = charge.charge_id,
        amount_minor_units = charge.amount_minor_units,
        correlation_id = hop.correlation(),
        "charge accepted by provider"
    );
    Ok(Json(charge))
}

/// Holds an amount against its lines.
fn check_amount(hop: &Hop, request: &ChargeRequest) -> Result<(), Problem> {
    let owed = money::owed(&request.lines);
    let amount = request.amount_minor_units;
    if (amount - owed).abs() <= ROUNDING_MINOR_UNITS {
        return Ok(());
    }
    tracing::warn!(
        order_id = request.order_id,
        correlation_id = hop.correlation(),
        amount_minor_units = amount,
        lines_minor_units = owed,
        "charge refused: order total does not match its lines"
    );
    Err(Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "amount_mismatch",
        format!("the amount is {amount}, the lines add up to {owed}"),
    ))
}

impl Payments {
    async fn recorded(&self, key: &str) -> Result<Option<Charge>, Problem> {
        let sql = "SELECT charge_id, order_id, amount_minor_units FROM charges WHERE idempotency_key = $1";
        let select = Statement::new("SELECT charges", sql).text(key);
        let rows = self
            .service
            .database()
            .rows::<(String, String, i64)>(select)
            .await?;
        let row = rows.into_iter().next();
        Ok(row.map(|(charge_id, order_id, amount_minor_units)| Charge {
            charge_id,
            order_id,
            amount_minor_units,
        }))
    }

    async fn record(&self, key: &str, charge: &Charge) -> Result<(), Problem> {
        let sql = "INSERT INTO charges (idempotency_key, charge_id, order_id, amount_minor_units) \
                   VALUES ($1, $2, $3, $4) ON CONFLICT (idempotency_key) DO NOTHING";
        let insert = Statement::new("INSERT charges", sql)
            .text(key)
            .text(charge.charge_id.as_str())
            .text(charge.order_id.as_str())
            .int(charge.amount_minor_units);
        self.service.database().execute(insert).await?;
        Ok(())
    }

    /// One attempt; its timeout covers the wait for a connection too.
    async fn attempt(
        &self,
        hop: &Hop,
        key: &str,
        request: &ChargeRequest,
        settings: Arc<Settings>,
    ) -> Result<Charge, CallError> {
        let provider = self
            .service
            .peer(Role::Psp)
            .ok_or_else(|| CallError::Unreachable {
                peer: Role::Psp,
                reason: "this shop runs without it".to_owned(),
            })?;
        let timeout = settings.call_timeout;
        let began = Instant::now();
        let connection = tokio::time::timeout(timeout, self.connections.acquire()).await;
        let waited = began.elapsed();
        if waited >= LONG_WAIT {
            let (order_id, correlation_id) = (request.order_id.as_str(), hop.correlation());
            #[allow(clippy::cast_possible_truncation)] // bounded by the timeout
            let waited_ms = waited.as_millis() as u64;
            tracing::warn!(
                order_id,
                correlation_id,
                pool = POOL,
                waited_ms,
                "waiting for an outbound connection took long"
            );
        }
        let Ok(_connection) = connection else {
            return Err(CallError::TimedOut {
                peer: Role::Psp,
                after: timeout,
            });
        };
        let body = ChargeRequest {
            lines: Vec::new(),
            ..request.clone()
        };
        let call = Call::post("/charges", &body, timeout.saturating_sub(waited))
            .header(IDEMPOTENCY_HEADER, key);
        provider.call(hop, call).await
    }
}

fn gave_up(hop: &Hop, request: &ChargeRequest, error: CallError) -> Problem {
    let (order_id, correlation_id) = (request.order_id.as_str(), hop.correlation());
    tracing::warn!(order_id, correlation_id, reason = %error, "charge got no answer from provider");
    Problem::from(error)
}
