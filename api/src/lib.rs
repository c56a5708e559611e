//! The words on the wire between lab, facilitator and glass: types only.
//!
//! Nothing here may carry what a trainee must not see before the debrief: no truth, no plan, no
//! evidence classes. Times are Unix milliseconds of *drill time* (`_ms`), in which the page fires
//! at 03:00:00 UTC; durations are seconds (`_s`) or milliseconds (`_ms`) as the name says.
//!
//! Routes (base `/api/v1`), JSON in and out, errors as [`Problem`]:
//!
//! | method and path | body → answer |
//! |---|---|
//! | `GET /drill` | → [`DrillView`] |
//! | `GET /drill/changes` | → `Vec<`[`Change`]`>` |
//! | `GET /drill/vocabulary` | → [`Vocabulary`] |
//! | `GET /drill/case` | → [`Case`] |
//! | `POST /drill/ack` | → [`DrillView`] |
//! | `POST /drill/pins` | [`PinRequest`] → [`Pin`] |
//! | `POST /drill/pins/{id}` | [`PinNote`] → [`Case`] |
//! | `DELETE /drill/pins/{id}` | → [`Case`] |
//! | `POST /drill/hypotheses` | [`HypothesisRequest`] → [`Hypothesis`] |
//! | `POST /drill/hypotheses/{id}` | [`HypothesisUpdate`] → [`Hypothesis`] |
//! | `POST /drill/diagnosis` | [`DiagnosisRequest`] → [`Verdict`] |
//! | `POST /drill/hints` | → [`Hint`] |
//! | `GET /drill/remedies` | → `Vec<`[`Remedy`]`>` |
//! | `POST /drill/actions` | [`ActionRequest`] → [`ActionOutcome`] |
//! | `GET /drill/requests` | → `Vec<`[`ReadyRequest`]`>` (ready to be sent) |
//! | `POST /drill/requests` | [`ShopRequest`] → [`ShopAnswer`] |
//! | `POST /drill/proof` | → [`ProofView`] (starts it) |
//! | `GET /drill/proof` | → [`ProofView`] |
//! | `POST /drill/views` | [`ViewOpened`] → 204 |
//! | `POST /drill/notes` | [`Note`] → 204 |
//! | `GET /drill/learning` | → [`LearningChoices`] (after a right diagnosis or the end) |
//! | `POST /drill/learning` | [`Learning`] → 204 |
//! | `POST /drill/finish` | → [`Debrief`] |
//! | `GET /drill/debrief` | → [`Debrief`] (after the end; 409 before) |
//! | `GET /drills/{id}/chaos/mechanisms` | → `Vec<`[`MechanismView`]`>` (these and the following with the instructor's key; `{id}` may be `current`) |
//! | `GET /drills/{id}/chaos` | → `Vec<`[`InjectionView`]`>` |
//! | `POST /drills/{id}/chaos` | [`InjectRequest`] → [`InjectionView`] |
//! | `POST /drills/{id}/chaos/preview` | [`InjectRequest`] → [`ChaosPreview`] |
//! | `POST /drills/{id}/chaos/stop-everything` | → `Vec<`[`InjectionView`]`>` |
//! | `GET /drills/{id}/chaos/{injection}` | → [`InjectionView`] |
//! | `DELETE /drills/{id}/chaos/{injection}` | → [`InjectionView`] (heals it) |
//! | `POST /drills/{id}/chaos/{injection}/renew` | → [`InjectionView`] (renews its lease) |
//!
//! Beside them the server answers the public telemetry APIs: `/prometheus/api/v1/*`,
//! `/loki/api/v1/*`, `/tempo/api/*`, `/graph`, and receives OTLP at `/v1/*`. A client that
//! refreshes a screen by itself sends the header [`BACKGROUND_HEADER`], so that only what a person
//! asked for is journalled as a query.

mod act;
mod bound;
mod case;
mod chaos;
mod debrief;
mod drill;

pub use act::*;
pub use bound::split_bound;
pub use case::*;
pub use chaos::*;
pub use debrief::*;
pub use drill::*;

/// Header (any value) that marks a query as a screen's own refresh, not a person's question.
pub const BACKGROUND_HEADER: &str = "x-drill-background";

/// Why a request was refused, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// What is wrong, lower case, no full stop.
    pub error: String,
    /// What the caller can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}
