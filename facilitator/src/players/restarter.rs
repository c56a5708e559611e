//! The one who restarts everything: no evidence, much confidence, every restart on offer.

use api::{DiagnosisRequest, ProofView};
use scenarios::{
    plan::Plan,
    scenario::{Remedy, RemedyKind, Worth},
};

use super::{Seat, SeatError};

/// How sure it says it is.
const CONFIDENCE: f64 = 0.9;

/// Blames what is loudest, restarts everything that can be (or scales it, where nothing can), proves,
/// and takes it all back so that the next player finds the shop as it was. Answers with the proof and
/// the remedies.
///
/// # Errors
/// When the server does not answer or refuses.
pub async fn restart_everything(
    plan: &Plan,
    seat: &Seat,
) -> Result<(ProofView, Vec<String>), SeatError> {
    seat.diagnose(&wrong(plan, seat).await?).await?;
    let remedies = handles(plan);
    for remedy in &remedies {
        seat.act(remedy, false).await?;
    }
    let proof = seat.prove().await?;
    for remedy in remedies.iter().rev() {
        seat.act(remedy, true).await?;
    }
    Ok((proof, remedies))
}

/// Every restart on offer; where there is none, everything that adds instances.
fn handles(plan: &Plan) -> Vec<String> {
    let of = |kind: RemedyKind| {
        let wanted = move |remedy: &&Remedy| remedy.kind == kind && remedy.worth != Worth::Right;
        plan.scenario
            .remedies
            .iter()
            .filter(wanted)
            .map(|r| r.id.clone())
            .collect::<Vec<_>>()
    };
    let restarts = of(RemedyKind::Restart);
    if restarts.is_empty() {
        of(RemedyKind::Scale)
    } else {
        restarts
    }
}

/// Blames the loudest component for having crashed, because of whatever changed last.
async fn wrong(plan: &Plan, seat: &Seat) -> Result<DiagnosisRequest, SeatError> {
    let vocabulary = seat.vocabulary().await?;
    let truth = &plan.scenario.truth;
    let loud = plan
        .scenario
        .decoys
        .iter()
        .map(|decoy| decoy.component.as_str());
    let others = vocabulary
        .components
        .iter()
        .map(|choice| choice.id.as_str());
    let component = loud
        .chain(others)
        .find(|id| *id != truth.component)
        .unwrap_or_default();
    let last = |choices: &[api::Choice]| choices.last().map_or_else(String::new, |c| c.id.clone());
    Ok(DiagnosisRequest {
        component: component.to_owned(),
        mechanism: "crash".to_owned(),
        trigger: last(&vocabulary.triggers),
        scope: last(&vocabulary.scopes),
        confidence: CONFIDENCE,
        pins: Vec::new(),
        text: "have you tried turning it off and on again".to_owned(),
    })
}
