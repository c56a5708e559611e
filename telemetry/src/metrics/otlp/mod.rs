//! OTLP metrics into series, named as Prometheus' OTLP receiver names them; `service.name` and `service.instance.id` become
//! `service` and `instance`, the resource's other attributes stand on `target_info`. Deltas are summed up, exponential histograms
//! become classic ones. Knows no wire format.

mod delta;
mod exponential;
mod known;
mod names;
mod resource;

use std::ops::Range;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, Exemplar, ExponentialHistogramDataPoint,
    HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint, exemplar, metric,
    number_data_point,
};

pub(super) use delta::Deltas;
pub(super) use exponential::Exponentials;
pub(super) use known::Known;

use known::Remembered;
use parking_lot::MutexGuard;

use super::catalog::Catalog;
use super::chunk::stale_marker;
use super::exemplars::{self, Exemplars};
use super::labels::{Labels, METRIC_NAME};
use super::store::AHEAD_MS;
use super::store::{Pending, Store};
use crate::attributes::{hex, json, label_name};
use crate::promql::format_value;
use resource::{identity, target_info};

/// What resources without a name are called, as logs and spans of theirs are.
const UNKNOWN_SERVICE: &str = "unknown_service";
/// Samples of one request from which on no further exponential histogram is taken: a few bytes of one become hundreds of samples.
/// More than the store has series.
const EXPANDED_MAX: usize = 200_000;

/// Where data points go.
pub(super) struct Sinks<'a> {
    pub store: &'a Store,
    pub catalog: &'a Catalog,
    pub exemplars: &'a Exemplars,
    pub deltas: &'a Deltas,
    pub exponentials: &'a Exponentials,
    pub known: &'a Known,
    /// Store time now.
    pub now_ms: i64,
}

/// What became of a request.
pub(super) struct Taken {
    /// The samples that were offered to the store.
    pub samples: Vec<Pending>,
    /// How many data points were refused, and why.
    pub refused: Result<(), (i64, String)>,
}

/// Appends what is of a known kind; the rest is refused, counted and named. Times are store times.
pub(super) fn append(request: &ExportMetricsServiceRequest, sinks: &Sinks<'_>) -> Taken {
    let mut batch = Batch {
        samples: Vec::new(),
        earlier: Vec::new(),
        known: sinks.known.lock(),
        places: Vec::new(),
        spread: Vec::new(),
        refused: 0,
        reason: String::new(),
        sinks,
        identity: Vec::new(),
        delta: false,
    };
    let mut about = Vec::new();
    for resource in &request.resource_metrics {
        let attributes = resource.resource.as_ref();
        let attributes = attributes.map_or(&[][..], |r| &r.attributes);
        batch.identity = identity(attributes);
        let before = batch.samples.len();
        let scopes = resource.scope_metrics.iter();
        scopes
            .flat_map(|scope| &scope.metrics)
            .for_each(|metric| batch.metric(metric));
        let newest = batch.samples[before..].iter().filter_map(|s| s.t_ms).max();
        about.extend(newest.and_then(|t_ms| target_info(attributes, &batch.identity, t_ms)));
    }
    // it repeats with every request and from every exporter of a process: one that comes late is no loss
    sinks.store.append_batch(0, &mut about);
    // the past that new buckets would have had; where a series had one already, its own stands
    sinks.store.append_batch(0, &mut batch.earlier);
    let mut over = Vec::new();
    sinks
        .store
        .append_each(0, &mut batch.samples, |at| over.push(at));
    if !over.is_empty() {
        batch.refuse(
            points_of(&over, &batch.spread),
            "older than the newest sample of their series, or beyond the store's limit of series",
        );
    }
    for (at, place) in &batch.places {
        batch.known.note(*place, batch.samples[*at].id);
    }
    let mut samples = batch.earlier;
    samples.append(&mut batch.samples);
    samples.append(&mut about);
    Taken {
        samples,
        refused: match batch.refused {
            0 => Ok(()),
            refused => Err((refused, batch.reason)),
        },
    }
}

/// How many data points some samples belong to, given the places of each.
fn points_of(samples: &[usize], spread: &[Range<usize>]) -> usize {
    let point = |at: &usize| {
        let next = spread.partition_point(|samples| samples.end <= *at);
        let within = spread.get(next).filter(|samples| samples.contains(at));
        within.map_or(*at, |samples| samples.start)
    };
    samples.chunk_by(|a, b| point(a) == point(b)).count()
}

struct Batch<'a> {
    samples: Vec<Pending>,
    /// Samples of new series from before this request.
    earlier: Vec<Pending>,
    known: MutexGuard<'a, Remembered>,
    /// Places of the samples of those data points that become several; in order.
    spread: Vec<Range<usize>>,
    /// Of samples by their places: where their series are remembered.
    places: Vec<(usize, usize)>,
    refused: i64,
    reason: String,
    sinks: &'a Sinks<'a>,
    /// Labels of the resource at hand.
    identity: Vec<(String, String)>,
    /// Whether the metric at hand says what was added since its last point.
    delta: bool,
}

impl Batch<'_> {
    fn refuse(&mut self, count: usize, reason: &str) {
        self.refused = self
            .refused
            .saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
        if self.reason.is_empty() {
            reason.clone_into(&mut self.reason);
        }
    }

    fn metric(&mut self, metric: &Metric) {
        let (kind, temporality, points) = match &metric.data {
            Some(metric::Data::Gauge(g)) => ("gauge", None, g.data_points.len()),
            Some(metric::Data::Sum(s)) => (
                if s.is_monotonic { "counter" } else { "gauge" },
                Some(s.aggregation_temporality),
                s.data_points.len(),
            ),
            Some(metric::Data::Histogram(h)) => (
                "histogram",
                Some(h.aggregation_temporality),
                h.data_points.len(),
            ),
            Some(metric::Data::Summary(s)) => ("summary", None, s.data_points.len()),
            Some(metric::Data::ExponentialHistogram(h)) => (
                "histogram",
                Some(h.aggregation_temporality),
                h.data_points.len(),
            ),
            None => return self.refuse(1, "a metric without data, or of an unknown kind"),
        };
        self.delta = match temporality.map(AggregationTemporality::try_from) {
            None | Some(Ok(AggregationTemporality::Cumulative)) => false,
            Some(Ok(AggregationTemporality::Delta)) => true,
            Some(_) => return self.refuse(points, "neither delta nor cumulative: say which"),
        };
        let name = names::metric_name(metric, kind == "counter");
        if name.is_empty() {
            return self.refuse(points, "a metric without a name");
        }
        match &metric.data {
            Some(metric::Data::Gauge(gauge)) => self.numbers(&name, &gauge.data_points),
            Some(metric::Data::Sum(sum)) => self.numbers(&name, &sum.data_points),
            Some(metric::Data::Histogram(histogram)) => {
                for point in &histogram.data_points {
                    self.spread(|batch| batch.histogram(&name, point));
                }
            }
            Some(metric::Data::Summary(summary)) => {
                for point in &summary.data_points {
                    self.spread(|batch| batch.summary(&name, point));
                }
            }
            Some(metric::Data::ExponentialHistogram(histogram)) => {
                for point in &histogram.data_points {
                    self.spread(|batch| batch.exponential(&name, point));
                }
            }
            None => {}
        }
        self.sinks.catalog.note(&name, |known| {
            kind.clone_into(&mut known.kind);
            known.help.clone_from(&metric.description);
            known.unit.clone_from(&metric.unit);
        });
    }

    /// Takes a data point that becomes several samples.
    fn spread(&mut self, point: impl FnOnce(&mut Self)) {
        let from = self.samples.len();
        point(self);
        self.spread.push(from..self.samples.len());
    }

    fn labels(&mut self, name: &str, attributes: &[KeyValue]) -> Option<Labels> {
        let labels = labels(name, attributes, &self.identity);
        match labels.check() {
            Ok(()) => Some(labels),
            Err(error) => {
                self.refuse(1, &error.to_string());
                None
            }
        }
    }

    /// Whether a time is too far ahead; what has it is refused then.
    fn ahead(&mut self, time_unix_nano: u64) -> bool {
        let ahead = millis(time_unix_nano) > self.sinks.now_ms.saturating_add(AHEAD_MS);
        if ahead {
            self.refuse(1, "more than ten minutes ahead of the lab's clock");
        }
        ahead
    }

    /// Adds a sample; false when it was refused.
    fn push(&mut self, labels: Labels, time_unix_nano: u64, value: f64) -> bool {
        if self.ahead(time_unix_nano) {
            return false;
        }
        let summed = if self.delta {
            self.sinks.deltas.add(&labels, time_unix_nano, value)
        } else {
            Ok((millis(time_unix_nano), value))
        };
        match summed {
            Ok((t_ms, value)) => self.samples.push(sample(labels, t_ms, value)),
            Err(reason) => self.refuse(1, reason),
        }
        summed.is_ok()
    }

    fn numbers(&mut self, name: &str, points: &[NumberDataPoint]) {
        self.known.of(&self.identity, name);
        for point in points {
            let value = match point.value {
                _ if unrecorded(point.flags) => stale_marker(),
                Some(number_data_point::Value::AsDouble(value)) => value,
                Some(number_data_point::Value::AsInt(value)) => value as f64,
                None => {
                    self.refuse(1, "a data point without a value");
                    continue;
                }
            };
            let found = self.known.series(&point.attributes, || {
                let labels = labels(name, &point.attributes, &self.identity);
                labels.check().map(|()| labels)
            });
            let (labels, id, place) = match found {
                Ok(series) => (series.labels, series.id, series.place),
                Err(error) => {
                    self.refuse(1, &error.to_string());
                    continue;
                }
            };
            let exemplars = &point.exemplars;
            let shown = (!exemplars.is_empty()).then(|| labels.clone());
            if !self.push(labels, point.time_unix_nano, value) {
                continue;
            }
            if let Some((pushed, place)) = self.samples.last_mut().zip(place) {
                pushed.id = id;
                self.places.push((self.samples.len() - 1, place));
            }
            for exemplar in exemplars {
                shown
                    .iter()
                    .for_each(|labels| self.exemplar(labels, exemplar));
            }
        }
    }

    fn histogram(&mut self, name: &str, point: &HistogramDataPoint) {
        let bounds = &point.explicit_bounds;
        if !point.bucket_counts.is_empty() && point.bucket_counts.len() != bounds.len() + 1 {
            return self.refuse(1, "a histogram with bounds that do not fit its buckets");
        }
        if !bounds.is_sorted_by(|one, next| one < next) {
            return self.refuse(1, "a histogram whose bounds do not rise");
        }
        let (at, stale) = (point.time_unix_nano, unrecorded(point.flags));
        let shown = |value: f64| if stale { stale_marker() } else { value };
        let Some(count) = self.labels(&format!("{name}_count"), &point.attributes) else {
            return;
        };
        if !self.push(count, at, shown(point.count as f64)) {
            return;
        }
        let bucket = labels(&format!("{name}_bucket"), &point.attributes, &self.identity);
        let mut total = 0_u64;
        for (bound, count) in bounds.iter().zip(&point.bucket_counts) {
            total = total.saturating_add(*count);
            self.push(
                bucket.with("le", &format_value(*bound)),
                at,
                shown(total as f64),
            );
        }
        let last = bucket.with("le", "+Inf");
        self.push(last, at, shown(point.count as f64));
        if let Some(sum) = point.sum {
            let name = format!("{name}_sum");
            self.push(
                labels(&name, &point.attributes, &self.identity),
                at,
                shown(sum),
            );
        }
        for exemplar in &point.exemplars {
            let within = bounds.iter().find(|bound| observed(exemplar) <= **bound);
            let le = within.map_or("+Inf".to_owned(), |bound| format_value(*bound));
            self.exemplar(&bucket.with("le", &le), exemplar);
        }
    }

    fn exponential(&mut self, name: &str, point: &ExponentialHistogramDataPoint) {
        let Some(series) = self.labels(&format!("{name}_count"), &point.attributes) else {
            return;
        };
        if self.ahead(point.time_unix_nano) {
            return;
        }
        if self.samples.len() + self.earlier.len() > EXPANDED_MAX {
            return self.refuse(1, "too many buckets in one request: send smaller batches");
        }
        let named = |suffix: &str| series.with(METRIC_NAME, &format!("{name}{suffix}"));
        let bucket = named("_bucket");
        let at = |bound: f64| bucket.with("le", &format_value(bound));
        let stale = |t_ms: i64| move |labels: Labels| sample(labels, t_ms, stale_marker());
        if unrecorded(point.flags) {
            let ended = self.sinks.exponentials.end(&series).into_iter().map(at);
            let others = [series.clone(), named("_sum"), at(f64::INFINITY)];
            let stale = stale(millis(point.time_unix_nano));
            return self.samples.extend(ended.chain(others).map(stale));
        }
        let taken = self.sinks.exponentials.take(&series, point, self.delta);
        let classic = match taken {
            Ok(classic) => classic,
            Err(reason) => return self.refuse(1, reason),
        };
        let t_ms = classic.t_ms;
        let counts = classic
            .buckets
            .iter()
            .map(|(bound, count)| (*bound, *count));
        let counts = counts.chain([(f64::INFINITY, classic.count)]);
        self.samples
            .extend(counts.map(|(bound, count)| sample(at(bound), t_ms, count as f64)));
        self.samples
            .push(sample(series.clone(), t_ms, classic.count as f64));
        let sum = classic.sum.map(|sum| sample(named("_sum"), t_ms, sum));
        self.samples.extend(sum);
        let ended = classic.ended.into_iter().map(at);
        self.samples.extend(ended.map(stale(t_ms)));
        for (bound, past) in classic.gained {
            let labels = at(bound);
            let before = past
                .into_iter()
                .map(|(t_ms, count)| sample(labels.clone(), t_ms, count as f64));
            self.earlier.extend(before);
        }
        for exemplar in &point.exemplars {
            let value = observed(exemplar);
            let above = classic.buckets.partition_point(|(bound, _)| *bound < value);
            let bound = classic
                .buckets
                .get(above)
                .map_or(f64::INFINITY, |(bound, _)| *bound);
            self.exemplar(&at(bound), exemplar);
        }
    }

    fn summary(&mut self, name: &str, point: &SummaryDataPoint) {
        let (at, stale) = (point.time_unix_nano, unrecorded(point.flags));
        let shown = |value: f64| if stale { stale_marker() } else { value };
        let Some(quantiles) = self.labels(name, &point.attributes) else {
            return;
        };
        let part = |suffix: &str| quantiles.with(METRIC_NAME, &format!("{name}{suffix}"));
        self.push(part("_count"), at, shown(point.count as f64));
        self.push(part("_sum"), at, shown(point.sum));
        for quantile in &point.quantile_values {
            let labels = quantiles.with("quantile", &format_value(quantile.quantile));
            self.push(labels, at, shown(quantile.value));
        }
    }

    fn exemplar(&self, series: &Labels, exemplar: &Exemplar) {
        let id = |name: &str, id: &[u8]| (!id.is_empty()).then(|| (name.to_owned(), hex(id)));
        let own = exemplar
            .filtered_attributes
            .iter()
            .map(|kv| (label_name(&kv.key).into_owned(), text(kv.value.as_ref())));
        let ids = [
            id("trace_id", &exemplar.trace_id),
            id("span_id", &exemplar.span_id),
        ];
        let labels = Labels::from_pairs(own.chain(ids.into_iter().flatten()));
        if labels.check().is_ok() {
            let kept = exemplars::Exemplar {
                labels,
                value: observed(exemplar),
                t_ms: millis(exemplar.time_unix_nano),
            };
            self.sinks.exemplars.append(series, kept);
        }
    }
}

fn sample(labels: Labels, t_ms: i64, value: f64) -> Pending {
    Pending {
        id: None,
        labels,
        value,
        t_ms: Some(t_ms),
    }
}

fn millis(unix_nano: u64) -> i64 {
    i64::try_from(unix_nano / 1_000_000).unwrap_or(i64::MAX)
}

fn unrecorded(flags: u32) -> bool {
    flags & DataPointFlags::NoRecordedValueMask as u32 != 0
}

fn observed(exemplar: &Exemplar) -> f64 {
    match exemplar.value {
        Some(exemplar::Value::AsDouble(value)) => value,
        Some(exemplar::Value::AsInt(value)) => value as f64,
        None => f64::NAN,
    }
}

fn labels(name: &str, attributes: &[KeyValue], identity: &[(String, String)]) -> Labels {
    let own = attributes
        .iter()
        .map(|kv| (label_name(&kv.key).into_owned(), text(kv.value.as_ref())));
    let named = [(METRIC_NAME.to_owned(), name.to_owned())];
    // a resource without a name leaves the place to a point's own attribute, as scraped samples that are forwarded have it
    let unknown = [("service".to_owned(), UNKNOWN_SERVICE.to_owned())];
    let all = unknown.into_iter().chain(own);
    Labels::from_pairs(all.chain(identity.iter().cloned()).chain(named))
}

fn text(value: Option<&AnyValue>) -> String {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    match value.and_then(|v| v.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BytesValue(bytes)) => hex(bytes),
        Some(other) => json(other).to_string(),
    }
}

#[cfg(test)]
mod tests;
