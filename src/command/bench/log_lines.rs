//! Log lines of eight services, the same on every run: about 250 bytes of JSON each, 3.6 ms apart, so
//! that a million of them are an hour. Knows nothing of who reads them.

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::batches::{BATCH, BEGIN_NS, SERVICES};

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was written, ns.
    pub ts_ns: u64,
    /// Its service: a number of eight.
    service: usize,
    /// OpenTelemetry's severity.
    severity: i32,
    /// The JSON text, without a line feed.
    pub text: String,
}

/// `count` lines, in order of time.
pub fn lines(count: usize) -> impl Iterator<Item = Line> {
    let mut chance = ChaCha8Rng::seed_from_u64(42);
    let mut us = 0;
    (0..count).map(move |_| {
        us += chance.random_range(200..7_000_u64);
        line(&mut chance, us)
    })
}

/// The line that is written `us` microseconds after the first could be.
fn line(chance: &mut ChaCha8Rng, us: u64) -> Line {
    let service = chance.random_range(0..SERVICES.len());
    let (key, ms) = (
        chance.random_range(0..100_000_u32),
        chance.random_range(1..900_u32),
    );
    let few = ms % 20;
    let usual = match chance.random_range(0..4) {
        0 => format!("request completed in {ms} ms"),
        1 => format!("cache hit for key item:{key}"),
        2 => format!("published event order.created id={key}"),
        _ => format!("db query ok rows={few}"),
    };
    let warning = match chance.random_range(0..3) {
        0 => format!("retrying upstream payments attempt {few}"),
        1 => format!("slow query {ms} ms on table orders"),
        _ => format!("pool nearly exhausted in_use={few} max=20"),
    };
    let error = match chance.random_range(0..3) {
        0 => "connection refused by inventory:8084".to_owned(),
        1 => format!("deadline exceeded after {ms} ms calling payments"),
        _ => format!("pool exhausted waiting for connection timeout={ms}ms"),
    };
    let (level, severity, message, status) = match chance.random_range(0..1_000) {
        0..900 => ("INFO", 9, usual, 200),
        900..950 => ("DEBUG", 5, usual, 200),
        950..985 => ("WARN", 13, warning, 200),
        _ => ("ERROR", 17, error, 503),
    };
    let (name, route) = SERVICES[service];
    // within the hour or hours after noon, as there are not more lines than that
    let (s, micros) = (us / 1_000_000, us % 1_000_000);
    let (hour, minute, second) = (12 + s / 3_600, s / 60 % 60, s % 60);
    let trace: u128 = chance.random();
    let span: u64 = chance.random();
    Line {
        ts_ns: BEGIN_NS + us * 1_000,
        service,
        severity,
        text: format!(
            "{{\"ts\":\"2026-03-01T{hour:02}:{minute:02}:{second:02}.{micros:06}Z\",\"level\":\"{level}\",\"service\":\"{name}\",\
             \"trace_id\":\"{trace:032x}\",\"span_id\":\"{span:016x}\",\"msg\":\"{message}\",\"status\":{status},\
             \"latency_ms\":{ms},\"host\":\"node-{}\",\"route\":\"{route}\"}}",
            key % 12
        ),
    }
}

/// The same lines as batches: of every 512 lines, those of each service together.
pub fn batches(
    lines: impl Iterator<Item = Line>,
) -> impl Iterator<Item = ExportLogsServiceRequest> {
    let mut lines = lines;
    std::iter::from_fn(move || {
        let mut of: [Vec<LogRecord>; SERVICES.len()] = Default::default();
        let mut any = false;
        for line in lines.by_ref().take(BATCH) {
            any = true;
            of[line.service].push(LogRecord {
                time_unix_nano: line.ts_ns,
                observed_time_unix_nano: line.ts_ns,
                severity_number: line.severity,
                body: Some(AnyValue {
                    value: Some(Value::StringValue(line.text)),
                }),
                ..LogRecord::default()
            });
        }
        let one = |(service, log_records): (usize, Vec<LogRecord>)| ResourceLogs {
            resource: Some(Resource {
                attributes: vec![KeyValue {
                    key: "service.name".to_owned(),
                    value: Some(AnyValue {
                        value: Some(Value::StringValue(SERVICES[service].0.to_owned())),
                    }),
                    ..KeyValue::default()
                }],
                ..Resource::default()
            }),
            scope_logs: vec![ScopeLogs {
                log_records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        };
        any.then(|| ExportLogsServiceRequest {
            resource_logs: of.into_iter().enumerate().map(one).collect(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_on_every_run_and_shaped_as_the_design_says() {
        let all: Vec<Line> = lines(20_000).collect();
        assert!(all.iter().eq(lines(20_000).collect::<Vec<_>>().iter()));
        let bytes: usize = all.iter().map(|line| line.text.len()).sum();
        assert!((230..270).contains(&(bytes / all.len())), "{bytes}");
        let span_ns = all[all.len() - 1].ts_ns - all[0].ts_ns;
        assert!((70..74).contains(&(span_ns / 1_000_000_000)), "{span_ns}");
        for line in &all {
            let json: serde_json::Value = serde_json::from_str(&line.text).unwrap();
            assert_eq!(json["service"], SERVICES[line.service].0);
            assert_eq!(json["status"] == 503, line.severity == 17, "{json}");
        }
        let errors = all.iter().filter(|line| line.severity == 17).count();
        assert!((200..400).contains(&errors), "{errors}");
    }

    #[test]
    fn batches_hold_every_line_once() {
        let mut held = 0;
        for batch in batches(lines(1_300)) {
            for of_one in &batch.resource_logs {
                held += of_one.scope_logs[0].log_records.len();
            }
        }
        assert_eq!(held, 1_300);
        assert_eq!(batches(lines(0)).count(), 0);
    }
}
