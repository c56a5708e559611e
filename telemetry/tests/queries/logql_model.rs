//! LogQL against a second evaluator, slow and plain: it goes over a list of lines for every step of every query, and shares no
//! code with the first. Lines and queries are drawn at random.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use proptest::prelude::*;
use telemetry::Telemetry;
use telemetry::logs::ast::Query;
use telemetry::logs::{self, Grid, Segment};

use crate::{append_log, fresh};

pub(crate) const SERVICES: [&str; 3] = ["cart", "orders", "pay"];
pub(crate) const LEVELS: [(&str, i32); 3] = [("info", 9), ("warn", 13), ("error", 17)];
const KEYS: [&str; 3] = ["n", "took", "code"];
/// A second, ns; lines and steps lie on seconds, so that the borders of windows are met often.
pub(crate) const SECOND: i64 = 1_000_000_000;

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub second: i64,
    pub service: usize,
    pub level: usize,
    /// `key=value` for each key that is there.
    pub fields: Vec<(usize, u32)>,
    /// What stands behind the fields, and is none.
    pub rest: String,
}

impl Line {
    pub fn body(&self) -> String {
        let pairs = self
            .fields
            .iter()
            .map(|(key, value)| format!("{}={value}", KEYS[*key]));
        pairs.collect::<Vec<_>>().join(" ") + &self.rest
    }

    fn field(&self, key: usize) -> Option<u32> {
        self.fields
            .iter()
            .find(|(other, _)| *other == key)
            .map(|(_, value)| *value)
    }
}

/// A stage, as text and as what it means.
#[derive(Debug, Clone)]
enum Stage {
    /// `|= "n="` or `!= "n="`
    Has(usize, bool),
    /// `|~ "n=1.*"` or `!~ …`: some field of that key begins with that digit.
    Begins(usize, u32, bool),
    /// `| logfmt | n > 5`
    Compare(usize, &'static str, u32),
}

impl Stage {
    fn text(&self) -> String {
        match self {
            Self::Has(key, true) => format!(r#" |= "{}=""#, KEYS[*key]),
            Self::Has(key, false) => format!(r#" != "{}=""#, KEYS[*key]),
            Self::Begins(key, digit, true) => format!(r#" |~ "{}={digit}""#, KEYS[*key]),
            Self::Begins(key, digit, false) => format!(r#" !~ "{}={digit}""#, KEYS[*key]),
            Self::Compare(key, op, number) => format!(" | logfmt | {} {op} {number}", KEYS[*key]),
        }
    }

    fn keeps(&self, line: &Line) -> bool {
        match self {
            Self::Has(key, wanted) => line.field(*key).is_some() == *wanted,
            Self::Begins(key, digit, wanted) => {
                let begins = |value: u32| value.to_string().starts_with(&digit.to_string());
                line.field(*key).is_some_and(begins) == *wanted
            }
            Self::Compare(key, op, number) => line.field(*key).is_some_and(|value| match *op {
                ">" => value > *number,
                ">=" => value >= *number,
                "<" => value < *number,
                "<=" => value <= *number,
                "==" => value == *number,
                _ => value != *number,
            }),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Services of the selector; empty: all.
    services: Vec<usize>,
    level: Option<usize>,
    stages: Vec<Stage>,
    /// Place in [`FUNCTIONS`].
    function: usize,
    unwrapped: usize,
    by: Vec<&'static str>,
    outer: &'static str,
    range_s: i64,
    offset_s: i64,
}

/// Name, and whether it takes the values of a field.
const FUNCTIONS: [(&str, bool); 10] = [
    ("count_over_time", false),
    ("rate", false),
    ("bytes_over_time", false),
    ("bytes_rate", false),
    ("sum_over_time", true),
    ("avg_over_time", true),
    ("min_over_time", true),
    ("max_over_time", true),
    ("first_over_time", true),
    ("stdvar_over_time", true),
];

impl Asked {
    pub fn selector(&self) -> String {
        let names: Vec<&str> = self.services.iter().map(|s| SERVICES[*s]).collect();
        let service = if names.is_empty() {
            r#"service=~".+""#.to_owned()
        } else {
            format!(r#"service=~"{}""#, names.join("|"))
        };
        let level = self
            .level
            .map(|level| format!(r#", level="{}""#, LEVELS[level].0));
        format!("{{{service}{}}}", level.unwrap_or_default())
    }

    pub fn pipeline(&self) -> String {
        self.stages.iter().map(Stage::text).collect()
    }

    pub fn lines(&self) -> String {
        format!("{}{}", self.selector(), self.pipeline())
    }

    /// The inner aggregation has series by service and level, so that what is extracted makes none.
    fn numbers(&self) -> String {
        let (name, unwraps) = FUNCTIONS[self.function];
        let offset = match self.offset_s {
            0 => String::new(),
            seconds => format!(" offset {seconds}s"),
        };
        let window = format!("[{}s]{offset}", self.range_s);
        let inner = if unwraps {
            let unwrap = format!("| logfmt | unwrap {}", KEYS[self.unwrapped]);
            format!(
                "{name}({} {unwrap} {window}) by (service, level)",
                self.lines()
            )
        } else {
            let extracts = |stage: &Stage| matches!(stage, Stage::Compare(..));
            let keep = match self.stages.iter().any(extracts) {
                true => " | keep service, level",
                false => "",
            };
            format!("{name}({}{keep} {window})", self.lines())
        };
        format!("{} by ({}) ({inner})", self.outer, self.by.join(", "))
    }

    /// Whether the selector selects a line.
    pub fn selects(&self, line: &Line) -> bool {
        (self.services.is_empty() || self.services.contains(&line.service))
            && self.level.is_none_or(|level| level == line.level)
    }

    pub fn keeps(&self, line: &Line) -> bool {
        self.selects(line) && self.stages.iter().all(|stage| stage.keeps(line))
    }

    /// The answer at one time: by label values in the order of `by`.
    fn at(&self, lines: &[Line], second: i64) -> BTreeMap<Vec<String>, f64> {
        let (name, unwraps) = FUNCTIONS[self.function];
        let end = second - self.offset_s;
        let mut windows: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
        for line in lines {
            let within = line.second > end - self.range_s && line.second <= end;
            let value = match (unwraps, name.starts_with("bytes")) {
                (true, _) => line.field(self.unwrapped).map(f64::from),
                (false, true) => Some(line.body().len() as f64),
                (false, false) => Some(1.0),
            };
            if let Some(value) = value.filter(|_| within && self.keeps(line)) {
                windows
                    .entry((line.service, line.level))
                    .or_default()
                    .push(value);
            }
        }
        let mut groups: BTreeMap<Vec<String>, Vec<f64>> = BTreeMap::new();
        for ((service, level), values) in windows {
            let count = values.len() as f64;
            let sum: f64 = values.iter().sum();
            let value = match name {
                "count_over_time" => count,
                "bytes_over_time" | "sum_over_time" => sum,
                "rate" | "bytes_rate" => sum / self.range_s as f64,
                "avg_over_time" => sum / count,
                "min_over_time" => values.iter().copied().fold(f64::INFINITY, f64::min),
                "max_over_time" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                "first_over_time" => values[0],
                _ => {
                    values
                        .iter()
                        .map(|v| (v - sum / count) * (v - sum / count))
                        .sum::<f64>()
                        / count
                }
            };
            let key = self.by.iter().map(|label| match *label {
                "service" => SERVICES[service].to_owned(),
                _ => LEVELS[level].0.to_owned(),
            });
            groups.entry(key.collect()).or_default().push(value);
        }
        let outer = |values: Vec<f64>| match self.outer {
            "sum" => values.iter().sum(),
            "avg" => values.iter().sum::<f64>() / values.len() as f64,
            "min" => values.into_iter().fold(f64::INFINITY, f64::min),
            "max" => values.into_iter().fold(f64::NEG_INFINITY, f64::max),
            _ => values.len() as f64,
        };
        groups
            .into_iter()
            .map(|(key, values)| (key, outer(values)))
            .collect()
    }
}

/// A store with these lines, each in a batch of its own, so that they lie in the order of their coming.
fn store(lines: &[Line]) -> Telemetry {
    let telemetry = fresh();
    for line in lines {
        let record = LogRecord {
            time_unix_nano: (line.second * SECOND) as u64,
            severity_number: LEVELS[line.level].1,
            ..LogRecord::default()
        };
        append_log(&telemetry, SERVICES[line.service], &line.body(), record);
    }
    telemetry
}

pub(crate) fn line() -> impl Strategy<Value = Line> {
    let fields = (
        prop::option::of(0_u32..30),
        prop::option::of(0_u32..30),
        prop::option::of(0_u32..30),
    );
    (1_i64..40, 0..SERVICES.len(), 0..LEVELS.len(), fields).prop_map(
        |(second, service, level, (n, took, code))| {
            let fields = [n, took, code].into_iter().enumerate();
            let fields = fields
                .filter_map(|(key, value)| Some((key, value?)))
                .collect();
            Line {
                second,
                service,
                level,
                fields,
                rest: String::new(),
            }
        },
    )
}

fn stage() -> impl Strategy<Value = Stage> {
    let ops = prop::sample::select(vec![">", ">=", "<", "<=", "==", "!="]);
    prop_oneof![
        (0..KEYS.len(), any::<bool>()).prop_map(|(key, wanted)| Stage::Has(key, wanted)),
        (0..KEYS.len(), 0_u32..10, any::<bool>())
            .prop_map(|(key, digit, wanted)| Stage::Begins(key, digit, wanted)),
        (0..KEYS.len(), ops, 0_u32..30)
            .prop_map(|(key, op, number)| Stage::Compare(key, op, number)),
    ]
}

pub(crate) fn asked() -> impl Strategy<Value = Asked> {
    let by = prop::sample::subsequence(vec!["service", "level"], 0..=2);
    let outer = prop::sample::select(vec!["sum", "avg", "min", "max", "count"]);
    (
        prop::sample::subsequence(vec![0, 1, 2], 0..=3),
        prop::option::of(0..LEVELS.len()),
        prop::collection::vec(stage(), 0..4),
        (0..FUNCTIONS.len(), 0..KEYS.len()),
        (by, outer),
        (1_i64..20, 0_i64..5),
    )
        .prop_map(
            |(services, level, stages, (function, unwrapped), (by, outer), (range_s, offset_s))| {
                Asked {
                    services,
                    level,
                    stages,
                    function,
                    unwrapped,
                    by,
                    outer,
                    range_s,
                    offset_s,
                }
            },
        )
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs() + b.abs())
}

/// Compares the numbers of a query at every `step` seconds from `start` to `end` with a plain walk over `lines`, which are in order
/// of time.
pub(crate) fn numbers_agree(
    segments: &[Arc<Segment>],
    lines: &[Line],
    asked: &Asked,
    (start, end, step): (i64, i64, i64),
) -> Result<(), TestCaseError> {
    let query = asked.numbers();
    let Ok(Query::Metric(expression)) = logs::parse(&query) else {
        let parsed = logs::parse(&query);
        return Err(TestCaseError::fail(format!(
            "{query} does not parse: {parsed:?}"
        )));
    };
    let grid = Grid {
        start_ns: start * SECOND,
        end_ns: end * SECOND,
        step_ns: step * SECOND,
    };
    let found = logs::evaluate(segments, &expression, grid).unwrap();
    for second in (start..=end).step_by(step as usize) {
        let here: BTreeMap<Vec<String>, f64> = found
            .iter()
            .filter_map(|series| {
                let (_, value) = series
                    .points
                    .iter()
                    .find(|(at, _)| *at == second * SECOND)?;
                let label = |name: &&str| {
                    let found = series.labels.iter().find(|(n, _)| n == name);
                    found.map_or_else(String::new, |(_, value)| value.clone())
                };
                Some((asked.by.iter().map(label).collect(), *value))
            })
            .collect();
        let expected = asked.at(lines, second);
        let same = here.len() == expected.len()
            && here
                .iter()
                .zip(&expected)
                .all(|((a, x), (b, y))| a == b && close(*x, *y));
        prop_assert!(
            same,
            "{} at {} s\nexpected {:?}\n   found {:?}",
            query,
            second,
            expected,
            here
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn lines_are_those_that_a_plain_walk_finds(
        mut lines in prop::collection::vec(line(), 0..60),
        asked in asked(),
        window in (0_i64..45, 0_i64..45),
        limit in 1_usize..20,
    ) {
        lines.sort_by_key(|line| line.second);
        let (from, to) = (window.0.min(window.1), window.0.max(window.1));
        let found = store(&lines).query_logs(&asked.lines(), from * SECOND, to * SECOND, limit);
        let found: Vec<String> = found.unwrap().into_iter().map(|line| line.line).collect();
        let kept = lines.iter().filter(|line| line.second >= from && line.second < to && asked.keeps(line));
        let mut expected: Vec<String> = kept.map(Line::body).collect();
        // the newest, oldest first
        let expected = expected.split_off(expected.len().saturating_sub(limit));
        prop_assert_eq!(found, expected, "{}", asked.lines());
    }

    #[test]
    fn numbers_are_those_of_a_plain_walk(
        mut lines in prop::collection::vec(line(), 0..60),
        asked in asked(),
        start in 0_i64..20,
        step in 1_i64..9,
    ) {
        lines.sort_by_key(|line| line.second);
        let segments = store(&lines).intake().log_store().snapshot();
        numbers_agree(&segments, &lines, &asked, (start, 45, step))?;
    }
}
