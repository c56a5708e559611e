//! OTLP metrics into series, named as Prometheus' OTLP receiver names them: dots to underscores, the unit and `_total` as
//! suffixes; `service.name` and `service.instance.id` become `service` and `instance`. Knows no wire format.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, HistogramDataPoint, Metric, NumberDataPoint,
    SummaryDataPoint, metric, number_data_point,
};

use super::catalog::Catalog;
use super::chunk::stale_marker;
use super::labels::{Labels, METRIC_NAME};
use super::store::{Pending, Store};
use crate::attributes::{hex, json, label_name};
use crate::promql::format_value;
use crate::time::TimeSource;

/// Units of UCUM as Prometheus spells them.
const UNITS: [(&str, &str); 15] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("kBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("%", "percent"),
    ("Hz", "hertz"),
];

/// Appends what is cumulative and of a known kind; the rest is refused, counted and named.
pub(super) fn append(
    request: &ExportMetricsServiceRequest,
    store: &Store,
    catalog: &Catalog,
    time: &dyn TimeSource,
) -> Result<(), (i64, String)> {
    let mut batch = Batch {
        samples: Vec::new(),
        refused: 0,
        reason: String::new(),
        time,
    };
    for resource in &request.resource_metrics {
        let attributes = resource
            .resource
            .as_ref()
            .map_or(&[][..], |r| &r.attributes);
        let of = |key: &str| {
            attributes
                .iter()
                .find(|kv| kv.key == key)
                .map(|kv| text(kv.value.as_ref()))
        };
        let identity = [
            ("service", of("service.name")),
            ("instance", of("service.instance.id")),
        ];
        let identity: Vec<(String, String)> = identity
            .into_iter()
            .filter_map(|(n, v)| Some((n.to_owned(), v?)))
            .collect();
        for metric in resource
            .scope_metrics
            .iter()
            .flat_map(|scope| &scope.metrics)
        {
            batch.metric(metric, &identity, catalog);
        }
    }
    let over = store.append_batch(0, &mut batch.samples);
    if over > 0 {
        batch.refuse(
            over,
            "older than the newest sample of their series, or beyond the store's limit of series",
        );
    }
    if batch.refused == 0 {
        Ok(())
    } else {
        Err((batch.refused, batch.reason))
    }
}

struct Batch<'a> {
    samples: Vec<Pending>,
    refused: i64,
    reason: String,
    time: &'a dyn TimeSource,
}

impl Batch<'_> {
    fn refuse(&mut self, count: usize, reason: &str) {
        self.refused += count as i64;
        if self.reason.is_empty() {
            reason.clone_into(&mut self.reason);
        }
    }

    fn metric(&mut self, metric: &Metric, identity: &[(String, String)], catalog: &Catalog) {
        let cumulative =
            |temporality: i32| temporality == AggregationTemporality::Cumulative as i32;
        let kind = match &metric.data {
            Some(metric::Data::Sum(sum)) if sum.is_monotonic => "counter",
            Some(metric::Data::Gauge(_) | metric::Data::Sum(_)) => "gauge",
            Some(metric::Data::Histogram(_)) => "histogram",
            _ => "summary",
        };
        let name = metric_name(metric, kind == "counter");
        match &metric.data {
            Some(metric::Data::Gauge(gauge)) => self.numbers(&name, &gauge.data_points, identity),
            Some(metric::Data::Sum(sum)) if cumulative(sum.aggregation_temporality) => {
                self.numbers(&name, &sum.data_points, identity)
            }
            Some(metric::Data::Histogram(histogram))
                if cumulative(histogram.aggregation_temporality) =>
            {
                for point in &histogram.data_points {
                    self.histogram(&name, point, identity);
                }
            }
            Some(metric::Data::Summary(summary)) => {
                for point in &summary.data_points {
                    self.summary(&name, point, identity);
                }
            }
            Some(metric::Data::Sum(sum)) => {
                return self.refuse(sum.data_points.len(), "sums must be cumulative, not delta");
            }
            Some(metric::Data::Histogram(h)) => {
                return self.refuse(
                    h.data_points.len(),
                    "histograms must be cumulative, not delta",
                );
            }
            Some(metric::Data::ExponentialHistogram(h)) => {
                return self.refuse(
                    h.data_points.len(),
                    "exponential histograms are not stored: use explicit buckets",
                );
            }
            None => return,
        }
        catalog.note(&name, |known| {
            kind.clone_into(&mut known.kind);
            known.help.clone_from(&metric.description);
            known.unit.clone_from(&metric.unit);
        });
    }

    fn push(&mut self, labels: Labels, time_unix_nano: u64, value: f64) {
        let stamped = self
            .time
            .stamp_ns(i64::try_from(time_unix_nano).unwrap_or(i64::MAX), None);
        self.samples.push(Pending {
            id: None,
            labels,
            value,
            t_ms: Some(stamped.div_euclid(1_000_000)),
        });
    }

    fn numbers(&mut self, name: &str, points: &[NumberDataPoint], identity: &[(String, String)]) {
        for point in points {
            let value = match point.value {
                _ if point.flags & DataPointFlags::NoRecordedValueMask as u32 != 0 => {
                    stale_marker()
                }
                Some(number_data_point::Value::AsDouble(value)) => value,
                Some(number_data_point::Value::AsInt(value)) => value as f64,
                None => {
                    self.refuse(1, "a data point without a value");
                    continue;
                }
            };
            self.push(
                labels(name, &point.attributes, identity),
                point.time_unix_nano,
                value,
            );
        }
    }

    fn histogram(&mut self, name: &str, point: &HistogramDataPoint, identity: &[(String, String)]) {
        if !point.bucket_counts.is_empty()
            && point.bucket_counts.len() != point.explicit_bounds.len() + 1
        {
            return self.refuse(1, "a histogram with bounds that do not fit its buckets");
        }
        let part = |suffix: &str| labels(&format!("{name}{suffix}"), &point.attributes, identity);
        let at = point.time_unix_nano;
        let bucket = part("_bucket");
        let mut total = 0_u64;
        for (bound, count) in point.explicit_bounds.iter().zip(&point.bucket_counts) {
            total = total.saturating_add(*count);
            self.push(bucket.with("le", &format_value(*bound)), at, total as f64);
        }
        self.push(bucket.with("le", "+Inf"), at, point.count as f64);
        self.push(part("_count"), at, point.count as f64);
        if let Some(sum) = point.sum {
            self.push(part("_sum"), at, sum);
        }
    }

    fn summary(&mut self, name: &str, point: &SummaryDataPoint, identity: &[(String, String)]) {
        let part = |suffix: &str| labels(&format!("{name}{suffix}"), &point.attributes, identity);
        let at = point.time_unix_nano;
        self.push(part("_count"), at, point.count as f64);
        self.push(part("_sum"), at, point.sum);
        for quantile in &point.quantile_values {
            self.push(
                part("").with("quantile", &format_value(quantile.quantile)),
                at,
                quantile.value,
            );
        }
    }
}

fn metric_name(metric: &Metric, counter: bool) -> String {
    let mut name: String = metric
        .name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == ':' {
                c
            } else {
                '_'
            }
        })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    let (unit, per) = metric.unit.split_once('/').unwrap_or((&metric.unit, ""));
    let spelled = |unit: &str| {
        UNITS
            .iter()
            .find(|(ucum, _)| *ucum == unit)
            .map_or_else(|| unit.to_owned(), |(_, word)| (*word).to_owned())
    };
    let annotation = unit.starts_with('{');
    if !unit.is_empty() && unit != "1" && !annotation {
        let word = spelled(unit).replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        if !name.split('_').any(|part| part == word) {
            name = format!("{name}_{word}");
        }
    }
    if !per.is_empty() && !per.starts_with('{') {
        let word = spelled(per);
        name = format!("{name}_per_{}", word.strip_suffix('s').unwrap_or(&word));
    }
    if unit == "1"
        && !counter
        && matches!(metric.data, Some(metric::Data::Gauge(_)))
        && !name.ends_with("_ratio")
    {
        name.push_str("_ratio");
    }
    if counter && !name.ends_with("_total") {
        name.push_str("_total");
    }
    name
}

fn labels(name: &str, attributes: &[KeyValue], identity: &[(String, String)]) -> Labels {
    let own = attributes
        .iter()
        .map(|kv| (label_name(&kv.key).into_owned(), text(kv.value.as_ref())));
    let named = [(METRIC_NAME.to_owned(), name.to_owned())];
    Labels::from_pairs(own.chain(identity.iter().cloned()).chain(named))
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
