//! A customer on the way through the shop: sends each step when it is due, waits for the answer,
//! leaves when something fails.

use std::{collections::HashSet, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use parking_lot::Mutex;
use scenarios::shop::{
    CORRELATION_HEADER, CUSTOMERS, Cart, CheckoutRequest, LONG_TIME_CUSTOMERS, Login, LoginAnswer,
};
use tokio::time::Instant;

use super::{
    governor::Pulse,
    journey::{Journey, Step},
    metrics::{Meters, Outcome},
};
use crate::{
    clock::DrillClock,
    instruments::Instruments,
    wire::{Client, WireError},
};

/// How long a customer waits for an answer; then the request counts as a timeout and the customer leaves.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What all journeys share.
pub(super) struct Street {
    pub clock: Arc<DrillClock>,
    pub client: Client,
    pub instruments: Arc<dyn Instruments>,
    /// Base URL of the shop's edge.
    pub door: String,
    pub meters: Meters,
    pub pulse: Arc<Pulse>,
    pub inside: Inside,
}

/// Customers who are in the shop: nobody shops twice at once, or one would find the other's cart.
#[derive(Debug, Clone, Default)]
pub(super) struct Inside(Arc<Mutex<HashSet<u32>>>);

/// A customer who is in the shop as long as this lives.
#[derive(Debug)]
pub(super) struct Guest {
    pub customer: u32,
    inside: Inside,
}

impl Inside {
    /// Lets `customer` in, or the next of the same kind who is not inside; when all are, `customer` all the same.
    pub(super) fn enter(&self, customer: u32) -> Guest {
        let kind = if customer < LONG_TIME_CUSTOMERS {
            0..LONG_TIME_CUSTOMERS
        } else {
            LONG_TIME_CUSTOMERS..CUSTOMERS
        };
        let size = kind.end - kind.start;
        let mut inside = self.0.lock();
        let free = (0..size)
            .map(|k| kind.start + (customer - kind.start + k) % size)
            .find(|other| !inside.contains(other));
        let customer = free.unwrap_or(customer);
        inside.insert(customer);
        Guest {
            customer,
            inside: self.clone(),
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.inside.0.lock().remove(&self.customer);
    }
}

/// Walks a journey that was meant to begin at drill time `due_ns`. `run` tells the order ids of one run of the same journeys
/// from those of another.
pub(super) async fn walk(street: Arc<Street>, journey: Journey, run: u32, mut due_ns: i64) {
    street.meters.journeys.inc();
    let guest = street.inside.enter(journey.customer);
    let mut correlation = None;
    for (k, (think_s, step)) in journey.steps.iter().enumerate() {
        if k > 0 {
            let think = Duration::try_from_secs_f64(*think_s).unwrap_or_default();
            due_ns = street
                .clock
                .now_ns()
                .saturating_add(crate::clock::nanos(think));
        }
        street.clock.sleep_until(due_ns).await;
        let intended = street.clock.instant_of(due_ns).unwrap_or_else(Instant::now);
        let request = Request::of(*step, &journey, guest.customer, run);
        match send(&street, *step, request, correlation.as_ref(), intended).await {
            Some(Some(id)) => correlation = Some(id),
            Some(None) => {}
            None => return,
        }
    }
}

/// A request as it goes to the edge.
pub(super) struct Request {
    pub method: Method,
    pub path: String,
    pub body: Option<Vec<u8>>,
}

impl Request {
    pub(super) fn of(step: Step, journey: &Journey, customer: u32, run: u32) -> Self {
        let (method, path, body) = match step {
            Step::Login => (Method::POST, "/login".to_owned(), json(&Login { customer })),
            Step::Browse(page) => (
                Method::GET,
                format!("/browse?page={page}&customer={customer}"),
                None,
            ),
            Step::Cart => {
                let lines = journey.lines.clone();
                (
                    Method::PUT,
                    format!("/carts/{customer}"),
                    json(&Cart { lines }),
                )
            }
            Step::Checkout => {
                let order_id = format!("o{run}-{:07}", journey.index);
                (
                    Method::POST,
                    "/checkout".to_owned(),
                    json(&CheckoutRequest { customer, order_id }),
                )
            }
            Step::History => (Method::GET, format!("/orders/{customer}"), None),
        };
        Self { method, path, body }
    }
}

fn json(body: &impl serde::Serialize) -> Option<Vec<u8>> {
    Some(
        serde_json::to_vec(body)
            .expect("the edge's requests are plain data, which JSON always holds"),
    )
}

/// Sends one request. None when it failed; else the correlation id, if this was the login.
async fn send(
    street: &Street,
    step: Step,
    request: Request,
    correlation: Option<&HeaderValue>,
    intended: Instant,
) -> Option<Option<HeaderValue>> {
    let trace = *uuid::Uuid::new_v4().as_bytes();
    let trace_id = crate::journal::hex(&trace);
    let headers = headers(&trace_id, correlation);
    let wall_ns = street.clock.wall_now_ns();
    street
        .instruments
        .anchor(trace, wall_ns, street.clock.map_wall_ns(wall_ns));
    let sent = Instant::now();
    street.pulse.sent(sent.saturating_duration_since(intended));
    street.meters.in_flight.inc();
    let url = format!("{}{}", street.door, request.path);
    let answer = street
        .client
        .send(request.method, &url, headers, request.body, PATIENCE)
        .await;
    street.meters.in_flight.dec();
    if matches!(step, Step::Browse(_)) {
        street.pulse.browsed(sent.elapsed());
    }
    let (outcome, id) = match (&answer, step) {
        (Err(WireError::Timeout(_)), _) => (Outcome::Timeout, None),
        (Err(_), _) => (Outcome::Error, None),
        (Ok(answer), _) if !answer.status.is_success() => (Outcome::Error, None),
        (Ok(answer), Step::Login) => match correlation_of(&answer.body) {
            Some(id) => (Outcome::Ok, Some(id)),
            None => (Outcome::Error, None),
        },
        (Ok(_), _) => (Outcome::Ok, None),
    };
    street
        .meters
        .count(step, outcome, intended.elapsed(), trace_id);
    (outcome == Outcome::Ok).then_some(id)
}

/// W3C trace context with a parent that nobody records, so that the edge's span is the first of the trace; always sampled.
pub(crate) fn headers(trace_id: &str, correlation: Option<&HeaderValue>) -> HeaderMap {
    let parent = crate::journal::hex(&uuid::Uuid::new_v4().as_bytes()[..8]);
    let mut headers = HeaderMap::with_capacity(2);
    if let Ok(value) = HeaderValue::try_from(format!("00-{trace_id}-{parent}-01")) {
        headers.insert(HeaderName::from_static("traceparent"), value);
    }
    if let Some(id) = correlation {
        headers.insert(HeaderName::from_static(CORRELATION_HEADER), id.clone());
    }
    headers
}

pub(super) fn correlation_of(body: &[u8]) -> Option<HeaderValue> {
    let answer: LoginAnswer = serde_json::from_slice(body).ok()?;
    HeaderValue::try_from(answer.correlation_id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_shops_twice_at_once_and_kinds_of_customers_do_not_mix() {
        let inside = Inside::default();
        let first = inside.enter(3);
        let second = inside.enter(3);
        assert_eq!((first.customer, second.customer), (3, 4));
        let last = inside.enter(LONG_TIME_CUSTOMERS - 1);
        assert_eq!(inside.enter(LONG_TIME_CUSTOMERS - 1).customer, 0);
        drop(last);
        assert_eq!(
            inside.enter(LONG_TIME_CUSTOMERS - 1).customer,
            LONG_TIME_CUSTOMERS - 1
        );
        let all: Vec<_> = (0..LONG_TIME_CUSTOMERS).map(|k| inside.enter(k)).collect();
        assert_eq!(inside.enter(7).customer, 7, "full");
        assert!(all.iter().all(|guest| guest.customer < LONG_TIME_CUSTOMERS));
    }

    #[test]
    fn the_trace_context_is_well_formed() {
        let headers = headers(&"ab".repeat(16), None);
        let value = headers["traceparent"].to_str().unwrap();
        let parts: Vec<_> = value.split('-').collect();
        assert_eq!(
            (parts[0], parts[1], parts[2].len(), parts[3]),
            ("00", &*"ab".repeat(16), 16, "01")
        );
    }
}
