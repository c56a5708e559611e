//! A scenario as authored: one YAML file, after its seeded choices have been put in.

mod debrief;

pub use debrief::*;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{
    effect::{Effect, LoadChange},
    setting::Setting,
    shop::Role,
    span::Span,
};

/// What the shop looks like, what breaks and when, what is told, which answers count, what proves a
/// fix, what the debrief teaches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name in commands and files.
    pub slug: String,
    /// Title, shown after the drill.
    pub title: String,
    /// One line for the catalogue, without giving the answer away.
    pub summary: String,
    /// 1 intern, 2 junior, 3 senior, 4 staff: the level it is made for.
    pub level: u8,
    /// For searching.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Time to root cause that earns all points of time.
    pub par: Span,
    /// Time to root cause that earns none.
    pub limit: Span,
    /// Seeded choices: `${name}` or `${name.field}` anywhere in the file stands for what was drawn.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vary: BTreeMap<String, Draw>,
    /// Services to run; the links between them follow from their roles.
    pub services: Vec<ServiceSpec>,
    /// The database link.
    pub database: Database,
    /// The load.
    pub load: Load,
    /// The time before the page.
    pub history: History,
    /// What the trainee reads.
    pub brief: Brief,
    /// The page.
    pub page: PageSpec,
    /// Rule files under `catalog/rules/`, Prometheus format.
    pub rules: Vec<String>,
    /// Recurring jobs of the shop.
    #[serde(default)]
    pub tasks: Vec<Task>,
    /// What happens.
    pub timeline: Vec<TimelineEvent>,
    /// The answer.
    pub truth: Truth,
    /// Who can be affected: the choices of a diagnosis, one of which is right.
    pub scopes: Vec<Choice>,
    /// Evidence classes.
    pub evidence: Vec<Evidence>,
    /// Loud signals that are not the cause.
    #[serde(default)]
    pub decoys: Vec<Decoy>,
    /// Actions on offer; a plan lists them by service, kind and title, whatever the order of the file.
    pub remedies: Vec<Remedy>,
    /// The stress test.
    pub proof: Proof,
    /// Hints, in order.
    #[serde(default)]
    pub hints: Vec<Hint>,
    /// What is told at the end.
    pub debrief: Debrief,
    /// What each level changes.
    #[serde(default)]
    pub difficulty: BTreeMap<u8, LevelChange>,
}

/// A seeded choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Draw {
    /// One of these texts.
    Choose(Vec<String>),
    /// One of these rows, whose fields go together.
    ChooseRow(Vec<BTreeMap<String, String>>),
    /// A whole number between the two, both included.
    Int([i64; 2]),
    /// A span between the two, in whole seconds.
    Between([Span; 2]),
}

/// A service of the scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// Which.
    pub service: Role,
    /// Release at the start.
    pub version: String,
    /// Settings at the start that differ from the defaults.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// Resident memory at which it is killed, MiB.
    #[serde(default = "default_memory_mib")]
    pub memory_mib: u64,
    /// Threads of its runtime.
    #[serde(default = "default_threads")]
    pub threads: u32,
}

const fn default_memory_mib() -> u64 {
    256
}

const fn default_threads() -> u32 {
    2
}

/// The database link.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Round trip, milliseconds.
    pub round_trip_ms: f64,
}

/// The load at the start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Journeys begun per second of drill time, Poisson.
    pub journeys_per_s: f64,
    /// Share of journeys that check out.
    pub checkout_share: f64,
    /// Share that look at their order history.
    pub history_share: f64,
    /// Share of carts with a bundle.
    #[serde(default)]
    pub bundle_share: f64,
    /// Share of journeys by long-time customers.
    #[serde(default)]
    pub long_time_share: f64,
    /// Mean think time between the steps of a journey.
    pub think: Span,
}

/// The time before the page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// How long, at least 15 minutes.
    pub span: Span,
    /// Drill seconds per wall second while history is made; less when the machine cannot follow.
    pub speed: f64,
    /// The last part of the span, at wall speed.
    pub lead_in: Span,
}

/// What the trainee reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brief {
    /// The situation.
    pub situation: String,
    /// What normal looks like.
    pub normal: String,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageSpec {
    /// Rule whose firing is the page.
    pub alert: String,
    /// Title on the pager at the scenario's own level.
    pub title: String,
    /// How long after 03:00:00 it may fire at the latest.
    pub within: Span,
}

/// A recurring job: an HTTP request that the lab's scheduler sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Name of its root span.
    pub name: String,
    /// Whom it calls.
    pub service: Role,
    /// Path of the POST.
    pub path: String,
    /// JSON body.
    #[serde(default)]
    pub body: serde_json::Value,
    /// How often, drill time; aligned so that one falls `offset` after 03:00:00.
    pub every: Span,
    /// See `every`.
    #[serde(default)]
    pub offset: Span,
}

/// What an event is to the drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventRole {
    /// It plants the fault.
    Fault,
    /// It sets the fault off.
    Trigger,
    /// It is loud and not the cause.
    Decoy,
    /// It is quiet and not the cause.
    Innocent,
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimelineEvent {
    /// When, relative to the page.
    pub at: Span,
    /// Id; of the change too, if it is visible.
    pub id: String,
    /// What it is to the drill.
    pub role: EventRole,
    /// What it is in the truth lane of the debrief.
    pub says: String,
    /// Happens again after so long, plus or minus the jitter, until a remedy with `stops` names it. A time that falls
    /// into a stress test is left out: that brings its own chaos.
    #[serde(default)]
    pub repeat: Option<Repeat>,
    /// How the change history shows it, if it does.
    #[serde(default)]
    pub change: Option<ChangeText>,
    /// What it does.
    #[serde(default)]
    pub effects: Vec<Effect>,
}

/// Repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// Mean distance.
    pub every: Span,
    /// Plus or minus, uniform.
    #[serde(default)]
    pub jitter: Span,
}

/// How a change is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeText {
    /// `deploy`, `config`, `flag`, `scale`, `job`.
    pub kind: String,
    /// Service, if one.
    #[serde(default)]
    pub service: Option<Role>,
    /// One line.
    pub title: String,
    /// Diff, commit messages, ticket.
    #[serde(default)]
    pub details: String,
    /// Who.
    pub author: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// Component id: a service name, or `none`.
    pub component: String,
    /// Ancestors and children on the causal path, worth part of the points.
    #[serde(default)]
    pub near: Vec<String>,
    /// Mechanism id.
    pub mechanism: String,
    /// Further mechanisms that are right too.
    #[serde(default)]
    pub also: Vec<String>,
    /// Trigger ids that count (ids of visible timeline events), or `none`.
    pub triggers: Vec<String>,
    /// Scope id.
    pub scope: String,
    /// The causal chain.
    pub graph: CausalGraph,
}

/// From trigger to page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CausalGraph {
    /// Statements.
    pub nodes: Vec<Choice>,
    /// Pairs of cause and effect.
    pub edges: Vec<[String; 2]>,
    /// Statements that are no part of it, offered beside the nodes.
    #[serde(default)]
    pub distractors: Vec<Choice>,
}

/// An id and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Id.
    pub id: String,
    /// Text.
    pub text: String,
}

/// A class of evidence: a pin belongs to it when one of its queries, asked at the pin's time, finds what was pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Id.
    pub id: String,
    /// What it proves.
    pub proves: String,
    /// Whether the case cannot be made without it.
    #[serde(default)]
    pub decisive: bool,
    /// The predicate; the debrief shows it.
    pub find: Query,
    /// Further ones: other signals that show the same fact, such as the log line beside the metric.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Query>,
}

impl Evidence {
    /// All predicates, the one that the debrief shows first.
    pub fn queries(&self) -> impl Iterator<Item = &Query> {
        std::iter::once(&self.find).chain(&self.also)
    }
}

/// A predicate on telemetry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Query {
    /// Log lines.
    Logql(String),
    /// Spans.
    Traceql(String),
    /// Series with a value (the expression filters by itself).
    Promql(String),
    /// The id of a visible change.
    Change(String),
}

/// A loud signal that is not the cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decoy {
    /// Id.
    pub id: String,
    /// What it looks like, and what it is.
    pub says: String,
    /// Component it points at: a hypothesis or view that names it is about this decoy.
    pub component: String,
    /// Alerts it may fire.
    #[serde(default)]
    pub alerts: Vec<String>,
    /// Evidence classes that rule it out.
    pub ruled_out_by: Vec<String>,
}

/// What a remedy is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Worth {
    /// Repairs it.
    Right,
    /// Repairs a part.
    Partial,
    /// Changes nothing that matters.
    Wrong,
    /// Makes it worse, or hurts bystanders.
    Harmful,
}

/// Kind of an action, in the order in which actions on one service are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // the words say it
pub enum RemedyKind {
    Restart,
    Rollback,
    Deploy,
    Config,
    Scale,
    Job,
    Alert,
    None,
}

/// An action on offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// Id.
    pub id: String,
    /// One line.
    pub title: String,
    /// What it will do, without judging.
    pub description: String,
    /// Kind.
    pub kind: RemedyKind,
    /// Service it touches.
    #[serde(default)]
    pub service: Option<Role>,
    /// What it is worth; the trainee never sees it before the debrief.
    pub worth: Worth,
    /// Why, for the debrief.
    pub because: String,
    /// Whether to ask first: requests in flight fail, or something is lost that taking it back does not bring back.
    /// Right ones can be so, too.
    #[serde(default)]
    pub dangerous: bool,
    /// What it does.
    #[serde(default)]
    pub effects: Vec<Effect>,
    /// Repeating timeline events that it stops.
    #[serde(default)]
    pub stops: Vec<String>,
}

/// The stress test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// In words.
    pub description: String,
    /// How long load and chaos last.
    pub lasting: Span,
    /// How long to let things drain before measuring.
    pub settle: Span,
    /// The load while it lasts; the same seeded journeys every time.
    pub load: LoadChange,
    /// Chaos during it: offsets from its start.
    #[serde(default)]
    pub chaos: Vec<ProofEvent>,
    /// What must hold.
    pub invariants: Vec<Invariant>,
}

/// Chaos within a proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofEvent {
    /// After the start.
    pub at: Span,
    /// What.
    pub effects: Vec<Effect>,
}

/// Something that a repaired system must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invariant {
    /// Id.
    pub id: String,
    /// In words.
    pub title: String,
    /// PromQL with one value; `$start` and `$end` stand for the proof's times (Unix seconds), `$window` for its length (`14s`, rounded down).
    /// Asked at the end.
    pub query: String,
    /// Upper bound, included.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// Lower bound, included.
    #[serde(default)]
    pub at_least: Option<f64>,
}
