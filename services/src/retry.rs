//! Trying a charge again: as often as the settings say, with pauses that double, as long as another
//! attempt could go better.
//!
//! It knows not what an attempt does, nor whom it asks.

use std::{sync::Arc, time::Duration};

use scenarios::shop::Role;

use crate::{hop::Hop, peer::CallError, service::Service, settings::Settings};

/// Attempts to charge an order at `to` until one succeeds or no other is due.
///
/// # Errors
/// How the last attempt failed.
pub async fn charging<T, A>(
    service: &Service,
    hop: &Hop,
    to: Role,
    order_id: &str,
    mut attempt: impl FnMut(Arc<Settings>) -> A,
) -> Result<T, CallError>
where
    A: Future<Output = Result<T, CallError>>,
{
    let retries = service.settings.now().retries;
    let mut backoff = Duration::from_millis(retries.backoff_ms);
    let mut made = 0;
    loop {
        // taken anew: a change of settings holds from the next attempt on
        let error = match attempt(service.settings.now()).await {
            Ok(charge) => return Ok(charge),
            Err(error) => error,
        };
        if made >= retries.max || !error.is_worth_retrying() {
            return Err(error);
        }
        made += 1;
        tell(hop, order_id, &error, made);
        service.metrics.count_retry(to);
        tokio::time::sleep(backoff).await;
        backoff *= 2;
    }
}

fn tell(hop: &Hop, order_id: &str, error: &CallError, attempt: u32) {
    let correlation_id = hop.correlation();
    if matches!(error, CallError::TimedOut { .. }) {
        tracing::warn!(
            order_id,
            correlation_id,
            attempt,
            "charge attempt timed out, retrying"
        );
    } else {
        tracing::warn!(order_id, correlation_id, attempt, reason = %error, "charge attempt failed, retrying");
    }
}
