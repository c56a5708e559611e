//! What the load generator counts: as OpenMetrics for the scraper, and as a histogram of its own for
//! whoever drives the lab. Latency is taken from the intended start of a request.

use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, exemplar::HistogramWithExemplars, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{journey::Step, latencies::Latencies};

/// Upper bounds of the latency histogram's buckets, seconds: those of the shop's own histograms, up to the timeout.
const BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Longest latency that the histogram tells apart: two timeouts.
const LONGEST: Duration = Duration::from_secs(20);

/// How a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    Error,
    Timeout,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Timeout => "timeout",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepResult {
    step: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepOnly {
    step: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TraceLabel {
    trace_id: String,
}

/// Figures of one step since the last reset.
#[derive(Debug, Clone, PartialEq)]
pub struct StepFigures {
    /// `login`, `browse`, `cart`, `checkout`, `history`.
    pub step: &'static str,
    /// Requests.
    pub requests: u64,
    /// Of them with an error or a timeout.
    pub failed: u64,
    /// Median latency from intended start.
    pub p50: Duration,
    /// 95th percentile.
    pub p95: Duration,
    /// 99th percentile.
    pub p99: Duration,
}

type LatencyFamily = Family<
    StepOnly,
    HistogramWithExemplars<TraceLabel>,
    fn() -> HistogramWithExemplars<TraceLabel>,
>;

/// The counters.
#[derive(Debug)]
pub(super) struct Meters {
    registry: Registry,
    pub journeys: Counter,
    pub dropped: Counter,
    requests: Family<StepResult, Counter>,
    latency: LatencyFamily,
    pub in_flight: Gauge,
    own: Mutex<[(Latencies, u64); Step::KINDS.len()]>,
}

impl Meters {
    pub(super) fn new() -> Self {
        let mut registry = Registry::default();
        let journeys = Counter::default();
        registry.register(
            "load_journeys",
            "Journeys that customers began",
            journeys.clone(),
        );
        let dropped = Counter::default();
        registry.register(
            "load_dropped_journeys",
            "Journeys not begun because too many were under way",
            dropped.clone(),
        );
        let requests = Family::default();
        registry.register(
            "load_requests",
            "Requests of customers, by how they went",
            requests.clone(),
        );
        let latency: LatencyFamily =
            Family::new_with_constructor(|| HistogramWithExemplars::new(BUCKETS.into_iter()));
        registry.register(
            "load_request_duration_seconds",
            "How long a customer waited, from the intended start of the request",
            latency.clone(),
        );
        let in_flight = Gauge::default();
        registry.register("load_in_flight", "Requests under way", in_flight.clone());
        Self {
            registry,
            journeys,
            dropped,
            requests,
            latency,
            in_flight,
            own: Mutex::new(std::array::from_fn(|_| (Latencies::up_to(LONGEST), 0))),
        }
    }

    /// Counts a request.
    pub(super) fn count(&self, step: Step, outcome: Outcome, latency: Duration, trace_id: String) {
        let kind = step.kind();
        self.requests
            .get_or_create(&StepResult {
                step: kind,
                result: outcome.name(),
            })
            .inc();
        self.latency
            .get_or_create(&StepOnly { step: kind })
            .observe(latency.as_secs_f64(), Some(TraceLabel { trace_id }), None);
        let mut own = self.own.lock();
        let (latencies, failed) = &mut own[step.place()];
        latencies.record(latency);
        *failed += u64::from(outcome != Outcome::Ok);
    }

    /// OpenMetrics text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes every write");
        text
    }

    /// Figures per step since the last reset.
    pub(super) fn figures(&self) -> Vec<StepFigures> {
        let own = self.own.lock();
        let figures = Step::KINDS
            .iter()
            .zip(own.iter())
            .map(|(step, (latencies, failed))| StepFigures {
                step,
                requests: latencies.count(),
                failed: *failed,
                p50: latencies.at(0.5),
                p95: latencies.at(0.95),
                p99: latencies.at(0.99),
            });
        figures.collect()
    }

    /// Forgets the figures per step; the counters for the scraper go on.
    pub(super) fn reset_figures(&self) {
        for (latencies, failed) in self.own.lock().iter_mut() {
            latencies.reset();
            *failed = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_by_step_and_result_with_its_trace() {
        let meters = Meters::new();
        meters.count(
            Step::Checkout,
            Outcome::Ok,
            Duration::from_millis(30),
            "ab".repeat(16),
        );
        meters.count(
            Step::Checkout,
            Outcome::Timeout,
            Duration::from_secs(10),
            "cd".repeat(16),
        );
        let text = meters.text();
        for line in [
            "load_requests_total{step=\"checkout\",result=\"ok\"} 1",
            "load_requests_total{step=\"checkout\",result=\"timeout\"} 1",
            "load_request_duration_seconds_count{step=\"checkout\"} 2",
            "# {trace_id=\"abababababababababababababababab\"} 0.03",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        let figures = &meters.figures()[Step::Checkout.place()];
        assert_eq!((figures.requests, figures.failed), (2, 1));
        assert!(figures.p99 >= Duration::from_secs(10));
        meters.reset_figures();
        assert_eq!(meters.figures()[Step::Checkout.place()].requests, 0);
        assert!(meters.text().contains("_count{step=\"checkout\"} 2"));
    }
}
