//! The handle on everything of metrics. Cheap to clone; all clones are the same store, scraper and alerts.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use parking_lot::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;

use super::Point;
use super::catalog::Catalog;
use super::exemplars::Exemplars;
use super::labels::Labels;
use super::otlp;
use super::recording::{self, Recording};
use super::store::{Budget, Pending, Stats, Store};
use crate::alerts::{Engine, FileError};
use crate::error::{QueryError, RecordError};
use crate::forward::Forwarder;
use crate::objectives::Spec;
use crate::promql::{self, Answer, Limits, Rollups, Variables};
use crate::receive::Signal;
use crate::record::RecordStatus;
use crate::scrape::{Round, Scraper, pace};
use crate::time::TimeSource;

/// How a [`Metrics`] is set up.
#[derive(Debug, Clone)]
pub struct MetricsConfig {
    /// What the store may hold.
    pub budget: Budget,
    /// What a query may cost.
    pub limits: Limits,
    /// The interval at which targets are usually scraped, store time; `$__rate_interval` is at least four of them.
    pub scrape_interval: Duration,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            budget: Budget::default(),
            limits: Limits::default(),
            scrape_interval: Duration::from_secs(1),
        }
    }
}

/// One element of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Labels sorted by name, the metric's under `__name__`.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
}

/// One series of a range query's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Labels sorted by name.
    pub labels: Vec<(String, String)>,
    /// Its points in time order.
    pub points: Vec<Point>,
}

/// Store, scraper, alerts and query languages of metrics.
#[derive(Clone)]
pub struct Metrics {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub store: Arc<Store>,
    pub exemplars: Arc<Exemplars>,
    pub catalog: Arc<Catalog>,
    pub time: Arc<dyn TimeSource>,
    pub config: MetricsConfig,
    pub scraper: Scraper,
    pub alerts: Engine,
    /// The objectives whose rules are among those of `alerts`.
    objectives: RwLock<Arc<[Spec]>>,
    pub rollups: Rollups,
    deltas: otlp::Deltas,
    exponentials: otlp::Exponentials,
    known: otlp::Known,
    recording: Mutex<Option<Recording>>,
    forwarder: OnceLock<Forwarder>,
}

impl Metrics {
    /// An empty store with a scraper without targets and no rules.
    #[must_use]
    pub fn new(config: MetricsConfig, time: Arc<dyn TimeSource>) -> Self {
        let store = Arc::new(Store::new(config.budget));
        let (exemplars, catalog) = (Arc::new(Exemplars::default()), Arc::new(Catalog::default()));
        let scraper = Scraper::new(
            store.clone(),
            exemplars.clone(),
            catalog.clone(),
            time.clone(),
        );
        let alerts = Engine::new(store.clone());
        let inner = Inner {
            store,
            exemplars,
            catalog,
            time,
            config,
            scraper,
            alerts,
            objectives: RwLock::new(Arc::new([])),
            rollups: Rollups::default(),
            deltas: otlp::Deltas::default(),
            exponentials: otlp::Exponentials::default(),
            known: otlp::Known::default(),
            recording: Mutex::new(None),
            forwarder: OnceLock::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The HTTP API, full paths (`/prometheus/api/v1/query`…): merge it into an application, do not nest it.
    pub fn router(&self) -> axum::Router {
        crate::api::prometheus::router(self.clone())
    }

    /// Appends one sample at a store time in ms. Returns whether it is in the store now.
    pub fn append(&self, labels: &[(&str, &str)], t_ms: i64, value: f64) -> bool {
        self.inner
            .store
            .append(&Labels::from_pairs(labels.iter().copied()), t_ms, value)
    }

    /// Appends many samples, those without a time of their own at `t_ms`, as [`Store::append_batch`] does. Returns how many were
    /// refused.
    pub fn append_batch(&self, t_ms: i64, batch: &mut [Pending]) -> usize {
        self.inner.store.append_batch(t_ms, batch)
    }

    /// Evaluates at a store time in ns. A scalar is one sample without labels.
    ///
    /// # Errors
    /// A query that does not parse, meets a limit, fails, or yields a string or range vector.
    pub fn instant(&self, expr: &str, at_ns: i64) -> Result<Vec<Sample>, QueryError> {
        let tree = self.parse(expr, Duration::ZERO, Duration::ZERO)?;
        match promql::instant(
            &self.inner.store,
            &tree,
            ms(at_ns),
            self.inner.config.limits,
        )? {
            Answer::Scalar(value) => Ok(vec![Sample {
                labels: Vec::new(),
                value,
            }]),
            Answer::Vector(found) => Ok(found
                .into_iter()
                .map(|(l, value)| Sample {
                    labels: l.to_pairs(),
                    value,
                })
                .collect()),
            Answer::Text(_) | Answer::Matrix(_) => Err(QueryError::Invalid {
                position: 0,
                message: "the query yields no instant vector or scalar".into(),
            }),
        }
    }

    /// The value of a scalar or of a vector with one element; `None` for an empty vector.
    ///
    /// # Errors
    /// As [`Metrics::instant`]; also a vector of several elements: there is no one value.
    pub fn scalar(&self, expr: &str, at_ns: i64) -> Result<Option<f64>, QueryError> {
        let found = self.instant(expr, at_ns)?;
        match found.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.value)),
            many => Err(QueryError::Execution(format!(
                "the query yields {} values, one was expected: aggregate it",
                many.len()
            ))),
        }
    }

    /// Evaluates from `start_ns` to `end_ns` each `step_ns`, store time.
    ///
    /// # Errors
    /// As [`Metrics::instant`]; also more points per series than the limit.
    pub fn range(
        &self,
        expr: &str,
        start_ns: i64,
        end_ns: i64,
        step_ns: i64,
    ) -> Result<Vec<Series>, QueryError> {
        let duration = |ns: i64| Duration::from_nanos(u64::try_from(ns).unwrap_or(0));
        let tree = self.parse(
            expr,
            duration(step_ns),
            duration(end_ns.saturating_sub(start_ns)),
        )?;
        let step_ms = if step_ns > 0 { ms(step_ns).max(1) } else { 0 };
        match promql::range_with(
            Some(&self.inner.rollups),
            &self.inner.store,
            &tree,
            (ms(start_ns), ms(end_ns)),
            step_ms,
            self.inner.config.limits,
        )? {
            Answer::Matrix(found) => Ok(found
                .into_iter()
                .map(|(l, points)| Series {
                    labels: l.to_pairs(),
                    points,
                })
                .collect()),
            _ => Err(QueryError::Execution(
                "a range query yields a matrix".into(),
            )),
        }
    }

    /// What an expression selects by a metric's name, sorted, each once.
    ///
    /// # Errors
    /// A query that does not parse.
    pub fn selections(&self, expr: &str) -> Result<Vec<promql::Selection>, QueryError> {
        Ok(promql::selections(&self.parse(
            expr,
            Duration::ZERO,
            Duration::ZERO,
        )?))
    }

    /// The scraper, to set its targets and see their health.
    #[must_use]
    pub fn scraper(&self) -> &Scraper {
        &self.inner.scraper
    }

    /// The alerts, to load rules, tune them and subscribe.
    #[must_use]
    pub fn alerts(&self) -> &Engine {
        &self.inner.alerts
    }

    /// Replaces all rules by those of rule files, given as name and text, and the recording rules of objectives. Alerts start anew.
    ///
    /// # Errors
    /// All problems of the first file that has any, or an objective that is there twice; everything remains as it was then.
    pub fn load_rules<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        objectives: Vec<Spec>,
    ) -> Result<(), FileError> {
        crate::objectives::check_ids(&objectives)?;
        let generated: Vec<(String, String)> = objectives
            .iter()
            .map(|spec| (format!("objectives of {}", spec.service), spec.rules(false)))
            .collect();
        let mut all: Vec<(&str, &str)> = files.into_iter().collect();
        all.extend(generated.iter().map(|(name, text)| (&**name, &**text)));
        let mut held = self.inner.objectives.write();
        self.inner.alerts.load(all)?;
        *held = objectives.into();
        Ok(())
    }

    /// The objectives that are loaded.
    #[must_use]
    pub fn objectives(&self) -> Arc<[Spec]> {
        self.inner.objectives.read().clone()
    }

    /// Counters of the store.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.store.stats()
    }

    /// Scrapes and evaluates the rules each `interval()` of store time until cancelled; the interval is asked for before each wait.
    pub async fn run(&self, cancel: CancellationToken, interval: impl Fn() -> Duration) {
        pace::every(&*self.inner.time, &cancel, interval, || async {
            self.round().await;
        })
        .await;
    }

    /// One round: scrape all targets, record, evaluate the rules at the round's time.
    pub async fn round(&self) -> Round {
        let forwarder = self.inner.forwarder.get();
        let forwarded = forwarder.is_some_and(|to| to.takes(Signal::Metrics));
        let keep = forwarded || self.inner.recording.lock().is_some();
        let round = self.inner.scraper.scrape_once(keep).await;
        if keep {
            self.keep(round.at_ms, &round.samples, true);
        }
        if let Some(forwarder) = forwarder {
            self.tell_of_forwarding(forwarder, round.at_ms);
        }
        self.inner
            .alerts
            .evaluate(round.at_ms.saturating_mul(1_000_000));
        round
    }

    /// Records every round from now on in `folder/metrics.pb.zst`, in the OpenTelemetry collector's file format.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn record_to(&self, folder: &Path) -> Result<(), RecordError> {
        *self.inner.recording.lock() = Some(Recording::start(folder)?);
        Ok(())
    }

    /// Ends the recording, if one runs: everything is handed to the operating system.
    pub fn stop_recording(&self) -> Option<RecordStatus> {
        self.inner.recording.lock().take().map(Recording::finish)
    }

    /// How the running recording goes; `None` when there is none.
    #[must_use]
    pub fn recording(&self) -> Option<RecordStatus> {
        self.inner.recording.lock().as_ref().map(Recording::status)
    }

    /// Loads `folder/metrics.pb.zst`, if there is one, into the store. Returns how many samples were read.
    ///
    /// # Errors
    /// A file that cannot be read or is not a recording; samples before the fault are in the store.
    pub fn load(&self, folder: &Path) -> Result<u64, RecordError> {
        recording::load(folder, &self.inner.store)
    }

    /// Forwards every round from now on; what comes by OTLP its receiver forwards. Only the first forwarder is used.
    pub fn forward_to(&self, forwarder: Forwarder) {
        // a second one would send everything twice
        let _ = self.inner.forwarder.set(forwarder);
    }

    /// Takes OTLP metrics (gauge, sum, histogram, exponential histogram as a classic one, summary) in store time, named as Prometheus' own OTLP receiver names them.
    ///
    /// # Errors
    /// How many data points were refused, and why; the others are in the store.
    pub fn sink(&self, request: ExportMetricsServiceRequest) -> Result<(), (i64, String)> {
        let sinks = otlp::Sinks {
            store: &self.inner.store,
            catalog: &self.inner.catalog,
            exemplars: &self.inner.exemplars,
            deltas: &self.inner.deltas,
            exponentials: &self.inner.exponentials,
            known: &self.inner.known,
            now_ms: ms(self.inner.time.now_ns()),
        };
        let taken = otlp::append(&request, &sinks);
        self.keep(0, &taken.samples, false);
        taken.refused
    }

    pub(crate) fn parse(
        &self,
        expr: &str,
        step: Duration,
        range: Duration,
    ) -> Result<promql_parser::parser::Expr, QueryError> {
        let variables = Variables {
            step,
            range,
            scrape_interval: self.inner.config.scrape_interval,
        };
        promql::parse(expr, &variables)
    }

    /// Hands samples to the recording, if one runs, and to the forwarder if it is to have them.
    fn keep(&self, at_ms: i64, samples: &[Pending], forward: bool) {
        let mut recording = self.inner.recording.lock();
        let forwarder = self.inner.forwarder.get();
        let forwarder = forwarder.filter(|to| forward && to.takes(Signal::Metrics));
        if samples.is_empty() || (recording.is_none() && forwarder.is_none()) {
            return;
        }
        let encoded = Bytes::from(recording::encode(at_ms, samples, &self.inner.catalog));
        if let Some(recording) = recording.as_mut() {
            recording.append(&encoded);
        }
        if let Some(forwarder) = forwarder {
            forwarder.offer(Signal::Metrics, encoded);
        }
    }

    /// How forwarding goes, as metrics: `telemetry_forward_batches_total{signal, outcome}`.
    fn tell_of_forwarding(&self, forwarder: &Forwarder, at_ms: i64) {
        let stats = forwarder.stats();
        for signal in Signal::ALL {
            let of = stats.of(signal);
            let outcomes = [
                ("sent", of.sent),
                ("dropped", of.dropped),
                ("failed", of.failed),
            ];
            for (outcome, batches) in outcomes {
                let labels = [
                    ("__name__", "telemetry_forward_batches_total"),
                    ("signal", signal.name()),
                    ("outcome", outcome),
                ];
                self.append(&labels, at_ms, batches as f64);
            }
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

fn ms(ns: i64) -> i64 {
    ns.div_euclid(1_000_000)
}

#[cfg(test)]
#[path = "handle_tests.rs"]
mod tests;
