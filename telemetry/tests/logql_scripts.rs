//! Runs the LogQL scripts of `tests/logql`: load lines, ask, compare.
//!
//! ```text
//! load                                      lines, each with its time, stream labels and other fields, then its text
//!   1s {service="cart", level="warn", user="7"} took=12ms
//! lines {service="cart"} | logfmt           lines, oldest first; each with labels that it must have, and "" for those
//!   {took="12ms", code=""} took=12ms        that it must not have
//! instant 10s count_over_time(…[10s])       numbers, with all their labels
//!   {service="cart", level="warn"} 1
//! range 0s 10s 5s vector(1)                 the same from, to, step; _ where there is none
//!   {} 1 1 1
//! fail {service="cart"} | unpack            an error: its place (- for none) and a part of its text
//!   17 not supported
//! clear                                     forgets all lines
//! ```

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use telemetry::logs::ast::Query;
use telemetry::logs::{self, Grid, Level};
use telemetry::promql::{notation, parse_duration};
use telemetry::time::WallTime;
use telemetry::{QueryError, Telemetry, TelemetryConfig};

type Labels = Vec<(String, String)>;
/// Series with a value, or none, for each step.
type Numbers = Vec<(Labels, Vec<Option<f64>>)>;

fn fresh() -> Telemetry {
    Telemetry::new(TelemetryConfig::default(), Arc::new(WallTime))
}

fn ns(text: &str) -> i64 {
    let duration = parse_duration(text).unwrap_or_else(|| panic!("{text:?} is not a duration"));
    duration.as_nanos() as i64
}

/// Splits `{a="b"} rest`; no labels where the line begins otherwise.
fn labelled(line: &str) -> (Labels, &str) {
    if !line.starts_with('{') {
        return (Labels::new(), line);
    }
    let mut quoted = false;
    let mut escaped = false;
    let close = line.find(|c: char| {
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        c == '}' && !quoted
    });
    let end = close.map_or(line.len(), |at| at + 1);
    // with a name: a metric without one must have a label that is not empty
    let mut labels = notation::series(&format!("line{}", &line[..end]))
        .unwrap_or_else(|error| panic!("{error}"));
    labels.retain(|(name, _)| name != "__name__");
    (
        labels,
        line[end..].strip_prefix(' ').unwrap_or(&line[end..]),
    )
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

fn append(telemetry: &Telemetry, line: &str) {
    let (time, rest) = line.split_once(' ').expect("a time and a line");
    let (labels, body) = labelled(rest);
    let of = |name: &str| {
        labels
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.as_str())
    };
    let level = Level::ALL
        .into_iter()
        .find(|level| level.name() == of("level"));
    let rank = level.map_or(0, |level| level as i32);
    let record = LogRecord {
        time_unix_nano: ns(time) as u64,
        severity_number: if rank == 0 { 0 } else { rank * 4 - 3 },
        body: Some(AnyValue {
            value: Some(Value::StringValue(body.to_owned())),
        }),
        attributes: labels
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "service" | "level"))
            .map(|(name, value)| text(name, value))
            .collect(),
        ..LogRecord::default()
    };
    telemetry
        .intake()
        .log_store()
        .append(&ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(Resource {
                    attributes: vec![text("service.name", of("service"))],
                    ..Resource::default()
                }),
                scope_logs: vec![ScopeLogs {
                    log_records: vec![record],
                    ..ScopeLogs::default()
                }],
                ..ResourceLogs::default()
            }],
        });
}

/// Asks for numbers; every series with a value for each step.
fn numbers(telemetry: &Telemetry, query: &str, grid: Grid) -> Result<Numbers, QueryError> {
    let Query::Metric(expression) = logs::parse(query)? else {
        panic!("{query} asks for lines");
    };
    let segments = telemetry.intake().log_store().snapshot();
    let steps: Vec<i64> = (grid.start_ns..=grid.end_ns)
        .step_by(grid.step_ns as usize)
        .collect();
    let series = logs::evaluate(&segments, &expression, grid)?;
    let row = |series: logs::Series| {
        let at = |step: &i64| {
            series
                .points
                .iter()
                .find(|(t, _)| t == step)
                .map(|(_, v)| *v)
        };
        (series.labels.clone(), steps.iter().map(at).collect())
    };
    Ok(series.into_iter().map(row).collect())
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            a == b || (a - b).abs() <= 1e-9 * (a.abs() + b.abs()) || (a.is_nan() && b.is_nan())
        }
        (None, None) => true,
        _ => false,
    }
}

fn check_numbers(found: Result<Numbers, QueryError>, expected: &[&str]) -> Result<(), String> {
    let found = found.map_err(|error| error.to_string())?;
    let wanted: Numbers = expected
        .iter()
        .map(|line| {
            let (labels, values) = labelled(line);
            (
                labels,
                notation::values(values).unwrap_or_else(|error| panic!("{error}")),
            )
        })
        .collect();
    let same = wanted.len() == found.len()
        && wanted.iter().zip(&found).all(|((a, left), (b, right))| {
            a == b
                && left.len() == right.len()
                && left.iter().zip(right).all(|(l, r)| close(*l, *r))
        });
    if same {
        Ok(())
    } else {
        Err(format!("expected {wanted:?}\n   found {found:?}"))
    }
}

fn check_lines(telemetry: &Telemetry, query: &str, expected: &[&str]) -> Result<(), String> {
    let found = telemetry
        .query_logs(query, 0, i64::MAX, 1_000)
        .map_err(|e| e.to_string())?;
    let same = found.len() == expected.len()
        && found.iter().zip(expected).all(|(line, expected)| {
            let (labels, body) = labelled(expected);
            line.line == body
                && labels
                    .iter()
                    .all(|(name, value)| line.label(name).unwrap_or("") == value)
        });
    if same {
        Ok(())
    } else {
        Err(format!("expected {expected:#?}\n   found {found:#?}"))
    }
}

fn check_failure(telemetry: &Telemetry, query: &str, expected: &[&str]) -> Result<(), String> {
    let [expected] = expected else {
        panic!("one line says how {query} fails")
    };
    let (place, part) = expected
        .split_once(' ')
        .expect("a place and a part of the text");
    let at = Grid::instant(100_000_000_000);
    let error = match logs::parse(query) {
        Ok(Query::Metric(_)) => numbers(telemetry, query, at).err(),
        Ok(Query::Log(_)) => telemetry.query_logs(query, 0, i64::MAX, 10).err(),
        Err(error) => Some(error),
    };
    let Some(error) = error else {
        return Err("no error".to_owned());
    };
    let position = error.position().map_or("-".to_owned(), |at| at.to_string());
    if position == place && error.to_string().contains(part) {
        Ok(())
    } else {
        Err(format!(
            "expected {place} {part:?}\n   found {position} {error}"
        ))
    }
}

/// Runs one script; returns how many questions it asks, and which answers are wrong.
fn run(file: &str, script: &str) -> (usize, Vec<String>) {
    let (mut telemetry, mut asked, mut failures) = (fresh(), 0, Vec::new());
    let mut lines = script.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut block = Vec::new();
        while let Some((_, inner)) = lines.next_if(|(_, inner)| inner.starts_with("  ")) {
            block.push(&inner[2..]);
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let word = |n: usize| ns(rest.split(' ').nth(n).expect("a time"));
        let query = |words: usize| rest.splitn(words + 1, ' ').last().expect("a query");
        let result = match verb {
            "clear" => {
                telemetry = fresh();
                continue;
            }
            "load" => {
                block.iter().for_each(|line| append(&telemetry, line));
                continue;
            }
            "lines" => check_lines(&telemetry, rest, &block),
            "instant" => check_numbers(
                numbers(&telemetry, query(1), Grid::instant(word(0))),
                &block,
            ),
            "range" => {
                let grid = Grid {
                    start_ns: word(0),
                    end_ns: word(1),
                    step_ns: word(2),
                };
                check_numbers(numbers(&telemetry, query(3), grid), &block)
            }
            "fail" => check_failure(&telemetry, rest, &block),
            other => panic!("{file}:{}: unknown word {other:?}", number + 1),
        };
        asked += 1;
        if let Err(why) = result {
            failures.push(format!("{file}:{}: {line}\n   {why}", number + 1));
        }
    }
    (asked, failures)
}

fn scripts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logql");
    let mut scripts: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    scripts.sort();
    scripts
}

#[test]
fn every_script_holds() {
    let (mut asked, mut failures) = (0, Vec::new());
    for (name, script) in scripts() {
        let (count, wrong) = run(&name, &script);
        asked += count;
        failures.extend(wrong);
    }
    assert!(
        failures.is_empty(),
        "{} of {asked} are wrong:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(asked > 100, "only {asked} questions were asked");
}

#[test]
fn a_wrong_expectation_is_noticed() {
    let load = "load\n  1s {service=\"a\"} x\n";
    for wrong in [
        "lines {service=\"a\"}\n  y\n",
        "lines {service=\"a\"}\n  {level=\"warn\"} x\n",
        "lines {service=\"a\"}\n",
        "instant 1s count_over_time({service=\"a\"}[1s])\n  {service=\"a\", level=\"unknown\"} 2\n",
        "range 1s 2s 1s vector(1)\n  {} 1 _\n",
        "fail {service=\"a\"}\n  0 any\n",
        "fail {service=}\n  8 expected\n",
    ] {
        assert_eq!(run("test", &format!("{load}{wrong}")).1.len(), 1, "{wrong}");
    }
}

/// The words in quotes of the grammar file: whoever adds one adds a script.
#[test]
fn every_word_of_the_grammar_stands_in_a_script() {
    let grammar = include_str!("../src/logs/logql.ebnf");
    let all: String = scripts().into_iter().map(|(_, script)| script).collect();
    let words =
        grammar.split('"').skip(1).step_by(2).filter(|word| {
            word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        });
    let words: std::collections::BTreeSet<&str> = words.collect();
    assert!(words.len() > 40, "{words:?}");
    let missing: Vec<_> = words.iter().filter(|word| !all.contains(**word)).collect();
    assert!(missing.is_empty(), "no script says {missing:?}");
    for name in logs::ast::RangeOp::ALL
        .iter()
        .map(|(name, ..)| name)
        .chain(logs::ast::VectorOp::ALL.iter().map(|(name, _)| name))
    {
        assert!(words.contains(name), "the grammar does not know {name}");
    }
}
