//! Rule files as Prometheus reads them: YAML in, checked rules out, every problem with its place. Evaluates nothing.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use promql_parser::parser::Expr;
use promql_parser::parser::value::ValueType;
use serde_saphyr::{Location, Spanned};

use super::template::Template;
use super::yaml::{Node, RawFile, RawGroup, RawRule, Texts};
use crate::error::QueryError;
use crate::promql;

/// Bytes of the largest rule file; a larger one is refused.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// One thing that is wrong with a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1; 0 when the place is unknown.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// Byte offset and length in the file, for a report with the source beside it.
    pub span: (usize, usize),
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl Problem {
    /// A problem of the file as a whole.
    pub(crate) fn of_file(message: String) -> Self {
        Self {
            line: 0,
            column: 0,
            span: (0, 0),
            message,
        }
    }
}

/// Why a rule file, or a spec file of objectives, was refused: all its problems, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RulesError(pub Vec<Problem>);

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            match problem.line {
                0 => write!(f, "{separator}{}", problem.message)?,
                line => write!(
                    f,
                    "{separator}line {line}, column {}: {}",
                    problem.column, problem.message
                )?,
            }
        }
        Ok(())
    }
}

/// Why rules were not loaded: a file among them has problems.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule file {name}: {problems}")]
pub struct FileError {
    /// The file's name.
    pub name: String,
    /// Its problems.
    pub problems: RulesError,
}

/// A group of rules, evaluated in order.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name, unique in the file.
    pub name: String,
    /// How often it is evaluated; `None`: after each round of scrapes.
    pub interval: Option<Duration>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The alert's name, or the name of the recorded series.
    pub name: String,
    /// Whether it alerts or records.
    pub kind: Kind,
    /// The expression as written.
    pub query: String,
    /// The expression.
    pub expr: Expr,
    /// Labels to add, of alerting rules; those of recording rules are no templates, and stand in `labels_text` alone.
    pub labels: Vec<(String, Template)>,
    /// The labels as written.
    pub labels_text: Vec<(String, String)>,
    /// Annotations.
    pub annotations: Vec<(String, Template)>,
    /// The annotations as written.
    pub annotations_text: Vec<(String, String)>,
}

/// What a rule does with its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `alert:`
    Alerting {
        /// How long the condition must hold before the alert fires.
        for_: Duration,
        /// How long the alert goes on firing after the condition has gone.
        keep_firing_for: Duration,
    },
    /// `record:`
    Recording,
}

/// Checks a rule file as `promtool check rules` does; returns how many rules it holds.
///
/// # Errors
/// All problems of the file.
pub fn check(yaml: &str) -> Result<usize, RulesError> {
    Ok(read(yaml)?.iter().map(|group| group.rules.len()).sum())
}

/// Reads a rule file.
///
/// # Errors
/// All problems of the file; where the YAML itself is broken, the place of the break.
pub fn read(yaml: &str) -> Result<Vec<Group>, RulesError> {
    check_size(yaml)?;
    let options = serde_saphyr::options! { with_snippet: false };
    let mut file: RawFile = serde_saphyr::from_str_with_options(yaml, options)
        .map_err(|error| RulesError(vec![yaml_problem(&error)]))?;
    let mut check = Check {
        problems: Vec::new(),
    };
    check.unknown(&file.0.unknown, RawFile::KEYS);
    let raw = match file.0.known[0].take() {
        Some(Node::Groups(groups)) => groups,
        _ => Vec::new(),
    };
    let mut names = HashSet::new();
    let groups: Vec<Group> = raw
        .into_iter()
        .filter_map(|group| check.group(group, &mut names))
        .collect();
    if check.problems.is_empty() {
        return Ok(groups);
    }
    check.problems.sort_by_key(|p| (p.line, p.column));
    Err(RulesError(check.problems))
}

/// Refuses a file that is too large to be read.
pub(crate) fn check_size(yaml: &str) -> Result<(), RulesError> {
    if yaml.len() <= FILE_BYTES_MAX {
        return Ok(());
    }
    let message = format!("the file has more than {FILE_BYTES_MAX} bytes, which is the limit");
    Err(RulesError(vec![Problem::of_file(message)]))
}

/// Where and why a file is no YAML, or not of the shape.
pub(crate) fn yaml_problem(error: &serde_saphyr::Error) -> Problem {
    let location = error.location().unwrap_or(Location::UNKNOWN);
    let text = error.without_snippet().to_string();
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    problem(location, message)
}

pub(crate) fn problem(location: Location, message: String) -> Problem {
    let span = location.span();
    let bytes = (
        span.byte_offset().unwrap_or_else(|| span.offset()),
        span.byte_len().unwrap_or_else(|| span.len()),
    );
    let bytes = (
        usize::try_from(bytes.0).unwrap_or(0),
        usize::try_from(bytes.1).unwrap_or(0),
    );
    Problem {
        line: location.line(),
        column: location.column(),
        span: bytes,
        message,
    }
}

struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn add(&mut self, at: Location, message: impl Into<String>) {
        self.problems.push(problem(at, message.into()));
    }

    fn unknown(&mut self, keys: &[Spanned<String>], known: &[&str]) {
        for key in keys {
            self.add(
                key.referenced,
                format!(
                    "unknown key `{}`; these are known: {}",
                    key.value,
                    known.join(", ")
                ),
            );
        }
    }

    fn group(&mut self, raw: Spanned<RawGroup>, names: &mut HashSet<String>) -> Option<Group> {
        let (at, mut fields) = (raw.referenced, raw.value.0);
        self.unknown(&fields.unknown, RawGroup::KEYS);
        if let Some(limit) = fields
            .text(RawGroup::KEYS, "limit")
            .filter(|limit| limit.value != "0")
        {
            self.add(
                limit.referenced,
                "`limit` of a group is not supported: leave it out",
            );
        }
        let name = fields
            .text(RawGroup::KEYS, "name")
            .filter(|name| !name.value.is_empty());
        match &name {
            None => self.add(at, "the group has no name: add `name:`"),
            Some(name) if !names.insert(name.value.clone()) => {
                self.add(
                    name.referenced,
                    format!("the group name `{}` is used twice", name.value),
                );
            }
            Some(_) => {}
        }
        let interval = fields
            .text(RawGroup::KEYS, "interval")
            .and_then(|text| self.duration(&text, "interval"));
        let raw_rules = match fields.known[2].take() {
            Some(Node::Rules(rules)) => rules,
            _ => Vec::new(),
        };
        let rules = raw_rules
            .into_iter()
            .filter_map(|rule| self.rule(rule))
            .collect();
        Some(Group {
            name: name?.value,
            interval: interval.filter(|i| !i.is_zero()),
            rules,
        })
    }

    fn rule(&mut self, raw: Spanned<RawRule>) -> Option<Rule> {
        let (at, mut fields) = (raw.referenced, raw.value.0);
        let keys = RawRule::KEYS;
        self.unknown(&fields.unknown, keys);
        let present = |text: Option<Spanned<String>>| text.filter(|t| !t.value.is_empty());
        let (alert, record) = (
            present(fields.text(keys, "alert")),
            present(fields.text(keys, "record")),
        );
        let (for_text, keep_text) = (
            fields.text(keys, "for"),
            fields.text(keys, "keep_firing_for"),
        );
        let for_ = for_text
            .as_ref()
            .and_then(|text| self.duration(text, "for"))
            .unwrap_or_default();
        let keep_firing_for = keep_text
            .as_ref()
            .and_then(|text| self.duration(text, "keep_firing_for"))
            .unwrap_or_default();
        let (labels, annotations) = (
            fields.texts(keys, "labels"),
            fields.texts(keys, "annotations"),
        );
        let waits = (for_text, keep_text);
        let (name, kind) = match (alert, record) {
            (Some(alert), Some(_)) => {
                self.add(
                    alert.referenced,
                    "a rule has either `alert` or `record`, not both",
                );
                return None;
            }
            (None, None) => {
                self.add(at, "the rule has neither `alert` nor `record`");
                return None;
            }
            (Some(alert), None) => (
                alert.value,
                Kind::Alerting {
                    for_,
                    keep_firing_for,
                },
            ),
            (None, Some(record)) => {
                self.recording(&record, waits, &annotations);
                (record.value, Kind::Recording)
            }
        };
        let plain = |texts: &Texts| {
            texts
                .iter()
                .map(|(k, v)| (k.value.clone(), v.value.clone()))
                .collect::<Vec<_>>()
        };
        let (labels_text, annotations_text) = (plain(&labels), plain(&annotations));
        let labels = self.rule_labels(kind, labels);
        let annotations = self.templates(annotations, false);
        let (query, expr) = self.expression(at, fields.text(keys, "expr"))?;
        Some(Rule {
            name,
            kind,
            query,
            expr,
            labels,
            labels_text,
            annotations,
            annotations_text,
        })
    }

    /// What a recording rule must not have.
    fn recording(
        &mut self,
        record: &Spanned<String>,
        waits: (Option<Spanned<String>>, Option<Spanned<String>>),
        annotations: &Texts,
    ) {
        if !promql::is_metric_name(&record.value) {
            let message = format!("invalid recording rule name `{}`", record.value);
            self.add(record.referenced, message);
        }
        for (text, key) in [(waits.0, "for"), (waits.1, "keep_firing_for")] {
            if let Some(text) = text {
                self.add(
                    text.referenced,
                    format!("`{key}` belongs to alerting rules"),
                );
            }
        }
        if let Some((key, _)) = annotations.first() {
            self.add(key.referenced, "`annotations` belong to alerting rules");
        }
    }

    fn expression(
        &mut self,
        rule: Location,
        text: Option<Spanned<String>>,
    ) -> Option<(String, Expr)> {
        let Some(text) = text.filter(|t| !t.value.trim().is_empty()) else {
            self.add(rule, "the rule has no expression: add `expr:`");
            return None;
        };
        match parse(&text.value) {
            Ok(expr) => Some((text.value, expr)),
            Err(error) => {
                self.add(text.referenced, format!("expr: {error}"));
                None
            }
        }
    }

    fn duration(&mut self, text: &Spanned<String>, key: &str) -> Option<Duration> {
        let duration = duration(&text.value);
        if duration.is_none() {
            self.add(
                text.referenced,
                format!(
                    "`{key}` is not a duration such as 30s, 5m or 1h30m: `{}`",
                    text.value
                ),
            );
        }
        duration
    }

    fn name(&mut self, key: &Spanned<String>, labels: bool) {
        let name = &key.value;
        if !promql::is_label_name(name) || (labels && name == "__name__") {
            let what = if labels { "label" } else { "annotation" };
            self.add(key.referenced, format!("invalid {what} name `{name}`"));
        }
    }

    /// The labels of an alerting rule; those of a recording rule are no templates, and only their names can be wrong.
    fn rule_labels(&mut self, kind: Kind, labels: Texts) -> Vec<(String, Template)> {
        if kind != Kind::Recording {
            return self.templates(labels, true);
        }
        labels.iter().for_each(|(key, _)| self.name(key, true));
        Vec::new()
    }

    fn templates(&mut self, texts: Texts, labels: bool) -> Vec<(String, Template)> {
        let mut templates = Vec::with_capacity(texts.len());
        for (key, text) in texts {
            self.name(&key, labels);
            match Template::parse(&text.value) {
                Ok(template) => templates.push((key.value, template)),
                Err(error) => self.add(text.referenced, error.to_string()),
            }
        }
        templates
    }
}

/// A duration as rule files write it: `0`, or numbers with units.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    text.ends_with(|c: char| c.is_ascii_alphabetic())
        .then(|| promql::parse_duration(text))
        .flatten()
}

/// Parses a rule's expression, which must be of a type that a rule can use.
pub(super) fn parse(query: &str) -> Result<Expr, QueryError> {
    let expr = promql::parse_plain(query)?;
    match expr.value_type() {
        ValueType::Scalar | ValueType::Vector => Ok(expr),
        other => Err(QueryError::Invalid {
            position: 0,
            message: format!("a rule needs an instant vector or scalar, not a {other}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_rule_file_is_read() {
        let groups = read(
            r#"
groups:
  - name: shop
    interval: 15s
    rules:
      - record: service:errors:ratio
        expr: sum by (service) (rate(errors_total[1m])) / sum by (service) (rate(requests_total[1m]))
        labels: { team: shop }
      - alert: HighErrorRate
        expr: |
          service:errors:ratio > 0.05
        for: 5m
        keep_firing_for: 1m
        labels:
          severity: critical
        annotations:
          summary: "{{ $labels.service }} fails {{ $value | humanizePercentage }}"
"#,
        )
        .unwrap();
        assert_eq!(
            (groups[0].name.as_str(), groups[0].interval),
            ("shop", Some(Duration::from_secs(15)))
        );
        let alert = &groups[0].rules[1];
        let kind = Kind::Alerting {
            for_: Duration::from_secs(300),
            keep_firing_for: Duration::from_secs(60),
        };
        assert_eq!((alert.name.as_str(), alert.kind), ("HighErrorRate", kind));
        assert_eq!(
            alert.labels_text,
            [("severity".to_owned(), "critical".to_owned())]
        );
        assert_eq!(groups[0].rules[0].kind, Kind::Recording);
    }

    #[test]
    fn labels_of_recording_rules_are_no_templates() {
        let rule = |kind: &str| {
            format!(
                "groups: [{{ name: g, rules: [{{ {kind}: r, expr: up, labels: {{ a: '{{{{' }} }}] }}]"
            )
        };
        let groups = read(&rule("record")).unwrap();
        let text = ("a".to_owned(), "{{".to_owned());
        assert_eq!(groups[0].rules[0].labels_text, [text]);
        assert!(read(&rule("alert")).is_err());
    }

    #[test]
    fn all_problems_are_told_at_once_with_their_places() {
        let error = read(
            r#"groups:
  - name: a
    intervall: 5s
    rules:
      - alert: One
        expr: up ==
        for: soon
      - alert: Two
        record: two
        expr: up
      - expr: up
      - record: "bad name"
        expr: up
        for: 5m
        annotations: { summary: "{{ nope }}" }
      - alert: Three
        expr: up[5m]
        label: {}
        labels: { "0bad": x }
  - name: a
wrong: 1
"#,
        )
        .unwrap_err();
        let found: Vec<(u64, u64)> = error.0.iter().map(|p| (p.line, p.column)).collect();
        let lines: Vec<u64> = found.iter().map(|p| p.0).collect();
        assert_eq!(
            lines,
            [3, 6, 7, 8, 11, 12, 14, 15, 15, 17, 18, 19, 20, 21],
            "{error}"
        );
        let text = error.to_string();
        for part in [
            "unknown key `intervall`",
            "expr: parse error",
            "`soon`",
            "not both",
            "neither",
            "bad name",
            "`for` belongs",
            "range vector",
            "unknown key `label`",
            "0bad",
            "used twice",
            "unknown key `wrong`",
        ] {
            let part = if part == "range vector" {
                "not a matrix"
            } else {
                part
            };
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        assert_eq!(error.0[0].span.1, "intervall".len());
    }

    #[test]
    fn broken_yaml_is_an_error_with_a_line() {
        for yaml in ["groups:\n  - name: [", "groups: 5", "- a", "groups:\n\t- x"] {
            let error = read(yaml).expect_err(yaml);
            assert!(error.0[0].line >= 1, "{yaml}: {error}");
        }
        assert!(read("groups: []").unwrap().is_empty());
    }
}
