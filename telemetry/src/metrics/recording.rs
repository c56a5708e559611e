//! Scraped rounds on disk and back: one OTLP export request a round, a resource for each instance, and all labels as attributes
//! of the points, so that what is loaded has the labels that were recorded. Knows no scrape.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, Gauge, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::catalog::Catalog;
use super::chunk::{is_stale, stale_marker};
use super::labels::{Labels, METRIC_NAME};
use super::store::{Pending, Store};
use crate::error::RecordError;
use crate::record::{FrameWriter, Frames, RecordStatus};

/// File of the metrics, in the recording's folder.
pub const METRICS_FILE: &str = "metrics.pb.zst";
/// A crash loses at most what was scraped within this wall time.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// A running recording. A disk that refuses stops it; scraping goes on.
#[derive(Debug)]
pub(super) struct Recording {
    writer: FrameWriter,
    flushed: Instant,
    status: RecordStatus,
}

impl Recording {
    pub fn start(folder: &Path) -> Result<Self, RecordError> {
        let writer = FrameWriter::create(&folder.join(METRICS_FILE))?;
        Ok(Self {
            writer,
            flushed: Instant::now(),
            status: RecordStatus::default(),
        })
    }

    /// Appends what [`encode`] made.
    pub fn append(&mut self, round: &[u8]) {
        if self.status.error.is_some() {
            self.status.lost_batches += 1;
            return;
        }
        let mut written = self.writer.append(round);
        if written.is_ok() && self.flushed.elapsed() >= FLUSH_EVERY {
            written = self.writer.flush();
            self.flushed = Instant::now();
        }
        self.status.bytes = self.writer.bytes();
        match written {
            Ok(()) => self.status.batches += 1,
            Err(error) => {
                self.status.lost_batches += 1;
                self.status.error = Some(with_cause(&error));
            }
        }
    }

    pub fn status(&self) -> RecordStatus {
        self.status.clone()
    }

    pub fn finish(mut self) -> RecordStatus {
        if self.status.error.is_none()
            && let Err(error) = self.writer.flush()
        {
            self.status.error = Some(with_cause(&error));
        }
        self.status
    }
}

fn with_cause(error: &RecordError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// Samples as an OTLP export request, all labels as attributes. Those without a time of their own are of `at_ms`.
pub(super) fn encode(at_ms: i64, samples: &[Pending], catalog: &Catalog) -> Vec<u8> {
    request(at_ms, samples, catalog).encode_to_vec()
}

fn request(at_ms: i64, samples: &[Pending], catalog: &Catalog) -> ExportMetricsServiceRequest {
    let mut resources: BTreeMap<_, BTreeMap<&str, Vec<NumberDataPoint>>> = BTreeMap::new();
    for sample in samples {
        let emitter = (sample.labels.get("service"), sample.labels.get("instance"));
        let families = resources.entry(emitter).or_default();
        let points = families.entry(sample.labels.name()).or_default();
        points.push(point(at_ms, sample));
    }
    let resource_metrics = resources
        .into_iter()
        .map(|((service, instance), families)| {
            let known = [("service.name", service), ("service.instance.id", instance)];
            let known = known
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)));
            let metrics = families
                .into_iter()
                .map(|(name, points)| metric(name, points, catalog));
            ResourceMetrics {
                resource: Some(Resource {
                    attributes: known.map(attribute).collect(),
                    ..Resource::default()
                }),
                scope_metrics: vec![ScopeMetrics {
                    metrics: metrics.collect(),
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }
        });
    ExportMetricsServiceRequest {
        resource_metrics: resource_metrics.collect(),
    }
}

fn metric(name: &str, data_points: Vec<NumberDataPoint>, catalog: &Catalog) -> Metric {
    // a sum is named `…_total` by those that receive it: parts of histograms would lose their names
    let data = if name.ends_with("_total") && catalog.is_counter(name) {
        let aggregation_temporality = AggregationTemporality::Cumulative as i32;
        metric::Data::Sum(Sum {
            data_points,
            aggregation_temporality,
            is_monotonic: true,
        })
    } else {
        metric::Data::Gauge(Gauge { data_points })
    };
    Metric {
        name: name.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn attribute((key, value): (&str, &str)) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

fn point(at_ms: i64, sample: &Pending) -> NumberDataPoint {
    let stale = is_stale(sample.value);
    let time_ms = sample.t_ms.unwrap_or(at_ms);
    NumberDataPoint {
        attributes: sample
            .labels
            .iter()
            .filter(|(name, _)| *name != METRIC_NAME)
            .map(attribute)
            .collect(),
        time_unix_nano: u64::try_from(time_ms)
            .unwrap_or(0)
            .saturating_mul(1_000_000),
        flags: if stale {
            DataPointFlags::NoRecordedValueMask as u32
        } else {
            0
        },
        value: (!stale).then_some(number_data_point::Value::AsDouble(sample.value)),
        ..NumberDataPoint::default()
    }
}

/// Reads a recording into a store, names and labels as they stand in it.
pub(super) fn load(folder: &Path, store: &Store) -> Result<u64, RecordError> {
    let path = folder.join(METRICS_FILE);
    if !path.exists() {
        return Ok(0);
    }
    let (mut frames, mut count) = (Frames::open(&path)?, 0);
    loop {
        let offset = frames.offset();
        let Some(frame) = frames.next().transpose()? else {
            return Ok(count);
        };
        let request = ExportMetricsServiceRequest::decode(frame.as_slice()).map_err(|error| {
            frames.corrupt(offset, format!("not the expected message ({error})"))
        })?;
        let scopes = request
            .resource_metrics
            .into_iter()
            .flat_map(|resource| resource.scope_metrics);
        let mut batch: Vec<Pending> = scopes
            .flat_map(|scope| scope.metrics)
            .flat_map(samples)
            .collect();
        count += batch.len() as u64;
        store.append_batch(0, &mut batch);
    }
}

fn samples(metric: Metric) -> Vec<Pending> {
    let points = match metric.data {
        Some(metric::Data::Gauge(gauge)) => gauge.data_points,
        Some(metric::Data::Sum(sum)) => sum.data_points,
        _ => Vec::new(),
    };
    let sample = |point: NumberDataPoint| {
        let value = match point.value {
            Some(number_data_point::Value::AsDouble(value)) => value,
            Some(number_data_point::Value::AsInt(value)) => value as f64,
            None => stale_marker(),
        };
        let text = |value: Option<AnyValue>| match value.and_then(|v| v.value) {
            Some(any_value::Value::StringValue(text)) => text,
            _ => String::new(),
        };
        let attributes = point
            .attributes
            .into_iter()
            .map(|kv| (kv.key, text(kv.value)));
        let labels =
            Labels::from_pairs(attributes.chain([(METRIC_NAME.to_owned(), metric.name.clone())]));
        let t_ms = i64::try_from(point.time_unix_nano / 1_000_000).ok();
        Pending {
            id: None,
            labels,
            value,
            t_ms,
        }
    };
    points.into_iter().map(sample).collect()
}
