//! Localisation: which component.

use api::ScorePart;
use rust_decimal::Decimal;

use super::{
    formula::{LOCALISATION, LOCALISATION_NEAR},
    part,
    reading::Reading,
};

/// Exact component all points, a neighbour on the causal path a part of them.
pub(super) fn localisation(reading: &Reading<'_>) -> ScorePart {
    let truth = &reading.plan.scenario.truth;
    let Some(said) = reading.counted() else {
        return part("localisation", Decimal::ZERO, LOCALISATION)
            .because("no diagnosis was submitted")
            .done();
    };
    let (points, reason) = if said.component == truth.component {
        (
            LOCALISATION,
            format!("`{}` is the component", said.component),
        )
    } else if truth.near.iter().any(|near| near == said.component) {
        (
            LOCALISATION_NEAR,
            format!(
                "`{}` lies on the causal path, the component is `{}`",
                said.component, truth.component
            ),
        )
    } else {
        (
            Decimal::ZERO,
            format!(
                "the component is `{}`, not `{}`",
                truth.component, said.component
            ),
        )
    };
    part("localisation", points, LOCALISATION)
        .because(reason)
        .from(said.seq)
        .done()
}
