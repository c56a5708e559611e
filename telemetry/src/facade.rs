//! The whole of telemetry on one cheap-to-clone handle: what a program in the same process uses, and
//! the routes for everyone else.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use parking_lot::Mutex;
use serde::Serialize;

use crate::alerts::notify::{Notifier, Notifying, Told, Webhook};
use crate::api;
use crate::error::{QueryError, RecordError};
use crate::forward::{ForwardStats, Forwarder};
use crate::graph::ServiceGraph;
use crate::logs::{self, Direction, LogLine, LogStore, SignalStats};
use crate::metrics::{Metrics, MetricsConfig};
use crate::receive::{self, Intake, Receiver};
use crate::record::{self, RecordStatus, Recorded};
use crate::time::{TimeSource, TraceId};
use crate::traces::{self, Trace, TraceHit, TraceStore};

/// The budgets and limits of the stores.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// Bytes of logs kept.
    pub log_bytes: usize,
    /// Bytes of spans kept.
    pub trace_bytes: usize,
    /// Budgets and limits of metrics.
    pub metrics: MetricsConfig,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log_bytes: logs::LOG_BYTES,
            trace_bytes: traces::TRACE_BYTES,
            metrics: MetricsConfig::default(),
        }
    }
}

/// What the stores hold and have lost, and how the recording goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// Logs.
    pub logs: SignalStats,
    /// Spans.
    pub traces: SignalStats,
    /// The running or last recording of logs and traces.
    pub recording: Option<RecordStatus>,
    /// The running or last recording of metrics.
    pub metrics_recording: Option<RecordStatus>,
    /// How forwarding goes, if anything is forwarded.
    pub forward: Option<ForwardStats>,
    /// How telling webhooks of alerts goes, one each.
    pub webhooks: Vec<Told>,
}

/// Telemetry: receiver, stores, queries. Clones share everything.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// Metrics: store, scraper, PromQL, alerts.
    pub metrics: Metrics,
    receiver: Arc<Receiver>,
    /// The status of the last recording of metrics that ended.
    metrics_recorded: Arc<Mutex<Option<RecordStatus>>>,
    notifier: Arc<Mutex<Option<Notifier>>>,
}

impl Telemetry {
    /// Empty stores on the given clock.
    #[must_use]
    pub fn new(config: TelemetryConfig, time: Arc<dyn TimeSource>) -> Self {
        let logs = LogStore::new(config.log_bytes);
        let traces = TraceStore::new(config.trace_bytes);
        let metrics = Metrics::new(config.metrics, time.clone());
        let sink = metrics.clone();
        let sink: receive::MetricsSink = Arc::new(move |request| sink.sink(request));
        Self {
            metrics,
            receiver: Arc::new(Receiver::new(Arc::new(Intake::new(
                logs,
                traces,
                time,
                Some(sink),
            )))),
            metrics_recorded: Arc::default(),
            notifier: Arc::default(),
        }
    }

    /// All routes: `/v1/{logs,traces,metrics}`, `/loki/api/v1/…`, `/tempo/api/…`,
    /// `/prometheus/api/v1/…`, `/graph`.
    pub fn router(&self) -> Router {
        receive::router(self.receiver.clone())
            .merge(api::router(self.clone()))
            .merge(self.metrics.router())
    }

    /// The way in for batches from the same process.
    #[must_use]
    pub fn intake(&self) -> &Arc<Intake> {
        self.receiver.intake()
    }

    /// The receiver, for its second door: see [`receive::grpc::serve`].
    #[must_use]
    pub fn receiver(&self) -> &Arc<Receiver> {
        &self.receiver
    }

    /// Forwards everything that comes in from now on, scraped rounds included. Only the first forwarder is used.
    pub fn forward_to(&self, forwarder: &Forwarder) {
        self.intake().forward_to(forwarder.clone());
        self.metrics.forward_to(forwarder.clone());
    }

    /// Tells webhooks of alerts when the returned work is run, in place of those that were told before. `api_url` is the base URL
    /// of the query APIs, for links to them.
    #[must_use]
    pub fn notify(&self, webhooks: Vec<Webhook>, api_url: String) -> Notifying {
        let (notifier, work) = Notifier::new(self.metrics.clone(), webhooks, api_url);
        *self.notifier.lock() = Some(notifier);
        work
    }

    /// The newest `limit` lines of a LogQL query (or of bare words) with `start_ns <= ts < end_ns`,
    /// oldest first.
    ///
    /// # Errors
    /// [`QueryError`] when the query is not LogQL, is a metric query, or meets a limit.
    pub fn query_logs(
        &self,
        logql: &str,
        start_ns: i64,
        end_ns: i64,
        limit: usize,
    ) -> Result<Vec<LogLine>, QueryError> {
        let segments = self.intake().log_store().snapshot();
        let plan = logs::plan_lines(logql)?;
        let mut lines = plan.lines(&segments, (start_ns, end_ns), limit, Direction::Backward)?;
        lines.reverse();
        Ok(lines)
    }

    /// Whether a LogQL query (or bare words) finds the record at `ts_ns` whose text is `line`.
    ///
    /// # Errors
    /// As [`Telemetry::query_logs`].
    pub fn log_matches(&self, logql: &str, ts_ns: i64, line: &str) -> Result<bool, QueryError> {
        let segments = self.intake().log_store().snapshot();
        let plan = logs::plan_lines(logql)?;
        let mut found = false;
        plan.each(&segments, (ts_ns, ts_ns.saturating_add(1)), |entry| {
            found |= entry.row.body() == line || entry.line == line;
        })?;
        Ok(found)
    }

    /// The newest `limit` traces of a TraceQL query that overlap `start_ns..=end_ns`, newest first.
    ///
    /// # Errors
    /// [`QueryError`] when the query is not TraceQL or meets a limit.
    pub fn search_traces(
        &self,
        traceql: &str,
        start_ns: i64,
        end_ns: i64,
        limit: usize,
    ) -> Result<Vec<TraceHit>, QueryError> {
        let query = traces::parse(traceql)?;
        let segments = self.intake().trace_store().snapshot();
        traces::search(&segments, &query, (start_ns, end_ns), limit)
    }

    /// A trace, as far as it is held.
    #[must_use]
    pub fn trace(&self, id: &TraceId) -> Option<Trace> {
        traces::assemble(&self.intake().trace_store().snapshot(), id)
    }

    /// The spans of one trace that a TraceQL query selects; none if the trace is unknown.
    ///
    /// # Errors
    /// [`QueryError`] when the query is not TraceQL.
    pub fn trace_matches(
        &self,
        traceql: &str,
        id: &TraceId,
    ) -> Result<Vec<logs::record::SpanId>, QueryError> {
        let query = traces::parse(traceql)?;
        let hit = self
            .trace(id)
            .and_then(|trace| traces::matches(&query, &trace));
        let spans = hit
            .into_iter()
            .flat_map(|hit| hit.sets)
            .flat_map(|set| set.spans);
        let mut ids: Vec<_> = spans.map(|span| span.span_id).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// The service graph of the spans that begin in `start_ns..end_ns`.
    #[must_use]
    pub fn graph(&self, start_ns: i64, end_ns: i64) -> ServiceGraph {
        ServiceGraph::of(&self.intake().trace_store().snapshot(), start_ns, end_ns)
    }

    /// What the stores hold and have lost.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            logs: self.intake().log_store().stats(),
            traces: self.intake().trace_store().stats(),
            recording: self.intake().recording(),
            metrics_recording: self
                .metrics
                .recording()
                .or_else(|| self.metrics_recorded.lock().clone()),
            forward: self.intake().forwarder().map(Forwarder::stats),
            webhooks: self
                .notifier
                .lock()
                .as_ref()
                .map_or_else(Vec::new, Notifier::told),
        }
    }

    /// Records everything that comes in from now on to `logs.pb.zst`, `traces.pb.zst` and
    /// `metrics.pb.zst` in `folder`, which must exist. A disk that refuses later stops the recording only; see [`Telemetry::stats`].
    ///
    /// # Errors
    /// When the files cannot be created.
    pub fn record_to(&self, folder: &Path) -> Result<(), RecordError> {
        self.intake().record_to(folder)?;
        self.metrics
            .record_to(folder)
            .inspect_err(|_| self.intake().stop_recording())
    }

    /// Ends the recording, if one runs; blocks until it is on disk.
    pub fn stop_recording(&self) {
        self.intake().stop_recording();
        let ended = self.metrics.stop_recording();
        if ended.is_some() {
            *self.metrics_recorded.lock() = ended;
        }
    }

    /// Loads a recording through the append path; its times are store times already.
    ///
    /// # Errors
    /// When a file cannot be read or is not a recording. What came before the fault is loaded.
    pub fn load(&self, folder: &Path) -> Result<(), RecordError> {
        record::read(folder, |batch| match batch {
            Recorded::Logs(request) => {
                self.intake().log_store().append(&request);
            }
            Recorded::Traces(request) => {
                self.intake().trace_store().append(&request);
            }
        })?;
        self.metrics.load(folder).map(drop)
    }
}
