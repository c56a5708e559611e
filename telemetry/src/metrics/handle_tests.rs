//! The handle: queries, OTLP in, a recording out and back.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::*;
use crate::metrics::chunk::stale_marker;
use crate::metrics::store::Pending;
use crate::time::WallTime;

const SECOND: i64 = 1_000_000_000;

fn metrics() -> Metrics {
    Metrics::new(MetricsConfig::default(), Arc::new(WallTime))
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.into())),
        }),
        ..KeyValue::default()
    }
}

fn request(metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let resource = Resource {
        attributes: vec![
            attribute("service.name", "cart"),
            attribute("service.instance.id", "i-1"),
        ],
        ..Resource::default()
    };
    let scope_metrics = vec![ScopeMetrics {
        metrics,
        ..ScopeMetrics::default()
    }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource),
            scope_metrics,
            ..ResourceMetrics::default()
        }],
    }
}

fn number(value: number_data_point::Value) -> Vec<NumberDataPoint> {
    let attributes = vec![attribute("http.route", "/pay")];
    vec![NumberDataPoint {
        attributes,
        time_unix_nano: 60 * SECOND as u64,
        value: Some(value),
        ..NumberDataPoint::default()
    }]
}

#[test]
fn one_value_is_asked_for_with_scalar_and_several_are_an_error() {
    let metrics = metrics();
    metrics.append(&[("__name__", "m"), ("k", "a")], 1000, 1.0);
    metrics.append(&[("__name__", "m"), ("k", "b")], 1000, 2.0);
    assert_eq!(metrics.scalar("sum(m)", SECOND).unwrap(), Some(3.0));
    assert_eq!(metrics.scalar("1 + 1", SECOND).unwrap(), Some(2.0));
    assert_eq!(metrics.scalar("m > 9", SECOND).unwrap(), None);
    assert!(
        metrics
            .scalar("m", SECOND)
            .unwrap_err()
            .to_string()
            .contains("2 values")
    );
    assert!(metrics.instant("m[5m]", SECOND).is_err());
}

#[test]
fn what_an_expression_selects_is_known_by_family_and_labels() {
    let query = "histogram_quantile(0.95, sum by (le) (rate(lat_bucket[1m]))) > on () topk(scalar(k), up{a=\"b\", c=~\"d\"}) or {__name__=\"x_total\"}";
    let found = metrics().selections(query).unwrap();
    let families: Vec<&str> = found.iter().map(|found| found.family.as_str()).collect();
    assert_eq!(families, ["k", "lat", "up", "x_total"]);
    let equals: Vec<_> = found.iter().flat_map(|found| &found.equals).collect();
    assert_eq!(equals, [(&"a".to_owned(), &"b".to_owned())]);
}

#[test]
fn a_range_query_meets_its_limit_of_points() {
    let error = metrics()
        .range("1", 0, 11_001 * SECOND, SECOND)
        .unwrap_err();
    assert!(matches!(error, QueryError::Limit(_)), "{error}");
    assert!(metrics().range("1", 0, 11_000 * SECOND, SECOND).is_ok());
}

#[test]
fn a_query_that_costs_too_much_ends_with_a_limit() {
    let limits = Limits {
        samples: 1_000,
        visits: 1_000,
        ..Limits::default()
    };
    let metrics = Metrics::new(
        MetricsConfig {
            limits,
            ..MetricsConfig::default()
        },
        Arc::new(WallTime),
    );
    for at in 0..900 {
        metrics.append(&[("__name__", "m")], at * 1000, 1.0);
    }
    let at = 900 * SECOND;
    assert!(metrics.instant("sum_over_time(m[15m])", at).is_ok());
    assert!(matches!(
        metrics.instant("m[15m] ", at),
        Err(QueryError::Invalid { .. })
    ));
    assert!(matches!(
        metrics.range("sum_over_time(m[15m])", 0, at, 100 * SECOND),
        Err(QueryError::Limit(_))
    ));
    assert!(matches!(
        metrics.instant("sum_over_time(m[15m]) + sum_over_time(m[15m])", at),
        Err(QueryError::Limit(_))
    ));
}

#[test]
fn otlp_metrics_are_named_as_prometheus_names_them() {
    let metrics = metrics();
    let cumulative = AggregationTemporality::Cumulative as i32;
    let sum = Sum {
        data_points: number(number_data_point::Value::AsInt(7)),
        aggregation_temporality: cumulative,
        is_monotonic: true,
    };
    let histogram = Histogram {
        data_points: vec![HistogramDataPoint {
            time_unix_nano: 60 * SECOND as u64,
            count: 6,
            sum: Some(3.5),
            bucket_counts: vec![1, 2, 3],
            explicit_bounds: vec![0.1, 0.5],
            ..HistogramDataPoint::default()
        }],
        aggregation_temporality: cumulative,
    };
    let gauge = Gauge {
        data_points: number(number_data_point::Value::AsDouble(0.5)),
    };
    let metric = |name: &str, unit: &str, data| Metric {
        name: name.into(),
        unit: unit.into(),
        data: Some(data),
        ..Metric::default()
    };
    metrics
        .sink(request(vec![
            metric("http.requests", "{request}", metric::Data::Sum(sum)),
            metric(
                "http.server.duration",
                "s",
                metric::Data::Histogram(histogram),
            ),
            metric("pool.usage", "1", metric::Data::Gauge(gauge)),
        ]))
        .unwrap();
    let at = 60 * SECOND;
    assert_eq!(
        metrics
            .scalar(
                "http_requests_total{service=\"cart\", instance=\"i-1\", http_route=\"/pay\"}",
                at
            )
            .unwrap(),
        Some(7.0)
    );
    assert_eq!(metrics.scalar("pool_usage_ratio", at).unwrap(), Some(0.5));
    let buckets = metrics
        .instant("sort(http_server_duration_seconds_bucket)", at)
        .unwrap();
    assert_eq!(
        buckets.iter().map(|s| s.value).collect::<Vec<_>>(),
        [1.0, 3.0, 6.0]
    );
    assert_eq!(
        metrics
            .scalar(
                "http_server_duration_seconds_sum + http_server_duration_seconds_count",
                at
            )
            .unwrap(),
        Some(9.5)
    );
}

#[test]
fn otlp_points_that_cannot_be_stored_are_counted_and_named() {
    let unsaid = Sum {
        data_points: number(number_data_point::Value::AsInt(7)),
        aggregation_temporality: AggregationTemporality::Unspecified as i32,
        is_monotonic: true,
    };
    let metric = Metric {
        name: "d".into(),
        data: Some(metric::Data::Sum(unsaid)),
        ..Metric::default()
    };
    let (refused, reason) = metrics().sink(request(vec![metric])).unwrap_err();
    assert_eq!((refused, reason.contains("cumulative")), (1, true));
}

#[test]
fn a_recording_is_read_back_with_the_same_labels_times_and_stale_markers() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = metrics();
    recorded.record_to(folder.path()).unwrap();
    let labels = Labels::from_pairs([
        ("__name__", "lat_bucket"),
        ("le", "+Inf"),
        ("service", "cart"),
    ]);
    for (t_ms, value) in [(1000, 1.5), (2000, 3.0), (3000, stale_marker())] {
        let samples = vec![Pending {
            id: None,
            labels: labels.clone(),
            value,
            t_ms: None,
        }];
        recorded.keep(t_ms, &samples, true);
    }
    let status = recorded.stop_recording().unwrap();
    assert_eq!((status.batches, status.error), (3, None));
    let loaded = metrics();
    assert_eq!(loaded.load(folder.path()).unwrap(), 3);
    let query = "lat_bucket{le=\"+Inf\", service=\"cart\"}";
    assert_eq!(loaded.scalar(query, 2 * SECOND).unwrap(), Some(3.0));
    assert_eq!(loaded.scalar(query, 3 * SECOND).unwrap(), None);
    assert_eq!(
        loaded
            .scalar("sum_over_time(lat_bucket[1m])", 3 * SECOND)
            .unwrap(),
        Some(4.5)
    );
}

#[test]
fn a_recording_that_is_junk_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("metrics.pb.zst"),
        [0, 0, 0, 4, 1, 2, 3, 4],
    )
    .unwrap();
    let error = metrics().load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("metrics.pb.zst"), "{error}");
}

#[test]
fn an_aggregation_that_was_kept_is_not_used_once_its_samples_changed() {
    let config = MetricsConfig {
        budget: Budget {
            sample_bytes: 8_000,
            ..Budget::default()
        },
        ..MetricsConfig::default()
    };
    let metrics = Metrics::new(config, Arc::new(WallTime));
    let append = |of: &str, at_s: i64| {
        let value = (at_s as f64).sqrt();
        assert!(metrics.append(&[("__name__", "m"), ("of", of)], at_s * 1000, value));
    };
    let query = "sum(count_over_time(m[30s]))";
    let ask = || {
        let expr = promql::parse_plain(query).unwrap();
        let limits = Limits::default();
        let store = &metrics.inner.store;
        let Ok(Answer::Matrix(anew)) = promql::range(store, &expr, (0, 100_000), 10_000, limits)
        else {
            panic!("a range query yields a matrix")
        };
        let anew: Vec<_> = anew.into_iter().map(|(_, points)| points).collect();
        for _ in 0..2 {
            let found = metrics.range(query, 0, 100 * SECOND, 10 * SECOND).unwrap();
            let found: Vec<_> = found.into_iter().map(|series| series.points).collect();
            assert_eq!(found, anew);
        }
        anew
    };
    (0..200).for_each(|at_s| append("x", at_s));
    let first = ask();
    append("late", 50);
    let late = ask();
    assert_ne!(late, first);
    (200..2_000).for_each(|at_s| append("x", at_s));
    assert!(metrics.stats().samples_evicted > 0);
    assert_ne!(ask(), late);
}
