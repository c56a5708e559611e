//! The way of a decoded batch: restamped to store time once, recorded, stored. Knows no HTTP.

use std::path::Path;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use parking_lot::Mutex;
use prost::Message;

use crate::error::RecordError;
use crate::logs::{LogStore, record_ts_ns};
use crate::record::{Item, RecordStatus, Recorder, Signal};
use crate::time::TimeSource;
use crate::traces::TraceStore;
use crate::traces::span::{ns, trace_id};

/// Takes OTLP metrics; says how many data points it refused, and why, in the error.
pub type MetricsSink =
    Arc<dyn Fn(ExportMetricsServiceRequest) -> Result<(), (i64, String)> + Send + Sync>;

/// Where batches come in.
pub struct Intake {
    logs: LogStore,
    traces: TraceStore,
    time: Arc<dyn TimeSource>,
    metrics: Option<MetricsSink>,
    recorder: Mutex<Option<Recorder>>,
    /// The status of the last recording that ended.
    recorded: Mutex<Option<RecordStatus>>,
}

impl Intake {
    /// An intake into the given stores.
    #[must_use]
    pub fn new(
        logs: LogStore,
        traces: TraceStore,
        time: Arc<dyn TimeSource>,
        metrics: Option<MetricsSink>,
    ) -> Self {
        Self {
            logs,
            traces,
            time,
            metrics,
            recorder: Mutex::new(None),
            recorded: Mutex::new(None),
        }
    }

    /// The log store.
    #[must_use]
    pub fn log_store(&self) -> &LogStore {
        &self.logs
    }

    /// The span store.
    #[must_use]
    pub fn trace_store(&self) -> &TraceStore {
        &self.traces
    }

    /// The clock.
    #[must_use]
    pub fn time(&self) -> &dyn TimeSource {
        &*self.time
    }

    /// Takes logs as an emitter stamped them.
    pub async fn logs(&self, mut request: ExportLogsServiceRequest) {
        let resources = request.resource_logs.iter_mut();
        let scopes = resources.flat_map(|resource| &mut resource.scope_logs);
        for record in scopes.flat_map(|scope| &mut scope.log_records) {
            let trace = record.trace_id.as_slice().try_into().ok();
            let ts_ns = match record_ts_ns(record) {
                // neither time was given: it happened now, as far as anyone knows
                0 => self.time.now_ns(),
                emitted_ns => self
                    .time
                    .stamp_ns(emitted_ns, trace.filter(|id| *id != [0; 16])),
            };
            record.time_unix_nano = u64::try_from(ts_ns).unwrap_or_default();
        }
        self.record(Signal::Logs, || request.encode_to_vec()).await;
        self.logs.append(&request);
    }

    /// Takes spans as an emitter stamped them; returns how many were refused.
    pub async fn traces(&self, mut request: ExportTraceServiceRequest) -> usize {
        let resources = request.resource_spans.iter_mut();
        let scopes = resources.flat_map(|resource| &mut resource.scope_spans);
        for span in scopes.flat_map(|scope| &mut scope.spans) {
            let start_ns = ns(span.start_time_unix_nano);
            let shift_ns = self
                .time
                .stamp_ns(start_ns, trace_id(span))
                .saturating_sub(start_ns);
            let shift = |at: &mut u64| *at = at.saturating_add_signed(shift_ns);
            shift(&mut span.start_time_unix_nano);
            shift(&mut span.end_time_unix_nano);
            span.events
                .iter_mut()
                .for_each(|event| shift(&mut event.time_unix_nano));
        }
        self.record(Signal::Traces, || request.encode_to_vec())
            .await;
        self.traces.append(&request)
    }

    /// Takes metrics.
    ///
    /// # Errors
    /// How many data points were refused, and why.
    pub fn metrics(&self, request: ExportMetricsServiceRequest) -> Result<(), (i64, String)> {
        match &self.metrics {
            Some(sink) => sink(request),
            None => Err((
                data_points(&request),
                "this store takes no OTLP metrics".into(),
            )),
        }
    }

    /// Records everything that comes in from now on, until [`Intake::stop_recording`].
    ///
    /// # Errors
    /// When the files cannot be created in `folder`.
    pub fn record_to(&self, folder: &Path) -> Result<(), RecordError> {
        let recorder = Recorder::start(folder)?;
        let before = self.recorder.lock().replace(recorder);
        if let Some(before) = before {
            *self.recorded.lock() = Some(before.finish());
        }
        Ok(())
    }

    /// Ends the recording, if one runs: waits until everything is on disk.
    pub fn stop_recording(&self) {
        let recorder = self.recorder.lock().take();
        if let Some(recorder) = recorder {
            *self.recorded.lock() = Some(recorder.finish());
        }
    }

    /// How the running recording, or else the last one, is going; `None` when there was none.
    #[must_use]
    pub fn recording(&self) -> Option<RecordStatus> {
        let running = self.recorder.lock().as_ref().map(Recorder::status);
        running.or_else(|| self.recorded.lock().clone())
    }

    async fn record(&self, signal: Signal, encode: impl FnOnce() -> Vec<u8>) {
        let queue = self.recorder.lock().as_ref().map(Recorder::queue);
        if let Some(queue) = queue {
            // fails only when the recording was ended meanwhile, and then nobody wants it
            let _ = queue.send(Item::Batch(signal, encode())).await;
        }
    }
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").finish_non_exhaustive()
    }
}

/// Data points in a batch of metrics.
fn data_points(request: &ExportMetricsServiceRequest) -> i64 {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    let resources = request.resource_metrics.iter();
    let scopes = resources.flat_map(|resource| &resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| &scope.metrics);
    let points = metrics
        .filter_map(|metric| metric.data.as_ref())
        .map(|data| match data {
            Data::Gauge(data) => data.data_points.len(),
            Data::Sum(data) => data.data_points.len(),
            Data::Histogram(data) => data.data_points.len(),
            Data::ExponentialHistogram(data) => data.data_points.len(),
            Data::Summary(data) => data.data_points.len(),
        });
    i64::try_from(points.sum::<usize>()).unwrap_or(i64::MAX)
}
