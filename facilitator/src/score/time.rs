//! Time to root cause, against par and limit.

use api::ScorePart;
use rust_decimal::Decimal;

use super::{formula::TIME, part, reading::Reading, words::duration};

/// All points at or under par, none at the limit, a straight line between.
pub(super) fn time(reading: &Reading<'_>) -> ScorePart {
    let Some(right) = reading.right() else {
        return part("time", Decimal::ZERO, TIME)
            .because("no right diagnosis was submitted")
            .done();
    };
    let Some(taken_ms) = reading.root_cause_ms() else {
        return part("time", Decimal::ZERO, TIME)
            .because("the page never fired, so there is no time to count from")
            .from(right.seq)
            .done();
    };
    let scenario = &reading.plan.scenario;
    let (par_ms, limit_ms) = (
        Decimal::from(scenario.par.millis()),
        Decimal::from(scenario.limit.millis()),
    );
    let points = if taken_ms <= par_ms {
        TIME
    } else if taken_ms >= limit_ms {
        Decimal::ZERO
    } else {
        TIME * (limit_ms - taken_ms) / (limit_ms - par_ms)
    };
    let mut result = part("time", points, TIME).because(format!(
        "root cause after {}; par {}, limit {}",
        duration(taken_ms),
        duration(par_ms),
        duration(limit_ms)
    ));
    let hints: Vec<_> = reading
        .hints
        .iter()
        .filter(|(seq, ..)| *seq < right.seq)
        .collect();
    if !hints.is_empty() {
        let minutes: Decimal = hints.iter().map(|(.., minutes)| *minutes).sum();
        result = result.because(format!(
            "{} hints added {} min",
            hints.len(),
            minutes.normalize()
        ));
    }
    let result = reading
        .page
        .iter()
        .fold(result, |result, (seq, _)| result.from(*seq));
    hints
        .iter()
        .fold(result, |result, (seq, ..)| result.from(*seq))
        .from(right.seq)
        .done()
}
