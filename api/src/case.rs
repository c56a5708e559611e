//! The trainee's notebook: pins, hypotheses, diagnoses, hints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a diagnosis can be made of, and everything a picker needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// Services and links that can be named as the component.
    pub components: Vec<Choice>,
    /// Families with their mechanisms.
    pub families: Vec<Family>,
    /// Changes and events that can be named as the trigger; `none` is always one.
    pub triggers: Vec<Choice>,
    /// Who can be affected.
    pub scopes: Vec<Choice>,
}

/// An id and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What to send.
    pub id: String,
    /// What to show.
    pub text: String,
}

/// A family of mechanisms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Id, as in `concurrency`.
    pub id: String,
    /// One line.
    pub definition: String,
    /// Its mechanisms.
    pub mechanisms: Vec<Choice>,
}

/// What to pin: a reference that the server resolves against its own store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum PinTarget {
    /// A log line.
    Log {
        /// Drill time of the line, nanoseconds.
        ts_ns: i64,
        /// Its service.
        service: String,
        /// Its text, exactly.
        line: String,
        /// Its span, where the line has one.
        #[serde(default)]
        span_id: Option<String>,
    },
    /// A span, or a whole trace.
    Span {
        /// 32 hex digits.
        trace_id: String,
        /// 16 hex digits; none pins the whole trace.
        #[serde(default)]
        span_id: Option<String>,
        /// With all its siblings that do the same, as a waterfall folds them into one row.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        repeated: bool,
    },
    /// A value of a PromQL expression.
    Metric {
        /// The expression.
        query: String,
        /// Drill time at which it was read.
        at_ms: i64,
        /// Labels of the series that was selected; empty means the whole result.
        #[serde(default)]
        labels: BTreeMap<String, String>,
    },
    /// An entry of the change history.
    Change {
        /// Its id.
        id: String,
    },
}

/// Asks for a pin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PinRequest {
    /// What.
    pub target: PinTarget,
    /// Why, in the trainee's words.
    #[serde(default)]
    pub note: String,
}

/// Says why evidence that is kept matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinNote {
    /// Why, in the trainee's words; empty takes the note away.
    pub note: String,
}

/// Evidence that was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    /// Id within the drill.
    pub id: u32,
    /// When it was pinned.
    pub at_ms: i64,
    /// What was pinned.
    pub target: PinTarget,
    /// One line that shows it, made by the server from its store.
    pub text: String,
    /// Why, in the trainee's words.
    pub note: String,
}

/// Opens a hypothesis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HypothesisRequest {
    /// In the trainee's words.
    pub text: String,
    /// The suspected component, if named.
    #[serde(default)]
    pub component: Option<String>,
    /// The suspected mechanism, if named.
    #[serde(default)]
    pub mechanism: Option<String>,
}

/// State of a hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HypothesisState {
    /// Not settled.
    Open,
    /// The evidence speaks for it.
    Supported,
    /// The evidence speaks against it.
    Rejected,
}

/// Changes a hypothesis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HypothesisUpdate {
    /// New state.
    pub state: HypothesisState,
    /// Pins that speak for or against it.
    #[serde(default)]
    pub pins: Vec<u32>,
}

/// A hypothesis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hypothesis {
    /// Id within the drill.
    pub id: u32,
    /// In the trainee's words.
    pub text: String,
    /// The suspected component.
    pub component: Option<String>,
    /// The suspected mechanism.
    pub mechanism: Option<String>,
    /// State.
    pub state: HypothesisState,
    /// Pins that speak for or against it.
    pub pins: Vec<u32>,
}

/// Names the cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiagnosisRequest {
    /// Component id; `none` with the mechanism `no-fault`.
    pub component: String,
    /// Mechanism id.
    pub mechanism: String,
    /// Trigger id, or `none`.
    pub trigger: String,
    /// Scope id.
    pub scope: String,
    /// 0 to 1: how sure the trainee is.
    pub confidence: f64,
    /// Pins it rests on.
    #[serde(default)]
    pub pins: Vec<u32>,
    /// Free text.
    #[serde(default)]
    pub text: String,
}

/// What the server says to a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Component and mechanism are both right.
    pub right: bool,
    /// What to do next.
    pub message: String,
}

/// A diagnosis that was submitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// When.
    pub at_ms: i64,
    /// What was said.
    pub request: DiagnosisRequest,
    /// Whether it was right.
    pub right: bool,
}

/// A hint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hint {
    /// 1, 2, …
    pub number: u32,
    /// What it says.
    pub text: String,
    /// What it cost, minutes added to the time.
    pub cost_min: f64,
    /// How many are left.
    pub left: u32,
    /// What the next costs, if there is one.
    pub next_cost_min: Option<f64>,
}

/// A note or a status update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Text.
    pub text: String,
    /// Whether it went to stakeholders as a status update.
    #[serde(default)]
    pub status_update: bool,
}

/// The notebook.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Evidence.
    pub pins: Vec<Pin>,
    /// Hypotheses.
    pub hypotheses: Vec<Hypothesis>,
    /// Diagnoses, oldest first.
    pub diagnoses: Vec<Diagnosis>,
    /// Hints taken.
    pub hints: Vec<Hint>,
    /// Notes and status updates, oldest first, with their drill time.
    pub notes: Vec<(i64, Note)>,
    /// Hints that are left.
    pub hints_left: u32,
    /// What the next hint costs in minutes, if there is one.
    pub next_hint_cost_min: Option<f64>,
}

/// A screen was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewOpened {
    /// Screen name, as in `logs`.
    pub view: String,
    /// What it was about (a service, a trace id), if anything.
    #[serde(default)]
    pub subject: Option<String>,
}
