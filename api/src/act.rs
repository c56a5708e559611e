//! Acting on the lab: remedies, their outcomes, and the proof.

use serde::{Deserialize, Serialize};

/// An action on offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// What to send.
    pub id: String,
    /// One line.
    pub title: String,
    /// What it will do.
    pub description: String,
    /// Which service it touches, if one.
    pub service: Option<String>,
    /// `restart`, `rollback`, `deploy`, `config`, `scale`, `job`, `alert`, `none`.
    pub kind: String,
    /// Whether to ask before doing it.
    pub dangerous: bool,
    /// Whether it was applied and not undone.
    pub applied: bool,
}

/// Asks for an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRequest {
    /// Remedy id.
    pub remedy: String,
    /// True takes the remedy back instead of applying it.
    #[serde(default)]
    pub undo: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionOutcome {
    /// Remedy id.
    pub remedy: String,
    /// Whether it was carried out.
    pub done: bool,
    /// What happened, step by step.
    pub message: String,
}

/// One invariant of the proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvariantView {
    /// What must hold, in words.
    pub title: String,
    /// PromQL that measured it.
    pub query: String,
    /// The bound, as in `<= 0`.
    pub bound: String,
    /// Value just before the first proof of the drill (the broken system), where known.
    pub before: Option<f64>,
    /// Value in this proof.
    pub after: Option<f64>,
    /// Whether it holds.
    pub holds: bool,
}

/// The stress test.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProofView {
    /// Whether it runs now.
    pub running: bool,
    /// 0 to 1.
    pub progress: f64,
    /// What it does, in words: load, chaos, duration.
    pub description: String,
    /// Result of the last run; empty before the first.
    pub invariants: Vec<InvariantView>,
    /// Whether all held in the last run; none before the first.
    pub passed: Option<bool>,
    /// When the last run ended.
    pub at_ms: Option<i64>,
}
