//! Chaos, for the instructor's side: what can be injected, what is injected, and by whom. A trainee's
//! client has no key to these routes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A mechanism that can be injected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MechanismView {
    /// Id, as in `latency`.
    pub id: String,
    /// Family, as in `network`.
    pub family: String,
    /// One line.
    pub definition: String,
    /// Other words for it.
    pub also_called: Vec<String>,
    /// What ends it in the world, one line.
    pub heals: String,
    /// What it can be aimed at, in words.
    pub aims: String,
    /// Everything in this lab that it can be aimed at; empty without a lab.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<String>,
    /// What it can be given.
    pub parameters: Vec<ParameterView>,
}

/// A parameter of a mechanism.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterView {
    /// Id, with its unit last.
    pub id: String,
    /// Unit in words; empty where it has none.
    pub unit: String,
    /// What it takes, in words.
    pub bounds: String,
    /// Its value unless told otherwise.
    pub default: Value,
    /// One line.
    pub definition: String,
    /// Whether it grows when the injection is ramped.
    pub ramps: bool,
}

/// Asks for an injection, or for its preview.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectRequest {
    /// Mechanism id.
    pub mechanism: String,
    /// Where: `checkout`, `checkout->payments`, `outside->storefront`, `load`.
    pub at: String,
    /// Values of its parameters; what is left out has its default.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// How long, seconds; without it until it is healed or the drill ends.
    #[serde(default)]
    pub duration_s: Option<f64>,
    /// Over how long it grows to its whole, seconds.
    #[serde(default)]
    pub ramp_s: Option<f64>,
    /// In how long it begins, seconds.
    #[serde(default)]
    pub after_s: Option<f64>,
    /// It is healed unless renewed within so long, seconds: for controllers that may die.
    #[serde(default)]
    pub lease_s: Option<f64>,
    /// Who injects it.
    #[serde(default)]
    pub by: String,
    /// Why.
    #[serde(default)]
    pub why: String,
}

/// What an injection would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChaosPreview {
    /// Mechanism id.
    pub mechanism: String,
    /// Its definition.
    pub definition: String,
    /// Where.
    pub at: String,
    /// All values, defaults included.
    pub values: Map<String, Value>,
    /// What is done where.
    pub acts: Vec<ActView>,
    /// Processes that are hit, by instance.
    pub hits: Vec<String>,
    /// What ends it.
    pub ends: String,
    /// Why the lab would refuse it now, if it would.
    pub refused: Option<String>,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActView {
    /// Service or link.
    pub at: String,
    /// What, in words.
    pub does: String,
}

/// Where an injection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InjectionState {
    /// It begins later.
    Scheduled,
    /// It is being put into force.
    Starting,
    /// It grows.
    Ramping,
    /// It is there as a whole.
    Active,
    /// It is being taken back.
    Healing,
    /// It is gone.
    Healed,
    /// It could not be put into force; nothing is left of it.
    Failed,
}

impl InjectionState {
    /// Whether nothing of it is there or to come.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Healed | Self::Failed)
    }
}

/// An injection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InjectionView {
    /// 1, 2, 3, …
    pub id: u32,
    /// Mechanism id.
    pub mechanism: String,
    /// Where.
    pub at: String,
    /// All values, defaults included.
    pub values: Map<String, Value>,
    /// Where it stands.
    pub state: InjectionState,
    /// How much of it is there, 0 to 1.
    pub share: f64,
    /// What is done where.
    pub acts: Vec<ActView>,
    /// Who injected it.
    pub by: String,
    /// Why.
    pub why: String,
    /// When it was asked for.
    pub asked_ms: i64,
    /// When it ends by itself, if it does.
    pub ends_ms: Option<i64>,
    /// When it was gone.
    pub healed_ms: Option<i64>,
    /// What ended it, or why it failed.
    pub how: Option<String>,
    /// Whether traffic was seen to flow again; none while that is not known.
    pub flows_again: Option<bool>,
    /// What was seen then, in words.
    pub seen: Option<String>,
}
