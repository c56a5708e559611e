//! What a scenario says to learn from it: hints on the way, the debrief at the end, and how a level
//! changes the difficulty. What really happened is told by timeline and truth.

use serde::{Deserialize, Serialize};

/// A hint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// Text.
    pub text: String,
    /// Minutes added to the time.
    pub cost_min: f64,
}

/// What is told at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Debrief {
    /// The story, paragraphs.
    pub story: String,
    /// Questions for reflection.
    pub questions: Vec<String>,
    /// Guardrails offered: those with `prevents` would have prevented it.
    pub guardrails: Vec<Guardrail>,
    /// The workshop's own figures: name and PromQL, asked at the page and at the end.
    #[serde(default)]
    pub kpis: Vec<KpiSpec>,
}

/// A guardrail on offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guardrail {
    /// Id.
    pub id: String,
    /// Text.
    pub text: String,
    /// Whether it would have prevented this.
    #[serde(default)]
    pub prevents: bool,
}

/// A figure of the scenario's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KpiSpec {
    /// Name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// PromQL with one value.
    pub query: String,
}

/// What a level changes in this scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelChange {
    /// Title on the pager.
    #[serde(default)]
    pub page_title: Option<String>,
    /// Share of the hints' cost, percent; none are offered at `null`.
    #[serde(default)]
    pub hint_cost_percent: Option<u32>,
    /// Share of healthy traces kept, percent.
    #[serde(default)]
    pub trace_percent: Option<u32>,
    /// How many innocent changes are shown.
    #[serde(default)]
    pub innocent_changes: Option<usize>,
    /// How many decoys there are, in the order of the file.
    #[serde(default)]
    pub decoys: Option<usize>,
}
