//! What a drill needs of telemetry, as a narrow waist: lookups by which pins are resolved, evidence
//! is recognised and alerts are read. [`crate::drill`] implements it on the real telemetry.

use std::collections::BTreeMap;

/// A log line as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenLine {
    /// Drill time, Unix nanoseconds.
    pub ts_ns: i64,
    /// Its service.
    pub service: String,
    /// Its text.
    pub line: String,
}

/// A span as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSpan {
    /// 16 hex digits.
    pub span_id: String,
    /// The span that it is part of, 16 hex digits; empty at a root.
    pub parent_id: String,
    /// Its service.
    pub service: String,
    /// Its name.
    pub name: String,
    /// What tells it from spans of the same name: the statement where it asked a database, else the name.
    pub label: String,
    /// How long it took, nanoseconds.
    pub duration_ns: i64,
    /// Whether it ended in an error.
    pub failed: bool,
}

/// A trace as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenTrace {
    /// When it began, Unix nanoseconds of drill time.
    pub start_ns: i64,
    /// Its spans, the root first.
    pub spans: Vec<SeenSpan>,
}

/// One element of an instant PromQL answer.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenValue {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Value.
    pub value: f64,
}

/// What a selector of a PromQL expression takes its series by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSelection {
    /// Metric family, without `_bucket`, `_sum` and `_count`.
    pub family: String,
    /// Labels that must have just this value.
    pub equals: BTreeMap<String, String>,
}

impl SeenSelection {
    /// Whether a series could be selected by both, as far as names and fixed labels tell.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.family == other.family && agree(&self.equals, &other.equals)
    }
}

/// Whether no label that both have differs. Name and bucket of a series are no contradiction.
pub(crate) fn agree(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> bool {
    a.iter()
        .filter(|(name, _)| !matches!(name.as_str(), "__name__" | "le"))
        .all(|(name, value)| b.get(name).is_none_or(|other| other == value))
}

/// An alert as the rules see it now.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenAlert {
    /// As it goes over the wire.
    pub alert: api::Alert,
    /// All its labels, which tell one instance of a rule from another.
    pub labels: BTreeMap<String, String>,
}

/// Lookups in the telemetry of one drill. Errors are messages for a person.
pub trait Sight: Send + Sync + 'static {
    /// Lines of a LogQL query with `start_ns <= ts < end_ns`, at most `limit`.
    ///
    /// # Errors
    /// What is wrong with the query.
    fn lines(
        &self,
        logql: &str,
        start_ns: i64,
        end_ns: i64,
        limit: usize,
    ) -> Result<Vec<SeenLine>, String>;

    /// Whether a LogQL query finds the record with this time and text.
    ///
    /// # Errors
    /// What is wrong with the query.
    fn line_matches(&self, logql: &str, ts_ns: i64, line: &str) -> Result<bool, String>;

    /// A trace by its 32 hex digits.
    fn trace(&self, trace_id: &str) -> Option<SeenTrace>;

    /// Ids of traces that a TraceQL query finds, at most `limit`, newest first.
    ///
    /// # Errors
    /// What is wrong with the query.
    fn traces(
        &self,
        traceql: &str,
        start_ns: i64,
        end_ns: i64,
        limit: usize,
    ) -> Result<Vec<String>, String>;

    /// Whether a TraceQL query selects any span of one trace.
    ///
    /// # Errors
    /// What is wrong with the query.
    fn trace_matches(&self, traceql: &str, trace_id: &str) -> Result<bool, String>;

    /// A PromQL expression at a drill time, Unix milliseconds.
    ///
    /// # Errors
    /// What is wrong with the expression.
    fn instant(&self, promql: &str, at_ms: i64) -> Result<Vec<SeenValue>, String>;

    /// A PromQL expression from one drill time to another, Unix milliseconds, each `step_ms`: the points of its one series, or
    /// of the first where there are several.
    ///
    /// # Errors
    /// What is wrong with the expression.
    fn range(
        &self,
        promql: &str,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
    ) -> Result<Vec<(i64, f64)>, String>;

    /// What a PromQL expression selects.
    ///
    /// # Errors
    /// What is wrong with the expression.
    fn selections(&self, promql: &str) -> Result<Vec<SeenSelection>, String>;

    /// Alerts that are pending, firing, or were resolved lately.
    fn alerts(&self) -> Vec<SeenAlert>;

    /// What the trainee should know about the recording and forwarding of telemetry, if anything.
    fn banner(&self) -> Option<String>;
}
