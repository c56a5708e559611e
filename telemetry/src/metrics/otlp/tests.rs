//! Points by hand, and what they are in PromQL.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, ResourceMetrics, ScopeMetrics, Sum, Summary,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::*;
use crate::logs::fixture::{attribute, text as words};
use crate::metrics::{Metrics, MetricsConfig};
use crate::time::WallTime;

const SECOND: u64 = 1_000_000_000;

fn metrics() -> Metrics {
    Metrics::new(MetricsConfig::default(), Arc::new(WallTime))
}

fn request(attributes: Vec<KeyValue>, data: Vec<metric::Data>) -> ExportMetricsServiceRequest {
    let metrics = data.into_iter().enumerate().map(|(number, data)| Metric {
        name: format!("m.{number}"),
        data: Some(data),
        ..Metric::default()
    });
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource {
                attributes,
                ..Resource::default()
            }),
            scope_metrics: vec![ScopeMetrics {
                metrics: metrics.collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

fn sum(temporality: AggregationTemporality, points: Vec<NumberDataPoint>) -> metric::Data {
    metric::Data::Sum(Sum {
        data_points: points,
        aggregation_temporality: temporality as i32,
        is_monotonic: true,
    })
}

fn number(second: u64, value: i64) -> NumberDataPoint {
    NumberDataPoint {
        time_unix_nano: second * SECOND,
        value: Some(number_data_point::Value::AsInt(value)),
        ..NumberDataPoint::default()
    }
}

fn at(second: u64) -> i64 {
    i64::try_from(second * SECOND).unwrap()
}

#[test]
fn deltas_become_counters_that_rate_can_read() {
    let metrics = metrics();
    let delta = AggregationTemporality::Delta;
    for second in 1..=30 {
        let points = vec![number(second, 2)];
        metrics
            .sink(request(Vec::new(), vec![sum(delta, points)]))
            .unwrap();
    }
    let total = metrics.scalar("m_0_total", at(30)).unwrap();
    assert_eq!(total, Some(60.0));
    let rate = metrics.scalar("rate(m_0_total[20s])", at(30)).unwrap();
    assert!((rate.unwrap() - 2.0).abs() < 1e-9, "{rate:?}");

    // one that comes twice is told and counted once
    let again = request(Vec::new(), vec![sum(delta, vec![number(30, 2)])]);
    let (refused, reason) = metrics.sink(again).unwrap_err();
    assert_eq!((refused, reason.contains("not newer")), (1, true));
    assert_eq!(
        metrics.scalar("m_0_total", at(31)).unwrap(),
        Some(60.0),
        "counted once"
    );
}

#[test]
fn refusals_are_counted_in_data_points_not_in_what_becomes_of_them() {
    let metrics = metrics();
    let point = |second: u64, count: u64| HistogramDataPoint {
        attributes: vec![words("at", &count.to_string())],
        time_unix_nano: second * SECOND,
        count,
        bucket_counts: vec![count, 0, 0],
        explicit_bounds: vec![0.1, 0.5],
        ..HistogramDataPoint::default()
    };
    let sent = |data_points: Vec<HistogramDataPoint>| {
        let histogram = metric::Data::Histogram(Histogram {
            data_points,
            aggregation_temporality: AggregationTemporality::Cumulative as i32,
        });
        let late = metric::Data::Sum(Sum {
            data_points: vec![number(10, 2)],
            aggregation_temporality: AggregationTemporality::Cumulative as i32,
            is_monotonic: true,
        });
        request(Vec::new(), vec![histogram, late])
    };
    metrics
        .sink(sent(vec![point(20, 1), point(20, 2)]))
        .unwrap();
    let newer = metric::Data::Sum(Sum {
        data_points: vec![number(15, 2)],
        aggregation_temporality: AggregationTemporality::Cumulative as i32,
        is_monotonic: true,
    });
    let histogram = metric::Data::Gauge(Gauge::default());
    metrics
        .sink(request(Vec::new(), vec![histogram, newer]))
        .unwrap();
    // two of three histograms and the number are late
    let again = sent(vec![point(10, 1), point(30, 3), point(10, 2)]);
    let (refused, reason) = metrics.sink(again).unwrap_err();
    assert_eq!(refused, 3, "{reason}");
}

#[test]
fn histograms_of_deltas_add_up_bucket_by_bucket_and_keep_exemplars() {
    let metrics = metrics();
    for second in [10, 20] {
        let point = HistogramDataPoint {
            attributes: vec![words("http.route", "/pay")],
            time_unix_nano: second * SECOND,
            count: 3,
            sum: Some(1.25),
            bucket_counts: vec![1, 1, 1],
            explicit_bounds: vec![0.1, 0.5],
            exemplars: vec![Exemplar {
                time_unix_nano: second * SECOND,
                trace_id: vec![0xab; 16],
                span_id: vec![0xcd; 8],
                filtered_attributes: vec![words("user.id", "7")],
                value: Some(exemplar::Value::AsDouble(0.4)),
            }],
            ..HistogramDataPoint::default()
        };
        let histogram = metric::Data::Histogram(Histogram {
            data_points: vec![point],
            aggregation_temporality: AggregationTemporality::Delta as i32,
        });
        let service = vec![words("service.name", "cart")];
        metrics.sink(request(service, vec![histogram])).unwrap();
    }
    let value = |query: &str| metrics.scalar(query, at(20)).unwrap();
    assert_eq!(
        value("m_0_bucket{service=\"cart\", http_route=\"/pay\", le=\"0.5\"}"),
        Some(4.0)
    );
    assert_eq!(
        value("m_0_bucket{le=\"+Inf\"} - on () m_0_count"),
        Some(0.0)
    );
    assert_eq!(value("m_0_sum"), Some(2.5));
    let exemplars = metrics.inner.exemplars.select(&[Vec::new()], 0, i64::MAX);
    let (series, kept) = &exemplars[0];
    assert_eq!(
        (series.name(), series.get("le")),
        ("m_0_bucket", Some("0.5"))
    );
    // the second is the first again
    assert_eq!((kept.len(), kept[0].value, kept[0].t_ms), (1, 0.4, 10_000));
    assert_eq!(
        kept[0].labels.to_string(),
        format!(
            "{{span_id=\"{}\", trace_id=\"{}\", user_id=\"7\"}}",
            "cd".repeat(8),
            "ab".repeat(16)
        )
    );
}

#[test]
fn a_resource_is_told_once_and_its_series_say_whose_they_are() {
    let metrics = metrics();
    let attributes = vec![
        words("service.name", "cart"),
        words("service.instance.id", "cart-1"),
        words("service.version", "1.2"),
        attribute("process.pid", Value::IntValue(7)),
    ];
    let cumulative = AggregationTemporality::Cumulative;
    let points = vec![number(5, 1), number(6, 2)];
    metrics
        .sink(request(attributes, vec![sum(cumulative, points)]))
        .unwrap();
    let about = "target_info{service=\"cart\", instance=\"cart-1\", service_version=\"1.2\", process_pid=\"7\"}";
    assert_eq!(metrics.scalar(about, at(6)).unwrap(), Some(1.0));
    let joined = "m_0_total * on (service, instance) group_left (service_version) target_info";
    assert_eq!(metrics.scalar(joined, at(6)).unwrap(), Some(2.0));

    let nameless = vec![sum(cumulative, vec![number(5, 1)])];
    metrics.sink(request(Vec::new(), nameless)).unwrap();
    let unknown = metrics.scalar("m_0_total{service=\"unknown_service\"}", at(5));
    assert_eq!(unknown.unwrap(), Some(1.0));
}

#[test]
fn summaries_and_points_that_were_not_recorded_are_as_in_prometheus() {
    let metrics = metrics();
    let summary = |second: u64, flags: u32| {
        metric::Data::Summary(Summary {
            data_points: vec![SummaryDataPoint {
                time_unix_nano: second * SECOND,
                count: 4,
                sum: 2.0,
                quantile_values: vec![ValueAtQuantile {
                    quantile: 0.99,
                    value: 0.7,
                }],
                flags,
                ..SummaryDataPoint::default()
            }],
        })
    };
    metrics
        .sink(request(Vec::new(), vec![summary(1, 0)]))
        .unwrap();
    let value = |query: &str, second| metrics.scalar(query, at(second)).unwrap();
    assert_eq!(value("m_0{quantile=\"0.99\"}", 1), Some(0.7));
    assert_eq!(value("m_0_sum / m_0_count", 1), Some(0.5));
    let unrecorded = DataPointFlags::NoRecordedValueMask as u32;
    metrics
        .sink(request(Vec::new(), vec![summary(2, unrecorded)]))
        .unwrap();
    assert_eq!(
        (value("m_0_count", 2), value("m_0{quantile=\"0.99\"}", 2)),
        (None, None)
    );
}

#[test]
fn what_is_hostile_is_refused_and_counted() {
    let cumulative = AggregationTemporality::Cumulative;
    let with = |attributes: Vec<KeyValue>| {
        let point = NumberDataPoint {
            attributes,
            ..number(1, 1)
        };
        sum(cumulative, vec![point, number(1, 1)])
    };
    let many = (0..1_000).map(|n| words(&format!("a{n}"), "x")).collect();
    let histogram = |counts: Vec<u64>, bounds: Vec<f64>| {
        metric::Data::Histogram(Histogram {
            data_points: vec![HistogramDataPoint {
                bucket_counts: counts,
                explicit_bounds: bounds,
                ..HistogramDataPoint::default()
            }],
            aggregation_temporality: cumulative as i32,
        })
    };
    for (data, part) in [
        (with(many), "1003 labels"),
        (with(vec![words("a", &"x".repeat(5_000))]), "5000 bytes"),
        (with(vec![words(&"x".repeat(600), "a")]), "600 bytes"),
        (histogram(vec![1], vec![1.0]), "do not fit"),
        (histogram(vec![1, 2, 3], vec![2.0, 1.0]), "do not rise"),
        (histogram(vec![1, 2, 3], vec![f64::NAN, 1.0]), "do not rise"),
    ] {
        let service = vec![
            words("service.name", "a"),
            words("service.instance.id", "b"),
        ];
        let (refused, reason) = metrics().sink(request(service, vec![data])).unwrap_err();
        assert_eq!(refused, 1, "{reason}");
        assert!(reason.contains(part), "{reason}");
    }
    let empty = request(
        Vec::new(),
        vec![sum(cumulative, vec![NumberDataPoint::default()])],
    );
    assert_eq!(metrics().sink(empty).unwrap_err().0, 1);
    let ahead = vec![sum(cumulative, vec![number(9_000_000_000, 1)])];
    let (refused, reason) = metrics().sink(request(Vec::new(), ahead)).unwrap_err();
    assert_eq!((refused, reason.contains("ahead")), (1, true), "{reason}");
}
