//! What a spec file says, checked. Knows neither YAML nor rules.

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;

use super::query::Query;
use super::windows::Windows;
use crate::alerts::{FileError, Problem, RulesError};

/// The objectives of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Whose they are.
    pub service: String,
    /// The period of the budgets, and the windows of their burn rates.
    pub windows: Windows,
    /// The objectives, in the order of the file.
    pub objectives: Vec<Objective>,
}

/// An objective: which share of events must be good.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// Service and name, unique among all that are loaded.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it means, for people; empty where the file does not say.
    pub description: String,
    /// The promised percentage, as the file has it.
    pub percent: f64,
    /// Labels of all its series and alerts.
    pub labels: Vec<(String, String)>,
    /// How often its rules are evaluated.
    pub intervals: Intervals,
    /// Its alerts.
    pub alerting: Alerting,
    pub(super) errors: Query,
    pub(super) total: Query,
}

impl Objective {
    /// The share of events that must be good: 0.999 for 99.9 %, without the noise of a division.
    #[must_use]
    pub fn target(&self) -> f64 {
        share(self.percent)
    }

    /// The share of events that may fail.
    #[must_use]
    pub fn budget(&self) -> f64 {
        share(100.0 - self.percent)
    }
}

/// Refuses objectives of the same service and name, whose series could not be told apart.
pub(crate) fn check_ids(specs: &[Spec]) -> Result<(), FileError> {
    let mut seen = HashSet::new();
    for spec in specs {
        if let Some(twice) = spec.objectives.iter().find(|o| !seen.insert(&o.id)) {
            return Err(FileError {
                name: format!("objectives of {}", spec.service),
                problems: RulesError(vec![Problem::of_file(format!(
                    "there is an objective `{}` already: name each once",
                    twice.id
                ))]),
            });
        }
    }
    Ok(())
}

/// A percentage as a share of twelve decimals.
pub(super) fn share(percent: f64) -> f64 {
    (percent * 1e10).round() / 1e12
}

/// Evaluation intervals of the three groups of an objective; `None`: the server's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Intervals {
    /// Error ratios.
    pub errors: Option<Duration>,
    /// Budgets and burn rates.
    pub metadata: Option<Duration>,
    /// Alerts.
    pub alerts: Option<Duration>,
}

/// The alerts of an objective.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alerting {
    /// Name of both.
    pub name: String,
    /// Labels of both.
    pub labels: Vec<(String, String)>,
    /// Annotations of both.
    pub annotations: Vec<(String, String)>,
    /// What is special about the page; `None`: there is none.
    pub page: Option<AlertPart>,
    /// What is special about the ticket; `None`: there is none.
    pub ticket: Option<AlertPart>,
}

/// What one of the two alerts has besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertPart {
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// Annotations.
    pub annotations: Vec<(String, String)>,
}

/// What a team may do with what is left of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// More than three quarters are left: change what you like.
    Green,
    /// More than a quarter is left: change with care.
    Yellow,
    /// A quarter or less is left: only what makes it better.
    Red,
    /// Nothing is left: the objective is broken.
    Exhausted,
}

impl Policy {
    /// A budget of more than this share is green.
    pub const GREEN_OVER: f64 = 0.75;
    /// A budget of more than this share, and not green, is yellow.
    pub const YELLOW_OVER: f64 = 0.25;

    /// The state of the level that is recorded: 0 green to 3 exhausted.
    #[must_use]
    pub(super) fn of_level(level: f64) -> Option<Self> {
        [Self::Green, Self::Yellow, Self::Red, Self::Exhausted]
            .into_iter()
            .zip([0.0, 1.0, 2.0, 3.0])
            .find_map(|(state, of)| (of == level).then_some(state))
    }
}
