//! Alternatives: decoys rejected with evidence that really rules them out.

use api::{HypothesisState, ScorePart};
use rust_decimal::Decimal;
use scenarios::scenario::Decoy;

use super::{
    formula::{ALTERNATIVES, share},
    part,
    reading::{HypothesisFact, Reading, is_mechanism},
};

/// Share of the decoys that were ruled out before the right diagnosis. Where there was no decoy a
/// right diagnosis earns the points.
pub(super) fn alternatives(reading: &Reading<'_>) -> ScorePart {
    let decoys = &reading.plan.scenario.decoys;
    let beside = beside_the_decoys(reading);
    if decoys.is_empty() {
        let result = match reading.right() {
            Some(right) => part("alternatives", ALTERNATIVES, ALTERNATIVES)
                .because("there was no decoy to reject")
                .from(right.seq),
            None => part("alternatives", Decimal::ZERO, ALTERNATIVES)
                .because("there was no decoy to reject, and no right diagnosis"),
        };
        return beside.into_iter().fold(result, super::Part::because).done();
    }
    let (mut ruled_out, mut reasons, mut entries) = (0, Vec::new(), Vec::new());
    for decoy in decoys {
        let (out, reason, entry) = judge(reading, decoy);
        ruled_out += usize::from(out);
        reasons.push(reason);
        entries.extend(entry);
    }
    let points = ALTERNATIVES * share(ruled_out, decoys.len());
    let result = reasons.into_iter().chain(beside).fold(
        part("alternatives", points, ALTERNATIVES),
        super::Part::because,
    );
    entries.into_iter().fold(result, super::Part::from).done()
}

/// What is to be said of rejected hypotheses that are about no decoy: they earn nothing, and were right or wrong.
fn beside_the_decoys(reading: &Reading<'_>) -> Vec<String> {
    let scenario = &reading.plan.scenario;
    reading
        .hypotheses
        .iter()
        .filter(|h| h.state == HypothesisState::Rejected)
        .filter(|h| !scenario.decoys.iter().any(|d| is_about(reading, h, d)))
        .map(|h| {
            let Some(component) = h.component else {
                return format!(
                    "rejecting “{}” counts for nothing: it names no component",
                    h.text
                );
            };
            let truth = &scenario.truth;
            let mechanism = h.mechanism;
            let true_one = component == truth.component
                && mechanism.is_none_or(|mechanism| is_mechanism(truth, mechanism));
            let what = mechanism.map_or_else(
                || format!("`{component}`"),
                |mechanism| format!("`{mechanism}` in `{component}`"),
            );
            if true_one {
                format!("rejecting {what} was wrong: the cause is there")
            } else {
                format!("rejecting {what} was right, but it is no counted decoy")
            }
        })
        .collect()
}

/// Whether the decoy was ruled out, why, and the entry that says so.
fn judge(reading: &Reading<'_>, decoy: &Decoy) -> (bool, String, Option<u64>) {
    let rejected: Vec<&HypothesisFact<'_>> = reading
        .hypotheses
        .iter()
        .filter(|h| h.state == HypothesisState::Rejected && is_about(reading, h, decoy))
        .collect();
    if let Some(found) = rejected.iter().find(|h| rules_out(reading, h, decoy)) {
        return (
            true,
            format!(
                "`{}` was rejected with evidence that rules it out",
                decoy.component
            ),
            Some(found.seq),
        );
    }
    match rejected.first() {
        Some(found) => (
            false,
            format!(
                "`{}` was rejected, but no pin given with it rules it out",
                decoy.component
            ),
            Some(found.seq),
        ),
        None => (
            false,
            format!("no hypothesis about `{}` was rejected", decoy.component),
            None,
        ),
    }
}

/// A hypothesis is about a decoy when it names its component, or, naming none, mentions it. One that
/// names the true component is not when it names the true mechanism too.
fn is_about(reading: &Reading<'_>, hypothesis: &HypothesisFact<'_>, decoy: &Decoy) -> bool {
    let truth = &reading.plan.scenario.truth;
    let names = match hypothesis.component {
        Some(component) => component == decoy.component,
        None => hypothesis
            .text
            .to_lowercase()
            .split(|c: char| !c.is_alphanumeric() && c != '-')
            .any(|word| word == decoy.component),
    };
    let is_truth = decoy.component == truth.component
        && hypothesis
            .mechanism
            .is_some_and(|mechanism| is_mechanism(truth, mechanism));
    names && !is_truth
}

fn rules_out(reading: &Reading<'_>, hypothesis: &HypothesisFact<'_>, decoy: &Decoy) -> bool {
    reading
        .pins
        .iter()
        .filter(|pin| hypothesis.pins.contains(&pin.id))
        .any(|pin| {
            pin.classes
                .iter()
                .any(|class| decoy.ruled_out_by.contains(class))
        })
}
