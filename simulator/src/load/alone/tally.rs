//! What became of the requests: counts and latencies, of an interval and of the whole.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use serde::Serialize;
use tokio::time::Instant;

use super::plan::Plan;
use crate::load::{journey::Step, latencies::Latencies};

/// What is sent later than this after it was due could not hold the schedule.
const LATE: Duration = Duration::from_millis(10);

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An answer, read to its end.
    Status(u16),
    Connect,
    Reset,
    Timeout,
    /// No HTTP, or too long.
    Body,
}

impl Outcome {
    pub(super) const fn is_success(self) -> bool {
        matches!(self, Self::Status(status) if status < 400)
    }
}

/// See the head of this file.
pub(super) struct Tally {
    started: Instant,
    under_way: AtomicU64,
    counts: Mutex<Counts>,
}

struct Counts {
    latency: Latencies,
    interval: Latencies,
    delay: Latencies,
    steps: Vec<(Latencies, u64)>,
    sent: u64,
    late: u64,
    unsent: u64,
    interval_sent: u64,
    interval_errors: u64,
    interval_began: Instant,
    errors: Errors,
    statuses: BTreeMap<u16, u64>,
    bytes: u64,
}

/// Requests that ended badly, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Errors {
    /// No connection.
    pub connect: u64,
    /// A connection that ended before its answer.
    pub reset: u64,
    /// No answer in time.
    pub timeout: u64,
    /// A status from 400 on.
    pub status: u64,
    /// An answer that is no HTTP, or longer than 64 MiB.
    pub body: u64,
}

impl Errors {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.connect + self.reset + self.timeout + self.status + self.body
    }

    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Connect => self.connect += 1,
            Outcome::Reset => self.reset += 1,
            Outcome::Timeout => self.timeout += 1,
            Outcome::Body => self.body += 1,
            Outcome::Status(400..) => self.status += 1,
            Outcome::Status(_) => {}
        }
    }
}

/// Figures of a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// Since the start.
    pub elapsed: Duration,
    /// Answers and errors per second since the interval before.
    pub rate_per_s: f64,
    /// Errors since then.
    pub errors: u64,
    /// Median latency since then.
    pub p50: Duration,
    /// 99th percentile since then.
    pub p99: Duration,
    /// Requests under way, those that wait for a connection included.
    pub in_flight: u64,
}

/// Quantiles, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90 of 100 are not above.
    pub p90: f64,
    /// 95 of 100.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1000.
    pub p999: f64,
    /// Longest.
    pub max: f64,
}

impl Latency {
    fn of(latencies: &Latencies) -> Self {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        let at = |quantile| ms(latencies.at(quantile));
        Self {
            mean: ms(latencies.mean()),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: ms(latencies.most()),
        }
    }
}

/// One kind of step of the journeys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// `login`, `browse`, `cart`, `checkout`, `history`.
    pub step: &'static str,
    /// Requests that ended.
    pub requests: u64,
    /// Of them badly.
    pub errors: u64,
    /// From when they were due.
    pub latency_ms: Latency,
}

/// Figures of a run. As JSON its shape stays.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Where the requests went.
    pub targets: Vec<String>,
    /// Of all draws: the same seed gives the same schedule.
    pub seed: u64,
    /// Requests, or journeys, per second that were planned.
    pub planned_rate_per_s: f64,
    /// Seconds during which requests were sent.
    pub elapsed_s: f64,
    /// Cut short.
    pub interrupted: bool,
    /// Requests that were sent.
    pub sent: u64,
    /// Requests that ended, well or badly.
    pub requests: u64,
    /// Of them per second.
    pub rate_per_s: f64,
    /// Badly, by kind.
    pub errors: Errors,
    /// Share of the requests that ended badly, from 0 to 1.
    pub error_share: f64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// From when a request was due to the end of its answer, errors included.
    pub latency_ms: Latency,
    /// From when a request was due until the generator turned to it.
    pub send_delay_ms: Latency,
    /// Sent more than 10 ms after they were due: the generator, or its connections, could not hold the schedule.
    pub late: u64,
    /// Not sent at all, for the same reason.
    pub unsent: u64,
    /// Still under way when the run was cut short.
    pub abandoned: u64,
    /// Bytes of the answers' bodies.
    pub bytes: u64,
    /// With journeys: by step.
    pub steps: Vec<StepReport>,
}

/// One request under way, while this lives.
pub(super) struct UnderWay<'a>(&'a AtomicU64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Tally {
    pub(super) fn new(timeout: Duration, started: Instant) -> Self {
        // waiting for a connection and then for an answer
        let longest = timeout.saturating_mul(2) + Duration::from_secs(1);
        let latencies = || Latencies::up_to(longest);
        Self {
            started,
            under_way: AtomicU64::new(0),
            counts: Mutex::new(Counts {
                latency: latencies(),
                interval: latencies(),
                delay: latencies(),
                steps: Step::KINDS.iter().map(|_| (latencies(), 0)).collect(),
                sent: 0,
                late: 0,
                unsent: 0,
                interval_sent: 0,
                interval_errors: 0,
                interval_began: started,
                errors: Errors::default(),
                statuses: BTreeMap::new(),
                bytes: 0,
            }),
        }
    }

    pub(super) fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(&self.under_way)
    }

    pub(super) fn sent(&self, delay: Duration) {
        let mut counts = self.counts.lock();
        counts.sent += 1;
        counts.delay.record(delay);
        counts.late += u64::from(delay > LATE);
    }

    pub(super) fn unsent(&self) {
        self.counts.lock().unsent += 1;
    }

    pub(super) fn done(&self, outcome: Outcome, latency: Duration, bytes: u64, step: Option<Step>) {
        let mut counts = self.counts.lock();
        let failed = u64::from(!outcome.is_success());
        counts.latency.record(latency);
        counts.interval.record(latency);
        counts.interval_sent += 1;
        counts.interval_errors += failed;
        counts.errors.count(outcome);
        counts.bytes += bytes;
        if let Outcome::Status(status) = outcome {
            *counts.statuses.entry(status).or_default() += 1;
        }
        if let Some(step) = step {
            let (latencies, errors) = &mut counts.steps[step.place()];
            latencies.record(latency);
            *errors += failed;
        }
    }

    /// Figures since the last time.
    pub(super) fn interval(&self) -> Interval {
        let mut counts = self.counts.lock();
        let now = Instant::now();
        let passed = (now - counts.interval_began).as_secs_f64().max(1e-9);
        #[allow(clippy::cast_precision_loss)] // requests of a second
        let interval = Interval {
            elapsed: now - self.started,
            rate_per_s: counts.interval_sent as f64 / passed,
            errors: counts.interval_errors,
            p50: counts.interval.at(0.5),
            p99: counts.interval.at(0.99),
            in_flight: self.under_way.load(Ordering::Relaxed),
        };
        counts.interval.reset();
        (counts.interval_sent, counts.interval_errors) = (0, 0);
        counts.interval_began = now;
        interval
    }

    #[allow(clippy::cast_precision_loss)] // counts of a run
    pub(super) fn report(&self, plan: &Plan, interrupted: bool) -> Report {
        let counts = self.counts.lock();
        let elapsed_s = self.started.elapsed().min(plan.duration).as_secs_f64();
        let requests = counts.latency.count();
        let steps = Step::KINDS.iter().zip(&counts.steps);
        Report {
            targets: plan
                .targets
                .iter()
                .map(|target| target.url.to_string())
                .collect(),
            seed: plan.seed,
            planned_rate_per_s: plan.rate,
            elapsed_s,
            interrupted,
            sent: counts.sent,
            requests,
            rate_per_s: requests as f64 / elapsed_s.max(1e-9),
            errors: counts.errors,
            error_share: counts.errors.total() as f64 / requests.max(1) as f64,
            statuses: counts.statuses.clone(),
            latency_ms: Latency::of(&counts.latency),
            send_delay_ms: Latency::of(&counts.delay),
            late: counts.late,
            unsent: counts.unsent,
            abandoned: counts.sent - requests,
            bytes: counts.bytes,
            steps: steps
                .filter(|(_, (latencies, _))| latencies.count() > 0)
                .map(|(step, (latencies, errors))| StepReport {
                    step,
                    requests: latencies.count(),
                    errors: *errors,
                    latency_ms: Latency::of(latencies),
                })
                .collect(),
        }
    }
}
