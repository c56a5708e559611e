//! Shipping quotes for the items of a history: concurrently and through a cache, or one after
//! another with a client that blocks its thread. An item without a quote is shown without.

use std::{collections::HashMap, sync::Arc};

use axum::http::{Method, header};
use futures_util::{StreamExt, stream};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use parking_lot::Mutex;
use scenarios::{
    setting::QuoteCalls,
    shop::{CORRELATION_HEADER, Role},
};
use tokio::time::{Duration, Instant};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{
    hop::Hop,
    peer::{Call, Peer, client_span, mark},
    service::Service,
    settings::Settings,
    signals::metrics::{CallStatus, Called},
    wire::{History, Quote},
};

/// Calls to shipping at once for one history.
const CALLS_AT_ONCE: usize = 8;
/// How long a quote holds.
const QUOTE_HOLDS: Duration = Duration::from_secs(60);

/// Quotes and how to get them. Clones share the cache, which is bounded by the number of goods.
#[derive(Debug, Clone)]
pub struct Quotes {
    service: Arc<Service>,
    cache: Arc<Mutex<HashMap<u32, (i64, Instant)>>>,
}

impl Quotes {
    /// None yet.
    pub fn new(service: &Arc<Service>) -> Self {
        Self {
            service: Arc::clone(service),
            cache: Arc::default(),
        }
    }

    /// Puts quotes into a history.
    pub async fn fill(&self, hop: &Hop, settings: &Settings, history: &mut History) {
        let Some(shipping) = self.service.peer(Role::Shipping) else {
            return;
        };
        match settings.quote_calls {
            QuoteCalls::Concurrent => {
                self.fill_concurrently(hop, settings, history, shipping)
                    .await
            }
            QuoteCalls::Blocking => self.fill_one_by_one(hop, settings, history, shipping),
        }
    }

    async fn fill_concurrently(
        &self,
        hop: &Hop,
        settings: &Settings,
        history: &mut History,
        shipping: &Peer,
    ) {
        let items = history.orders.iter_mut().flat_map(|order| &mut order.items);
        stream::iter(items)
            .for_each_concurrent(CALLS_AT_ONCE, async |item| {
                if settings.quote_cache
                    && let Some(cached) = self.cached(item.sku)
                {
                    item.shipping_minor_units = Some(cached);
                    return;
                }
                let call = Call::get(format!("/quotes/{}", item.sku), settings.call_timeout);
                match shipping.call::<Quote>(hop, call).await {
                    Ok(quote) => item.shipping_minor_units = Some(self.keep(quote)),
                    Err(error) => without_quote(hop, item.sku, &error),
                }
            })
            .await;
    }

    /// Holds the runtime's thread until every answer is there.
    fn fill_one_by_one(
        &self,
        hop: &Hop,
        settings: &Settings,
        history: &mut History,
        shipping: &Peer,
    ) {
        for item in history.orders.iter_mut().flat_map(|order| &mut order.items) {
            if settings.quote_cache
                && let Some(cached) = self.cached(item.sku)
            {
                item.shipping_minor_units = Some(cached);
                continue;
            }
            match self.ask(hop, settings, shipping, item.sku) {
                Ok(quote) => item.shipping_minor_units = Some(self.keep(quote)),
                Err(error) => without_quote(hop, item.sku, error.as_ref()),
            }
        }
    }

    /// One call with the blocking client, with the same span and measurement as any other.
    fn ask(
        &self,
        hop: &Hop,
        settings: &Settings,
        shipping: &Peer,
        sku: u32,
    ) -> Result<Quote, Box<dyn std::error::Error>> {
        let span = client_span(&Method::GET, shipping.role());
        let began = Instant::now();
        let connections = shipping.connections();
        let mut request = connections
            .blocking()
            .get(shipping.url(&format!("/quotes/{sku}")))
            .config()
            .timeout_global(Some(settings.call_timeout))
            .build();
        if let Some(headers) = request.headers_mut() {
            headers.insert(header::AUTHORIZATION, connections.credential());
            TraceContextPropagator::new()
                .inject_context(&span.context(), &mut HeaderInjector(headers));
        }
        if !hop.correlation().is_empty() {
            request = request.header(CORRELATION_HEADER, hop.correlation());
        }
        let answered = span.in_scope(|| request.call());
        let status = match &answered {
            Ok(answer) => CallStatus::Answered(answer.status().as_u16()),
            Err(ureq::Error::Timeout(_)) => CallStatus::TimedOut,
            Err(_) => CallStatus::Unreachable,
        };
        mark(&span, status);
        let labels = Called {
            peer: shipping.role().name(),
            method: "GET",
            status,
        };
        self.service
            .metrics
            .called
            .get_or_create(&labels)
            .observe(began.elapsed().as_secs_f64());
        let body = answered?.body_mut().read_to_vec()?;
        Ok(serde_json::from_slice(&body)?)
    }

    fn cached(&self, sku: u32) -> Option<i64> {
        let cache = self.cache.lock();
        let (quote, since) = cache.get(&sku)?;
        (since.elapsed() < QUOTE_HOLDS).then_some(*quote)
    }

    fn keep(&self, quote: Quote) -> i64 {
        let kept = (quote.shipping_minor_units, Instant::now());
        self.cache.lock().insert(quote.sku, kept);
        quote.shipping_minor_units
    }
}

fn without_quote(hop: &Hop, sku: u32, error: &dyn std::error::Error) {
    let correlation_id = hop.correlation();
    tracing::warn!(sku, correlation_id, reason = %error, "no shipping quote");
}
