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
    for reason in pin_by_pin(reading, &pins) {
        result = result.because(reason);
    }
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

/// What each pin counts for: the pins of each class, those that show none, those that were not cited.
fn pin_by_pin(reading: &Reading<'_>, pins: &[&PinFact<'_>]) -> Vec<String> {
    let classes = &reading.plan.scenario.evidence;
    let of = |class: &str| numbers(pins, |pin| pin.classes.iter().any(|id| id == class));
    let mut reasons: Vec<String> = classes
        .iter()
        .filter_map(|class| Some(format!("{}: {}", of(&class.id)?, class.proves)))
        .collect();
    let telling = |pin: &PinFact<'_>| classes.iter().any(|class| pin.classes.contains(&class.id));
    reasons.extend(
        numbers(pins, |pin| !telling(pin)).map(|which| format!("{which}: no evidence of anything")),
    );
    let kept: Vec<&PinFact<'_>> = pins_kept(reading).collect();
    let cited = |pin: &PinFact<'_>| pins.iter().any(|one| one.id == pin.id);
    reasons.extend(
        numbers(&kept, |pin| !cited(pin))
            .map(|which| format!("{which}: not cited in the diagnosis, not counted")),
    );
    reasons
}

/// The numbers of some pins, as in `#1, #3`; none if there are none.
fn numbers(pins: &[&PinFact<'_>], which: impl Fn(&PinFact<'_>) -> bool) -> Option<String> {
    let numbers: Vec<String> = pins
        .iter()
        .filter(|pin| which(pin))
        .map(|pin| format!("#{}", pin.id))
        .collect();
    (!numbers.is_empty()).then(|| numbers.join(", "))
}

/// The pins that the counted diagnosis cites; all pins kept until then if it cites none; all pins
/// kept at the end if there was no diagnosis.
pub(super) fn pins_that_count<'r, 'a>(reading: &'r Reading<'a>) -> Vec<&'r PinFact<'a>> {
    let cited: &[u32] = reading.counted().map_or(&[], |said| said.pins);
    pins_kept(reading)
        .filter(|pin| cited.is_empty() || cited.contains(&pin.id))
        .collect()
}

/// The pins kept until the counted diagnosis, or until the end.
fn pins_kept<'r, 'a>(reading: &'r Reading<'a>) -> impl Iterator<Item = &'r PinFact<'a>> {
    let until = reading.counted().map_or(u64::MAX, |said| said.seq);
    reading
        .pins
        .iter()
        .filter(move |pin| pin.seq < until && pin.removed.is_none_or(|removed| removed > until))
}
