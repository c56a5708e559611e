//! The way of a decoded batch: restamped to store time once, recorded, forwarded, stored. Knows no HTTP.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use parking_lot::Mutex;
use prost::Message;

use super::restamp;
use super::signal::{Batch, PartialSuccess, Signal as Of};
use crate::error::RecordError;
use crate::forward::Forwarder;
use crate::logs::LogStore;
use crate::record::{Item, RecordStatus, Recorder, Signal};
use crate::time::TimeSource;
use crate::traces::TraceStore;

/// Takes OTLP metrics in store time; says how many data points it refused, and why, in the error.
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
    forwarder: OnceLock<Forwarder>,
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
            forwarder: OnceLock::new(),
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

    /// Forwards everything that comes in from now on; only the first forwarder is used.
    pub fn forward_to(&self, forwarder: Forwarder) {
        // a second one would send everything twice
        let _ = self.forwarder.set(forwarder);
    }

    /// The forwarder, if there is one.
    #[must_use]
    pub fn forwarder(&self) -> Option<&Forwarder> {
        self.forwarder.get()
    }

    /// Takes a batch as an emitter stamped it; says what was refused of it.
    pub async fn take(&self, batch: Batch) -> Option<PartialSuccess> {
        match batch {
            Batch::Logs(request) => {
                self.logs(request).await;
                None
            }
            Batch::Traces(request) => {
                let rejected = self.traces(request).await;
                (rejected > 0).then(|| PartialSuccess {
                    rejected: i64::try_from(rejected).unwrap_or(i64::MAX),
                    message: "a span needs a trace id of 16 bytes and a span id of 8, not all zero"
                        .into(),
                })
            }
            Batch::Metrics(request) => {
                let refused = self.metrics(request).err();
                refused.map(|(rejected, message)| PartialSuccess { rejected, message })
            }
        }
    }

    /// Takes logs as an emitter stamped them.
    pub async fn logs(&self, mut request: ExportLogsServiceRequest) {
        restamp::logs(&mut request, &*self.time);
        self.keep(Signal::Logs, Of::Logs, || request.encode_to_vec())
            .await;
        self.logs.append(&request);
    }

    /// Takes spans as an emitter stamped them; returns how many were refused.
    pub async fn traces(&self, mut request: ExportTraceServiceRequest) -> usize {
        restamp::traces(&mut request, &*self.time);
        self.keep(Signal::Traces, Of::Traces, || request.encode_to_vec())
            .await;
        self.traces.append(&request)
    }

    /// Takes metrics as an emitter stamped them.
    ///
    /// # Errors
    /// How many data points were refused, and why.
    pub fn metrics(&self, mut request: ExportMetricsServiceRequest) -> Result<(), (i64, String)> {
        restamp::metrics(&mut request, &*self.time);
        if let Some(forwarder) = self.forwarder.get().filter(|to| to.takes(Of::Metrics)) {
            forwarder.offer(Of::Metrics, request.encode_to_vec().into());
        }
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

    /// Hands an encoded batch to the recording and to the forwarder, whichever there are.
    async fn keep(&self, file: Signal, signal: Of, encode: impl FnOnce() -> Vec<u8>) {
        let queue = self.recorder.lock().as_ref().map(Recorder::queue);
        let forwarder = self.forwarder.get().filter(|to| to.takes(signal));
        if queue.is_none() && forwarder.is_none() {
            return;
        }
        let encoded = Bytes::from(encode());
        if let Some(forwarder) = forwarder {
            forwarder.offer(signal, encoded.clone());
        }
        if let Some(queue) = queue {
            // fails only when the recording was ended meanwhile, and then nobody wants it
            let _ = queue.send(Item::Batch(file, encoded)).await;
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
