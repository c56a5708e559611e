//! What the lab derives: of a trace its critical path and the spans that repeat under one parent; of objectives their figures.

use std::collections::HashSet;

use serde::Deserialize;

use super::{Asker, Client};
use crate::Failure;

/// A limit that an answer met: it is of `shown` of the `held` things.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Cut {
    /// What there was too much of.
    pub what: String,
    /// How many are in the answer, or were looked at for it.
    pub shown: usize,
    /// How many there are, as far as they were counted.
    pub held: usize,
}

impl Cut {
    /// What is left out, as it is told: `, only 500 of 712 patterns`; empty when nothing is.
    #[must_use]
    pub fn said(limits: &[Self]) -> String {
        let one = |cut: &Self| format!(", only {} of {} {}", cut.shown, cut.held, cut.what);
        limits.iter().map(one).collect()
    }
}

/// What is derived of one trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Derived {
    /// Ids of the spans on the critical path.
    pub critical: HashSet<String>,
    /// Equal siblings.
    pub groups: Vec<Group>,
    /// What these groups do, under all their parents; the greatest share first.
    pub operations: Vec<Operation>,
}

/// Equal siblings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Group {
    /// Ids of the spans, in order of time.
    pub span_ids: Vec<String>,
    /// Share of the trace's time in which at least one of them ran.
    pub share: f64,
}

/// What equal siblings do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Operation {
    /// Service that does it.
    pub service: String,
    /// The statement, or the name of the spans.
    pub name: String,
    /// How many spans.
    pub count: usize,
    /// Share of the trace's time in which at least one of them ran.
    pub share: f64,
}

/// An objective and how it stands. Figures are absent where there is no data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Objective {
    /// Whose it is.
    pub service: String,
    /// Its name.
    pub name: String,
    /// What it means.
    pub description: String,
    /// Share of events that must be good.
    pub objective: f64,
    /// Seconds that the budget is of.
    pub window_s: f64,
    /// Events within them.
    pub total: Option<f64>,
    /// Those that failed.
    pub failed: Option<f64>,
    /// Share of events that were good.
    pub sli: Option<f64>,
    /// Share of the budget that is left; below 0 more has failed than may.
    pub error_budget_remaining: Option<f64>,
    /// How many times as fast as it may the budget burns at present.
    pub burn_rate: Option<f64>,
    /// The same over each window, the shortest first.
    pub burn_rates: Vec<Burn>,
    /// Pairs of windows, those of the page first.
    pub pairs: Vec<Pair>,
    /// What may be done with what is left.
    pub policy: Option<Policy>,
    /// Seconds until nothing is left, if that comes.
    pub exhausted_in_s: Option<f64>,
}

impl Objective {
    /// `page` or `ticket` if the budget burns too fast for one.
    #[must_use]
    pub fn severity(&self) -> Option<&str> {
        let mut burning = self.pairs.iter().filter(|pair| pair.burning == Some(true));
        burning.next().map(|pair| pair.severity.as_str())
    }
}

/// How fast a budget burns over a window.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Burn {
    /// Seconds of the window.
    pub window_s: f64,
    /// Times as fast as it may.
    pub burn_rate: Option<f64>,
}

/// Two windows over which a budget must not burn faster than a bound.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Pair {
    /// `page` or `ticket`.
    pub severity: String,
    /// The short window, as in `30s`.
    pub short: String,
    /// The long window.
    pub long: String,
    /// The bound.
    pub factor: f64,
    /// Whether it burns faster over both.
    pub burning: Option<bool>,
}

/// What a team may do with what is left of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Most is left.
    Green,
    /// Less is left.
    Yellow,
    /// Little is left.
    Red,
    /// Nothing is left.
    Exhausted,
}

impl Policy {
    /// As it is told.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::Exhausted => "exhausted",
        }
    }
}

#[derive(Deserialize)]
struct Objectives {
    objectives: Vec<Objective>,
}

#[derive(Deserialize)]
struct CriticalPath {
    spans: Vec<OnPath>,
}

#[derive(Deserialize)]
struct OnPath {
    span_id: String,
}

#[derive(Deserialize)]
struct Repeated {
    groups: Vec<Group>,
    operations: Vec<Operation>,
}

impl Client {
    /// The objectives as they stand at a time, milliseconds.
    ///
    /// # Errors
    /// As [`Client::drill`].
    pub async fn objectives(&self, at_ms: i64) -> Result<Vec<Objective>, Failure> {
        let time = format!("{}.{:03}", at_ms.div_euclid(1_000), at_ms.rem_euclid(1_000));
        let parameters = [("time", time)];
        let found: Objectives = self
            .query("derived/objectives", &parameters, Asker::Screen)
            .await?;
        Ok(found.objectives)
    }

    /// What is derived of one trace, whose id is hexadecimal.
    ///
    /// # Errors
    /// As [`Client::drill`]; 404 when there is no such trace.
    pub async fn derived(&self, trace_id: &str) -> Result<Derived, Failure> {
        let path = |view: &str| format!("derived/traces/{trace_id}/{view}");
        let critical: CriticalPath = self
            .query(&path("critical-path"), &[], Asker::Screen)
            .await?;
        let repeated: Repeated = self.query(&path("repeated"), &[], Asker::Screen).await?;
        Ok(Derived {
            critical: critical.spans.into_iter().map(|s| s.span_id).collect(),
            groups: repeated.groups,
            operations: repeated.operations,
        })
    }
}
