//! What a journal can say. The score reads nothing else, so everything that counts is here, and
//! whatever depended on telemetry (what a pin matched) was settled when it was written.

use api::{HypothesisState, PinTarget};
use serde::{Deserialize, Serialize};

/// One line of `journal.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// 0, 1, 2, …
    pub seq: u64,
    /// Drill time, Unix milliseconds; never decreases.
    pub at_ms: i64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Hash of the entry before, 64 hex digits; zeros in the first.
    pub prev: String,
    /// SHA-256 over `prev` and this entry's own JSON without `hash`.
    pub hash: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[allow(missing_docs)] // fields are documented by the api types that they repeat
pub enum Event {
    /// First entry: which drill this is, and the SHA-256 of its plan.
    Started {
        drill: String,
        slug: String,
        seed: u64,
        level: u8,
        plan_sha256: String,
    },
    /// A timeline event was carried out.
    Timeline {
        id: String,
        role: String,
        says: String,
    },
    /// An alert changed its state.
    Alert {
        name: String,
        state: String,
        service: Option<String>,
        value: f64,
    },
    /// The page fired: the clock starts.
    PageFired {
        alert: String,
        value: f64,
        since_ms: i64,
    },
    /// The trainee acknowledged it.
    Acknowledged,
    /// A query that a person asked: language (`logql`, `promql`, `traceql`), text, window and rows of the answer; `classes` are
    /// the evidence classes that the answer showed.
    Query {
        language: String,
        text: String,
        start_ms: i64,
        end_ms: i64,
        rows: u64,
        #[serde(default)]
        classes: Vec<String>,
        #[serde(default)]
        error: Option<String>,
    },
    /// A screen was opened.
    View {
        view: String,
        subject: Option<String>,
    },
    /// Evidence was pinned; `classes` are the evidence classes it belongs to.
    PinAdded {
        pin: u32,
        target: PinTarget,
        text: String,
        note: String,
        classes: Vec<String>,
    },
    /// The note of a pin was written anew.
    PinNoted { pin: u32, note: String },
    /// A pin was taken back.
    PinRemoved { pin: u32 },
    /// A hypothesis was opened.
    HypothesisOpened {
        hypothesis: u32,
        text: String,
        component: Option<String>,
        mechanism: Option<String>,
    },
    /// Its state changed.
    HypothesisChanged {
        hypothesis: u32,
        state: HypothesisState,
        pins: Vec<u32>,
    },
    /// A hint was taken.
    Hint { number: u32, cost_min: f64 },
    /// An action was carried out, or failed.
    Action {
        remedy: String,
        undo: bool,
        done: bool,
        message: String,
    },
    /// A step of a rollout ended.
    Rollout {
        remedy: String,
        strategy: String,
        step: String,
        passed: bool,
        figures: String,
    },
    /// A person sent a request to a service of the shop; the status is none when there was no answer.
    Request {
        service: String,
        method: String,
        path: String,
        status: Option<u16>,
        duration_ms: f64,
        trace_id: String,
    },
    /// A diagnosis was submitted.
    Diagnosis {
        component: String,
        mechanism: String,
        trigger: String,
        scope: String,
        confidence: f64,
        pins: Vec<u32>,
        text: String,
        right: bool,
    },
    /// Chaos was injected, and by whom.
    Chaos {
        what: String,
        by: String,
        why: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        injection: Option<u32>,
    },
    /// Chaos ended: what ended it, and whether traffic was seen to flow again; none when nobody looked, as it was never in force
    /// or the lab ended with it.
    ChaosEnded {
        injection: u32,
        what: String,
        how: String,
        #[serde(default)]
        flows_again: Option<bool>,
        seen: String,
    },
    /// A proof ended.
    Proof {
        passed: bool,
        invariants: Vec<InvariantResult>,
    },
    /// A figure of the scenario's own: at the page and at the end.
    Kpi {
        name: String,
        unit: String,
        moment: String,
        value: Option<f64>,
    },
    /// A signal over the drill, measured at its end: times and values, none where there was none.
    Chart {
        title: String,
        unit: String,
        query: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound: Option<f64>,
        points: Vec<(i64, Option<f64>)>,
    },
    /// A service left: exit reason in words.
    ServiceExit {
        service: String,
        instance: String,
        reason: String,
        expected: bool,
    },
    /// A status update was sent.
    StatusUpdate { text: String },
    /// A note was written.
    Note { text: String },
    /// Five Whys and guardrails, as statement and guardrail ids.
    Learning {
        whys: Vec<String>,
        guardrails: Vec<String>,
    },
    /// An AI was consulted.
    AiConsulted { about: String },
    /// A phase of a workshop was entered.
    Phase { phase: String },
    /// The clock of the score stopped.
    Paused,
    /// And went on.
    Resumed,
    /// The score was adjusted by hand.
    Adjusted {
        points: String,
        by: String,
        why: String,
    },
    /// The drill ended.
    Finished { how: String },
}

/// One invariant's figures in a proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvariantResult {
    /// Id in the scenario.
    pub id: String,
    /// Value before any remedy, where it was measured.
    pub before: Option<f64>,
    /// Value in this proof; none when the query had no answer.
    pub after: Option<f64>,
    /// Whether it holds.
    pub holds: bool,
}
