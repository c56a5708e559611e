//! The engine: loads rules, evaluates them at the times it is given, keeps alerts and tells of transitions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::broadcast;

use super::live::{Live, LiveGroup, ns};
use super::rules::{self, FileError, Group};
use super::state::{Alert, State};
use crate::error::QueryError;
use crate::metrics::store::Store;

/// Transitions that a slow subscriber may be behind; beyond it the oldest are lost to it, and it is told how many.
const TRANSITIONS_KEPT: usize = 256;

/// An alert changed its state.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The alert as it is now.
    pub alert: Alert,
    /// The state before.
    pub from: State,
    /// When, store time.
    pub at_ns: i64,
}

/// A change of a rule while it runs; what is `None` stays as the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tune {
    /// Another expression.
    pub expr: Option<String>,
    /// Another wait.
    pub for_: Option<Duration>,
}

/// Why a rule was not tuned; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TuneError {
    /// There is no alerting rule of that name.
    #[error("no alerting rule is named {name:?}; these are: {known}")]
    Unknown {
        /// The name as given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// The expression is not valid.
    #[error("expr: {0}")]
    Query(#[from] QueryError),
}

/// What is known of a rule.
#[derive(Debug, Clone)]
pub struct RuleInfo {
    /// The group's name.
    pub group: String,
    /// How often the group is evaluated, `None`: after each round.
    pub interval: Option<Duration>,
    /// The alert's or the recorded series' name.
    pub name: String,
    /// Whether it alerts (else it records).
    pub alerting: bool,
    /// The expression that is evaluated.
    pub expr: String,
    /// The wait that is used.
    pub for_: Duration,
    /// How long the alert goes on firing without its condition.
    pub keep_firing_for: Duration,
    /// Labels as written.
    pub labels: Vec<(String, String)>,
    /// Annotations as written.
    pub annotations: Vec<(String, String)>,
    /// Whether [`Engine::tune`] changed it.
    pub tuned: bool,
    /// Why the newest evaluation failed, if it did.
    pub error: Option<String>,
    /// When it was evaluated, store time.
    pub evaluated_at_ns: Option<i64>,
    /// How long that took, wall time.
    pub took: Duration,
    /// Its alerts, resolved ones included.
    pub alerts: Vec<Alert>,
}

/// Evaluates rules over a store.
pub struct Engine {
    store: Arc<Store>,
    groups: Mutex<Vec<LiveGroup>>,
    transitions: broadcast::Sender<Transition>,
}

impl Engine {
    /// An engine without rules. Its results (`ALERTS`, recorded series) go to the same store.
    #[must_use]
    pub fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            groups: Mutex::new(Vec::new()),
            transitions: broadcast::channel(TRANSITIONS_KEPT).0,
        }
    }

    /// Replaces all rules by those of rule files, given as name and text, in their order. Alerts start anew.
    ///
    /// # Errors
    /// All problems of the first file that has any; the rules before remain then.
    pub fn load<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), FileError> {
        let mut groups = Vec::new();
        for (name, yaml) in files {
            groups.extend(rules::read(yaml).map_err(|problems| FileError {
                name: name.to_owned(),
                problems,
            })?);
        }
        self.replace(groups);
        Ok(())
    }

    /// Replaces all rules by these groups, in this order.
    pub(super) fn replace(&self, groups: Vec<Group>) {
        *self.groups.lock() = groups.into_iter().map(LiveGroup::new).collect();
    }

    /// Evaluates every group that is due at `now_ns` (store time) and announces what changed.
    pub fn evaluate(&self, now_ns: i64) {
        self.evaluate_those(now_ns, |group| {
            let wait_ns = group.interval.map_or(0, ns);
            group
                .evaluated_ns
                .is_none_or(|last| now_ns >= last.saturating_add(wait_ns))
        });
    }

    /// Evaluates every group, whatever its interval.
    pub(super) fn evaluate_all(&self, now_ns: i64) {
        self.evaluate_those(now_ns, |_| true);
    }

    fn evaluate_those(&self, now_ns: i64, due: impl Fn(&LiveGroup) -> bool) {
        let mut announced = Vec::new();
        for group in self.groups.lock().iter_mut().filter(|group| due(group)) {
            group.evaluated_ns = Some(now_ns);
            for live in &mut group.rules {
                let started = Instant::now();
                live.error = live
                    .evaluate(&self.store, now_ns, &mut announced)
                    .err()
                    .map(|error| error.to_string());
                live.evaluated_ns = Some(now_ns);
                live.took = started.elapsed();
            }
        }
        for transition in announced {
            // no subscriber is no error
            let _ = self.transitions.send(transition);
        }
    }

    /// All alerts that are pending, firing or resolved lately: firing first, then by name and labels.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
        let groups = self.groups.lock();
        let mut alerts: Vec<Alert> = groups
            .iter()
            .flat_map(|g| &g.rules)
            .flat_map(Live::alerts)
            .collect();
        let order = |state: State| match state {
            State::Firing => 0,
            State::Pending => 1,
            State::Resolved => 2,
            State::Inactive => 3,
        };
        alerts.sort_by(|a, b| {
            (order(a.state), &a.name, &a.labels).cmp(&(order(b.state), &b.name, &b.labels))
        });
        alerts
    }

    /// All rules in the order of the file.
    #[must_use]
    pub fn rules(&self) -> Vec<RuleInfo> {
        let groups = self.groups.lock();
        groups
            .iter()
            .flat_map(|group| group.rules.iter().map(|live| live.info(group)))
            .collect()
    }

    /// Changes an alerting rule while it runs. Its alerts remain; another wait counts from when the condition began to hold.
    ///
    /// # Errors
    /// An unknown name or an expression that does not parse; nothing changes then.
    pub fn tune(&self, rule: &str, tune: Tune) -> Result<(), TuneError> {
        let expr = tune.expr.as_deref().map(rules::parse).transpose()?;
        self.with_rule(rule, |live| live.tuned = Some((tune, expr)))
    }

    /// Makes a rule again what its file says.
    ///
    /// # Errors
    /// An unknown name.
    pub fn reset_tune(&self, rule: &str) -> Result<(), TuneError> {
        self.with_rule(rule, |live| live.tuned = None)
    }

    /// Transitions from now on. A subscriber that falls behind loses the oldest and is told so.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Transition> {
        self.transitions.subscribe()
    }

    fn with_rule(&self, name: &str, change: impl FnOnce(&mut Live)) -> Result<(), TuneError> {
        let mut groups = self.groups.lock();
        let alerting = |live: &&mut Live| live.is_alerting();
        let mut all = groups
            .iter_mut()
            .flat_map(|g| &mut g.rules)
            .filter(alerting);
        if let Some(live) = all.find(|live| live.rule.name == name) {
            change(live);
            return Ok(());
        }
        let known: Vec<&str> = groups
            .iter()
            .flat_map(|g| &g.rules)
            .filter(|live| live.is_alerting())
            .map(|live| live.rule.name.as_str())
            .collect();
        Err(TuneError::Unknown {
            name: name.to_owned(),
            known: known.join(", "),
        })
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("groups", &self.groups.lock().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
