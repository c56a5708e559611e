//! OTLP as an exporter sends it, the same on every run: batches of 512 records of eight services, encoded. Knows nothing of who
//! takes them.

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{
        AggregationTemporality, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
        metric, number_data_point,
    },
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status},
};
use prost::Message;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Records of a batch, as the OpenTelemetry SDKs send them.
pub const BATCH: usize = 512;
/// Batches in which each service exports its metrics for the first time.
pub const FIRST_EXPORTS: usize = SERVICES.len();
/// Spans of a trace.
pub const TRACE_SPANS: usize = 10;
/// The value that one span alone has, under [`RARE_KEY`].
pub const RARE: &str = "needle";
/// The attribute that one span alone has.
pub const RARE_KEY: &str = "app.rare";
/// When the first record happened: 2026-03-01 12:00:00 UTC, an hour that lies back, ns.
pub const BEGIN_NS: u64 = 1_772_366_400_000_000_000;
/// Series of each metric of a service.
const SERIES: usize = 64;

/// Service and route.
pub const SERVICES: [(&str, &str); 8] = [
    ("gateway", "/api/orders"),
    ("checkout", "/api/cart"),
    ("payments", "/api/pay"),
    ("inventory", "/api/items"),
    ("catalog", "/api/login"),
    ("cart", "/api/ship"),
    ("shipping", "/api/search"),
    ("auth", "/healthz"),
];
const METHODS: [&str; 3] = ["GET", "POST", "PUT"];

fn text(value: impl Into<String>) -> Value {
    Value::StringValue(value.into())
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn resource(service: usize) -> Option<Resource> {
    Some(Resource {
        attributes: vec![
            attribute("service.name", text(SERVICES[service].0)),
            attribute(
                "service.instance.id",
                text(format!("{}-1", SERVICES[service].0)),
            ),
            attribute("telemetry.sdk.name", text("opentelemetry")),
        ],
        ..Resource::default()
    })
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: "axum".to_owned(),
        ..InstrumentationScope::default()
    })
}

/// A span of the trace with the given id, which begins at `start_ns`; `place` 0 is the root, another hangs below any before it.
fn span(
    chance: &mut impl Rng,
    trace: &[u8; 16],
    start_ns: u64,
    ids: &[u64],
    service: usize,
) -> Span {
    let place = ids.len();
    let route = SERVICES[service].1;
    let (calls, fails) = (place % 2 == 1, chance.random_ratio(1, 50));
    let start_ns = start_ns + place as u64 * 1_000_000;
    let mut attributes = vec![
        attribute(
            "http.request.method",
            text(METHODS[chance.random_range(0..3)]),
        ),
        attribute("http.route", text(route)),
        attribute(
            "http.response.status_code",
            Value::IntValue(if fails { 503 } else { 200 }),
        ),
        attribute(
            "server.address",
            text(format!("node-{}", chance.random_range(0..12))),
        ),
        attribute("user.id", Value::IntValue(chance.random_range(0..10_000))),
        attribute("app.cache.hit", Value::BoolValue(chance.random())),
    ];
    attributes.push(if calls {
        let query = "SELECT id, sku, amount FROM orders WHERE customer = $1";
        attribute("db.query.text", text(query))
    } else {
        let path = format!("{route}/{}", chance.random_range(0..100_000));
        attribute("url.path", text(path))
    });
    Span {
        trace_id: trace.to_vec(),
        span_id: chance.random::<u64>().to_be_bytes().to_vec(),
        parent_span_id: match place {
            0 => Vec::new(),
            _ => ids[chance.random_range(0..place)].to_be_bytes().to_vec(),
        },
        name: if calls {
            "SELECT orders".to_owned()
        } else {
            format!("GET {route}")
        },
        kind: if calls { 3 } else { 2 },
        start_time_unix_nano: start_ns,
        end_time_unix_nano: start_ns + chance.random_range(1_000_000..900_000_000),
        attributes,
        status: fails.then(|| Status {
            code: 2,
            message: "deadline exceeded".to_owned(),
        }),
        ..Span::default()
    }
}

/// Makes batches of the spans of `traces` traces, which come as their services send them; hands each to `take` with the id of a
/// trace in it.
pub fn spans(traces: usize, mut take: impl FnMut(Bytes, [u8; 16])) {
    let mut chance = ChaCha8Rng::seed_from_u64(42);
    let mut waiting: [Vec<Span>; SERVICES.len()] = Default::default();
    for number in 0..traces {
        let trace: [u8; 16] = chance.random::<u128>().to_be_bytes();
        let start_ns = BEGIN_NS + number as u64 * 36_000_000;
        let mut ids: Vec<u64> = Vec::new();
        for place in 0..TRACE_SPANS {
            let service = if place == 0 {
                0
            } else {
                chance.random_range(0..SERVICES.len())
            };
            let mut span = span(&mut chance, &trace, start_ns, &ids, service);
            if number == traces / 3 && place == TRACE_SPANS / 2 {
                span.attributes.push(attribute(RARE_KEY, text(RARE)));
            }
            let id: [u8; 8] = span.span_id.as_slice().try_into().unwrap_or_default();
            ids.push(u64::from_be_bytes(id));
            waiting[service].push(span);
        }
        let last = number + 1 == traces;
        for (service, waiting) in waiting.iter_mut().enumerate() {
            while waiting.len() >= BATCH || (last && !waiting.is_empty()) {
                let rest = waiting.split_off(waiting.len().min(BATCH));
                let spans = std::mem::replace(waiting, rest);
                let request = ExportTraceServiceRequest {
                    resource_spans: vec![ResourceSpans {
                        resource: resource(service),
                        scope_spans: vec![ScopeSpans {
                            scope: scope(),
                            spans,
                            ..ScopeSpans::default()
                        }],
                        ..ResourceSpans::default()
                    }],
                };
                take(request.encode_to_vec().into(), trace);
            }
        }
    }
}

/// Batches of log records, `records` in all.
pub fn logs(records: usize) -> Vec<Bytes> {
    let mut chance = ChaCha8Rng::seed_from_u64(43);
    let record = |chance: &mut ChaCha8Rng, number: usize, route: &str| {
        let (ms, fails) = (chance.random_range(1..900_u32), chance.random_ratio(1, 60));
        let body = match fails {
            true => format!("deadline exceeded after {ms} ms calling payments"),
            false => format!(
                "request completed in {ms} ms, user {}",
                chance.random_range(0..10_000)
            ),
        };
        LogRecord {
            time_unix_nano: BEGIN_NS + number as u64 * 3_600_000,
            observed_time_unix_nano: BEGIN_NS + number as u64 * 3_600_000,
            severity_number: if fails { 17 } else { 9 },
            severity_text: if fails { "ERROR" } else { "INFO" }.to_owned(),
            body: Some(AnyValue {
                value: Some(text(body)),
            }),
            attributes: vec![
                attribute("http.route", text(route)),
                attribute(
                    "http.response.status_code",
                    Value::IntValue(if fails { 503 } else { 200 }),
                ),
                attribute("latency_ms", Value::IntValue(ms.into())),
                attribute(
                    "server.address",
                    text(format!("node-{}", chance.random_range(0..12))),
                ),
            ],
            trace_id: chance.random::<u128>().to_be_bytes().to_vec(),
            span_id: chance.random::<u64>().to_be_bytes().to_vec(),
            ..LogRecord::default()
        }
    };
    let batch = |first: usize| {
        let service = first / BATCH % SERVICES.len();
        let numbers = first..records.min(first + BATCH);
        let log_records = numbers.map(|number| record(&mut chance, number, SERVICES[service].1));
        let request = ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: resource(service),
                scope_logs: vec![ScopeLogs {
                    scope: scope(),
                    log_records: log_records.collect(),
                    ..ScopeLogs::default()
                }],
                ..ResourceLogs::default()
            }],
        };
        Bytes::from(request.encode_to_vec())
    };
    (0..records).step_by(BATCH).map(batch).collect()
}

/// Batches of cumulative counters, `points` data points in all: each batch is one export of one service, a second after its last.
pub fn metrics(points: usize) -> Vec<Bytes> {
    let mut chance = ChaCha8Rng::seed_from_u64(44);
    let mut totals = vec![0.0_f64; SERVICES.len() * BATCH];
    let mut point = |service: usize, number: usize, series: usize, round: u64| {
        let total = &mut totals[service * BATCH + number];
        *total += f64::from(chance.random_range(0..50_u32));
        NumberDataPoint {
            attributes: vec![
                attribute("http.request.method", text(METHODS[series % 3])),
                attribute(
                    "http.route",
                    text(format!("{}/{}", SERVICES[service].1, series / 12)),
                ),
                attribute(
                    "http.response.status_code",
                    Value::IntValue(200 + (series / 3 % 4) as i64),
                ),
                attribute("server.address", text(format!("node-{}", series % 12))),
            ],
            start_time_unix_nano: BEGIN_NS,
            time_unix_nano: BEGIN_NS + round * 1_000_000_000,
            value: Some(number_data_point::Value::AsDouble(*total)),
            ..NumberDataPoint::default()
        }
    };
    let mut batch = |first: usize| {
        let (service, round) = (
            first / BATCH % SERVICES.len(),
            first / BATCH / SERVICES.len(),
        );
        let count = BATCH.min(points - first);
        let metric = |number: usize| {
            let numbers = number * SERIES..count.min((number + 1) * SERIES);
            let points = numbers.map(|at| point(service, at, at % SERIES, round as u64 + 1));
            Metric {
                name: format!("http.server.requests.{number}"),
                description: "requests that were served".to_owned(),
                unit: "{request}".to_owned(),
                data: Some(metric::Data::Sum(Sum {
                    data_points: points.collect(),
                    aggregation_temporality: AggregationTemporality::Cumulative as i32,
                    is_monotonic: true,
                })),
                ..Metric::default()
            }
        };
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: resource(service),
                scope_metrics: vec![ScopeMetrics {
                    scope: scope(),
                    metrics: (0..count.div_ceil(SERIES)).map(metric).collect(),
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }],
        };
        Bytes::from(request.encode_to_vec())
    };
    (0..points).step_by(BATCH).map(&mut batch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_the_same_on_every_run_and_hold_what_was_asked_for() {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        spans(200, |batch, _| one.push(batch));
        spans(200, |batch, _| other.push(batch));
        assert_eq!(one, other);
        let count = |batch: &Bytes| {
            let request = ExportTraceServiceRequest::decode(batch.clone()).unwrap();
            request.resource_spans[0].scope_spans[0].spans.len()
        };
        assert_eq!(one.iter().map(count).sum::<usize>(), 200 * TRACE_SPANS);
        assert_eq!(logs(1_000).len(), 2);
        let request = ExportMetricsServiceRequest::decode(metrics(600)[1].clone()).unwrap();
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        assert_eq!(metrics.len(), 2, "88 points are left");
    }

    #[test]
    fn one_span_alone_has_the_rare_attribute() {
        let mut found = 0;
        spans(300, |batch, _| {
            let request = ExportTraceServiceRequest::decode(batch).unwrap();
            let spans = &request.resource_spans[0].scope_spans[0].spans;
            let attributes = spans.iter().flat_map(|span| &span.attributes);
            found += attributes
                .filter(|attribute| attribute.key == RARE_KEY)
                .count();
        });
        assert_eq!(found, 1);
    }
}
