//! The life of one alert: pending, firing, resolved. Pure: time and results come in, transitions go out.

use std::time::Duration;

use crate::metrics::labels::Labels;

/// How long a resolved alert is still listed, store time: as long as Prometheus keeps them.
pub const RESOLVED_KEPT_NS: i64 = 15 * 60 * 1_000_000_000;

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The condition does not hold.
    Inactive,
    /// The condition holds, but not for long enough.
    Pending,
    /// The condition has held for long enough.
    Firing,
    /// It fired, and the condition has gone.
    Resolved,
}

impl State {
    /// The name in Prometheus' API; `resolved` is ours, where Prometheus says `inactive`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// One alert: a rule's condition for one label set.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The rule's name.
    pub name: String,
    /// Where it stands.
    pub state: State,
    /// All labels, `alertname` among them, sorted by name.
    pub labels: Vec<(String, String)>,
    /// The annotations, filled in with the newest value while it was active.
    pub annotations: Vec<(String, String)>,
    /// The newest value of the expression.
    pub value: f64,
    /// Since when the condition holds, store time.
    pub active_since_ns: i64,
    /// When it began to fire.
    pub fired_at_ns: Option<i64>,
    /// When it was resolved.
    pub resolved_at_ns: Option<i64>,
    /// The expression that is evaluated.
    pub expr: String,
    /// How long the condition must hold.
    pub for_: Duration,
}

/// An alert between evaluations.
#[derive(Debug, Clone)]
pub(super) struct Tracked {
    pub labels: Labels,
    pub annotations: Vec<(String, String)>,
    pub value: f64,
    pub state: State,
    pub since_ns: i64,
    pub fired_ns: Option<i64>,
    pub resolved_ns: Option<i64>,
    keep_since_ns: Option<i64>,
}

/// The waits of a rule, ns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    pub for_ns: i64,
    pub keep_firing_ns: i64,
}

impl Tracked {
    pub fn new(labels: Labels, now_ns: i64) -> Self {
        Self {
            labels,
            annotations: Vec::new(),
            value: f64::NAN,
            state: State::Pending,
            since_ns: now_ns,
            fired_ns: None,
            resolved_ns: None,
            keep_since_ns: None,
        }
    }

    /// The condition holds. Returns whether the state changed to firing. An alert that fires and has not held for the wait any
    /// more, because the wait was made longer meanwhile, is pending again.
    pub fn hold(&mut self, now_ns: i64, waits: Waits) -> bool {
        if self.state == State::Resolved {
            *self = Self {
                annotations: std::mem::take(&mut self.annotations),
                value: self.value,
                ..Self::new(self.labels.clone(), now_ns)
            };
        }
        self.keep_since_ns = None;
        let held = now_ns - self.since_ns >= waits.for_ns;
        if self.state == State::Firing && !held {
            self.state = State::Pending;
            self.fired_ns = None;
        }
        let fires = self.state == State::Pending && held;
        if fires {
            self.state = State::Firing;
            self.fired_ns = Some(now_ns);
        }
        fires
    }

    /// The condition does not hold. Returns whether the state changed to resolved.
    pub fn miss(&mut self, now_ns: i64, waits: Waits) -> bool {
        if self.state != State::Firing {
            return false;
        }
        let kept_since = *self.keep_since_ns.get_or_insert(now_ns);
        if now_ns - kept_since < waits.keep_firing_ns {
            return false;
        }
        self.state = State::Resolved;
        self.resolved_ns = Some(now_ns);
        true
    }

    /// Whether it can be forgotten after a miss: never fired, or resolved long ago.
    pub fn is_over(&self, now_ns: i64) -> bool {
        self.state == State::Pending
            || self
                .resolved_ns
                .is_some_and(|at| now_ns - at > RESOLVED_KEPT_NS)
    }

    pub fn is_active(&self) -> bool {
        matches!(self.state, State::Pending | State::Firing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn an_alert_fires_after_its_wait_and_resolves_when_the_condition_goes() {
        let waits = Waits {
            for_ns: 10 * SECOND,
            keep_firing_ns: 0,
        };
        let mut alert = Tracked::new(Labels::empty(), 0);
        assert!(!alert.hold(0, waits));
        assert!(!alert.hold(9 * SECOND, waits));
        assert!(alert.hold(10 * SECOND, waits));
        assert!(!alert.hold(11 * SECOND, waits), "it fires once");
        assert!(alert.miss(12 * SECOND, waits));
        assert_eq!(
            (alert.state, alert.resolved_ns),
            (State::Resolved, Some(12 * SECOND))
        );
        assert!(!alert.is_over(12 * SECOND + RESOLVED_KEPT_NS));
        assert!(alert.is_over(13 * SECOND + RESOLVED_KEPT_NS));
    }

    #[test]
    fn a_longer_wait_makes_a_firing_alert_pending_until_it_has_held_for_that_long() {
        let waits = |seconds| Waits {
            for_ns: seconds * SECOND,
            keep_firing_ns: 0,
        };
        let mut alert = Tracked::new(Labels::empty(), 0);
        assert!(alert.hold(SECOND, waits(0)));
        assert!(!alert.hold(2 * SECOND, waits(30)));
        assert_eq!((alert.state, alert.fired_ns), (State::Pending, None));
        assert!(alert.hold(30 * SECOND, waits(30)));
        assert!(!alert.hold(31 * SECOND, waits(30)), "it fires once");
    }

    #[test]
    fn a_resolved_alert_that_returns_waits_anew() {
        let waits = Waits {
            for_ns: 5 * SECOND,
            keep_firing_ns: 0,
        };
        let mut alert = Tracked::new(Labels::empty(), 0);
        alert.hold(5 * SECOND, waits);
        alert.miss(6 * SECOND, waits);
        assert!(!alert.hold(7 * SECOND, waits));
        assert_eq!((alert.state, alert.since_ns), (State::Pending, 7 * SECOND));
        assert!(alert.hold(12 * SECOND, waits));
    }

    #[test]
    fn keep_firing_for_bridges_a_gap() {
        let waits = Waits {
            for_ns: 0,
            keep_firing_ns: 10 * SECOND,
        };
        let mut alert = Tracked::new(Labels::empty(), 0);
        assert!(alert.hold(0, waits));
        assert!(!alert.miss(SECOND, waits));
        assert!(!alert.hold(5 * SECOND, waits));
        assert!(!alert.miss(6 * SECOND, waits));
        assert!(!alert.miss(15 * SECOND, waits));
        assert!(alert.miss(16 * SECOND, waits));
    }

    #[test]
    fn a_pending_alert_whose_condition_goes_is_forgotten() {
        let waits = Waits {
            for_ns: SECOND,
            keep_firing_ns: 0,
        };
        let mut alert = Tracked::new(Labels::empty(), 0);
        assert!(!alert.miss(0, waits));
        assert!(alert.is_over(0));
    }
}
