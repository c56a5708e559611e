//! Reads a spec file: YAML in, a checked spec out, every problem with its place. Knows no rules.

use std::collections::HashSet;
use std::time::Duration;

use serde_saphyr::Spanned;

use super::generate::merged;
use super::query::Query;
use super::raw::{
    RawAlert, RawAlerting, RawIndicator, RawIntervals, RawObjective, RawPair, RawSpec, RawWindows,
};
use super::spec::{AlertPart, Alerting, Intervals, Objective, Spec, share};
use super::windows::{Pair, Windows};
use crate::alerts::rules::{self, Problem, RulesError, problem};
use crate::alerts::template::Template;
use crate::alerts::yaml::{Map, Texts};
use crate::promql;

/// The only version of the format there is.
const VERSION: &str = "prometheus/v1";
/// Objectives that one file may hold; each makes some twenty rules.
const OBJECTIVES_MAX: usize = 100;

/// Reads a spec file of Sloth's format `prometheus/v1`. Its `windows`, which Sloth has in a file of their own (the `spec` of its
/// `AlertWindows`), may be left out: thirty days then. Indicators are events; raw ratios and plugins are refused, since a budget
/// is counted in events.
///
/// # Errors
/// All problems of the file; where the YAML itself is broken or has an unknown key, that one.
pub fn read(yaml: &str) -> Result<Spec, RulesError> {
    rules::check_size(yaml)?;
    let options = serde_saphyr::options! { with_snippet: false };
    let raw: RawSpec = serde_saphyr::from_str_with_options(yaml, options)
        .map_err(|error| RulesError(vec![rules::yaml_problem(&error)]))?;
    let mut check = Check::default();
    let spec = check.spec(raw);
    match spec {
        Some(spec) if check.problems.is_empty() => usable(spec),
        _ => {
            check.problems.sort_by_key(|p| (p.line, p.column));
            Err(RulesError(check.problems))
        }
    }
}

/// A spec whose rules can be loaded: each query is within its limits, and what is made of all of them must be, too.
fn usable(spec: Spec) -> Result<Spec, RulesError> {
    match rules::read(&spec.rules(true)) {
        Ok(_) => Ok(spec),
        Err(error) => {
            let why = error.0.first().map_or("", |problem| &problem.message);
            Err(RulesError(vec![Problem::of_file(format!(
                "the rules that it makes are refused: {why}; write shorter queries, or several files"
            ))]))
        }
    }
}

#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

type Pairs = Vec<(String, String)>;

impl Check {
    fn add<T>(&mut self, at: &Spanned<T>, message: impl Into<String>) {
        self.problems.push(problem(at.referenced, message.into()));
    }

    fn add_to_file(&mut self, message: impl Into<String>) {
        self.problems.push(Problem::of_file(message.into()));
    }

    fn spec(&mut self, raw: RawSpec) -> Option<Spec> {
        match &raw.version {
            None => self.add_to_file(format!("add `version: {VERSION}`")),
            Some(version) if version.value != VERSION => self.add(
                version,
                format!("`{}` is unknown: write {VERSION}", version.value),
            ),
            Some(_) => {}
        }
        let service = match raw.service {
            None => {
                self.add_to_file("add `service:`, whose objectives these are");
                None
            }
            Some(service) => self.name(&service, "service"),
        };
        let labels = self.labels(raw.labels);
        let windows = match raw.windows {
            None => Some(Windows::default()),
            Some(windows) => self.windows(&windows),
        };
        let slos = match raw.slos {
            Some(slos) if slos.value.len() > OBJECTIVES_MAX => {
                let message = format!(
                    "{} objectives, the limit is {OBJECTIVES_MAX}: write several files",
                    slos.value.len()
                );
                self.add(&slos, message);
                return None;
            }
            Some(slos) if !slos.value.is_empty() => slos.value,
            _ => {
                self.add_to_file("there is no objective: add one to `slos:`");
                return None;
            }
        };
        let mut names = HashSet::new();
        let owner = service.clone().unwrap_or_default();
        let objectives: Vec<Objective> = slos
            .into_iter()
            .filter_map(|raw| self.objective(raw, &owner, &labels, &mut names))
            .collect();
        Some(Spec {
            service: service?,
            windows: windows?,
            objectives,
        })
    }

    fn objective(
        &mut self,
        raw: Spanned<RawObjective>,
        service: &str,
        labels: &[(String, String)],
        names: &mut HashSet<String>,
    ) -> Option<Objective> {
        let name = match &raw.value.name {
            None => {
                self.add(&raw, "the objective has no name: add `name:`");
                None
            }
            Some(name) if !names.insert(name.value.clone()) => {
                self.add(name, format!("the name `{}` is used twice", name.value));
                None
            }
            Some(name) => self.name(name, "name"),
        };
        let percent = match &raw.value.objective {
            None => {
                self.add(&raw, "add `objective:`, the percentage that must be good");
                None
            }
            Some(percent) => self.percent(percent),
        };
        if raw.value.sli.is_none() {
            self.add(&raw, "add `sli:` with `events:`");
        }
        if raw.value.alerting.is_none() {
            self.add(&raw, NO_ALERTING);
        }
        let value = raw.value;
        let own = self.labels(value.labels);
        let intervals = self.intervals(&value.interval);
        let queries = value.sli.and_then(|sli| self.indicator(sli));
        let alerting = value.alerting.and_then(|raw| self.alerting(raw));
        let (name, (errors, total)) = (name?, queries?);
        Some(Objective {
            id: format!("{service}-{name}"),
            name,
            description: value.description.trim().to_owned(),
            percent: percent?,
            labels: merged([labels, &own]),
            intervals,
            alerting: alerting?,
            errors,
            total,
        })
    }

    fn indicator(&mut self, sli: Spanned<RawIndicator>) -> Option<(Query, Query)> {
        let other = [("raw", &sli.value.raw), ("plugin", &sli.value.plugin)];
        for (key, given) in other {
            if let Some(given) = given {
                let message = format!(
                    "`{key}` is not supported, as a budget is counted in events: write `events:` with error_query and total_query"
                );
                self.add(given, message);
            }
        }
        let Some(events) = sli.value.events.as_ref() else {
            if sli.value.raw.is_none() && sli.value.plugin.is_none() {
                self.add(&sli, "add `events:` with error_query and total_query");
            }
            return None;
        };
        let mut query = |text: &Option<Spanned<String>>, key: &str| {
            let Some(text) = text.as_ref().filter(|text| !text.value.trim().is_empty()) else {
                self.add(events, format!("add `{key}:`"));
                return None;
            };
            match Query::parse(&text.value) {
                Ok(query) => Some(query),
                Err(message) => {
                    self.add(text, format!("{key}: {message}"));
                    None
                }
            }
        };
        let errors = query(&events.value.error_query, "error_query");
        let total = query(&events.value.total_query, "total_query");
        let (errors, total) = (errors?, total?);
        if errors.per_second != total.per_second {
            self.add(
                events,
                "one query counts per second, the other does not: use `rate` in both, or `increase` in both",
            );
        }
        Some((errors, total))
    }

    fn alerting(&mut self, raw: Spanned<RawAlerting>) -> Option<Alerting> {
        let asked = !(raw.value.page_alert.disable && raw.value.ticket_alert.disable);
        let name = raw.value.name.as_ref().map(|name| name.value.clone());
        if asked && name.as_ref().is_none_or(|name| name.trim().is_empty()) {
            self.add(&raw, NO_ALERTING);
            return None;
        }
        let mut part = |raw: RawAlert| {
            let part = AlertPart {
                labels: self.alert_labels(raw.labels),
                annotations: self.templates(raw.annotations),
            };
            (!raw.disable).then_some(part)
        };
        let (page, ticket) = (part(raw.value.page_alert), part(raw.value.ticket_alert));
        Some(Alerting {
            name: name.unwrap_or_default(),
            labels: self.alert_labels(raw.value.labels),
            annotations: self.templates(raw.value.annotations),
            page,
            ticket,
        })
    }

    /// Names become parts of series and group names.
    fn name(&mut self, text: &Spanned<String>, key: &str) -> Option<String> {
        let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let outer = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = text.value.as_bytes();
        if outer(bytes.first()) && outer(bytes.last()) && bytes.iter().all(|b| inner(*b)) {
            return Some(text.value.clone());
        }
        self.add(
            text,
            format!(
                "`{key}` is of letters, digits, `-`, `_` and `.`, a letter or digit at both ends: not `{}`",
                text.value
            ),
        );
        None
    }

    fn percent(&mut self, percent: &Spanned<f64>) -> Option<f64> {
        let value = percent.value;
        let message = match value {
            100.0 => {
                "an objective of 100 leaves no error budget: write less, such as 99.9".to_owned()
            }
            value if !(value > 0.0 && value < 100.0) => {
                format!(
                    "`{value}` is no objective: write a percentage over 0 and under 100, such as 99.9"
                )
            }
            value if share(value) <= 0.0 || share(100.0 - value) <= 0.0 => {
                "the objective has more than ten decimals: write fewer".to_owned()
            }
            value => return Some(value),
        };
        self.add(percent, message);
        None
    }

    fn labels(&mut self, map: Option<Map>) -> Pairs {
        let texts = map.map_or_else(Vec::new, Map::into_texts);
        for (name, _) in &texts {
            let own = name.value.starts_with("sloth_") || name.value.starts_with("slo_");
            let valid = promql::is_label_name(&name.value) && !name.value.starts_with("__");
            if own || !valid {
                let why = if own {
                    "is set by the rules themselves"
                } else {
                    "is no label name"
                };
                self.add(name, format!("`{}` {why}: choose another", name.value));
            }
        }
        plain(texts)
    }

    /// Labels of an alert, whose values may be templates.
    fn alert_labels(&mut self, map: Option<Map>) -> Pairs {
        for (_, text) in map.iter().flat_map(Map::texts) {
            self.template(text);
        }
        self.labels(map)
    }

    fn templates(&mut self, map: Option<Map>) -> Pairs {
        let texts = map.map_or_else(Vec::new, Map::into_texts);
        for (name, text) in &texts {
            if !promql::is_label_name(&name.value) {
                self.add(
                    name,
                    format!("`{}` is no name of an annotation", name.value),
                );
            }
            self.template(text);
        }
        plain(texts)
    }

    fn template(&mut self, text: &Spanned<String>) {
        if let Err(error) = Template::parse(&text.value) {
            self.add(text, error.to_string());
        }
    }

    fn intervals(&mut self, raw: &RawIntervals) -> Intervals {
        let all = self.optional(raw.all.as_ref());
        Intervals {
            errors: self.optional(raw.slierror.as_ref()).or(all),
            metadata: self.optional(raw.metadata.as_ref()).or(all),
            alerts: self.optional(raw.alert.as_ref()).or(all),
        }
    }

    fn optional(&mut self, text: Option<&Spanned<String>>) -> Option<Duration> {
        text.and_then(|text| self.duration(text))
    }

    fn duration(&mut self, text: &Spanned<String>) -> Option<Duration> {
        let duration = rules::duration(&text.value).filter(|duration| !duration.is_zero());
        if duration.is_none() {
            self.add(
                text,
                format!("`{}` is no duration such as 30s, 5m or 30d", text.value),
            );
        }
        duration
    }

    fn windows(&mut self, raw: &RawWindows) -> Option<Windows> {
        let period = self.duration(&raw.slo_period);
        let sides = [
            &raw.page.quick,
            &raw.page.slow,
            &raw.ticket.quick,
            &raw.ticket.slow,
        ];
        let read = sides.map(|side| self.pair(side, period));
        let mut windows = Windows {
            period: period?,
            ..Windows::default()
        };
        for (pair, read) in windows.pairs.iter_mut().zip(read) {
            let (short, long, factor) = read?;
            *pair = Pair {
                short,
                long,
                factor,
                ..*pair
            };
        }
        Some(windows)
    }

    /// Short and long window, and the factor at which the long one uses up its percentage of the budget.
    fn pair(
        &mut self,
        raw: &RawPair,
        period: Option<Duration>,
    ) -> Option<(Duration, Duration, f64)> {
        let percent = raw.error_budget_percent.value;
        if !(percent > 0.0 && percent <= 100.0) {
            self.add(
                &raw.error_budget_percent,
                format!(
                    "`{percent}` is no share of the budget: write a percentage over 0, at most 100"
                ),
            );
            return None;
        }
        let (short, long) = (
            self.duration(&raw.short_window),
            self.duration(&raw.long_window),
        );
        let (short, long, period) = (short?, long?, period?);
        if short >= long {
            self.add(
                &raw.short_window,
                "the short window must be shorter than the long one",
            );
            return None;
        }
        if long > period {
            self.add(
                &raw.long_window,
                "the window must not be longer than `sloPeriod`",
            );
            return None;
        }
        let factor = percent / 100.0 * (period.as_secs_f64() / long.as_secs_f64());
        Some((short, long, (factor * 1e9).round() / 1e9))
    }
}

fn plain(texts: Texts) -> Pairs {
    let both = texts.into_iter();
    both.map(|(name, text)| (name.value, text.value)).collect()
}

const NO_ALERTING: &str = "add `alerting:` with the alerts' `name`, or disable both `page_alert` and `ticket_alert` in it";
