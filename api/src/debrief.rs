//! What is told once the drill has ended: score with reasons, truth, timelines.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Change, Choice, InvariantView};

/// One part of the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScorePart {
    /// `localisation`, `mechanism`, …
    pub part: String,
    /// Points earned.
    pub points: Decimal,
    /// Points that could be earned.
    pub of: Decimal,
    /// Why, one line each.
    pub reasons: Vec<String>,
    /// Sequence numbers of the journal entries it came from.
    pub entries: Vec<u64>,
}

/// A figure reported beside the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kpi {
    /// Name, as in `TTRC`.
    pub name: String,
    /// Value with its unit, as in `6 min 12 s`; `—` where there is none.
    pub value: String,
    /// What it means.
    pub meaning: String,
}

/// The score of one drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scorecard {
    /// Version of the formula.
    pub formula: u32,
    /// Sum of the parts, 0 to 100.
    pub total: Decimal,
    /// The parts, in the order of the published formula.
    pub parts: Vec<ScorePart>,
    /// TTD, TTA, TTRC, TTM, TTR, red-herring bill, decisive minute, and the scenario's own.
    pub kpis: Vec<Kpi>,
}

/// One thing that happened, for the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When.
    pub at_ms: i64,
    /// `truth` (what was done to the shop), `trainee`, `alert` or `system`.
    pub lane: String,
    /// What.
    pub text: String,
}

/// An edge of the causal graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CausalEdge {
    /// Cause: id of a node.
    pub from: String,
    /// Effect: id of a node.
    pub to: String,
}

/// An evidence class, and whether it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceFound {
    /// What it proves.
    pub proves: String,
    /// A query that finds it.
    pub query: String,
    /// `logql`, `traceql`, `promql` or `change`.
    pub language: String,
    /// Whether it was decisive.
    pub decisive: bool,
    /// Pins that matched it.
    pub pins: Vec<u32>,
}

/// A signal over the drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DebriefChart {
    /// What it is, as in `orders: p95 of requests`.
    pub title: String,
    /// Its unit, as in `s`, `/s` or `share`; empty where the query alone tells.
    pub unit: String,
    /// PromQL of it.
    pub query: String,
    /// The value that fired the page, where this is what the page watched.
    pub bound: Option<f64>,
    /// Times and values, oldest first, evenly spaced; none where there was no traffic.
    pub points: Vec<(i64, Option<f64>)>,
    /// Median from the page to the first remedy, or to the end where there was none.
    pub before: Option<f64>,
    /// Median from the last remedy to the end.
    pub after: Option<f64>,
}

/// A moment that stands on the charts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebriefMark {
    /// When.
    pub at_ms: i64,
    /// `fault`, `page`, `diagnosis` or `remedy`.
    pub kind: String,
    /// What.
    pub text: String,
}

/// A step of the Five Whys that were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyStep {
    /// The statement.
    pub text: String,
    /// Whether it is the direct cause of the one before; none for the first.
    pub follows: Option<bool>,
}

/// The Five Whys that were written, beside the true chain; effect first, each next the cause of the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whys {
    /// What was written; empty when nothing was.
    pub own: Vec<WhyStep>,
    /// The longest chain of the causal graph.
    pub truth: Vec<String>,
}

/// Everything about a drill that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Debrief {
    /// Id of the drill.
    pub id: String,
    /// Scenario.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Seed.
    pub seed: u64,
    /// Difficulty.
    pub level: u8,
    /// Command that repeats the drill.
    pub repeat: String,
    /// What really happened, a few paragraphs.
    pub story: String,
    /// The right answer: component, mechanism, trigger, scope, as text.
    pub truth: Vec<Choice>,
    /// The score.
    pub score: Scorecard,
    /// What was done beside what was true.
    pub timeline: Vec<TimelineEntry>,
    /// Nodes of the causal graph, from trigger to page.
    pub causes: Vec<Choice>,
    /// Its edges.
    pub edges: Vec<CausalEdge>,
    /// Evidence there was.
    pub evidence: Vec<EvidenceFound>,
    /// Decoys: what each was and what ruled it out.
    pub decoys: Vec<Choice>,
    /// Changes, with what the trainee did.
    pub changes: Vec<Change>,
    /// The last proof.
    pub proof: Vec<InvariantView>,
    /// What the page watched, and the signals of the true cause, over the drill.
    #[serde(default)]
    pub charts: Vec<DebriefChart>,
    /// What happened on them.
    #[serde(default)]
    pub marks: Vec<DebriefMark>,
    /// Five Whys.
    #[serde(default)]
    pub whys: Whys,
    /// Questions for reflection.
    pub questions: Vec<String>,
    /// What would have prevented it.
    pub guardrails: Vec<Choice>,
    /// Where the drill folder and report are, if recorded.
    pub folder: Option<String>,
}

/// Statements to build Five Whys from, and guardrails to choose, in an order that tells nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearningChoices {
    /// Statements: some are steps of the causal chain, some are not.
    pub statements: Vec<Choice>,
    /// Guardrails: some would have prevented this, some not.
    pub guardrails: Vec<Choice>,
}

/// Five Whys (effect first, each next the cause of the one before) and the guardrails chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learning {
    /// Statement ids, from the page down to the cause.
    pub whys: Vec<String>,
    /// Guardrail ids.
    pub guardrails: Vec<String>,
}
