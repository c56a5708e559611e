//! Unit tests of rules in the format of `promtool test rules`: series in, alerts and query results compared, the same verdict.
//! Reads no file system: the caller finds the rule files.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::engine::Engine;
use super::live::ns;
use super::rules::{self, FileError, Group, Problem, RulesError, problem};
use super::state::State;
use crate::metrics::labels::Labels;
use crate::metrics::store::{Budget, Store};
use crate::promql::{self, Answer, Limits, format_value, notation};

/// Evaluations that one test may ask for; a longer one is refused.
const EVALUATIONS_MAX: i64 = 100_000;
/// Samples that the series of one test may have.
const SAMPLES_MAX: usize = 5_000_000;

/// One test of a file and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its name, empty where the file gives none.
    pub name: String,
    /// Its line in the test file, from 1.
    pub line: u64,
    /// What was not as expected, each with expected and got; none: it passed.
    pub failures: Vec<String>,
}

/// Why a test file could not be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The test file itself has problems.
    #[error("{0}")]
    File(RulesError),
    /// A rule file has problems.
    #[error(transparent)]
    Rules(#[from] FileError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    rule_files: Vec<Spanned<String>>,
    #[serde(default)]
    evaluation_interval: Option<Spanned<String>>,
    #[serde(default)]
    group_eval_order: Vec<Spanned<String>>,
    #[serde(default)]
    tests: Vec<Spanned<RawTest>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTest {
    #[serde(default)]
    name: String,
    #[serde(default)]
    interval: Option<Spanned<String>>,
    #[serde(default)]
    input_series: Vec<RawSeries>,
    #[serde(default)]
    alert_rule_test: Vec<RawAlertTest>,
    #[serde(default)]
    promql_expr_test: Vec<RawQueryTest>,
    /// Only templates can see it in Prometheus, by `$externalLabels`, which our templates refuse.
    #[serde(default, rename = "external_labels")]
    _external_labels: BTreeMap<String, String>,
    #[serde(default, rename = "external_url")]
    _external_url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSeries {
    series: Spanned<String>,
    values: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAlertTest {
    eval_time: Spanned<String>,
    alertname: Spanned<String>,
    #[serde(default)]
    exp_alerts: Vec<ExpectedAlert>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAlert {
    #[serde(default)]
    exp_labels: BTreeMap<String, String>,
    #[serde(default)]
    exp_annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQueryTest {
    expr: Spanned<String>,
    eval_time: Spanned<String>,
    #[serde(default)]
    exp_samples: Vec<RawSample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSample {
    labels: Spanned<String>,
    value: f64,
}

/// What an alert shows: labels and annotations, sorted by name.
type Shown = (BTreeMap<String, String>, BTreeMap<String, String>);

/// Runs all tests of a file. `find` gives the rule files that a pattern of `rule_files` names, each as name and text.
///
/// # Errors
/// Problems of the test file or of a rule file, all of that file at once; nothing has run then.
pub fn run(
    yaml: &str,
    mut find: impl FnMut(&str) -> Result<Vec<(String, String)>, String>,
) -> Result<Vec<Outcome>, UnitError> {
    let options = serde_saphyr::options! { with_snippet: false };
    let file: RawFile = serde_saphyr::from_str_with_options(yaml, options)
        .map_err(|error| UnitError::File(RulesError(vec![rules::yaml_problem(&error)])))?;
    let mut check = Check::default();
    let interval = check.duration(file.evaluation_interval.as_ref(), Duration::from_secs(60));
    let mut groups = Vec::new();
    for pattern in &file.rule_files {
        match find(&pattern.value) {
            Err(message) => check.add(pattern, message),
            Ok(found) if found.is_empty() => {
                check.add(pattern, format!("no rule file matches `{}`", pattern.value));
            }
            Ok(found) => {
                for (name, text) in found {
                    let read = rules::read(&text);
                    groups.extend(read.map_err(|problems| FileError { name, problems })?);
                }
            }
        }
    }
    let groups = check.ordered(groups, &file.group_eval_order);
    let tests: Vec<(&Spanned<RawTest>, Test)> = file
        .tests
        .iter()
        .map(|raw| (raw, check.test(&raw.value, interval)))
        .collect();
    check.done()?;
    Ok(tests
        .into_iter()
        .map(|(raw, test)| Outcome {
            name: raw.value.name.clone(),
            line: raw.referenced.line(),
            failures: test.run(groups.clone(), interval),
        })
        .collect())
}

/// A test that can run.
struct Test {
    series: Vec<(Labels, Vec<Option<f64>>)>,
    step_ms: i64,
    alerts: Vec<AlertTest>,
    queries: Vec<QueryTest>,
}

struct AlertTest {
    at_ms: i64,
    name: String,
    expected: Vec<Shown>,
}

struct QueryTest {
    at_ms: i64,
    query: String,
    expected: Vec<(Labels, f64)>,
}

#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn add<T>(&mut self, at: &Spanned<T>, message: impl Into<String>) {
        self.problems.push(problem(at.referenced, message.into()));
    }

    fn done(mut self) -> Result<(), UnitError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        self.problems.sort_by_key(|p| (p.line, p.column));
        Err(UnitError::File(RulesError(self.problems)))
    }

    fn duration(&mut self, text: Option<&Spanned<String>>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        match rules::duration(&text.value) {
            Some(duration) if !duration.is_zero() => duration,
            _ => {
                self.add(
                    text,
                    format!("`{}` is no interval such as 30s or 1m", text.value),
                );
                default
            }
        }
    }

    fn time_ms(&mut self, text: &Spanned<String>) -> i64 {
        if let Some(time) = rules::duration(&text.value) {
            return ns(time) / 1_000_000;
        }
        let message = format!(
            "`{}` is no time since the start such as 0, 90s or 5m",
            text.value
        );
        self.add(text, message);
        0
    }

    /// The groups in the order of `group_eval_order`; those that it does not name come after, as the files have them.
    fn ordered(&mut self, mut groups: Vec<Group>, order: &[Spanned<String>]) -> Vec<Group> {
        for (at, name) in order.iter().enumerate() {
            if !groups.iter().any(|group| group.name == name.value) {
                self.add(name, format!("no group is named `{}`", name.value));
            }
            if order[..at].iter().any(|other| other.value == name.value) {
                self.add(name, format!("the group `{}` is listed twice", name.value));
            }
        }
        let place = |group: &Group| {
            let listed = order.iter().position(|name| name.value == group.name);
            listed.unwrap_or(order.len())
        };
        groups.sort_by_key(place);
        groups
    }

    fn test(&mut self, raw: &RawTest, interval: Duration) -> Test {
        let step = self.duration(raw.interval.as_ref(), interval);
        let (mut series, mut samples) = (Vec::new(), 0);
        for line in &raw.input_series {
            let labels = self.labels(&line.series);
            let values = notation::values(&line.values.value).unwrap_or_else(|message| {
                self.add(&line.values, message);
                Vec::new()
            });
            samples += values.len();
            if samples > SAMPLES_MAX {
                self.add(
                    &line.values,
                    format!("more than {SAMPLES_MAX} samples in one test"),
                );
                break;
            }
            series.push((labels, values));
        }
        let alerts: Vec<AlertTest> = raw.alert_rule_test.iter().map(|t| self.alert(t)).collect();
        let queries: Vec<QueryTest> = raw.promql_expr_test.iter().map(|t| self.query(t)).collect();
        let last = alerts
            .iter()
            .map(|t| t.at_ms)
            .chain(queries.iter().map(|t| t.at_ms))
            .max();
        let interval_ms = (ns(interval) / 1_000_000).max(1);
        if last.unwrap_or(0) / interval_ms > EVALUATIONS_MAX {
            let at = raw.alert_rule_test.iter().map(|t| &t.eval_time);
            let mut at = at.chain(raw.promql_expr_test.iter().map(|t| &t.eval_time));
            if let Some(at) = at.find(|t| {
                rules::duration(&t.value).is_some_and(|d| Some(ns(d) / 1_000_000) == last)
            }) {
                self.add(
                    at,
                    format!("more than {EVALUATIONS_MAX} evaluations until then"),
                );
            }
        }
        Test {
            series,
            step_ms: (ns(step) / 1_000_000).max(1),
            alerts,
            queries,
        }
    }

    fn labels(&mut self, text: &Spanned<String>) -> Labels {
        let pairs = notation::series(&text.value).unwrap_or_else(|message| {
            self.add(text, message);
            Vec::new()
        });
        Labels::from_pairs(pairs)
    }

    fn alert(&mut self, raw: &RawAlertTest) -> AlertTest {
        if raw.alertname.value.is_empty() {
            self.add(&raw.alertname, "an alert test needs the alert's name");
        }
        let expected = raw.exp_alerts.iter().map(|alert| {
            // Prometheus adds it, the author of a test does not write it
            let mut labels = alert.exp_labels.clone();
            labels.insert("alertname".to_owned(), raw.alertname.value.clone());
            (labels, alert.exp_annotations.clone())
        });
        let mut expected: Vec<Shown> = expected.collect();
        expected.sort();
        AlertTest {
            at_ms: self.time_ms(&raw.eval_time),
            name: raw.alertname.value.clone(),
            expected,
        }
    }

    fn query(&mut self, raw: &RawQueryTest) -> QueryTest {
        let mut expected: Vec<(Labels, f64)> = raw
            .exp_samples
            .iter()
            .map(|sample| (self.labels(&sample.labels), sample.value))
            .collect();
        expected.sort_by(|(a, _), (b, _)| a.cmp(b));
        QueryTest {
            at_ms: self.time_ms(&raw.eval_time),
            query: raw.expr.value.clone(),
            expected,
        }
    }
}

impl Test {
    fn run(&self, groups: Vec<Group>, interval: Duration) -> Vec<String> {
        let store = Arc::new(Store::new(Budget {
            series: usize::MAX,
            sample_bytes: usize::MAX,
        }));
        for (labels, values) in &self.series {
            for (at, value) in (0_i64..).zip(values) {
                if let Some(value) = value {
                    store.append(labels, at * self.step_ms, *value);
                }
            }
        }
        let engine = Engine::new(store.clone());
        engine.replace(groups);
        let interval_ms = (ns(interval) / 1_000_000).max(1);
        let times = self.alerts.iter().map(|t| t.at_ms);
        let last_ms = times.chain(self.queries.iter().map(|t| t.at_ms)).max();
        let mut failures = Vec::new();
        for now_ms in (0..=last_ms.unwrap_or(0)).step_by(usize::try_from(interval_ms).unwrap_or(1))
        {
            engine.evaluate_all(now_ms.saturating_mul(1_000_000));
            for rule in engine.rules() {
                if let Some(error) = rule.error {
                    failures.push(format!(
                        "rule: {}, time: {}, error: {error}",
                        rule.name,
                        seconds(now_ms)
                    ));
                }
            }
            // an alert is as the newest evaluation before its time left it
            let due = |test: &&AlertTest| (now_ms..now_ms + interval_ms).contains(&test.at_ms);
            failures.extend(
                self.alerts
                    .iter()
                    .filter(due)
                    .filter_map(|test| test.failure(&engine)),
            );
        }
        failures.extend(self.queries.iter().filter_map(|test| test.failure(&store)));
        failures
    }
}

impl AlertTest {
    fn failure(&self, engine: &Engine) -> Option<String> {
        let firing = engine
            .alerts()
            .into_iter()
            .filter(|alert| alert.state == State::Firing && alert.name == self.name);
        let mut got: Vec<Shown> = firing
            .map(|alert| {
                (
                    alert.labels.into_iter().collect(),
                    alert.annotations.into_iter().collect(),
                )
            })
            .collect();
        got.sort();
        (got != self.expected).then(|| {
            format!(
                "alertname: {}, time: {}\n  expected: {}\n  got:      {}",
                self.name,
                seconds(self.at_ms),
                shown(&self.expected),
                shown(&got)
            )
        })
    }
}

impl QueryTest {
    fn failure(&self, store: &Store) -> Option<String> {
        let place = || format!("expr: {:?}, time: {}", self.query, seconds(self.at_ms));
        let answer = promql::parse_plain(&self.query)
            .and_then(|expr| promql::instant(store, &expr, self.at_ms, Limits::default()));
        let mut got = match answer {
            Ok(Answer::Vector(found)) => found,
            Ok(Answer::Scalar(value)) => vec![(Labels::empty(), value)],
            Ok(Answer::Text(_) | Answer::Matrix(_)) => {
                return Some(format!("{}, error: neither a vector nor a scalar", place()));
            }
            Err(error) => return Some(format!("{}, error: {error}", place())),
        };
        got.sort_by(|(a, _), (b, _)| a.cmp(b));
        // exactly, as promtool compares: a NaN is never as expected
        (got != self.expected).then(|| {
            format!(
                "{}\n  expected: {}\n  got:      {}",
                place(),
                samples(&self.expected),
                samples(&got)
            )
        })
    }
}

fn seconds(ms: i64) -> String {
    format!("{}s", format_value(ms as f64 / 1000.0))
}

fn shown(alerts: &[Shown]) -> String {
    let each = alerts
        .iter()
        .map(|(labels, annotations)| format!("labels {labels:?}, annotations {annotations:?}"));
    listed(each)
}

fn samples(samples: &[(Labels, f64)]) -> String {
    listed(samples.iter().map(|(labels, value)| {
        let labels: BTreeMap<&str, &str> = labels.iter().collect();
        format!("{labels:?} {}", format_value(*value))
    }))
}

fn listed(each: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = each.collect();
    if all.is_empty() {
        "nothing".to_owned()
    } else {
        all.join("\n            ")
    }
}

#[cfg(test)]
#[path = "unit_tests.rs"]
mod tests;
