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

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use telemetry::logs::ast::Query;
use telemetry::logs::{self, Grid, Level};
use telemetry::promql::{notation, parse_duration};
use telemetry::{QueryError, Telemetry};

use crate::script::{Answer, Language, failed_as};
use crate::{append_log, attribute, text};

const LOGQL: Language = Language {
    folder: "logql",
    append,
    ask,
};

type Labels = Vec<(String, String)>;
/// Series with a value, or none, for each step.
type Numbers = Vec<(Labels, Vec<Option<f64>>)>;

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
        attributes: labels
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "service" | "level"))
            .map(|(name, value)| attribute(name, text(value)))
            .collect(),
        ..LogRecord::default()
    };
    append_log(telemetry, of("service"), body, record);
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
    let at = Grid::instant(100_000_000_000);
    let error = match logs::parse(query) {
        Ok(Query::Metric(_)) => numbers(telemetry, query, at).err(),
        Ok(Query::Log(_)) => telemetry.query_logs(query, 0, i64::MAX, 10).err(),
        Err(error) => Some(error),
    };
    failed_as(error, query, expected)
}

fn ask(telemetry: &Telemetry, word: &str, rest: &str, block: &[&str]) -> Answer {
    let time = |n: usize| ns(rest.split(' ').nth(n).expect("a time"));
    let query = |words: usize| rest.splitn(words + 1, ' ').last().expect("a query");
    Some(match word {
        "lines" => check_lines(telemetry, rest, block),
        "instant" => check_numbers(numbers(telemetry, query(1), Grid::instant(time(0))), block),
        "range" => {
            let grid = Grid {
                start_ns: time(0),
                end_ns: time(1),
                step_ns: time(2),
            };
            check_numbers(numbers(telemetry, query(3), grid), block)
        }
        "fail" => check_failure(telemetry, rest, block),
        _ => return None,
    })
}

#[test]
fn every_script_holds() {
    LOGQL.holds(100);
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
        assert_eq!(
            LOGQL.run("test", &format!("{load}{wrong}")).1.len(),
            1,
            "{wrong}"
        );
    }
}

#[test]
fn every_word_of_the_grammar_stands_in_a_script() {
    let grammar = include_str!("../../src/logs/logql.ebnf");
    let words = LOGQL.words(grammar, |c| c.is_ascii_lowercase() || c == '_');
    for name in logs::ast::RangeOp::ALL
        .iter()
        .map(|(name, ..)| name)
        .chain(logs::ast::VectorOp::ALL.iter().map(|(name, _)| name))
    {
        assert!(words.contains(name), "the grammar does not know {name}");
    }
}
