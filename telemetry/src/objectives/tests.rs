//! Objectives over counters that are written by hand: exact figures, edges, and what must hold for any counters.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::alerts::check;
use crate::metrics::{Metrics, MetricsConfig};
use crate::time::{TimeSource, TraceId};

const STEP_S: i64 = 5;
const SECOND_NS: i64 = 1_000_000_000;

struct Unused;

impl TimeSource for Unused {
    fn now_ns(&self) -> i64 {
        0
    }

    fn stamp_ns(&self, emitted_ns: i64, _trace: Option<TraceId>) -> i64 {
        emitted_ns
    }
}

/// A spec of one objective over an hour, with windows as a drill has them.
fn spec(percent: f64) -> String {
    format!(
        r#"
version: prometheus/v1
service: shop
windows:
  sloPeriod: 1h
  page:
    quick: {{ errorBudgetPercent: 24, shortWindow: 30s, longWindow: 1m }}
    slow: {{ errorBudgetPercent: 25, shortWindow: 30s, longWindow: 2m30s }}
  ticket:
    quick: {{ errorBudgetPercent: 25, shortWindow: 1m, longWindow: 5m }}
    slow: {{ errorBudgetPercent: 25, shortWindow: 2m, longWindow: 15m }}
slos:
  - name: answers
    objective: {percent}
    description: Answers are right.
    labels: {{ team: shop }}
    sli:
      events:
        error_query: sum(rate(requests_total{{code="500"}}[{{{{.window}}}}])) or vector(0)
        total_query: sum(rate(requests_total[{{{{.window}}}}]))
    alerting: {{ name: AnswersBurn }}
"#
    )
}

/// A store with counters that go on step by step, the rules evaluated after each.
struct Lab {
    metrics: Metrics,
    second: i64,
    good: f64,
    bad: f64,
}

impl Lab {
    fn new(spec: &str) -> Self {
        let metrics = Metrics::new(MetricsConfig::default(), Arc::new(Unused));
        metrics.load_rules([], vec![read(spec).unwrap()]).unwrap();
        Self {
            metrics,
            second: 0,
            good: 0.0,
            bad: 0.0,
        }
    }

    fn scrape(&self) {
        for (code, value) in [("200", self.good), ("500", self.bad)] {
            let labels = [("__name__", "requests_total"), ("code", code)];
            self.metrics.append(&labels, self.second * 1_000, value);
        }
    }

    /// So many steps, each with so many good and bad requests. The first scrape is that of the counters at zero.
    fn steps(&mut self, steps: i64, good: f64, bad: f64) {
        if self.second == 0 {
            self.scrape();
        }
        for _ in 0..steps {
            self.second += STEP_S;
            self.good += good;
            self.bad += bad;
            self.scrape();
            self.evaluate();
        }
    }

    fn evaluate(&self) {
        self.metrics.alerts().evaluate(self.second * SECOND_NS);
        let failed = self.metrics.alerts().rules().into_iter();
        let errors: Vec<_> = failed.filter_map(|rule| rule.error).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }

    fn figures(&self) -> Figures {
        let specs = self.metrics.objectives();
        let mut all = figures(&self.metrics, &specs, self.second * SECOND_NS).unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn value(&self, query: &str) -> Option<f64> {
        self.metrics.scalar(query, self.second * SECOND_NS).unwrap()
    }
}

fn near(got: Option<f64>, expected: f64) {
    let got = got.unwrap_or(f64::NAN);
    let close = (got - expected).abs() <= 1e-9 * expected.abs().max(1.0);
    assert!(close, "got {got}, expected {expected}");
}

#[test]
fn figures_of_an_incident_are_exact() {
    let mut lab = Lab::new(&spec(99.9));
    lab.steps(120, 50.0, 0.0);
    // two of a hundred fail for a minute: 12 of 6,600 in all
    lab.steps(12, 49.0, 1.0);
    let found = lab.figures();
    assert_eq!(
        (&*found.id, &*found.service, &*found.name, &*found.window),
        ("shop-answers", "shop", "answers", "1h")
    );
    assert_eq!((found.objective, found.error_budget), (0.999, 0.001));
    near(found.total, 6_600.0);
    near(found.failed, 12.0);
    near(found.sli, 1.0 - 12.0 / 6_600.0);
    near(found.error_budget_remaining, 1.0 - 12.0 / 6.6);
    near(found.burn_rate, 20.0);
    let windows: Vec<&str> = found.burn_rates.iter().map(|b| &*b.window).collect();
    assert_eq!(windows, ["30s", "1m", "2m", "2m30s", "5m", "15m", "1h"]);
    let expected = [20.0, 20.0, 10.0, 8.0, 4.0, 12.0 / 6.6, 12.0 / 6.6];
    for (burn, expected) in found.burn_rates.iter().zip(expected) {
        near(burn.burn_rate, expected);
    }
    let factors: Vec<f64> = found.pairs.iter().map(|pair| pair.factor).collect();
    assert_eq!(factors, [14.4, 6.0, 3.0, 1.0]);
    assert!(found.pairs.iter().all(|pair| pair.burning == Some(true)));
    assert_eq!(found.policy, Some(Policy::Exhausted));
    assert_eq!(found.exhausted_in_s, Some(0.0));
    assert!(found.problems.is_empty());
}

#[test]
fn after_an_incident_short_windows_recover_first() {
    let mut lab = Lab::new(&spec(99.0));
    lab.steps(120, 50.0, 0.0);
    // burns 40 times as fast as it may for 30 seconds
    lab.steps(6, 30.0, 20.0);
    let burning = |lab: &Lab| -> Vec<Option<bool>> {
        lab.figures().pairs.iter().map(|p| p.burning).collect()
    };
    assert_eq!(burning(&lab), [Some(true); 4]);
    lab.steps(6, 50.0, 0.0);
    // the pages are over, the tickets are not
    assert_eq!(
        burning(&lab),
        [Some(false), Some(false), Some(true), Some(true)]
    );
    near(lab.figures().burn_rate, 0.0);
    lab.steps(24, 50.0, 0.0);
    assert_eq!(burning(&lab), [Some(false); 4]);
    // what is used up remains so
    let found = lab.figures();
    near(found.failed, 120.0);
    near(found.error_budget_remaining, 1.0 - 120.0 / 78.0);
    assert_eq!(found.policy, Some(Policy::Exhausted));
}

#[test]
fn policies_change_at_just_three_quarters_a_quarter_and_nothing() {
    // half of 1,000 requests may fail
    for (failed, left, policy) in [
        (0.0, 1.0, Policy::Green),
        (124.0, 0.752, Policy::Green),
        (125.0, 0.75, Policy::Yellow),
        (374.0, 0.252, Policy::Yellow),
        (375.0, 0.25, Policy::Red),
        (499.0, 0.002, Policy::Red),
        (500.0, 0.0, Policy::Exhausted),
        (1_000.0, -1.0, Policy::Exhausted),
    ] {
        let mut lab = Lab::new(&spec(50.0));
        lab.steps(1, 1_000.0 - failed, failed);
        let found = lab.figures();
        near(found.error_budget_remaining, left);
        assert_eq!(found.policy, Some(policy), "{failed}");
    }
}

#[test]
fn no_traffic_is_no_data() {
    let mut lab = Lab::new(&spec(99.9));
    lab.evaluate();
    let nothing = |found: &Figures| {
        let figures = [
            found.total,
            found.failed,
            found.sli,
            found.error_budget_remaining,
            found.burn_rate,
            found.exhausted_in_s,
        ];
        assert_eq!(figures, [None; 6]);
        assert!(found.burn_rates.iter().all(|b| b.burn_rate.is_none()));
        assert!(found.pairs.iter().all(|p| p.burning.is_none()));
        assert_eq!(found.policy, None);
        let json = serde_json::to_value(found).unwrap();
        assert!(json["sli"].is_null() && json["policy"].is_null(), "{json}");
    };
    // nothing was ever measured; then counters stand still at zero
    nothing(&lab.figures());
    lab.steps(30, 0.0, 0.0);
    nothing(&lab.figures());
}

#[test]
fn while_the_traffic_stands_still_only_the_period_says_something() {
    let mut lab = Lab::new(&spec(99.0));
    lab.steps(120, 99.5, 0.5);
    lab.steps(24, 0.0, 0.0);
    let found = lab.figures();
    near(found.error_budget_remaining, 0.5);
    assert_eq!(found.policy, Some(Policy::Yellow));
    assert_eq!((found.burn_rate, found.exhausted_in_s), (None, None));
    let known: Vec<bool> = found
        .burn_rates
        .iter()
        .map(|b| b.burn_rate.is_some())
        .collect();
    assert_eq!(known, [false, false, false, true, true, true, true]);
    assert_eq!(found.pairs[0].burning, None);
    assert_eq!(found.pairs[3].burning, None, "its short window is empty");
    // as soon as there is traffic again, it is known again
    lab.steps(2, 100.0, 0.0);
    near(lab.figures().burn_rate, 0.0);
}

#[test]
fn a_total_outage_burns_at_the_highest_rate_there_is() {
    let mut lab = Lab::new(&spec(99.9));
    lab.steps(60, 0.0, 10.0);
    let found = lab.figures();
    assert_eq!((found.sli, found.burn_rate), (Some(0.0), Some(1_000.0)));
    assert_eq!(found.error_budget_remaining, Some(-999.0));
    assert!(found.pairs.iter().all(|pair| pair.burning == Some(true)));
    assert_eq!(found.policy, Some(Policy::Exhausted));
}

#[test]
fn a_restart_of_what_counts_loses_nothing() {
    let mut lab = Lab::new(&spec(99.0));
    lab.steps(60, 49.0, 1.0);
    // a new process counts from zero
    (lab.good, lab.bad) = (0.0, 0.0);
    lab.steps(60, 49.0, 1.0);
    let found = lab.figures();
    near(found.total, 6_000.0);
    near(found.failed, 120.0);
    near(found.burn_rate, 2.0);
}

#[test]
fn a_budget_is_exhausted_when_it_was_said_to_be() {
    let mut lab = Lab::new(&spec(99.0));
    lab.steps(180, 50.0, 0.0);
    assert_eq!(lab.figures().exhausted_in_s, None, "nothing burns");
    lab.steps(12, 48.0, 2.0);
    near(lab.figures().error_budget_remaining, 0.75);
    near(lab.figures().exhausted_in_s, 240.0);
    lab.steps(48, 48.0, 2.0);
    near(lab.figures().error_budget_remaining, 0.0);

    // a period that is held: what leaves it is good
    let short = spec(99.0).replace("1h", "15m");
    let mut lab = Lab::new(&short);
    lab.steps(400, 50.0, 0.0);
    lab.steps(12, 48.0, 2.0);
    near(lab.figures().total, 9_000.0);
    near(lab.figures().failed, 24.0);
    near(lab.figures().exhausted_in_s, 66.0 / 0.4);
    lab.steps(33, 48.0, 2.0);
    near(lab.figures().error_budget_remaining, 0.0);

    // just as fast as it may is not too fast
    let mut lab = Lab::new(&spec(98.0));
    lab.steps(100, 50.0, 0.0);
    lab.steps(12, 49.0, 1.0);
    near(lab.figures().burn_rate, 1.0);
    assert_eq!(lab.figures().exhausted_in_s, None);
}

#[test]
fn everything_is_a_metric_too() {
    let mut lab = Lab::new(&spec(99.0));
    lab.steps(120, 49.0, 1.0);
    for (query, expected) in [
        ("slo:objective:ratio", 0.99),
        ("slo:error_budget:ratio", 0.01),
        ("slo:time_period:days", 1.0 / 24.0),
        (
            "slo:sli_error:ratio_rate2m30s{sloth_window=\"2m30s\"}",
            0.02,
        ),
        ("slo:current_burn_rate:ratio", 2.0),
        ("slo:period_burn_rate:ratio", 2.0),
        ("slo:period_error_budget_remaining:ratio", -1.0),
        ("slo:period_total:events", 6_000.0),
        ("slo:period_failed:events", 120.0),
        ("slo:error_budget_policy:level", 3.0),
        ("slo:burn_rate:ratio{sloth_window=\"5m\"}", 2.0),
        (
            "slo:burn_rate_alert:active{sloth_severity=\"page\",slo_pair=\"quick\"}",
            0.0,
        ),
        (
            "slo:burn_rate_alert:active{sloth_severity=\"ticket\",slo_pair=\"slow\"}",
            1.0,
        ),
        (
            "slo_info{team=\"shop\",slo_objective=\"99\",slo_period=\"1h\",sloth_service=\"shop\",sloth_slo=\"answers\"}",
            1.0,
        ),
    ] {
        near(lab.value(query), expected);
    }
    assert_eq!(lab.value("ALERTS"), None, "alerts come on request only");
}

#[test]
fn alerts_come_on_request_and_fire_while_both_windows_burn() {
    let spec = read(&spec(99.0)).unwrap();
    let mut lab = Lab::new(&self::spec(99.0));
    let rules = spec.rules(true);
    lab.metrics
        .load_rules([("slo.yaml", &*rules)], Vec::new())
        .unwrap();
    let firing = |lab: &Lab| -> Vec<String> {
        let alerts = lab.metrics.alerts().alerts().into_iter();
        let firing = alerts.filter(|alert| alert.state == crate::alerts::State::Firing);
        let severity = |labels: Vec<(String, String)>| {
            labels
                .into_iter()
                .find(|(name, _)| name == "sloth_severity")
        };
        firing
            .map(|alert| {
                assert_eq!(alert.name, "AnswersBurn");
                severity(alert.labels).unwrap().1
            })
            .collect()
    };
    lab.steps(120, 50.0, 0.0);
    assert!(firing(&lab).is_empty());
    lab.steps(6, 30.0, 20.0);
    assert_eq!(firing(&lab), ["page", "ticket"]);
    lab.steps(6, 50.0, 0.0);
    assert_eq!(firing(&lab), ["ticket"]);
    lab.steps(60, 50.0, 0.0);
    assert!(firing(&lab).is_empty());
}

#[test]
fn a_rule_that_cannot_be_evaluated_says_so_beside_the_figures() {
    let metrics = Metrics::new(MetricsConfig::default(), Arc::new(Unused));
    // two series of one name for a one-to-one match
    let broken = spec(99.0).replace(
        "sum(rate(requests_total[{{.window}}]))",
        "rate(requests_total[{{.window}}]) / ignoring(code) rate(requests_total[{{.window}}])",
    );
    metrics
        .load_rules([], vec![read(&broken).unwrap()])
        .unwrap();
    for second in [0, 5] {
        for code in ["200", "500"] {
            let labels = [("__name__", "requests_total"), ("code", code)];
            metrics.append(&labels, second * 1_000, second as f64);
        }
        metrics.alerts().evaluate(second * SECOND_NS);
    }
    let found = figures(&metrics, &metrics.objectives(), 5 * SECOND_NS).unwrap();
    assert_eq!(found[0].problems.len(), 1, "{:?}", found[0].problems);
    assert_eq!(found[0].sli, None);
}

#[test]
fn what_is_loaded_remains_when_something_else_cannot_be() {
    let lab = Lab::new(&spec(99.0));
    let rules = lab.metrics.alerts().rules().len();
    let twice = vec![read(&spec(99.0)).unwrap(), read(&spec(90.0)).unwrap()];
    let error = lab.metrics.load_rules([], twice).unwrap_err();
    assert!(
        error.to_string().contains("`shop-answers` already"),
        "{error}"
    );
    let other = read(&spec(90.0).replace("service: shop", "service: other")).unwrap();
    let broken = [("broken.yaml", "groups: 5")];
    let error = lab
        .metrics
        .load_rules(broken, vec![other.clone()])
        .unwrap_err();
    assert_eq!(error.name, "broken.yaml");
    assert_eq!(lab.metrics.alerts().rules().len(), rules);
    assert_eq!(lab.figures().service, "shop");
    lab.metrics
        .load_rules([], vec![other, read(&spec(99.0)).unwrap()])
        .unwrap();
    assert_eq!(lab.metrics.alerts().rules().len(), 2 * rules);
}

#[test]
fn without_windows_the_period_is_thirty_days() {
    let text = spec(99.9);
    let (before, after) = text.split_once("windows:").unwrap();
    let (_, after) = after.split_once("slos:").unwrap();
    let spec = read(&format!("{before}slos:{after}")).unwrap();
    assert_eq!(spec.windows, Windows::default());
    let rules = spec.rules(true);
    for expected in [
        "slo:sli_error:ratio_rate30d",
        "slo:sli_error:ratio_rate3d",
        "* 2592000",
        "(14.4 * 0.001)",
        "vector(30)",
    ] {
        assert!(rules.contains(expected), "{expected} is missing in {rules}");
    }
    assert_eq!(check(&rules).unwrap(), 7 + 3 + 13 + 2);
}

#[test]
fn durations_are_written_as_prometheus_writes_them() {
    for (seconds, expected) in [
        (30.0, "30s"),
        (150.0, "2m30s"),
        (3_600.0, "1h"),
        (86_400.0, "1d"),
        (7.0 * 86_400.0, "1w"),
        (30.0 * 86_400.0, "30d"),
        (0.25, "250ms"),
    ] {
        let duration = std::time::Duration::from_secs_f64(seconds);
        assert_eq!(windows::Written(duration).to_string(), expected);
    }
}

/// What a file is told when one thing in it is another.
fn told(from: &str, to: &str) -> String {
    let text = spec(99.9);
    assert!(text.contains(from), "{from}");
    match read(&text.replacen(from, to, 1)) {
        Ok(spec) => panic!("{to} was read: {spec:?}"),
        Err(error) => error.to_string(),
    }
}

/// What stands in the file, what is written instead, what is said of it.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("version: prometheus/v1", "", "add `version: prometheus/v1`"),
    (
        "prometheus/v1",
        "prometheus/v2",
        "line 2, column 10: `prometheus/v2` is unknown",
    ),
    ("service: shop", "", "add `service:`"),
    (
        "service: shop",
        "service: 'my shop'",
        "line 3, column 10: `service` is of letters",
    ),
    ("service: shop", "service: ''", "`service` is of letters"),
    (
        "service: shop",
        "sevrice: shop",
        "line 3, column 1: unknown field `sevrice`",
    ),
    ("99.9", "0", "line 14, column 16: `0` is no objective"),
    ("99.9", "100", "100 leaves no error budget"),
    ("99.9", "101", "`101` is no objective"),
    ("99.9", "-1", "`-1` is no objective"),
    ("99.9", ".nan", "`NaN` is no objective"),
    ("99.9", "99.9999999999999", "more than ten decimals"),
    ("99.9", "high", "line 14, column 16: "),
    ("objective: 99.9", "", "add `objective:`"),
    ("name: answers", "", "the objective has no name"),
    ("name: answers", "name: -answers", "`name` is of letters"),
    (
        "error_query:",
        "error_queri:",
        "unknown field `error_queri`",
    ),
    (
        "error_query: sum(rate(requests_total{code=\"500\"}[{{.window}}])) or vector(0)",
        "",
        "add `error_query:`",
    ),
    (
        "total_query: sum(rate(requests_total[{{.window}}]))",
        "total_query: ''",
        "add `total_query:`",
    ),
    (
        "total_query: sum(rate(requests_total[{{.window}}]))",
        "",
        "add `total_query:`",
    ),
    (
        "total_query: sum(rate(requests_total[{{.window}}]))",
        "total_query: sum(rate(requests_total[5m]))",
        "line 20, column 22: total_query: it has no window",
    ),
    (
        "requests_total[{{.window}}]",
        "requests_total[{{.windw}}]",
        "means nothing here",
    ),
    (
        "total_query: sum(rate(",
        "total_query: sum(rat(",
        "line 20, column 22: total_query: ",
    ),
    (
        "total_query: sum(rate(",
        "total_query: sum(increase(",
        "one query counts per second",
    ),
    ("alerting: { name: AnswersBurn }", "", "add `alerting:`"),
    (
        "alerting: { name: AnswersBurn }",
        "alerting: { page_alert: { disable: true } }",
        "add `alerting:`",
    ),
    (
        "{ name: AnswersBurn }",
        "{ name: A, annotations: { summary: '{{ nope }}' } }",
        "template, byte 3",
    ),
    (
        "{ name: AnswersBurn }",
        "{ name: A, labels: { severity: '{{ nope }}' } }",
        "template, byte 3",
    ),
    (
        "{ name: AnswersBurn }",
        "{ name: A, annotations: { '1x': a } }",
        "no name of an annotation",
    ),
    (
        "{ team: shop }",
        "{ sloth_id: shop }",
        "set by the rules themselves",
    ),
    ("{ team: shop }", "{ 'te-am': shop }", "no label name"),
    ("{ team: shop }", "{ __name__: shop }", "no label name"),
    ("sloPeriod: 1h", "sloPeriod: soon", "`soon` is no duration"),
    ("sloPeriod: 1h", "sloPeriod: 10m", "longer than `sloPeriod`"),
    (
        "shortWindow: 2m",
        "shortWindow: 15m",
        "shorter than the long one",
    ),
    (
        "errorBudgetPercent: 24",
        "errorBudgetPercent: 0",
        "`0` is no share of the budget",
    ),
    (
        "errorBudgetPercent: 24",
        "errorBudgetPercent: 101",
        "`101` is no share of the budget",
    ),
    ("longWindow: 1m", "longWindow: 0s", "`0s` is no duration"),
    ("longWindow: 1m }", "}", "missing field `longWindow`"),
    (
        "sli:\n      events:",
        "sli:\n      raw: { error_ratio_query: up }\n      events:",
        "`raw` is not supported",
    ),
    (
        "sli:\n      events:",
        "sli:\n      plugin: { id: x }\n      events:",
        "`plugin` is not supported",
    ),
    ("slos:", "more:", "unknown field `more`"),
];

#[test]
fn every_mistake_is_told_with_its_place_and_what_to_write() {
    for (from, to, expected) in MISTAKES {
        let said = told(from, to);
        assert!(said.contains(expected), "{from} -> {to}: {said}");
    }
    for text in ["", "[]", "5", "version: [", "\tversion: x", "slos: []"] {
        assert!(read(text).is_err(), "{text}");
    }
    let large = format!("# {}\n{}", "x".repeat(1 << 20), spec(99.9));
    assert!(
        read(&large)
            .unwrap_err()
            .to_string()
            .contains("which is the limit")
    );
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = spec(101.0);
    let second = text.split_once("slos:\n").unwrap().1.replace("101", "100");
    let error = read(&format!("{text}{second}")).unwrap_err();
    let lines: Vec<u64> = error.0.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [14, 22, 23], "{error}");
    assert!(error.0[1].message.contains("used twice"), "{error}");
    assert_eq!(error.0[0].span.1, "101".len());
    let many = second.repeat(101);
    let error = read(&format!(
        "{}slos:\n{many}",
        text.split_once("slos:").unwrap().0
    ))
    .unwrap_err();
    assert!(error.to_string().contains("the limit is 100"), "{error}");
}

#[test]
fn a_spec_is_read_only_if_its_rules_can_be_loaded() {
    // each query is within the limits of a query, both in one rule are not
    let matchers = vec![r#"path!="/""#; 400].join(",");
    let text = spec(99.0);
    let long = text
        .replace("requests_total[", &format!("requests_total{{{matchers}}}["))
        .replace("code=\"500\"", &format!("code=\"500\",{matchers}"));
    let error = read(&long).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the rules that it makes are refused"),
        "{error}"
    );
    assert!(
        error.to_string().contains("write shorter queries"),
        "{error}"
    );

    // as many objectives as may be, with queries as people write them
    let (head, one) = text.split_once("slos:\n").unwrap();
    let all: String = (0..100)
        .map(|n| one.replace("answers", &format!("answers-{n}")))
        .collect();
    assert_eq!(
        read(&format!("{head}slos:\n{all}"))
            .unwrap()
            .objectives
            .len(),
        100
    );
}

/// So many good and bad requests in each step.
fn traffic() -> impl Strategy<Value = Vec<(u16, u16)>> {
    let calm = (0_u16..200, Just(0_u16));
    let any = (0_u16..200, 0_u16..50);
    proptest::collection::vec(prop_oneof![calm, any, Just((0, 0))], 1..60)
}

fn run(percent: f64, traffic: &[(u16, u16)]) -> Figures {
    let mut lab = Lab::new(&spec(percent));
    for (good, bad) in traffic {
        lab.steps(1, f64::from(*good), f64::from(*bad));
    }
    lab.figures()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_budget_stays_within_its_bounds_and_more_failures_never_add_to_it(
        traffic in traffic(),
        percent in prop_oneof![Just(50.0), Just(95.0), Just(99.9)],
        at in any::<prop::sample::Index>(),
        more in 1_u16..100,
    ) {
        let before = run(percent, &traffic);
        let lowest = 1.0 - 1.0 / before.error_budget;
        let all: u32 = traffic.iter().map(|(good, bad)| u32::from(good + bad)).sum();
        prop_assert_eq!(before.error_budget_remaining.is_some(), all > 0);
        if let Some(figures) = before.error_budget_remaining {
            prop_assert!(figures <= 1.0 && figures >= lowest - 1e-9, "{figures}");
        }
        for burn in before.burn_rates.iter().filter_map(|burn| burn.burn_rate) {
            prop_assert!(burn >= 0.0 && burn <= 1.0 / before.error_budget + 1e-9, "{burn}");
        }
        if let Some(seconds) = before.exhausted_in_s {
            prop_assert!(seconds >= 0.0);
        }
        let mut failing = traffic.clone();
        failing[at.index(traffic.len())].1 += more;
        let after = run(percent, &failing).error_budget_remaining.unwrap();
        if let Some(left) = before.error_budget_remaining {
            prop_assert!(after <= left + 1e-9, "{left} became {after}");
        }
    }

    #[test]
    fn any_text_comes_through_the_generated_file(label in any::<String>(), said in "[^{}]*") {
        let mut spec = read(&spec(99.0)).unwrap();
        spec.objectives[0].labels = vec![("team".to_owned(), label.clone())];
        spec.objectives[0].alerting.annotations = vec![("summary".to_owned(), said.clone())];
        let groups = crate::alerts::rules::read(&spec.rules(true)).unwrap();
        for rule in groups.iter().flat_map(|group| &group.rules) {
            let recorded = rule.kind == crate::alerts::rules::Kind::Recording;
            if recorded {
                prop_assert!(rule.labels_text.contains(&("team".to_owned(), label.clone())));
            } else {
                prop_assert!(rule.annotations_text.contains(&("summary".to_owned(), said.clone())));
            }
        }
    }
}
