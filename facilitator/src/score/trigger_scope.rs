//! Trigger and scope: what set it off, and who is affected.

use api::ScorePart;
use rust_decimal::Decimal;
use scenarios::{repeat::authored_id, scenario::Truth};

use super::{
    formula::{SCOPE, TRIGGER},
    part,
    reading::Reading,
};

/// Points for each of the two, on their own.
pub(super) fn trigger_scope(reading: &Reading<'_>) -> ScorePart {
    let truth = &reading.plan.scenario.truth;
    let Some(said) = reading.counted() else {
        return part("trigger and scope", Decimal::ZERO, TRIGGER + SCOPE)
            .because("no diagnosis was submitted")
            .done();
    };
    let (mut points, mut reasons) = (Decimal::ZERO, Vec::new());
    if is_trigger(truth, said.trigger) {
        points += TRIGGER;
        reasons.push(format!("`{}` set it off", said.trigger));
    } else {
        reasons.push(format!(
            "`{}` did not set it off; that was {}",
            said.trigger,
            truth
                .triggers
                .iter()
                .map(|id| format!("`{id}`"))
                .collect::<Vec<_>>()
                .join(" or ")
        ));
    }
    if truth.scope == said.scope {
        points += SCOPE;
        reasons.push(format!("`{}` is who was affected", said.scope));
    } else {
        reasons.push(format!(
            "affected was `{}`, not `{}`",
            truth.scope, said.scope
        ));
    }
    reasons
        .into_iter()
        .fold(
            part("trigger and scope", points, TRIGGER + SCOPE),
            super::Part::because,
        )
        .from(said.seq)
        .done()
}

/// A repeated event counts as the one that was authored.
fn is_trigger(truth: &Truth, said: &str) -> bool {
    truth
        .triggers
        .iter()
        .any(|id| id == said || id == authored_id(said))
}
