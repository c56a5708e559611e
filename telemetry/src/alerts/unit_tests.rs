//! Unit tests of rules: what passes, what fails, what is refused.

use super::*;

const RULES: &str = r#"
groups:
  - name: alerts
    interval: 1h
    rules:
      - record: job:errors:rate1m
        expr: sum by (job) (rate(errors_total[1m]))
      - alert: Errors
        expr: job:errors:rate1m > 0.5
        for: 2m
        labels: { severity: page }
        annotations: { summary: "{{ $labels.job }}: {{ $value | humanize }} errors a second" }
"#;

fn outcomes(tests: &str) -> Vec<Outcome> {
    let text = format!("rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n{tests}");
    run(&text, |name| Ok(vec![(name.to_owned(), RULES.to_owned())])).unwrap()
}

const SERIES: &str = "
  - interval: 1m
    name: errors
    input_series:
      - { series: 'errors_total{job=\"a\"}', values: '0+60x10' }
      - { series: 'errors_total{job=\"b\"}', values: '0+6x10 stale' }
";

#[test]
fn what_is_as_expected_passes_and_group_intervals_do_not_count() {
    let tests = format!(
        "{SERIES}{}",
        r#"
    alert_rule_test:
      - { eval_time: 2m, alertname: Errors }
      - { eval_time: 3m30s, alertname: Errors, exp_alerts: [{ exp_labels: { job: a, severity: page }, exp_annotations: { summary: "a: 1 errors a second" } }] }
    promql_expr_test:
      - { expr: 'job:errors:rate1m', eval_time: 5m, exp_samples: [{ labels: 'job:errors:rate1m{job="b"}', value: 0.1 }, { labels: 'job:errors:rate1m{job="a"}', value: 1 }] }
      - { expr: 'count(errors_total)', eval_time: 11m, exp_samples: [{ labels: '{}', value: 1 }] }
      - { expr: '1 + 1', eval_time: 0, exp_samples: [{ labels: '{}', value: 2 }] }
"#
    );
    let found = outcomes(&tests);
    assert_eq!(found[0].failures, Vec::<String>::new());
    assert_eq!((found[0].name.as_str(), found[0].line), ("errors", 5));
}

#[test]
fn what_is_not_as_expected_fails_with_both_sides() {
    let tests = format!(
        "{SERIES}{}",
        r#"
    alert_rule_test:
      - { eval_time: 5m, alertname: Errors }
      - { eval_time: 1m, alertname: Errors, exp_alerts: [{ exp_labels: { job: a } }] }
    promql_expr_test:
      - { expr: 'sum(errors_total)', eval_time: 1m, exp_samples: [{ labels: '{}', value: 67 }] }
      - { expr: 'sum(errors_total', eval_time: 1m }
      - { expr: 'errors_total[1m]', eval_time: 1m }
"#
    );
    let failures = &outcomes(&tests)[0].failures;
    assert_eq!(failures.len(), 5, "{failures:#?}");
    assert!(
        failures[0].contains("time: 60s") && failures[0].contains("got:      nothing"),
        "{}",
        failures[0]
    );
    assert!(
        failures[1].contains("expected: nothing") && failures[1].contains("\"severity\": \"page\""),
        "{}",
        failures[1]
    );
    assert!(
        failures[2].contains("expected: {} 67") && failures[2].contains("got:      {} 66"),
        "{}",
        failures[2]
    );
    assert!(failures[3].contains("error: "), "{}", failures[3]);
    assert!(failures[4].contains("neither"), "{}", failures[4]);
}

#[test]
fn every_problem_of_a_file_is_told_with_its_place() {
    let text = r#"rule_files: [missing.yaml]
evaluation_interval: soon
group_eval_order: [nobody]
tests:
  - input_series:
      - { series: 'up{', values: '1x3' }
      - { series: 'up', values: 'one' }
    alert_rule_test:
      - { eval_time: later, alertname: '' }
      - { eval_time: 10000h, alertname: A }
"#;
    let UnitError::File(RulesError(problems)) = run(text, |_| Ok(Vec::new())).unwrap_err() else {
        panic!("a problem of the test file");
    };
    let lines: Vec<u64> = problems.iter().map(|p| p.line).collect();
    assert_eq!(lines, [1, 2, 3, 6, 7, 9, 9, 10], "{problems:#?}");
    for wrong in [
        "tests: [{ what: 1 }]",
        "tests: 7",
        "rule_files: [",
        "unknown: 1",
    ] {
        assert!(
            matches!(run(wrong, |_| Ok(Vec::new())), Err(UnitError::File(_))),
            "{wrong}"
        );
    }
    let broken = run("rule_files: [r]", |_| {
        Ok(vec![("r".into(), "groups: 7".into())])
    });
    assert!(matches!(broken, Err(UnitError::Rules(file)) if file.name == "r"));
}

#[test]
fn groups_run_in_the_order_that_the_file_gives() {
    let rules = "groups: [{name: late, rules: [{record: two, expr: one + 1}]}, {name: early, rules: [{record: one, expr: vector(1)}]}]";
    let test = |order: &str, samples: &str| {
        let text = format!(
            "rule_files: [r]\n{order}\ntests: [{{promql_expr_test: [{{expr: two, eval_time: 0, exp_samples: [{samples}]}}]}}]"
        );
        run(&text, |name| Ok(vec![(name.to_owned(), rules.to_owned())])).unwrap()[0]
            .failures
            .clone()
    };
    assert_eq!(
        test("group_eval_order: [early, late]", "{labels: two, value: 2}"),
        Vec::<String>::new()
    );
    assert_eq!(
        test("", ""),
        Vec::<String>::new(),
        "the order of the file: one is not there yet"
    );
}
