//! RED: rate, errors and duration of what each service serves, by operation (Wilkie, "The RED Method").
//! From server and consumer spans, each counting for as many as its sampler says. Knows no HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::Cut;
use crate::graph::Calls;
use crate::traces::span::{Kind, Status};
use crate::traces::{SpanRow, SpanSegment};

/// Operations that are told apart at most; a hostile emitter names each request otherwise. Those beyond
/// are counted with their service only.
const OPERATIONS_MAX: usize = super::ROWS_MAX;

/// Services that are told at most.
const SERVICES_MAX: usize = super::ROWS_MAX;

/// Rate, errors and duration of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Red {
    /// Begin of the window, ns.
    pub start_ns: i64,
    /// End of the window, ns.
    pub end_ns: i64,
    /// Whether some spans stand for others that were not kept: then all figures are estimates.
    pub sampled: bool,
    /// Services that served something, by name.
    pub services: Vec<ServiceRed>,
    /// Limits that were met.
    pub limits: Vec<Cut>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceRed {
    /// Its name.
    pub service: String,
    /// All its operations together.
    #[serde(flatten)]
    pub all: Figures,
    /// Its operations, by name.
    pub operations: Vec<OperationRed>,
}

/// An operation of a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperationRed {
    /// Name of its spans.
    pub operation: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Rate, errors, duration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    /// How many requests.
    pub requests: f64,
    /// Requests per second of the window.
    pub rate: f64,
    /// How many failed.
    pub errors: f64,
    /// Share that failed, 0 to 1.
    pub error_share: f64,
    /// Median of the durations, ms.
    pub p50_ms: f64,
    /// 95th percentile, ms.
    pub p95_ms: f64,
    /// 99th percentile, ms.
    pub p99_ms: f64,
}

/// Of the requests that began in `start_ns..end_ns`; of one service where it is named.
#[must_use]
pub fn red(
    segments: &[Arc<SpanSegment>],
    (start_ns, end_ns): (i64, i64),
    only: Option<&str>,
) -> Red {
    let wanted = |span: &SpanRow<'_>| {
        (start_ns..end_ns).contains(&span.start_ns())
            && matches!(span.kind(), Kind::Server | Kind::Consumer)
            && only.is_none_or(|service| service == span.service())
    };
    let held = segments
        .iter()
        .filter(|segment| segment.overlaps(start_ns, end_ns));
    let mut services: BTreeMap<&str, (Calls, BTreeMap<&str, Calls>)> = BTreeMap::new();
    let (mut operations, mut sampled) = (0, false);
    let (mut other_services, mut other_operations) = (0, 0);
    for span in held.flat_map(|segment| segment.rows()).filter(wanted) {
        let (weight, failed) = (span.adjusted_count(), span.status() == Status::Error);
        sampled |= weight > 1.0;
        if services.len() >= SERVICES_MAX && !services.contains_key(span.service()) {
            other_services += 1;
            continue;
        }
        let (all, by_name) = services.entry(span.service()).or_default();
        all.add(span.duration_ns(), weight, failed);
        let known = by_name.contains_key(span.name());
        if !known && operations >= OPERATIONS_MAX {
            other_operations += 1;
            continue;
        }
        operations += usize::from(!known);
        let calls = by_name.entry(span.name()).or_default();
        calls.add(span.duration_ns(), weight, failed);
    }
    let seconds = end_ns.saturating_sub(start_ns).max(1) as f64 / 1e9;
    let services = services.into_iter().map(|(service, (all, by_name))| {
        let operation = |(name, calls): (&str, Calls)| OperationRed {
            operation: name.to_owned(),
            figures: figures(calls, seconds),
        };
        ServiceRed {
            service: service.to_owned(),
            all: figures(all, seconds),
            operations: by_name.into_iter().map(operation).collect(),
        }
    });
    let mut limits = Vec::new();
    for (what, shown, beyond) in [
        ("requests of services", SERVICES_MAX, other_services),
        ("requests of operations", OPERATIONS_MAX, other_operations),
    ] {
        if beyond > 0 {
            limits.push(Cut::new(what, shown, shown + beyond));
        }
    }
    Red {
        start_ns,
        end_ns,
        sampled,
        services: services.collect(),
        limits,
    }
}

fn figures(mut calls: Calls, seconds: f64) -> Figures {
    let [p50_ms, p95_ms, p99_ms] = calls.percentiles_ms([0.5, 0.95, 0.99]);
    Figures {
        requests: calls.count(),
        rate: calls.count() / seconds,
        errors: calls.errors(),
        error_share: calls.errors() / calls.count(),
        p50_ms,
        p95_ms,
        p99_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::fixture::{Shape, batch};
    use crate::traces::{TRACE_BYTES, TraceStore};

    const SECOND: i64 = 1_000_000_000;

    fn served(trace: u64, name: &'static str, duration_ms: u64, error: bool) -> Shape {
        Shape {
            name,
            duration_ms,
            error,
            ..Shape::root(trace, 1)
        }
    }

    #[test]
    fn rate_errors_and_duration_by_service_and_operation() {
        let store = TraceStore::new(TRACE_BYTES);
        for n in 1..=20 {
            store.append(&batch("shop", &[served(n, "GET /", n * 10, n > 18)]));
        }
        store.append(&batch("shop", &[served(5, "POST /", 1_000, true)]));
        let mut client = served(6, "GET", 5_000, true);
        client.kind = 3;
        store.append(&batch("shop", &[client]));
        store.append(&batch("other", &[served(7, "GET /", 70, false)]));
        let found = red(&store.snapshot(), (0, 100 * SECOND), None);
        let names: Vec<_> = found.services.iter().map(|s| &*s.service).collect();
        assert_eq!(names, ["other", "shop"]);
        let shop = &found.services[1];
        assert_eq!((shop.all.requests, shop.all.errors), (21.0, 3.0));
        assert_eq!((shop.all.rate, shop.all.p99_ms), (0.21, 1_000.0));
        let get = &shop.operations[0];
        assert_eq!(
            (&*get.operation, get.figures.p50_ms, get.figures.p95_ms),
            ("GET /", 100.0, 190.0)
        );
        assert_eq!(get.figures.error_share, 0.1);
        let one = red(&store.snapshot(), (0, 100 * SECOND), Some("other"));
        assert_eq!(one.services.len(), 1);
        assert!(!found.sampled && found.limits.is_empty());
    }

    #[test]
    fn a_kept_request_counts_for_those_that_were_not() {
        let store = TraceStore::new(TRACE_BYTES);
        let mut kept = served(1, "GET /", 10, false);
        kept.trace_state = "ot=th:c";
        store.append(&batch("shop", &[kept, served(2, "GET /", 90, true)]));
        let found = red(&store.snapshot(), (0, 10 * SECOND), None);
        let all = &found.services[0].all;
        assert_eq!(
            (all.requests, all.error_share, all.p50_ms),
            (5.0, 0.2, 10.0)
        );
        assert!(found.sampled);
    }

    #[test]
    fn an_empty_window_has_no_services_and_endless_names_are_bounded() {
        let store = TraceStore::new(TRACE_BYTES);
        assert_eq!(red(&store.snapshot(), (0, SECOND), None).services, []);
        let mut request = batch("shop", &[]);
        let spans = &mut request.resource_spans[0].scope_spans[0].spans;
        for n in 1..=(OPERATIONS_MAX as u64 + 7) {
            let mut one = batch("shop", &[Shape::root(n, 1)]);
            let mut span = one.resource_spans[0].scope_spans[0].spans.remove(0);
            span.name = format!("GET /{n}");
            spans.push(span);
        }
        store.append(&request);
        let found = red(&store.snapshot(), (0, i64::MAX), None);
        assert_eq!(found.services[0].operations.len(), OPERATIONS_MAX);
        assert_eq!(found.services[0].all.requests, OPERATIONS_MAX as f64 + 7.0);
        assert_eq!(found.limits.len(), 1);
    }
}
