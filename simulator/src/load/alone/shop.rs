//! Journeys of customers instead of single requests: each step after the answer to the one before it and some time to think.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::Full;
use tokio::time::Instant;

use super::{Lab, pacer::Due};
use crate::load::{
    journey::Step,
    walk::{self, correlation_of},
};

/// Order ids begin with a number that no proof of a drill comes to.
const RUNS: u32 = 1_000_000;

/// Walks one journey; a customer leaves when something fails.
pub(super) async fn walk(lab: &Lab, due: Due) {
    let Some(walks) = lab.plan.walks else {
        return;
    };
    let journey = lab.source().journey(due.index, &walks.profile);
    let guest = lab.inside.enter(journey.customer);
    #[allow(clippy::cast_possible_truncation)] // below a million
    let run = RUNS + (lab.plan.seed % u64::from(RUNS)) as u32;
    let (mut at, mut correlation) = (due.at, None);
    for (k, (think_s, step)) in journey.steps.iter().enumerate() {
        if k > 0 {
            at = Instant::now() + Duration::try_from_secs_f64(*think_s).unwrap_or_default();
            tokio::time::sleep_until(at).await;
        }
        let wanted = walk::Request::of(*step, &journey, guest.customer, run);
        let trace = crate::journal::hex(uuid::Uuid::new_v4().as_bytes());
        let mut request = Request::new(Full::from(Bytes::from(wanted.body.unwrap_or_default())));
        *request.method_mut() = wanted.method;
        *request.headers_mut() = walk::headers(&trace, correlation.as_ref());
        request.headers_mut().extend(lab.plan.headers.clone());
        if matches!(step, Step::Login | Step::Cart | Step::Checkout) {
            let json = header::HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        let Some(uri) = below(&lab.plan.targets[0].url, &wanted.path) else {
            return;
        };
        *request.uri_mut() = uri;
        let answer = lab
            .pool
            .call(&lab.tally, request, 0, at, lab.plan.timeout, Some(*step));
        let Some(body) = answer.await else {
            return;
        };
        if matches!(step, Step::Login) {
            correlation = correlation_of(&body);
        }
    }
}

/// A path below the door's.
fn below(door: &Uri, path: &str) -> Option<Uri> {
    let mut parts = door.clone().into_parts();
    let whole = format!("{}{path}", door.path().trim_end_matches('/'));
    parts.path_and_query = whole.parse().ok();
    Uri::from_parts(parts).ok()
}
