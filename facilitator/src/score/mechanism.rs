//! Mechanism: what kind of fault.

use api::ScorePart;
use rust_decimal::Decimal;

use super::{
    formula::{MECHANISM, MECHANISM_FAMILY},
    part,
    reading::{Reading, is_mechanism},
};

/// Exact mechanism all points, another of the same family a part of them.
pub(super) fn mechanism(reading: &Reading<'_>) -> ScorePart {
    let truth = &reading.plan.scenario.truth;
    let Some(said) = reading.counted() else {
        return part("mechanism", Decimal::ZERO, MECHANISM)
            .because("no diagnosis was submitted")
            .done();
    };
    let (points, reason) = if is_mechanism(truth, said.mechanism) {
        (MECHANISM, format!("`{}` is right", said.mechanism))
    } else if std::iter::once(&truth.mechanism)
        .chain(&truth.also)
        .any(|right| scenarios::vocabulary::same_family(right, said.mechanism))
    {
        (
            MECHANISM_FAMILY,
            format!(
                "`{}` is of the same family as `{}`",
                said.mechanism, truth.mechanism
            ),
        )
    } else {
        (
            Decimal::ZERO,
            format!(
                "the mechanism is `{}`, not `{}`",
                truth.mechanism, said.mechanism
            ),
        )
    };
    part("mechanism", points, MECHANISM)
        .because(reason)
        .from(said.seq)
        .done()
}
