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
    /// The ways to roll it out, all at once first; none where there is nothing to choose.
    #[serde(default)]
    pub strategies: Vec<Strategy>,
    /// Its rollout in steps, as it goes on or as the last one went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
}

/// How a release is rolled out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// New processes take over as soon as they are ready, and the old ones stop.
    #[default]
    AllAtOnce,
    /// The new release starts beside the old one and takes all traffic at once; the old one stands by for a while, and traffic
    /// goes back to it when the new one does worse.
    BlueGreen,
    /// The new release gets a growing share of the connections; each step is judged by its own figures beside the old
    /// release's, and one that fails takes the release back.
    Canary,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AllAtOnce, Self::BlueGreen, Self::Canary];

    /// Shares of new connections that it gives the new release one after the other, per cent. A canary's first is small
    /// enough to hurt few, and large enough for a shop with one request a second to be judged within half a minute.
    #[must_use]
    pub const fn shares(self) -> &'static [u8] {
        match self {
            Self::AllAtOnce => &[],
            Self::BlueGreen => &[100],
            Self::Canary => &[20, 40, 70],
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllAtOnce => "all-at-once",
            Self::BlueGreen => "blue-green",
            Self::Canary => "canary",
        }
    }

    /// What it does, for whoever chooses.
    #[must_use]
    pub const fn does(self) -> &'static str {
        match self {
            Self::AllAtOnce => {
                "new processes take over as soon as they are ready, the old ones stop"
            }
            Self::BlueGreen => {
                "the new release starts beside the old one, takes all traffic at once, is watched, and goes back by itself if it does worse; the old one stands by for two minutes"
            }
            Self::Canary => {
                "the new release gets 20, 40, 70 and then all of the connections; each step is judged by errors and p95 beside the old release, and a failed one takes it back"
            }
        }
    }
}

/// A rollout in steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// How.
    pub strategy: Strategy,
    /// Which service.
    pub service: String,
    /// Release that is rolled out.
    pub release: String,
    /// Whether it goes on.
    pub running: bool,
    /// Of a hundred new connections, how many go to the new release now.
    pub percent: u8,
    /// Steps so far, oldest first; the last one is under way while the rollout runs.
    pub steps: Vec<RolloutStep>,
    /// What came of it, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<RolloutEnd>,
}

/// What came of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RolloutEnd {
    /// The new release has all connections, and is kept.
    Kept,
    /// What was there before has all connections again, and why.
    TakenBack(String),
    /// It failed, and so did taking it back; what is in the way.
    Stuck(String),
}

/// A step of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutStep {
    /// When it began.
    pub at_ms: i64,
    /// What is done.
    pub title: String,
    /// `running`, `passed` or `failed`.
    pub state: String,
    /// The figures it is judged by, of both releases, and why it failed; empty before there are any.
    pub figures: String,
}

/// Asks for an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRequest {
    /// Remedy id.
    pub remedy: String,
    /// True takes the remedy back instead of applying it.
    #[serde(default)]
    pub undo: bool,
    /// How to roll it out; one of those that the remedy offers.
    #[serde(default)]
    pub strategy: Strategy,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionOutcome {
    /// Remedy id.
    pub remedy: String,
    /// Whether it was carried out, or has begun.
    pub done: bool,
    /// Whether it goes on in steps, of which [`Remedy::rollout`] tells.
    #[serde(default)]
    pub under_way: bool,
    /// What happened, step by step.
    pub message: String,
}

/// A request that a person sends to a service of the shop, by way of its proxy as the shop's own traffic goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopRequest {
    /// Which service.
    pub service: String,
    /// `GET`, `POST`, `PUT`, `DELETE`, `PATCH`, `HEAD` or `OPTIONS`.
    pub method: String,
    /// Path with its query, beginning with a slash.
    pub path: String,
    /// Headers, name and value.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Body; JSON unless a `content-type` says otherwise.
    #[serde(default)]
    pub body: String,
}

/// What a service answered to a person's request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShopAnswer {
    /// What was sent, and where.
    pub request: ShopRequest,
    /// When.
    pub at_ms: i64,
    /// Status; none when there was no answer.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// Headers, name and value; what is no text is escaped.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it is shown; what is no UTF-8 is replaced.
    pub body: String,
    /// Bytes of the whole body.
    pub body_bytes: u64,
    /// Bytes of it that are shown; what is replaced in [`ShopAnswer::body`] may be longer or shorter there.
    #[serde(default)]
    pub shown_bytes: u64,
    /// From sending to the end of the answer.
    pub duration_ms: f64,
    /// Trace that it began.
    pub trace_id: String,
}

/// A request that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyRequest {
    /// What it asks for.
    pub title: String,
    /// The request.
    pub request: ShopRequest,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_chooses_a_canary_is_told_its_shares() {
        for share in Strategy::Canary.shares() {
            let told = Strategy::Canary.does();
            assert!(told.contains(&share.to_string()), "{share} in {told}");
        }
    }
}
