//! One rule as it lives: its result, its alerts, what it wrote. Knows no other rule.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use promql_parser::parser::Expr;

use super::engine::{RuleInfo, Transition, Tune};
use super::rules::{Group, Kind, Rule};
use super::state::{Alert, State, Tracked, Waits};
use crate::error::QueryError;
use crate::metrics::chunk::stale_marker;
use crate::metrics::labels::{Labels, METRIC_NAME};
use crate::metrics::store::{Pending, Store};
use crate::promql::{self, Answer, Limits};

/// Alerts of one rule; a rule that yields more fails with an error, as Prometheus' `limit` would have it.
const ALERTS_PER_RULE: usize = 1_000;

/// Value and annotations by labels.
type Holding = BTreeMap<Labels, (f64, Vec<(String, String)>)>;

pub(super) struct Live {
    pub rule: Rule,
    pub tuned: Option<(Tune, Option<Expr>)>,
    alerts: BTreeMap<Labels, Tracked>,
    /// Series that the newest evaluation wrote; those that it does not write again become stale.
    written: HashSet<Labels>,
    pub error: Option<String>,
    pub evaluated_ns: Option<i64>,
    pub took: Duration,
}

pub(super) struct LiveGroup {
    pub name: String,
    pub interval: Option<Duration>,
    pub evaluated_ns: Option<i64>,
    pub rules: Vec<Live>,
}

/// Nanoseconds of a duration.
pub(super) fn ns(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

impl LiveGroup {
    pub fn new(group: Group) -> Self {
        let live = |rule| Live {
            rule,
            tuned: None,
            alerts: BTreeMap::new(),
            written: HashSet::new(),
            error: None,
            evaluated_ns: None,
            took: Duration::ZERO,
        };
        Self {
            name: group.name,
            interval: group.interval,
            evaluated_ns: None,
            rules: group.rules.into_iter().map(live).collect(),
        }
    }
}

impl Live {
    pub fn is_alerting(&self) -> bool {
        self.rule.kind != Kind::Recording
    }

    fn expr(&self) -> &Expr {
        self.tuned
            .as_ref()
            .and_then(|(_, expr)| expr.as_ref())
            .unwrap_or(&self.rule.expr)
    }

    fn query(&self) -> &str {
        self.tuned
            .as_ref()
            .and_then(|(tune, _)| tune.expr.as_deref())
            .unwrap_or(&self.rule.query)
    }

    fn waits(&self) -> (Duration, Duration) {
        let (for_, keep) = match self.rule.kind {
            Kind::Alerting {
                for_,
                keep_firing_for,
            } => (for_, keep_firing_for),
            Kind::Recording => (Duration::ZERO, Duration::ZERO),
        };
        (
            self.tuned
                .as_ref()
                .and_then(|(tune, _)| tune.for_)
                .unwrap_or(for_),
            keep,
        )
    }

    /// Evaluates at `now_ns`, writes the result to the store and adds what changed to `announced`.
    pub fn evaluate(
        &mut self,
        store: &Store,
        now_ns: i64,
        announced: &mut Vec<Transition>,
    ) -> Result<(), QueryError> {
        let now_ms = now_ns.div_euclid(1_000_000);
        let found = match promql::instant(store, self.expr(), now_ms, Limits::default())? {
            Answer::Vector(found) => found,
            Answer::Scalar(value) => vec![(Labels::empty(), value)],
            Answer::Text(_) | Answer::Matrix(_) => {
                return Err(QueryError::Execution(
                    "a rule needs an instant vector".into(),
                ));
            }
        };
        let series = match self.rule.kind {
            Kind::Recording => self.record(found)?,
            Kind::Alerting { .. } => self.alert(found, now_ns, announced)?,
        };
        let mut batch: Vec<Pending> = Vec::with_capacity(series.len());
        let fresh: HashSet<Labels> = series.iter().map(|(labels, _)| labels.clone()).collect();
        let pending = |labels: Labels, value| Pending {
            id: None,
            labels,
            value,
            t_ms: None,
        };
        batch.extend(
            self.written
                .difference(&fresh)
                .map(|labels| pending(labels.clone(), stale_marker())),
        );
        batch.extend(
            series
                .into_iter()
                .map(|(labels, value)| pending(labels, value)),
        );
        store.append_batch(now_ms, &mut batch);
        self.written = fresh;
        Ok(())
    }

    fn record(&self, found: Vec<(Labels, f64)>) -> Result<Vec<(Labels, f64)>, QueryError> {
        let mut seen = HashSet::new();
        let named = found.into_iter().map(|(labels, value)| {
            let mut labels = labels.with(METRIC_NAME, &self.rule.name);
            for (name, text) in &self.rule.labels_text {
                labels = labels.with(name, text);
            }
            if seen.insert(labels.clone()) {
                Ok((labels, value))
            } else {
                Err(duplicate(&labels))
            }
        });
        named.collect()
    }

    fn alert(
        &mut self,
        found: Vec<(Labels, f64)>,
        now_ns: i64,
        announced: &mut Vec<Transition>,
    ) -> Result<Vec<(Labels, f64)>, QueryError> {
        if found.len() > ALERTS_PER_RULE {
            return Err(QueryError::Limit(format!(
                "{} alerts of one rule, the limit is {ALERTS_PER_RULE}: aggregate the expression",
                found.len()
            )));
        }
        let holding = self.holding(found)?;
        let (for_, keep) = self.waits();
        let waits = Waits {
            for_ns: ns(for_),
            keep_firing_ns: ns(keep),
        };
        let mut changed: Vec<(Labels, State)> = Vec::new();
        for (labels, (value, annotations)) in &holding {
            let known = self.alerts.get(labels).map_or(State::Inactive, |a| a.state);
            let tracked = self
                .alerts
                .entry(labels.clone())
                .or_insert_with(|| Tracked::new(labels.clone(), now_ns));
            (tracked.value, tracked.annotations) = (*value, annotations.clone());
            tracked.hold(now_ns, waits);
            if tracked.state != known {
                changed.push((labels.clone(), known));
            }
        }
        for (labels, tracked) in self
            .alerts
            .iter_mut()
            .filter(|(labels, _)| !holding.contains_key(labels))
        {
            let before = tracked.state;
            if tracked.miss(now_ns, waits) || before == State::Pending {
                changed.push((labels.clone(), before));
            }
        }
        self.announce(changed, now_ns, announced);
        self.alerts
            .retain(|labels, tracked| holding.contains_key(labels) || !tracked.is_over(now_ns));
        Ok(self.series())
    }

    /// Labels, value and annotations of what holds now.
    fn holding(&self, found: Vec<(Labels, f64)>) -> Result<Holding, QueryError> {
        let mut holding = Holding::new();
        for (own, value) in found {
            let own = own.without_name();
            let mut labels = own.clone();
            for (name, template) in &self.rule.labels {
                labels = labels.with(name, &template.fill(value, &own));
            }
            labels = labels.with("alertname", &self.rule.name);
            let annotations = self
                .rule
                .annotations
                .iter()
                .map(|(name, t)| (name.clone(), t.fill(value, &own)))
                .collect();
            if holding
                .insert(labels.clone(), (value, annotations))
                .is_some()
            {
                return Err(duplicate(&labels));
            }
        }
        Ok(holding)
    }

    fn announce(
        &self,
        changed: Vec<(Labels, State)>,
        now_ns: i64,
        announced: &mut Vec<Transition>,
    ) {
        for (labels, from) in changed {
            if let Some(tracked) = self.alerts.get(&labels) {
                let mut alert = self.public(tracked);
                if from == State::Pending && alert.state == State::Pending {
                    alert.state = State::Inactive;
                }
                announced.push(Transition {
                    alert,
                    from,
                    at_ns: now_ns,
                });
            }
        }
    }

    /// `ALERTS` and `ALERTS_FOR_STATE` of the active alerts.
    fn series(&self) -> Vec<(Labels, f64)> {
        let active = self.alerts.values().filter(|tracked| tracked.is_active());
        let both = active.flat_map(|tracked| {
            let alerts = tracked
                .labels
                .with(METRIC_NAME, "ALERTS")
                .with("alertstate", tracked.state.name());
            let since_s = tracked.since_ns.div_euclid(1_000_000_000) as f64;
            [
                (alerts, 1.0),
                (
                    tracked.labels.with(METRIC_NAME, "ALERTS_FOR_STATE"),
                    since_s,
                ),
            ]
        });
        both.collect()
    }

    fn public(&self, tracked: &Tracked) -> Alert {
        Alert {
            name: self.rule.name.clone(),
            state: tracked.state,
            labels: tracked.labels.to_pairs(),
            annotations: tracked.annotations.clone(),
            value: tracked.value,
            active_since_ns: tracked.since_ns,
            fired_at_ns: tracked.fired_ns,
            resolved_at_ns: tracked.resolved_ns,
            expr: self.query().to_owned(),
            for_: self.waits().0,
        }
    }

    pub fn alerts(&self) -> impl Iterator<Item = Alert> {
        self.alerts.values().map(|tracked| self.public(tracked))
    }

    pub fn info(&self, group: &LiveGroup) -> RuleInfo {
        let (for_, keep_firing_for) = self.waits();
        RuleInfo {
            group: group.name.clone(),
            interval: group.interval,
            name: self.rule.name.clone(),
            alerting: self.is_alerting(),
            expr: self.query().to_owned(),
            for_,
            keep_firing_for,
            labels: self.rule.labels_text.clone(),
            annotations: self.rule.annotations_text.clone(),
            tuned: self.tuned.is_some(),
            error: self.error.clone(),
            evaluated_at_ns: self.evaluated_ns,
            took: self.took,
            alerts: self.alerts().collect(),
        }
    }
}

fn duplicate(labels: &Labels) -> QueryError {
    QueryError::Execution(format!(
        "the rule yields {labels} twice: vector contains metrics with the same labelset after applying rule labels"
    ))
}
