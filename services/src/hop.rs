//! What travels with a request from hop to hop besides its trace: the correlation id and the
//! deadline.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use scenarios::shop::CORRELATION_HEADER;
use tokio::time::Instant;

use crate::wire::DEADLINE_HEADER;

/// Longest correlation id that is taken over; a longer one is replaced.
const CORRELATION_LIMIT_BYTES: usize = 64;
/// Share of a hop's budget that is handed on, so that the called service gives up first and the caller still has time for
/// its fallback.
const HANDED_ON: f64 = 0.8;

/// What a request brought along.
#[derive(Debug, Clone)]
pub struct Hop {
    correlation: Option<Arc<str>>,
    arrived: Instant,
    /// What the caller leaves us.
    left: Option<Duration>,
}

impl Hop {
    /// Of a request that arrives now.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            correlation: text(CORRELATION_HEADER)
                .filter(|id| (1..=CORRELATION_LIMIT_BYTES).contains(&id.len()))
                .map(Arc::from),
            arrived: Instant::now(),
            left: text(DEADLINE_HEADER)
                .and_then(|value| value.parse().ok())
                .map(Duration::from_millis),
        }
    }

    /// Of work that no request asked for.
    #[must_use]
    pub fn own() -> Self {
        Self::of(&HeaderMap::new())
    }

    /// The correlation id, empty when there is none.
    #[must_use]
    pub fn correlation(&self) -> &str {
        self.correlation.as_deref().unwrap_or_default()
    }

    /// The same hop under another correlation id.
    #[must_use]
    pub fn correlated(&self, id: &str) -> Self {
        Self {
            correlation: Some(Arc::from(id)),
            ..self.clone()
        }
    }

    /// When this request arrived.
    #[must_use]
    pub fn arrived(&self) -> Instant {
        self.arrived
    }

    /// What the caller's deadline leaves now; `None` when it set none.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.left
            .map(|left| left.saturating_sub(self.arrived.elapsed()))
    }

    /// How long a call from here may take, and what of it is handed on: the call's own timeout, this service's budget for a
    /// hop and the caller's deadline, whichever is least. Without budget and deadline nothing is handed on.
    #[must_use]
    pub fn allow(
        &self,
        timeout: Duration,
        budget: Option<Duration>,
    ) -> (Duration, Option<Duration>) {
        let bound = match (budget, self.remaining()) {
            (Some(budget), Some(remaining)) => Some(budget.min(remaining)),
            (one, other) => one.or(other),
        };
        let allowed = bound.map_or(timeout, |bound| bound.min(timeout));
        (allowed, bound.map(|_| allowed.mul_f64(HANDED_ON)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Hop {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(match parts.extensions.get::<Self>() {
            Some(hop) => hop.clone(),
            None => Self::of(&parts.headers),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const SECOND: Duration = Duration::from_secs(1);

    fn hop_with_deadline(millis: u64) -> Hop {
        let mut headers = HeaderMap::new();
        headers.insert(DEADLINE_HEADER, HeaderValue::from(millis));
        Hop::of(&headers)
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_shrinks_with_time_and_from_hop_to_hop() {
        let hop = hop_with_deadline(500);
        tokio::time::advance(Duration::from_millis(100)).await;
        let (allowed, handed) = hop.allow(SECOND * 3, None);
        assert_eq!(allowed, Duration::from_millis(400));
        assert_eq!(handed, Some(Duration::from_millis(320)));
        tokio::time::advance(SECOND).await;
        assert_eq!(hop.remaining(), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn the_least_of_timeout_budget_and_deadline_rules() {
        let hop = hop_with_deadline(500);
        let budget = Some(Duration::from_millis(300));
        assert_eq!(hop.allow(SECOND, budget).0, Duration::from_millis(300));
        assert_eq!(hop.allow(SECOND / 10, budget).0, SECOND / 10);
        assert_eq!(Hop::own().allow(SECOND, None), (SECOND, None));
    }

    #[test]
    fn a_correlation_id_beyond_its_limit_is_not_taken_over() {
        let mut headers = HeaderMap::new();
        let long = "x".repeat(65);
        headers.insert(CORRELATION_HEADER, HeaderValue::from_str(&long).unwrap());
        assert_eq!(Hop::of(&headers).correlation(), "");
    }
}
