//! Repair: what the stress test says of the fix.

use api::ScorePart;
use rust_decimal::Decimal;
use scenarios::scenario::{RemedyKind, Worth};

use super::{
    formula::{REPAIR, share},
    part,
    reading::{ProofFact, Reading},
};

/// Share of the last proof's invariants that hold, where a fix was in force when it ran and still is
/// at the end. A fix that is restarts only and leaves the fault is none.
pub(super) fn repair(reading: &Reading<'_>) -> ScorePart {
    let nothing = |reason: &str, seq: Option<u64>| {
        seq.into_iter()
            .fold(
                part("repair", Decimal::ZERO, REPAIR).because(reason),
                super::Part::from,
            )
            .done()
    };
    let Some(proof) = reading.proofs.last() else {
        return nothing("the fix was not proven: no stress test was run", None);
    };
    let fixes = reading.in_force(proof.seq);
    let at_end = reading.in_force(u64::MAX);
    if fixes.is_empty() {
        return nothing(
            "no remedy was in force when the stress test ran",
            Some(proof.seq),
        );
    }
    let kept = |id: &str| at_end.iter().any(|(_, remedy)| remedy.id == id);
    if !fixes.iter().any(|(_, remedy)| kept(&remedy.id)) {
        return nothing(
            "the remedy was taken back after the stress test",
            Some(proof.seq),
        );
    }
    let only_restarts = fixes
        .iter()
        .all(|(_, remedy)| remedy.kind == RemedyKind::Restart && remedy.worth != Worth::Right);
    if only_restarts {
        return nothing("a restart leaves the fault where it is", Some(proof.seq));
    }
    judged(
        reading,
        proof,
        &fixes.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
    )
}

fn judged(reading: &Reading<'_>, proof: &ProofFact<'_>, fixes: &[u64]) -> ScorePart {
    let asked = &reading.plan.scenario.proof.invariants;
    let holds = |id: &str| {
        proof
            .invariants
            .iter()
            .any(|result| result.id == id && result.holds)
    };
    let held = asked
        .iter()
        .filter(|invariant| holds(&invariant.id))
        .count();
    let mut result = part("repair", REPAIR * share(held, asked.len()), REPAIR).because(format!(
        "{held} of {} invariants hold under load after the fix",
        asked.len()
    ));
    for broken in asked.iter().filter(|invariant| !holds(&invariant.id)) {
        result = result.because(format!("does not hold: {}", broken.title));
    }
    fixes
        .iter()
        .fold(result, |result, seq| result.from(*seq))
        .from(proof.seq)
        .done()
}
