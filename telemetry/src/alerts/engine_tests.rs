//! The engine over a store that is filled by hand.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::alerts::State;
use crate::metrics::labels::Labels;
use crate::metrics::store::Budget;
use crate::promql::{self, Answer, Limits};

const SECOND: i64 = 1_000_000_000;
const RULES: &str = r#"
groups:
  - name: shop
    rules:
      - record: service:errors:sum
        expr: sum by (service) (errors)
        labels: { source: rule }
      - alert: TooManyErrors
        expr: service:errors:sum > 5
        for: 10s
        labels: { severity: critical, copy: "{{ $labels.service }}!" }
        annotations: { summary: "{{ $labels.service }}: {{ $value | humanize }} errors" }
"#;

fn engine() -> (Arc<Store>, Engine) {
    let store = Arc::new(Store::new(Budget::default()));
    let engine = Engine::new(store.clone());
    engine.load([("rules.yaml", RULES)]).unwrap();
    (store, engine)
}

fn errors(store: &Store, second: i64, service: &str, value: f64) {
    store.append(
        &Labels::from_pairs([("__name__", "errors"), ("service", service)]),
        second * 1000,
        value,
    );
}

fn value(store: &Store, query: &str, second: i64) -> Vec<(Labels, f64)> {
    match promql::instant(
        store,
        &rules::parse(query).unwrap(),
        second * 1000,
        Limits::default(),
    )
    .unwrap()
    {
        Answer::Vector(found) => found,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_condition_that_holds_pages_and_its_end_resolves() {
    let (store, engine) = engine();
    let mut transitions = engine.subscribe();
    for second in 0..=30 {
        errors(
            &store,
            second,
            "checkout",
            if second < 20 { 7.0 } else { 1.0 },
        );
        errors(&store, second, "pricing", 1.0);
        engine.evaluate(second * SECOND);
        let alerts = engine.alerts();
        assert_eq!(alerts.len(), 1, "at {second}: {alerts:?}");
        let expected = match second {
            0..10 => State::Pending,
            10..20 => State::Firing,
            _ => State::Resolved,
        };
        assert_eq!(alerts[0].state, expected, "at {second}");
    }
    let alert = &engine.alerts()[0];
    assert_eq!(
        (
            alert.active_since_ns,
            alert.fired_at_ns,
            alert.resolved_at_ns
        ),
        (0, Some(10 * SECOND), Some(20 * SECOND))
    );
    assert_eq!(
        alert.annotations,
        [("summary".to_owned(), "checkout: 7 errors".to_owned())]
    );
    let label = |name: &str| {
        alert
            .labels
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    assert_eq!(
        (label("alertname"), label("copy"), label("source")),
        (Some("TooManyErrors"), Some("checkout!"), Some("rule"))
    );
    let mut seen = Vec::new();
    while let Ok(transition) = transitions.try_recv() {
        seen.push((
            transition.from,
            transition.alert.state,
            transition.at_ns / SECOND,
        ));
    }
    let expected = [
        (State::Inactive, State::Pending, 0),
        (State::Pending, State::Firing, 10),
        (State::Firing, State::Resolved, 20),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn alerts_and_recorded_series_are_in_the_store_and_become_stale() {
    let (store, engine) = engine();
    for second in 0..=15 {
        errors(
            &store,
            second,
            "checkout",
            if second < 12 { 7.0 } else { 0.0 },
        );
        engine.evaluate(second * SECOND);
    }
    assert_eq!(value(&store, "ALERTS{alertstate=\"pending\"}", 5).len(), 1);
    assert_eq!(
        value(&store, "ALERTS{alertstate=\"pending\"}", 11).len(),
        0,
        "stale when it became firing"
    );
    assert_eq!(
        value(
            &store,
            "ALERTS{alertstate=\"firing\", severity=\"critical\"}",
            11
        )[0]
        .1,
        1.0
    );
    assert_eq!(value(&store, "ALERTS_FOR_STATE", 11)[0].1, 0.0);
    assert_eq!(value(&store, "ALERTS", 13).len(), 0);
    assert_eq!(
        value(&store, "service:errors:sum{source=\"rule\"}", 5)[0].1,
        7.0
    );
}

#[test]
fn tuning_changes_threshold_and_wait_and_can_be_undone() {
    let (store, engine) = engine();
    engine
        .tune(
            "TooManyErrors",
            Tune {
                expr: Some("service:errors:sum > 0".into()),
                for_: Some(Duration::ZERO),
            },
        )
        .unwrap();
    errors(&store, 0, "checkout", 1.0);
    engine.evaluate(0);
    assert_eq!(engine.alerts()[0].state, State::Firing);
    assert_eq!(engine.alerts()[0].expr, "service:errors:sum > 0");
    engine.reset_tune("TooManyErrors").unwrap();
    errors(&store, 1, "checkout", 1.0);
    engine.evaluate(SECOND);
    assert_eq!(engine.alerts()[0].state, State::Resolved);
    let unknown = engine.tune("Nope", Tune::default()).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "no alerting rule is named \"Nope\"; these are: TooManyErrors"
    );
    let bad = engine
        .tune(
            "TooManyErrors",
            Tune {
                expr: Some("up ==".into()),
                for_: None,
            },
        )
        .unwrap_err();
    assert!(matches!(bad, TuneError::Query(_)));
}

#[test]
fn a_rule_that_fails_says_why_and_the_others_go_on() {
    let (store, engine) = engine();
    let both = "groups: [{name: g, rules: [{alert: Bad, expr: 'errors * on (x) errors'}, {alert: Good, expr: 'errors > 0'}]}]";
    engine.load([("rules.yaml", both)]).unwrap();
    errors(&store, 0, "a", 1.0);
    errors(&store, 0, "b", 1.0);
    engine.evaluate(0);
    let rules = engine.rules();
    assert!(
        rules[0]
            .error
            .as_ref()
            .is_some_and(|e| e.contains("many-to-many")),
        "{:?}",
        rules[0].error
    );
    assert_eq!((rules[1].error.as_ref(), rules[1].alerts.len()), (None, 2));
    engine
        .load([("rules.yaml", "groups: [{name: g, rules: [{alert: Bad}]}]")])
        .unwrap_err();
    assert_eq!(
        engine.rules().len(),
        2,
        "a refused file leaves the rules as they were"
    );
}

#[test]
fn a_group_with_an_interval_waits_for_it() {
    let (store, engine) = engine();
    engine
        .load([(
            "rules.yaml",
            "groups: [{name: g, interval: 30s, rules: [{record: r, expr: 'errors'}]}]",
        )])
        .unwrap();
    for second in 0..=60 {
        errors(&store, second, "a", 1.0);
        engine.evaluate(second * SECOND);
    }
    let counted = value(&store, "count_over_time(r[1m])", 60);
    assert_eq!(counted[0].1, 3.0);
}
