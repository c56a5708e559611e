//! The state of a drill as its trainee may see it.

use serde::{Deserialize, Serialize};

/// Where a drill stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Services start and history is made; the clock runs fast.
    Preparing,
    /// Drill time has reached 03:00:00 and no page has fired yet.
    Waiting,
    /// The page has fired; the trainee's clock runs.
    Live,
    /// The drill has ended; the debrief is open.
    Ended,
}

/// Everything that the header and the overview show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillView {
    /// Opaque id of the drill.
    pub id: String,
    /// Seed of the plan; with the slug it repeats the run.
    pub seed: u64,
    /// Difficulty, 1 (intern) to 4 (staff).
    pub level: u8,
    /// The scenario's slug; none until the drill has ended, unless the trainee chose it.
    pub slug: Option<String>,
    /// Where the drill stands.
    pub phase: Phase,
    /// Progress of preparation, 0 to 1.
    pub progress: f64,
    /// What preparation is doing, in words.
    pub activity: String,
    /// Drill time now.
    pub now_ms: i64,
    /// Drill seconds per wall second at present.
    pub speed: f64,
    /// When history begins.
    pub history_start_ms: i64,
    /// When the page fired.
    pub page_ms: Option<i64>,
    /// When it was acknowledged.
    pub acknowledged_ms: Option<i64>,
    /// When a right diagnosis was submitted.
    pub root_cause_ms: Option<i64>,
    /// Time to root cause at which the time score reaches zero, seconds from the page.
    pub limit_s: f64,
    /// The page itself.
    pub page: Option<Page>,
    /// What the trainee is told before looking.
    pub brief: Brief,
    /// Alerts now pending or firing, and those resolved lately.
    pub alerts: Vec<Alert>,
    /// The processes of the shop.
    pub services: Vec<ServiceView>,
    /// Something the trainee should know about the recording or the lab ("recording stopped: disk full").
    pub banner: Option<String>,
    /// Base URL of OTLP over gRPC (over HTTP it is the API's own); none from a server that has not this door.
    #[serde(default)]
    pub otlp_grpc: Option<String>,
}

/// The alert that started the clock, as it reached the pager.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// One line for the pager.
    pub title: String,
    /// What the alert says.
    pub text: String,
    /// `critical`, `warning` or `info`.
    pub severity: String,
    /// Name of the alert.
    pub alert: String,
    /// PromQL of the alert.
    pub query: String,
    /// The value that fired it.
    pub value: f64,
    /// Since when the condition has held.
    pub since_ms: i64,
    /// Where the runbook is.
    pub runbook_url: Option<String>,
}

/// What a trainee may read before looking: how the shop is built, and what is normal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// The situation, a few sentences.
    pub situation: String,
    /// The architecture in text: services, who calls whom, database round trip.
    pub architecture: String,
    /// What normal looks like.
    pub normal: String,
}

/// An alert's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Rule name.
    pub name: String,
    /// `pending`, `firing` or `resolved`.
    pub state: String,
    /// `critical`, `warning` or `info`.
    pub severity: String,
    /// The service label, where the alert has one.
    pub service: Option<String>,
    /// Rendered summary.
    pub summary: String,
    /// Rendered description.
    pub description: String,
    /// PromQL.
    pub query: String,
    /// Value at the last evaluation.
    pub value: f64,
    /// Since when pending, firing or resolved.
    pub since_ms: i64,
    /// Where the runbook is.
    pub runbook_url: Option<String>,
}

/// One process of the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// Service name, the `service` label everywhere.
    pub name: String,
    /// Instance, the `instance` label.
    pub instance: String,
    /// Version of the release.
    pub version: String,
    /// `starting`, `ready`, `unready`, `stopping`, `exited`, `standby` (switched off, and kept for a switch back).
    pub state: String,
    /// Why it last exited ("killed at its memory limit (exit 137)"), if it did.
    pub exit: Option<String>,
    /// How many times it was started again.
    pub restarts: u32,
    /// Process id.
    pub pid: Option<u32>,
}

/// What kind of change it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A release was rolled out.
    Deploy,
    /// A configuration value changed.
    Config,
    /// A feature flag or campaign was switched.
    Flag,
    /// Instances or limits changed.
    Scale,
    /// A scheduled job started or ended.
    Job,
    /// Something that the trainee did.
    Action,
    /// Chaos that the trainee may know of.
    Chaos,
}

/// An entry of the change history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Id to pin and to name as a trigger.
    pub id: String,
    /// When.
    pub at_ms: i64,
    /// What kind.
    pub kind: ChangeKind,
    /// Which service, if one.
    pub service: Option<String>,
    /// One line.
    pub title: String,
    /// Details: the diff, the commit messages, the ticket.
    pub details: String,
    /// Who.
    pub author: String,
}
