//! Metrics of a service, in the OpenMetrics text format: those that every role has, and the
//! registry to which a role adds its own.

use std::{borrow::Cow, fmt};

use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{
        DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder, text,
    },
    metrics::{
        counter::Counter, exemplar::HistogramWithExemplars, family::Family, gauge::ConstGauge,
        histogram::Histogram, info::Info,
    },
    registry::{Metric, Registry},
};
use scenarios::shop::Role;

use super::figures::ProcessFigures;

/// Upper bounds of latency buckets, seconds: Prometheus's own defaults with two finer ones, since a hop on loopback takes
/// about a millisecond, and one at the shop's latency objective of 2 s, so that what is over it is counted and not estimated.
const LATENCY_BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0,
];

/// Upper bounds of how many rows an answer has.
const ROW_BUCKETS: [f64; 5] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0];

/// Labels of a served request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Served {
    /// Template, as in `/orders/{customer}`.
    pub route: &'static str,
    /// Method.
    pub method: &'static str,
    /// Status; 499 when the caller went away before the answer.
    pub status: u16,
}

/// Labels of a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Called {
    /// Called service.
    pub peer: &'static str,
    /// Method.
    pub method: &'static str,
    /// How it ended.
    pub status: CallStatus,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallStatus {
    /// With an answer.
    Answered(u16),
    /// No answer in time.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// Nobody waits for it any more.
    Abandoned,
}

impl EncodeLabelValue for CallStatus {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> fmt::Result {
        match self {
            Self::Answered(status) => status.encode(encoder),
            Self::TimedOut => "timeout".encode(encoder),
            Self::Unreachable => "unreachable".encode(encoder),
            Self::Abandoned => "abandoned".encode(encoder),
        }
    }
}

/// Label of a database operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Operation {
    /// As in `SELECT orders`.
    pub operation: &'static str,
}

/// Label of a called service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Callee {
    /// Its name.
    pub peer: &'static str,
}

/// Label of an exemplar.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Exemplar {
    /// Trace of the observed request.
    pub trace_id: String,
}

/// The metrics that every role has.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    /// `http_server_request_duration_seconds`.
    pub served:
        Family<Served, HistogramWithExemplars<Exemplar>, fn() -> HistogramWithExemplars<Exemplar>>,
    /// `http_client_request_duration_seconds`.
    pub called: Family<Called, Histogram, fn() -> Histogram>,
    /// `db_client_operation_duration_seconds`.
    pub operations: Family<Operation, Histogram, fn() -> Histogram>,
    /// `db_client_response_returned_rows`.
    pub returned_rows: Family<Operation, Histogram, fn() -> Histogram>,
    /// `retries_total`.
    pub retries: Family<Callee, Counter>,
}

impl Metrics {
    /// Of a service of this version.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let metrics = Self {
            registry: Mutex::default(),
            served: Family::new_with_constructor(|| {
                HistogramWithExemplars::new(LATENCY_BUCKETS.into_iter())
            }),
            called: Family::new_with_constructor(latency_histogram),
            operations: Family::new_with_constructor(latency_histogram),
            returned_rows: Family::new_with_constructor(|| Histogram::new(ROW_BUCKETS)),
            retries: Family::default(),
        };
        metrics.register(
            "http_server_request_duration_seconds",
            "Time from a request's arrival to its answer",
            metrics.served.clone(),
        );
        metrics.register(
            "http_client_request_duration_seconds",
            "Time from a call to its answer, as the caller waited",
            metrics.called.clone(),
        );
        metrics.register(
            "db_client_operation_duration_seconds",
            "Time the caller waited for the database, the link's round trip included",
            metrics.operations.clone(),
        );
        metrics.register(
            "db_client_response_returned_rows",
            "Rows that a query brought back",
            metrics.returned_rows.clone(),
        );
        metrics.register(
            "retries",
            "Attempts after the first",
            metrics.retries.clone(),
        );
        let build = Info::new(vec![("version", version.to_owned())]);
        metrics.register("build", "What runs", build);
        metrics
            .registry
            .lock()
            .register_collector(Box::new(ProcessFigures::starting_now()));
        metrics
    }

    /// Adds a metric. Counters get `_total` appended.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.registry.lock().register(name, help, metric);
    }

    /// Adds a gauge that is read at every scrape: one series per label value.
    pub fn register_live(&self, name: &'static str, help: &'static str, series: Vec<Live>) {
        self.registry
            .lock()
            .register_collector(Box::new(LiveGauge { name, help, series }));
    }

    /// Everything, as scraped.
    ///
    /// # Errors
    /// When a metric cannot be written, which is a programmer's error.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(16 * 1024);
        text::encode(&mut text, &self.registry.lock())?;
        Ok(text)
    }

    /// Counts a retry of a call.
    pub fn count_retry(&self, peer: Role) {
        self.retries
            .get_or_create(&Callee { peer: peer.name() })
            .inc();
    }
}

/// A histogram of latencies, seconds.
#[must_use]
pub fn latency_histogram() -> Histogram {
    Histogram::new(LATENCY_BUCKETS)
}

/// A series that is read at every scrape.
pub struct Live {
    label: Option<(&'static str, Cow<'static, str>)>,
    read: Box<dyn Fn() -> f64 + Send + Sync>,
}

impl Live {
    /// Without labels.
    pub fn plain(read: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self {
            label: None,
            read: Box::new(read),
        }
    }

    /// With a label.
    pub fn labelled(
        name: &'static str,
        value: impl Into<Cow<'static, str>>,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            label: Some((name, value.into())),
            read: Box::new(read),
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.label).finish()
    }
}

#[derive(Debug)]
struct LiveGauge {
    name: &'static str,
    help: &'static str,
    series: Vec<Live>,
}

impl Collector for LiveGauge {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let kind = ConstGauge::new(0.0).metric_type();
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, kind)?;
        for series in &self.series {
            let value = ConstGauge::new((series.read)());
            match &series.label {
                // a metric without labels is one series and written as such
                None => return value.encode(metric),
                Some((name, label)) => {
                    value.encode(metric.encode_family(&[(*name, label.as_ref())])?)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_the_agreed_names() {
        let metrics = Metrics::new("4.18.0");
        metrics.count_retry(Role::Psp);
        let call = Called {
            peer: "psp",
            method: "POST",
            status: CallStatus::TimedOut,
        };
        metrics.called.get_or_create(&call).observe(0.2);
        let served = Served {
            route: "/charges",
            method: "POST",
            status: 200,
        };
        let exemplar = Exemplar {
            trace_id: "ab".into(),
        };
        metrics
            .served
            .get_or_create(&served)
            .observe(0.003, Some(exemplar), None);
        metrics.register_live(
            "connection_pool_limit",
            "Most connections",
            vec![Live::labelled("pool", "psp", || 2.0)],
        );
        metrics.register_live("worker_slots_limit", "Slots", vec![Live::plain(|| 7.0)]);
        let text = metrics.text().unwrap();
        for line in [
            r#"build_info{version="4.18.0"} 1"#,
            r#"retries_total{peer="psp"} 1"#,
            r#"http_client_request_duration_seconds_count{peer="psp",method="POST",status="timeout"} 1"#,
            r#"http_server_request_duration_seconds_bucket{le="0.005",route="/charges",method="POST",status="200"} 1 # {trace_id="ab"} 0.003"#,
            r#"connection_pool_limit{pool="psp"} 2.0"#,
            "worker_slots_limit 7.0",
            "process_start_time_seconds ",
            "process_cpu_seconds_total ",
            "process_resident_memory_bytes ",
        ] {
            assert!(text.contains(line), "no `{line}` in\n{text}");
        }
    }
}
