//! Evidence: F1 over evidence classes.

use std::collections::BTreeSet;

use api::ScorePart;
use rust_decimal::Decimal;

use super::{
    formula::{EVIDENCE, f1, share},
    part,
    reading::{PinFact, Reading},
};

/// Recall of the decisive classes, precision of the pins.
pub(super) fn evidence(reading: &Reading<'_>) -> ScorePart {
    let pins = pins_that_count(reading);
    if pins.is_empty() {
        return part("evidence", Decimal::ZERO, EVIDENCE)
            .because("no evidence was pinned by the time of the diagnosis")
            .done();
    }
    let classes = &reading.plan.scenario.evidence;
    let any_decisive = classes.iter().any(|class| class.decisive);
    let asked: BTreeSet<&str> = classes
        .iter()
        .filter(|class| class.decisive || !any_decisive)
        .map(|class| class.id.as_str())
        .collect();
    let known: BTreeSet<&str> = classes.iter().map(|class| class.id.as_str()).collect();
    let shown: BTreeSet<&str> = pins
        .iter()
        .flat_map(|pin| pin.classes.iter().map(String::as_str))
        .collect();
    let found = asked.intersection(&shown).count();
    let telling: Vec<&PinFact<'_>> = pins
        .iter()
        .copied()
        .filter(|pin| {
            pin.classes
                .iter()
                .any(|class| known.contains(class.as_str()))
        })
        .collect();
    let points = EVIDENCE * f1(share(telling.len(), pins.len()), share(found, asked.len()));
    let mut result = part("evidence", points, EVIDENCE)
        .because(format!(
            "{found} of {} decisive classes of evidence were pinned",
            asked.len()
        ))
        .because(format!(
            "{} of {} pins show evidence",
            telling.len(),
            pins.len()
        ));
    for missed in classes
        .iter()
        .filter(|class| asked.contains(class.id.as_str()) && !shown.contains(class.id.as_str()))
    {
        result = result.because(format!("missing: {}", missed.proves));
    }
    pins.iter()
        .fold(result, |result, pin| result.from(pin.seq))
        .done()
}

/// The pins that the counted diagnosis cites; all pins kept until then if it cites none; all pins
/// kept at the end if there was no diagnosis.
pub(super) fn pins_that_count<'r, 'a>(reading: &'r Reading<'a>) -> Vec<&'r PinFact<'a>> {
    let counted = reading.counted();
    let until = counted.map_or(u64::MAX, |said| said.seq);
    let cited: &[u32] = counted.map_or(&[], |said| said.pins);
    reading
        .pins
        .iter()
        .filter(|pin| pin.seq < until && pin.removed.is_none_or(|removed| removed > until))
        .filter(|pin| cited.is_empty() || cited.contains(&pin.id))
        .collect()
}
