//! The rule file of a spec: recording rules of error ratios, budgets and burn rates, and on request the alerts. Sloth's names and
//! labels, so that its dashboards fit; what Sloth does not have (`slo:period_total:events`, `slo:burn_rate:ratio`,
//! `slo:burn_rate_alert:active`, `slo:error_budget_policy:level`, `slo_info`) is recorded besides.

use std::fmt::Write as _;
use std::time::Duration;

use super::query::Query;
use super::spec::{AlertPart, Objective, Policy, Spec};
use super::windows::{Pair, Severity, Windows, Written};
use crate::promql::format_value;

/// The label of the window that a ratio is taken over.
const WINDOW: &str = "sloth_window";

struct Group {
    name: String,
    interval: Option<Duration>,
    rules: Vec<Rule>,
}

struct Rule {
    /// `record` or `alert`.
    kind: &'static str,
    name: String,
    expr: String,
    labels: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
}

impl Spec {
    /// The rules as a Prometheus rule file: recording rules, and the burn-rate alerts if they are asked for.
    #[must_use]
    pub fn rules(&self, with_alerts: bool) -> String {
        let mut text = format!(
            "# Objectives of {}, over {}: generated from a spec file, change that instead.\ngroups:\n",
            quoted(&self.service),
            Written(self.windows.period)
        );
        for objective in &self.objectives {
            let of = Of {
                spec: self,
                objective,
            };
            of.errors().write(&mut text);
            of.metadata().write(&mut text);
            if with_alerts {
                of.alerts().write(&mut text);
            }
        }
        text
    }
}

/// One objective of a spec.
struct Of<'a> {
    spec: &'a Spec,
    objective: &'a Objective,
}

impl Of<'_> {
    fn windows(&self) -> &Windows {
        &self.spec.windows
    }

    fn group(&self, what: &str, interval: Option<Duration>, rules: Vec<Rule>) -> Group {
        Group {
            name: format!("slo-{what}-{}", self.objective.id),
            interval,
            rules,
        }
    }

    /// Labels of all its series.
    fn labels(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = [
            ("sloth_id", self.objective.id.as_str()),
            ("sloth_service", self.spec.service.as_str()),
            ("sloth_slo", self.objective.name.as_str()),
        ];
        let own = own.iter().chain(more);
        let mut all = self.objective.labels.clone();
        all.extend(own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        all.sort();
        all
    }

    fn record(&self, name: &str, expr: String, more: &[(&str, &str)]) -> Rule {
        Rule {
            kind: "record",
            name: name.to_owned(),
            expr,
            labels: self.labels(more),
            annotations: Vec::new(),
        }
    }

    /// A recorded series of this objective.
    fn own(&self, name: &str) -> String {
        format!("{name}{{sloth_id={:?}}}", self.objective.id)
    }

    fn ratio(&self, window: Duration) -> String {
        self.own(&ratio_name(window))
    }

    fn errors(&self) -> Group {
        let period = self.windows().period;
        let (errors, total) = (&self.objective.errors, &self.objective.total);
        let mut rules: Vec<Rule> = self
            .windows()
            .all()
            .into_iter()
            .map(|window| {
                // no traffic is no data; what `rate` extrapolates may be a hair beyond what is possible
                let expr = format!(
                    "clamp(\n  {}\n  /\n  ({} > 0),\n0, 1)",
                    sum(errors, window),
                    sum(total, window)
                );
                let text = Written(window).to_string();
                self.record(&ratio_name(window), expr, &[(WINDOW, &text)])
            })
            .collect();
        let seconds = |per_second: bool| match per_second {
            true => format!(" * {}", format_value(period.as_secs_f64())),
            false => String::new(),
        };
        let text = Written(period).to_string();
        let window: &[(&str, &str)] = &[(WINDOW, &text)];
        let counted = format!("{}{} > 0", sum(total, period), seconds(total.per_second));
        let failed = format!(
            "clamp_min({}{}, 0)",
            sum(errors, period),
            seconds(errors.per_second)
        );
        rules.push(self.record("slo:period_total:events", counted, window));
        rules.push(self.record("slo:period_failed:events", failed, window));
        let share = format!(
            "clamp(\n  {}\n  /\n  {},\n0, 1)",
            self.own("slo:period_failed:events"),
            self.own("slo:period_total:events")
        );
        rules.push(self.record(&ratio_name(period), share, window));
        self.group("sli-recordings", self.objective.intervals.errors, rules)
    }

    fn metadata(&self) -> Group {
        let (objective, windows) = (self.objective, self.windows());
        let number = |value: f64| format!("vector({})", format_value(value));
        let of_budget = |ratio: &str| {
            format!(
                "{ratio}\n/ on(sloth_id) group_left\n{}",
                self.own("slo:error_budget:ratio")
            )
        };
        let any_window = format!(
            "{{__name__=~\"slo:sli_error:ratio_rate.+\",sloth_id={:?}}}",
            objective.id
        );
        let left = self.own("slo:period_error_budget_remaining:ratio");
        let level = format!(
            "({left} <= bool {})\n+\n({left} <= bool {})\n+\n({left} <= bool 0)",
            Policy::GREEN_OVER,
            Policy::YELLOW_OVER
        );
        let days = windows.period.as_secs_f64() / 86_400.0;
        let mut rules = vec![
            self.record("slo:objective:ratio", number(objective.target()), &[]),
            self.record("slo:error_budget:ratio", number(objective.budget()), &[]),
            self.record("slo:time_period:days", number(days), &[]),
            self.record(
                "slo:current_burn_rate:ratio",
                of_budget(&self.ratio(windows.current())),
                &[],
            ),
            self.record("slo:burn_rate:ratio", of_budget(&any_window), &[]),
            self.record(
                "slo:period_burn_rate:ratio",
                of_budget(&self.ratio(windows.period)),
                &[],
            ),
            self.record(
                "slo:period_error_budget_remaining:ratio",
                format!("1 - {}", self.own("slo:period_burn_rate:ratio")),
                &[],
            ),
            self.record("slo:error_budget_policy:level", level, &[]),
        ];
        rules.extend(windows.pairs.iter().map(|pair| {
            let more = [
                ("sloth_severity", pair.severity.name()),
                ("slo_pair", pair.speed.name()),
            ];
            self.record(
                "slo:burn_rate_alert:active",
                self.burns(pair, "> bool", "*"),
                &more,
            )
        }));
        let (percent, period) = (
            format_value(objective.percent),
            Written(windows.period).to_string(),
        );
        let info = [("slo_objective", percent.as_str()), ("slo_period", &period)];
        rules.push(self.record("slo_info", number(1.0), &info));
        self.group("meta-recordings", objective.intervals.metadata, rules)
    }

    /// Both windows of a pair over its factor; without the window's label, so that both match and an alert stays the same one.
    fn burns(&self, pair: &Pair, over: &str, both: &str) -> String {
        let (factor, budget) = (
            format_value(pair.factor),
            format_value(self.objective.budget()),
        );
        let side = |window| {
            let ratio = self.ratio(window);
            format!("max without ({WINDOW}) ({ratio} {over} ({factor} * {budget}))")
        };
        format!("{}\n{both}\n{}", side(pair.short), side(pair.long))
    }

    fn alerts(&self) -> Group {
        let alerting = &self.objective.alerting;
        let both = [
            (Severity::Page, &alerting.page),
            (Severity::Ticket, &alerting.ticket),
        ];
        let rules = both
            .into_iter()
            .filter_map(|(severity, part)| Some(self.alert(severity, part.as_ref()?)))
            .collect();
        self.group("alerts", self.objective.intervals.alerts, rules)
    }

    fn alert(&self, severity: Severity, part: &AlertPart) -> Rule {
        let alerting = &self.objective.alerting;
        let pairs = self.windows().pairs.iter();
        let pairs: Vec<String> = pairs
            .filter(|pair| pair.severity == severity)
            .map(|pair| format!("(\n{}\n)", self.burns(pair, ">", "and")))
            .collect();
        let name = severity.name();
        let about = "{{ $labels.sloth_service }} {{ $labels.sloth_slo }}";
        let said = [
            (
                "title",
                format!("({name}) {about} burns its error budget too fast."),
            ),
            (
                "summary",
                format!("{about}: the error budget burns faster than it may."),
            ),
        ];
        let said = said.map(|(key, text)| (key.to_owned(), text));
        let labels = [("sloth_severity".to_owned(), name.to_owned())];
        Rule {
            kind: "alert",
            name: alerting.name.clone(),
            expr: pairs.join("\nor\n"),
            labels: merged([&labels, &alerting.labels, &part.labels]),
            annotations: merged([&said, &alerting.annotations, &part.annotations]),
        }
    }
}

/// A query as one number; in lines of its own where it may end with a comment.
fn sum(query: &Query, window: Duration) -> String {
    match query.over(window) {
        text if text.contains(['#', '\n']) => format!("sum(\n{text}\n)"),
        text => format!("sum({text})"),
    }
}

fn ratio_name(window: Duration) -> String {
    format!("slo:sli_error:ratio_rate{}", Written(window))
}

/// Sorted by name; of one name the last is taken.
pub(super) fn merged<const N: usize>(all: [&[(String, String)]; N]) -> Vec<(String, String)> {
    let all = all.into_iter().flatten().cloned();
    all.collect::<std::collections::BTreeMap<_, _>>()
        .into_iter()
        .collect()
}

impl Group {
    fn write(&self, text: &mut String) {
        if self.rules.is_empty() {
            return;
        }
        // writing to a string cannot fail
        let _ = writeln!(text, "  - name: {}", quoted(&self.name));
        if let Some(interval) = self.interval {
            let _ = writeln!(text, "    interval: {}", Written(interval));
        }
        text.push_str("    rules:\n");
        for rule in &self.rules {
            let _ = writeln!(text, "      - {}: {}", rule.kind, quoted(&rule.name));
            let _ = writeln!(text, "        expr: {}", block(&rule.expr));
            for (key, pairs) in [("labels", &rule.labels), ("annotations", &rule.annotations)] {
                if !pairs.is_empty() {
                    let _ = writeln!(text, "        {key}:");
                }
                for (name, value) in pairs {
                    let _ = writeln!(text, "          {name}: {}", quoted(value));
                }
            }
        }
    }
}

/// A text in YAML, whatever stands in it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if is_plain(c) => out.push(c),
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out + "\""
}

/// Whether YAML takes a character as it is.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// An expression: in lines of its own where it has several, which read better.
fn block(expr: &str) -> String {
    if !expr.contains('\n') || !expr.chars().all(|c| c == '\n' || is_plain(c)) {
        return quoted(expr);
    }
    let lines = expr.lines().map(|line| format!("          {line}"));
    format!("|-\n{}", lines.collect::<Vec<_>>().join("\n"))
}
