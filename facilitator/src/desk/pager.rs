//! The pager: watches the alerts, journals their changes and, from 03:00:00 on, lets the page fire
//! once. It decides nothing about rules; those are telemetry's.

use std::collections::BTreeMap;

use scenarios::{plan::Plan, scenario::KpiSpec};
use simulator::journal::Event;

use super::Desk;
use crate::sight::{SeenAlert, Sight};

/// What the pager saw last, by name and labels: state and since when.
#[derive(Debug, Default)]
pub struct Watched(BTreeMap<String, (String, i64)>);

impl Desk {
    /// Looks at the alerts once: journals what changed since `watched`, and fires the page when it is
    /// due. Answers whether the page fired now.
    pub fn watch_alerts(&self, watched: &mut Watched) -> bool {
        let alerts = self.sight.alerts();
        let mut notebook = self.notebook.lock();
        if notebook.finished.is_some() {
            return false;
        }
        for seen in changed(watched, &alerts) {
            self.write(
                &mut notebook,
                Event::Alert {
                    name: seen.alert.name.clone(),
                    state: seen.alert.state.clone(),
                    service: seen.alert.service.clone(),
                    value: seen.alert.value,
                },
            );
        }
        let due = notebook.page_ms.is_none() && self.clock.now_ns() >= self.clock.page_at_ns();
        let wanted = &self.plan.scenario.page.alert;
        let firing = alerts
            .iter()
            .map(|seen| &seen.alert)
            .find(|alert| alert.name == *wanted && alert.state == "firing");
        let Some(alert) = firing.filter(|_| due) else {
            return false;
        };
        self.write(
            &mut notebook,
            Event::PageFired {
                alert: alert.name.clone(),
                value: alert.value,
                since_ms: alert.since_ms,
            },
        );
        drop(notebook);
        *self.page.lock() = Some(self.page_of(alert));
        self.measure_kpis("page");
        true
    }

    /// What the pager says at this level.
    #[must_use]
    pub fn page_title(&self) -> &str {
        let level = self.plan.scenario.difficulty.get(&self.plan.level);
        level
            .and_then(|change| change.page_title.as_deref())
            .unwrap_or(&self.plan.scenario.page.title)
    }

    fn page_of(&self, alert: &api::Alert) -> api::Page {
        api::Page {
            title: self.page_title().to_owned(),
            text: if alert.description.is_empty() {
                alert.summary.clone()
            } else {
                alert.description.clone()
            },
            severity: alert.severity.clone(),
            alert: alert.name.clone(),
            query: alert.query.clone(),
            value: alert.value,
            since_ms: alert.since_ms,
            runbook_url: alert.runbook_url.clone(),
        }
    }

    /// Journals the scenario's own figures as they are now.
    fn measure_kpis(&self, moment: &str) {
        let at_ms = self.clock.now_ms();
        for event in kpis(&*self.sight, &self.plan, moment, at_ms) {
            self.journal.append(at_ms, event);
        }
    }
}

/// The scenario's own figures at a moment.
pub(super) fn kpis(sight: &dyn Sight, plan: &Plan, moment: &str, at_ms: i64) -> Vec<Event> {
    let figure = |spec: &KpiSpec| {
        let value = match sight.instant(&spec.query, at_ms) {
            Ok(values) => match values.as_slice() {
                [one] if one.value.is_finite() => Some(one.value),
                _ => None,
            },
            Err(error) => {
                tracing::warn!(
                    kpi = spec.name,
                    error,
                    "a figure of the scenario cannot be measured"
                );
                None
            }
        };
        Event::Kpi {
            name: spec.name.clone(),
            unit: spec.unit.clone(),
            moment: moment.to_owned(),
            value,
        }
    };
    plan.scenario.debrief.kpis.iter().map(figure).collect()
}

/// Alerts whose state changed since the last look, which this one becomes.
fn changed<'a>(watched: &mut Watched, alerts: &'a [SeenAlert]) -> Vec<&'a SeenAlert> {
    let mut now = BTreeMap::new();
    let mut changed = Vec::new();
    for seen in alerts {
        let key = format!("{} {:?}", seen.alert.name, seen.labels);
        let state = (seen.alert.state.clone(), seen.alert.since_ms);
        // a new pending one says nothing yet, an old resolved one nothing more
        let known = watched.0.get(&key);
        let moved = known.is_none_or(|(known, _)| *known != state.0);
        if moved
            && (known.is_some() || seen.alert.state == "firing")
            && seen.alert.state != "pending"
        {
            changed.push(seen);
        }
        now.insert(key, state);
    }
    watched.0 = now;
    changed
}
