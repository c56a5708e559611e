//! Questions to the lab and its answers, as the screen's own words. Knows neither HTTP nor drawing.

use std::collections::{BTreeMap, BTreeSet};

use api::{
    ActionOutcome, ActionRequest, Case, Change, Debrief, Diagnosis, DiagnosisRequest, DrillView,
    Hint, HypothesisRequest, HypothesisUpdate, Learning, LearningChoices, Note, Pin, PinNote,
    PinRequest, ProofView, ReadyRequest, Remedy, ShopAnswer, ShopRequest, Verdict, ViewOpened,
    Vocabulary,
};

use crate::Failure;
use crate::client::Asker;
use crate::client::derived::{Derived, Objective};
use crate::client::difference::{Comparison, Differs, Group};
use crate::client::graph::Graph;
use crate::client::loki::{Histogram, Lines, LogLine};
use crate::client::patterns::Patterns;
use crate::client::prometheus::{Exemplar, MetricInfo, Series};
use crate::client::tempo::{Span, TraceList, Wanted};
use crate::time::Window;

/// What a question is about: a newer one replaces an older one of the same slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// State of the drill.
    Drill,
    /// Change history.
    Changes,
    /// Notebook.
    Case,
    /// Words of a diagnosis.
    Vocabulary,
    /// Actions on offer.
    Remedies,
    /// Stress test.
    Proof,
    /// Requests that are ready to be sent.
    ReadyRequests,
    /// Debrief.
    Debrief,
    /// Statements and guardrails.
    Learning,
    /// Golden signals.
    Golden,
    /// Objectives.
    Objectives,
    /// Log lines.
    Logs,
    /// Older log lines.
    OlderLogs,
    /// Lines around a line.
    Context,
    /// Names of the fields of log lines.
    LogFields,
    /// Log counts.
    Histogram,
    /// Log patterns.
    Patterns,
    /// Trace search.
    Traces,
    /// One trace.
    Trace,
    /// Logs of one trace.
    TraceLogs,
    /// Two traces side by side.
    Compare,
    /// What some traces have more often than the rest.
    Differs,
    /// Series of a chart.
    Metrics,
    /// Single observations of a chart.
    Exemplars,
    /// Metric names.
    MetricNames,
    /// Series of the panels.
    Panels,
    /// Labels of a metric.
    Labels,
    /// Service graph.
    Graph,
}

/// A question to the lab, or something to do there.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// State of the drill.
    Drill,
    /// Change history.
    Changes,
    /// Notebook.
    Case,
    /// Words of a diagnosis.
    Vocabulary,
    /// Actions on offer.
    Remedies,
    /// Stress test.
    Proof,
    /// Requests that are ready to be sent.
    ReadyRequests,
    /// Debrief.
    Debrief,
    /// Statements and guardrails.
    LearningChoices,
    /// Golden signals of all services.
    Golden(Window),
    /// Objectives as they stand at a time, milliseconds.
    Objectives(i64),
    /// Lines of the window.
    Logs(Lines),
    /// Lines before those that are held.
    OlderLogs(Lines),
    /// Lines around a time, half of the limit on either side.
    Context {
        query: String,
        at_ns: i64,
        limit: usize,
    },
    /// Recent lines of these services, for the names of their fields.
    LogFields {
        services: Vec<String>,
        window: Window,
    },
    /// Counts of a window.
    Histogram {
        query: String,
        window: Window,
        bins: usize,
    },
    /// Patterns of the lines of a window, with what is new since a moment, milliseconds.
    Patterns {
        query: String,
        window: Window,
        since_ms: i64,
    },
    /// Trace search.
    Traces {
        query: String,
        window: Window,
        wanted: Wanted,
        limit: usize,
    },
    /// One trace.
    Trace(String),
    /// Logs of one trace, by id, within a window.
    TraceLogs { trace_id: String, window: Window },
    /// How trace `b` differs from trace `a`, by their ids.
    Compare { a: String, b: String },
    /// What a group of the traces of a query has more often than the rest.
    Differs {
        of: Group,
        query: String,
        window: Window,
    },
    /// Series of an expression.
    Metrics {
        query: String,
        window: Window,
        step_s: i64,
    },
    /// Single observations of the histograms of an expression.
    Exemplars { query: String, window: Window },
    /// Metric and label names.
    MetricNames,
    /// Series of several expressions.
    Panels {
        queries: Vec<String>,
        window: Window,
        step_s: i64,
    },
    /// Labels of a metric with the values that they have in a window.
    Labels { metric: String, window: Window },
    /// Service graph.
    Graph(Window),
    /// Acknowledge the page.
    Ack,
    /// Keep evidence.
    Pin(PinRequest),
    /// Say why evidence matters.
    NotePin(u32, PinNote),
    /// Drop evidence.
    Unpin(u32),
    /// Open a hypothesis.
    Hypothesis(HypothesisRequest),
    /// Settle a hypothesis.
    Settle(u32, HypothesisUpdate),
    /// Submit a diagnosis.
    Diagnose(DiagnosisRequest),
    /// Take a hint.
    Hint,
    /// Write a note.
    Note(Note),
    /// Carry out a remedy.
    Act(ActionRequest),
    /// Send a request to a service of the shop.
    Send(ShopRequest),
    /// Start the stress test.
    StartProof,
    /// Hand in the five whys.
    Learn(Learning),
    /// End the drill.
    Finish,
    /// A view was opened.
    Opened(ViewOpened),
}

/// What the lab said.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// State of the drill.
    Drill(Box<DrillView>),
    /// Change history.
    Changes(Vec<Change>),
    /// Notebook.
    Case(Box<Case>),
    /// Words of a diagnosis.
    Vocabulary(Vocabulary),
    /// Actions on offer.
    Remedies(Vec<Remedy>),
    /// Stress test.
    Proof(ProofView),
    /// Requests that are ready to be sent.
    ReadyRequests(Vec<ReadyRequest>),
    /// What a service of the shop answered.
    Shop(Box<ShopAnswer>),
    /// Debrief.
    Debrief(Box<Debrief>),
    /// Statements and guardrails.
    LearningChoices(LearningChoices),
    /// Golden signals.
    Golden(Golden),
    /// Objectives.
    Objectives(Vec<Objective>),
    /// Log lines.
    Logs(Vec<LogLine>),
    /// Older log lines.
    OlderLogs(Vec<LogLine>),
    /// Lines around a line.
    Context(Vec<LogLine>),
    /// Lines of every service that show which fields there are.
    LogFields(Vec<LogLine>),
    /// Log counts.
    Histogram(Histogram),
    /// Log patterns.
    Patterns(Patterns),
    /// Traces.
    Traces(TraceList),
    /// Spans of one trace, and what is derived of them.
    Trace(String, Vec<Span>, Derived),
    /// Logs of one trace.
    TraceLogs(Vec<LogLine>),
    /// Two traces side by side.
    Compare(Box<Comparison>),
    /// What some traces have more often than the rest.
    Differs(Box<Differs>),
    /// Series.
    Metrics(Vec<Series>),
    /// Single observations, in order of time.
    Exemplars(Vec<Exemplar>),
    /// Names.
    MetricNames {
        metrics: Vec<MetricInfo>,
        labels: Vec<String>,
    },
    /// Series of several expressions, or why one was not answered.
    Panels(Vec<(String, Result<Vec<Series>, String>)>),
    /// Labels of a metric, each with its values.
    Labels(String, BTreeMap<String, BTreeSet<String>>),
    /// Graph.
    Graph(Graph),
    /// Evidence was kept.
    Pinned(Box<Pin>),
    /// The hypothesis with this id was written or settled.
    HypothesisKept(u32),
    /// What became of a diagnosis.
    Verdict(Verdict),
    /// A hint.
    Hint(Hint),
    /// What came of an action.
    Outcome(ActionOutcome),
    /// Nothing to say.
    Done,
}

/// Golden signals per service over a window: requests, errors, slowness, processor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Golden {
    /// Requests per second.
    pub rate: Vec<Series>,
    /// Share of requests that failed, 0 to 1.
    pub errors: Vec<Series>,
    /// 95th percentile of request duration, seconds.
    pub p95: Vec<Series>,
    /// Cores in use.
    pub cpu: Vec<Series>,
}

/// A question with who asked it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What is asked.
    pub ask: Ask,
    /// By whom.
    pub asker: Asker,
    /// Counts up; an answer to an older question of a slot is not shown.
    pub number: u64,
}

/// An answer with the question it belongs to.
#[derive(Debug)]
pub struct Reply {
    /// The question.
    pub request: Request,
    /// The answer.
    pub result: Result<Answer, Failure>,
}

impl Ask {
    /// The text of the query that it sends, in its language.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        match self {
            Self::Logs(lines) | Self::OlderLogs(lines) => Some(&lines.query),
            Self::Context { query, .. }
            | Self::Histogram { query, .. }
            | Self::Patterns { query, .. }
            | Self::Traces { query, .. }
            | Self::Metrics { query, .. } => Some(query),
            _ => None,
        }
    }

    /// The slot of a question; none for what changes the drill.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        Some(match self {
            Self::Drill => Slot::Drill,
            Self::Changes => Slot::Changes,
            Self::Case => Slot::Case,
            Self::Vocabulary => Slot::Vocabulary,
            Self::Remedies => Slot::Remedies,
            Self::Proof => Slot::Proof,
            Self::ReadyRequests => Slot::ReadyRequests,
            Self::Debrief => Slot::Debrief,
            Self::LearningChoices => Slot::Learning,
            Self::Golden(_) => Slot::Golden,
            Self::Objectives(_) => Slot::Objectives,
            Self::Logs(_) => Slot::Logs,
            Self::OlderLogs(_) => Slot::OlderLogs,
            Self::Context { .. } => Slot::Context,
            Self::LogFields { .. } => Slot::LogFields,
            Self::Histogram { .. } => Slot::Histogram,
            Self::Patterns { .. } => Slot::Patterns,
            Self::Traces { .. } => Slot::Traces,
            Self::Trace(_) => Slot::Trace,
            Self::TraceLogs { .. } => Slot::TraceLogs,
            Self::Compare { .. } => Slot::Compare,
            Self::Differs { .. } => Slot::Differs,
            Self::Metrics { .. } => Slot::Metrics,
            Self::Exemplars { .. } => Slot::Exemplars,
            Self::MetricNames => Slot::MetricNames,
            Self::Panels { .. } => Slot::Panels,
            Self::Labels { .. } => Slot::Labels,
            Self::Graph(_) => Slot::Graph,
            _ => return None,
        })
    }
}

/// The newest diagnosis of a notebook, if one was right.
#[must_use]
pub fn right_diagnosis(case: &Case) -> Option<&Diagnosis> {
    case.diagnoses.iter().find(|d| d.right)
}
