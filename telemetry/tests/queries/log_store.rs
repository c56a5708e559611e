//! The log store against a plain list: whatever comes in, late, without a time, huge or empty, and however much of it is evicted,
//! every way to ask finds what a walk over the list of what is held finds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use serde_json::{Value, json};
use telemetry::logs::{Direction, LogLine, Segment, plan_lines};
use telemetry::time::WallTime;
use telemetry::{Telemetry, TelemetryConfig};
use tower::ServiceExt;

use crate::logql_model::{Asked, LEVELS, Line, SECOND, SERVICES, asked, line, numbers_agree};
use crate::{attribute, text};

/// A head is sealed when it has a quarter of the budget: `HEADS_PER_BUDGET` of the store.
const HEADS: usize = 4;
/// What a record accounts for at most besides its text.
const ROW_BYTES_MAX: usize = 200;

/// A record that was sent.
#[derive(Debug, Clone)]
struct Sent {
    line: Line,
    /// The time is that of its being observed; it does not know its own.
    observed: bool,
    /// Its trace, 0 for none.
    trace: u8,
}

/// What one process sends at once.
#[derive(Debug, Clone)]
struct Batch {
    service: usize,
    instance: u8,
    records: Vec<Sent>,
}

fn trace_hex(trace: u8) -> String {
    format!("{trace:02x}").repeat(16)
}

fn sent() -> impl Strategy<Value = Sent> {
    let rest = prop_oneof![
        6 => Just(String::new()),
        3 => prop::sample::select(vec![" \n at x", "\r\n", " \0", " é\u{2028}", "\nn", " \\"]).prop_map(str::to_owned),
        1 => (1_usize..6_000).prop_map(|n| format!(" {}", "w ".repeat(n))),
    ];
    // without a time it lies at the beginning of time
    let second = prop_oneof![8 => 1_i64..40, 1 => Just(7_i64), 1 => Just(0_i64)];
    (line(), second, rest, any::<bool>(), 0_u8..4).prop_map(
        |(line, second, rest, observed, trace)| Sent {
            line: Line {
                second,
                rest,
                ..line
            },
            observed,
            trace,
        },
    )
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let batch = (
        0..SERVICES.len(),
        0_u8..40,
        prop::collection::vec(sent(), 0..40),
    );
    let batch = batch.prop_map(|(service, instance, mut records)| {
        for record in &mut records {
            record.line.service = service;
        }
        Batch {
            service,
            instance,
            records,
        }
    });
    prop::collection::vec(batch, 1..24)
}

fn request(batch: &Batch) -> ExportLogsServiceRequest {
    let record = |sent: &Sent| {
        let ns = (sent.line.second * SECOND) as u64;
        LogRecord {
            time_unix_nano: if sent.observed { 0 } else { ns },
            observed_time_unix_nano: if sent.observed { ns } else { 0 },
            severity_number: LEVELS[sent.line.level].1,
            body: Some(AnyValue {
                value: Some(text(&sent.line.body())),
            }),
            trace_id: match sent.trace {
                0 => Vec::new(),
                trace => vec![trace; 16],
            },
            ..LogRecord::default()
        }
    };
    let attributes = vec![
        attribute("service.name", text(SERVICES[batch.service])),
        attribute("instance", text(&batch.instance.to_string())),
    ];
    of_process(attributes, batch.records.iter().map(record).collect())
}

/// What a process with these attributes sends.
fn of_process(attributes: Vec<KeyValue>, log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource {
                attributes,
                ..Resource::default()
            }),
            scope_logs: vec![ScopeLogs {
                log_records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

/// A line as it is told: second, service, level, trace, text.
type Told = (i64, String, String, String, String);

fn told(sent: &Sent) -> Told {
    let line = &sent.line;
    let trace = match sent.trace {
        0 => String::new(),
        trace => trace_hex(trace),
    };
    let (service, level) = (SERVICES[line.service], LEVELS[line.level].0);
    (
        line.second,
        service.to_owned(),
        level.to_owned(),
        trace,
        line.body(),
    )
}

fn found(line: &LogLine) -> Told {
    let label = |name: &str| line.label(name).unwrap_or("").to_owned();
    (
        line.ts_ns / SECOND,
        label("service"),
        label("level"),
        label("trace_id"),
        line.line.clone(),
    )
}

/// Holds that `lines` are the first `limit` of `expected` in their direction. Among lines of one time any order is right, and at
/// the limit any of them.
fn lines_agree(
    lines: &[LogLine],
    mut expected: Vec<Told>,
    limit: usize,
    direction: Direction,
    query: &str,
) -> Result<(), TestCaseError> {
    expected.sort();
    if direction == Direction::Backward {
        expected.reverse();
    }
    let times: Vec<i64> = expected.iter().take(limit).map(|line| line.0).collect();
    let mut lines: Vec<Told> = lines.iter().map(found).collect();
    let found_times: Vec<i64> = lines.iter().map(|line| line.0).collect();
    prop_assert_eq!(&found_times, &times, "{} {:?}", query, direction);
    let edge = (expected.len() > limit)
        .then(|| times.last().copied())
        .flatten();
    // each is taken out once
    let mut left: BTreeMap<&Told, usize> = BTreeMap::new();
    for line in &expected {
        *left.entry(line).or_default() += 1;
    }
    lines.sort();
    for line in &lines {
        let count = left.get_mut(line);
        let there = count.is_some_and(|count| {
            let there = *count > 0;
            *count = count.saturating_sub(1);
            there
        });
        prop_assert!(there, "{} finds {:?} once too often", query, line);
    }
    let missing = left
        .iter()
        .find(|(line, count)| **count > 0 && edge.is_none() && limit > 0 && line.0 >= 0);
    prop_assert!(missing.is_none(), "{} leaves out {:?}", query, missing);
    Ok(())
}

/// Asks for JSON.
fn ask(runtime: &tokio::runtime::Runtime, telemetry: &Telemetry, path: &str) -> Value {
    let request = Request::get(path).body(Body::empty()).unwrap();
    runtime.block_on(async {
        let response = telemetry.router().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(
            status.is_success(),
            "{path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        serde_json::from_slice(&body).unwrap()
    })
}

/// What the API says of streams: labels, values, series, statistics, volume.
fn api_agrees(
    runtime: &tokio::runtime::Runtime,
    telemetry: &Telemetry,
    held: &[Sent],
    asked: &Asked,
    (from, to): (i64, i64),
) -> Result<(), TestCaseError> {
    let mut streams: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for Sent { line, .. } in held {
        if line.second >= from && line.second < to && asked.selects(line) {
            let key = (SERVICES[line.service], LEVELS[line.level].0);
            let stream = streams.entry(key).or_default();
            stream.0 += 1;
            stream.1 += line.body().len() as u64;
        }
    }
    let query = utf8_percent_encode(&asked.selector(), NON_ALPHANUMERIC).to_string();
    let path = |name: &str, of: &str| {
        format!("/loki/api/v1/{name}?start={from}.0&end={to}.0&{of}={query}")
    };
    let answer = |name: &str, of: &str| ask(runtime, telemetry, &path(name, of));
    let values = |pick: fn(&(&'static str, &'static str)) -> &'static str| {
        let keys = streams.keys().map(|(s, l)| {
            let service = SERVICES.iter().find(|name| *name == s).unwrap();
            let level = LEVELS.iter().find(|level| level.0 == *l).unwrap();
            (*service, level.0)
        });
        json!(keys.map(|key| pick(&key)).collect::<BTreeSet<_>>())
    };
    prop_assert_eq!(
        &answer("label/service/values", "query")["data"],
        &values(|key| key.0)
    );
    prop_assert_eq!(
        &answer("label/level/values", "query")["data"],
        &values(|key| key.1)
    );
    let series: Vec<Value> = streams
        .keys()
        .map(|(service, level)| json!({"service": service, "level": level}))
        .collect();
    prop_assert_eq!(&answer("series", "match[]")["data"], &json!(series));
    let stats = answer("index/stats", "query");
    let sums = streams
        .values()
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let (entries, bytes) = sums;
    prop_assert_eq!(&stats["streams"], &json!(streams.len()));
    prop_assert_eq!(
        (&stats["entries"], &stats["bytes"]),
        (&json!(entries), &json!(bytes))
    );
    let volume = answer("index/volume", "query");
    let results = volume["data"]["result"].as_array().unwrap();
    let told: f64 = results
        .iter()
        .map(|one| one["value"][1].as_str().unwrap().parse::<f64>().unwrap())
        .sum();
    prop_assert_eq!(told, bytes as f64, "volume");
    Ok(())
}

/// Everything that can be asked of a snapshot that holds `held`, in order of arrival.
fn queries_agree(
    segments: &[Arc<Segment>],
    held: &[Sent],
    asked: &Asked,
    (from, to): (i64, i64),
    limit: usize,
) -> Result<(), TestCaseError> {
    let query = asked.lines();
    let plan = plan_lines(&query).unwrap();
    let kept = held.iter().filter(|sent| {
        let second = sent.line.second;
        second >= from && second < to && asked.keeps(&sent.line)
    });
    let expected: Vec<Told> = kept.map(told).collect();
    let window = (from * SECOND, to * SECOND);
    for direction in [Direction::Backward, Direction::Forward] {
        for limit in [limit, usize::MAX, 0] {
            let lines = plan.lines(segments, window, limit, direction).unwrap();
            lines_agree(&lines, expected.clone(), limit, direction, &query)?;
        }
    }
    for trace in 1..4 {
        let query = format!(
            "{} | trace_id=\"{}\" {}",
            asked.selector(),
            trace_hex(trace),
            asked.pipeline()
        );
        let kept = held
            .iter()
            .filter(|sent| sent.trace == trace && asked.keeps(&sent.line));
        let lines = plan_lines(&query).unwrap();
        let lines = lines.lines(segments, (0, i64::MAX), usize::MAX, Direction::Forward);
        let expected = kept.map(told).collect();
        lines_agree(
            &lines.unwrap(),
            expected,
            usize::MAX,
            Direction::Forward,
            &query,
        )?;
    }
    let mut lines: Vec<Line> = held.iter().map(|sent| sent.line.clone()).collect();
    lines.sort_by_key(|line| line.second);
    numbers_agree(segments, &lines, asked, (from, 45, 1 + limit as i64 % 9))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_held_is_found_and_nothing_else(
        batches in batches(),
        budget_bytes in 2_000_usize..120_000,
        questions in prop::collection::vec((asked(), (0_i64..45, 0_i64..45), 1_usize..40), 3),
        pause in 0_usize..24,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let config = TelemetryConfig { log_bytes: budget_bytes, ..TelemetryConfig::default() };
        let telemetry = Telemetry::new(config, Arc::new(WallTime));
        let store = telemetry.intake().log_store();
        let ask_all = |segments: &[Arc<Segment>], held: &[Sent]| {
            questions.iter().try_for_each(|(asked, (a, b), limit)| {
                let window = (*a.min(b), *a.max(b));
                queries_agree(segments, held, asked, window, *limit)
            })
        };
        let mut sent: Vec<Sent> = Vec::new();
        let mut paused = None;
        for (index, batch) in batches.iter().enumerate() {
            store.append(&request(batch));
            sent.extend(batch.records.iter().cloned());
            let stats = store.stats();
            prop_assert_eq!(stats.received, sent.len() as u64);
            prop_assert_eq!(stats.held + stats.evicted + stats.rejected, stats.received);
            let held = &sent[sent.len() - stats.held as usize..];
            let oldest = held.iter().map(|sent| sent.line.second * SECOND).min();
            prop_assert_eq!(stats.oldest_ns, oldest);
            // the budget is held, and nothing goes before it must: a quarter of it goes at once
            let text = |sent: &Sent| sent.line.body().len() + ROW_BYTES_MAX;
            let largest = sent.iter().map(text).max().unwrap_or(0);
            let head = budget_bytes / HEADS + largest;
            prop_assert!(stats.bytes as usize <= budget_bytes + head, "{:?}", stats);
            if stats.evicted > 0 && head <= budget_bytes {
                prop_assert!(stats.bytes as usize + head > budget_bytes, "{:?}", stats);
            }
            let bodies: usize = held.iter().map(|sent| sent.line.body().len()).sum();
            prop_assert!(stats.bytes as usize >= bodies, "{:?}", stats);
            if index == pause {
                let segments = store.snapshot();
                ask_all(&segments, held)?;
                paused = Some((segments, held.to_vec()));
            }
        }
        let held = &sent[sent.len() - store.stats().held as usize..];
        ask_all(&store.snapshot(), held)?;
        for (asked, (a, b), _) in &questions {
            api_agrees(&runtime, &telemetry, held, asked, (*a.min(b), *a.max(b)))?;
        }
        // who reads is not disturbed by what is appended or evicted meanwhile
        if let Some((segments, held)) = paused {
            ask_all(&segments, &held)?;
        }
    }
}

#[test]
fn a_scan_that_is_shared_among_cores_finds_what_one_finds() {
    let telemetry = crate::fresh();
    let store = telemetry.intake().log_store();
    let mut chance = 7_u64;
    let (mut slow, mut by_service, mut newest) = (0, [0_u64; 3], Vec::new());
    for batch in 0..100_u64 {
        let service = (batch % 3) as usize;
        let record = |number: u64| {
            // a linear congruential generator is chance enough
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let (at, is_slow) = (batch * 500 + number, chance >> 60 == 3);
            if is_slow {
                slow += 1;
                by_service[service] += 1;
                newest.push(at);
            }
            LogRecord {
                time_unix_nano: (at + 1) * 1_000_000,
                severity_number: 9,
                body: Some(AnyValue {
                    value: Some(text(&format!(
                        "{at} {}",
                        if is_slow { "slow" } else { "well" }
                    ))),
                }),
                ..LogRecord::default()
            }
        };
        let log_records = (0..500).map(record).collect();
        store.append(&of_process(
            vec![attribute("service.name", text(SERVICES[service]))],
            log_records,
        ));
    }
    assert!(slow > 1_000);
    let numbers = |query: &str| -> Vec<f64> {
        let telemetry::logs::ast::Query::Metric(query) = telemetry::logs::parse(query).unwrap()
        else {
            panic!("{query} asks for lines");
        };
        let at = telemetry::logs::Grid::instant(60 * SECOND);
        let series = telemetry::logs::evaluate(&store.snapshot(), &query, at).unwrap();
        series.iter().map(|series| series.points[0].1).collect()
    };
    for stages in [
        r#"|= "slow""#,
        r#"|~ "s[l]ow$""#,
        r#"| regexp "(?P<how>slow|well)" | how="slow""#,
    ] {
        let query =
            format!("sum by (service) (count_over_time({{service=~\".+\"}} {stages} [1m]))");
        assert_eq!(
            numbers(&query),
            by_service.map(|count| count as f64),
            "{query}"
        );
    }
    let query = r#"{service=~".+"} |= "slow""#;
    for limit in [1, 10, slow, usize::MAX] {
        let lines = telemetry.query_logs(query, 0, i64::MAX, limit).unwrap();
        let found = lines.iter().map(|line| line.line.clone());
        let expected = newest.iter().skip(newest.len().saturating_sub(limit));
        assert!(found.eq(expected.map(|at| format!("{at} slow"))), "{limit}");
    }
}
