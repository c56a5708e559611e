//! Care: what was done that hurt.

use api::ScorePart;
use rust_decimal::Decimal;
use scenarios::scenario::Worth;

use super::{
    formula::{CARE, CARE_COST},
    part,
    reading::Reading,
};

/// Each harmful action costs; taking one back does not earn its cost again.
pub(super) fn care(reading: &Reading<'_>) -> ScorePart {
    let harmful: Vec<_> = reading
        .actions
        .iter()
        .filter(|action| !action.undo && action.remedy.worth == Worth::Harmful)
        .collect();
    let cost = CARE_COST * Decimal::from(harmful.len());
    let mut result = part("care", (CARE - cost).max(Decimal::ZERO), CARE);
    if harmful.is_empty() {
        result = result.because("nothing that was done hurt anybody");
    }
    for action in harmful {
        result = result
            .because(format!(
                "{}: {}",
                action.remedy.title, action.remedy.because
            ))
            .from(action.seq);
    }
    result.done()
}
