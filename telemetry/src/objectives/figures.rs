//! The figures of objectives at a time, read from what their rules have recorded. A figure that nothing was recorded for is
//! absent: no traffic is no data, never a hundred per cent.

use std::time::Duration;

use serde::Serialize;

use super::spec::{Objective, Policy, Spec};
use super::windows::{Pair, Written};
use crate::alerts::RuleInfo;
use crate::error::QueryError;
use crate::metrics::{Metrics, Sample};

/// What is known of one objective at a time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Service and name.
    pub id: String,
    /// The service.
    pub service: String,
    /// The objective's name.
    pub name: String,
    /// What it means, for people.
    pub description: String,
    /// Share of events that must be good, 0 to 1.
    pub objective: f64,
    /// Period of the budget, as in `1h`.
    pub window: String,
    /// The same in seconds.
    pub window_s: f64,
    /// Events within the period, as `increase` counts them; none where there were none.
    pub total: Option<f64>,
    /// Those that failed.
    pub failed: Option<f64>,
    /// Share of events that were good, 0 to 1.
    pub sli: Option<f64>,
    /// Share of events that may fail, 0 to 1.
    pub error_budget: f64,
    /// Share of the budget that is left: 1 is all of it, below 0 more has failed than may.
    pub error_budget_remaining: Option<f64>,
    /// How many times as fast as it may the budget burns at present.
    pub burn_rate: Option<f64>,
    /// The same over each window, the shortest first, the period last.
    pub burn_rates: Vec<Burn>,
    /// Each pair of windows.
    pub pairs: Vec<PairState>,
    /// What may be done with the budget that is left.
    pub policy: Option<Policy>,
    /// Seconds until nothing is left if it goes on as at present, 0 where nothing is; none where it never will, or nothing is known.
    pub exhausted_in_s: Option<f64>,
    /// Why some of its rules could not be evaluated.
    pub problems: Vec<String>,
}

/// How fast a budget burns over a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Burn {
    /// The window, as in `5m`.
    pub window: String,
    /// The same in seconds.
    pub window_s: f64,
    /// Times as fast as it may.
    pub burn_rate: Option<f64>,
}

/// Whether a budget burns too fast over both windows of a pair.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairState {
    /// `page` or `ticket`.
    pub severity: &'static str,
    /// `quick` or `slow`.
    pub pair: &'static str,
    /// The short window.
    pub short: String,
    /// The long window.
    pub long: String,
    /// The burn rate that both must be over.
    pub factor: f64,
    /// Whether both are; none where one of them has no data.
    pub burning: Option<bool>,
}

/// The figures of all objectives of specs at a time, in their order. The rules of the specs must be loaded
/// ([`Metrics::load_rules`]).
///
/// # Errors
/// A query that meets a limit or fails.
pub fn figures(metrics: &Metrics, specs: &[Spec], at_ns: i64) -> Result<Vec<Figures>, QueryError> {
    let rules = metrics.alerts().rules();
    let each = specs
        .iter()
        .flat_map(|spec| spec.objectives.iter().map(move |o| (spec, o)));
    each.map(|(spec, objective)| {
        let recorded = Recorded::of(metrics, objective, at_ns)?;
        let mut figures = recorded.figures(metrics, spec, objective, at_ns)?;
        figures.problems = problems(&rules, objective);
        Ok(figures)
    })
    .collect()
}

/// What the rules of one objective have recorded.
struct Recorded(Vec<Sample>);

impl Recorded {
    fn of(metrics: &Metrics, objective: &Objective, at_ns: i64) -> Result<Self, QueryError> {
        let query = format!("{{__name__=~\"slo:.+\",sloth_id={:?}}}", objective.id);
        let mut found = metrics.instant(&query, at_ns)?;
        found.retain(|sample| sample.value.is_finite());
        Ok(Self(found))
    }

    /// The value of a series with these labels among its own.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &Sample, (key, value): (&str, &str)| {
            sample.labels.iter().any(|(k, v)| k == key && v == value)
        };
        let wanted = |sample: &&Sample| {
            has(sample, ("__name__", name)) && labels.iter().all(|label| has(sample, *label))
        };
        Some(self.0.iter().find(wanted)?.value)
    }

    fn burn(&self, window: Duration) -> Burn {
        let text = Written(window).to_string();
        Burn {
            burn_rate: self.value("slo:burn_rate:ratio", &[("sloth_window", &text)]),
            window: text,
            window_s: window.as_secs_f64(),
        }
    }

    fn pair(&self, pair: &Pair) -> PairState {
        let labels = [
            ("sloth_severity", pair.severity.name()),
            ("slo_pair", pair.speed.name()),
        ];
        PairState {
            severity: pair.severity.name(),
            pair: pair.speed.name(),
            short: Written(pair.short).to_string(),
            long: Written(pair.long).to_string(),
            factor: pair.factor,
            burning: self
                .value("slo:burn_rate_alert:active", &labels)
                .map(|active| active == 1.0),
        }
    }

    fn figures(
        &self,
        metrics: &Metrics,
        spec: &Spec,
        objective: &Objective,
        at_ns: i64,
    ) -> Result<Figures, QueryError> {
        let windows = &spec.windows;
        let period = Written(windows.period).to_string();
        let of_period = |name: &str| self.value(name, &[("sloth_window", &period)]);
        let errors = of_period(&format!("slo:sli_error:ratio_rate{period}"));
        let total = of_period("slo:period_total:events");
        let remaining = self.value("slo:period_error_budget_remaining:ratio", &[]);
        let level = self.value("slo:error_budget_policy:level", &[]);
        let burn_rate = self.value("slo:current_burn_rate:ratio", &[]);
        let exhausted_in_s = match (remaining, burn_rate, total) {
            (Some(left), _, _) if left <= 0.0 => Some(0.0),
            (Some(left), Some(burn_rate), Some(total)) => {
                let now = Now {
                    left,
                    burn_rate,
                    total,
                    per_s: events_per_s(metrics, spec, objective, at_ns)?,
                };
                now.exhausted_in_s(period_is_held(metrics, spec, objective, at_ns)?)
            }
            _ => None,
        };
        let all = windows.all().into_iter().chain([windows.period]);
        Ok(Figures {
            id: objective.id.clone(),
            service: spec.service.clone(),
            name: objective.name.clone(),
            description: objective.description.clone(),
            objective: objective.target(),
            window_s: windows.period.as_secs_f64(),
            total,
            // without events none failed, which says nothing
            failed: total.and_then(|_| of_period("slo:period_failed:events")),
            sli: errors.map(|share| 1.0 - share),
            error_budget: objective.budget(),
            error_budget_remaining: remaining,
            burn_rate,
            burn_rates: all.map(|window| self.burn(window)).collect(),
            pairs: windows.pairs.iter().map(|pair| self.pair(pair)).collect(),
            policy: level.and_then(Policy::of_level),
            exhausted_in_s,
            problems: Vec::new(),
            window: period,
        })
    }
}

/// How it goes at present.
struct Now {
    /// Share of the budget that is left, over 0.
    left: f64,
    /// Times as fast as it may.
    burn_rate: f64,
    /// Events within the period.
    total: f64,
    /// Events a second.
    per_s: Option<f64>,
}

impl Now {
    /// When the failures will have reached what may fail; never at a burn rate of 1 or less. In units of what may fail of one
    /// event, `left * total` may fail yet and `burn_rate * per_s` a second do. While the store is younger than the period, each new
    /// event also adds one unit; afterwards an old one leaves for it, which is taken for a good one: an incident is what is new.
    fn exhausted_in_s(&self, period_is_held: bool) -> Option<f64> {
        let added = if period_is_held { 0.0 } else { 1.0 };
        let seconds = self.left * self.total / ((self.burn_rate - added) * self.per_s?);
        (self.burn_rate > 1.0 && seconds.is_finite()).then_some(seconds)
    }
}

/// Events a second over the current window.
fn events_per_s(
    metrics: &Metrics,
    spec: &Spec,
    objective: &Objective,
    at_ns: i64,
) -> Result<Option<f64>, QueryError> {
    let window = spec.windows.current();
    let events = metrics.scalar(&format!("sum({})", objective.total.over(window)), at_ns)?;
    let seconds = match objective.total.per_second {
        true => 1.0,
        false => window.as_secs_f64(),
    };
    Ok(events.map(|events| events / seconds))
}

/// Whether the objective was recorded a period ago already.
fn period_is_held(
    metrics: &Metrics,
    spec: &Spec,
    objective: &Objective,
    at_ns: i64,
) -> Result<bool, QueryError> {
    let query = format!(
        "slo:objective:ratio{{sloth_id={:?}}} offset {}",
        objective.id,
        Written(spec.windows.period)
    );
    Ok(metrics.scalar(&query, at_ns)?.is_some())
}

/// Why rules of this objective failed at their newest evaluation, each reason once.
fn problems(rules: &[RuleInfo], objective: &Objective) -> Vec<String> {
    let of_it = |labels: &[(String, String)]| {
        labels
            .iter()
            .any(|(name, value)| name == "sloth_id" && *value == objective.id)
    };
    let failed = rules.iter().filter(|rule| of_it(&rule.labels));
    let mut told: Vec<String> = failed.filter_map(|rule| rule.error.clone()).collect();
    told.sort();
    told.dedup();
    told
}
