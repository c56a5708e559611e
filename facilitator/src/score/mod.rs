//! The score: `score(plan, journal) -> Scorecard`, a pure function of the published formula. It
//! knows no clock, no files and no telemetry; what a pin matched was settled when it was journalled.

mod alternatives;
mod calibration;
mod care;
mod evidence;
mod formula;
mod kpis;
mod learning;
mod localisation;
mod mechanism;
mod reading;
mod repair;
mod time;
mod trigger_scope;
pub(crate) mod words;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use api::{ScorePart, Scorecard};
pub use formula::{FORMULA, rubric};
use reading::Reading;
pub use reading::is_right;
use rust_decimal::Decimal;
use scenarios::plan::Plan;
use simulator::journal::{Entry, Event};

/// Scores a drill by the published formula (see [`rubric`]): ten parts, each with its reasons and the
/// journal entries it came from, and the figures reported beside them. Adjustments by hand are an
/// eleventh part, present only when there are any. The total lies between 0 and 100.
#[must_use]
pub fn score(plan: &Plan, entries: &[Entry]) -> Scorecard {
    let reading = Reading::new(plan, entries);
    let mut parts = vec![
        localisation::localisation(&reading),
        mechanism::mechanism(&reading),
        trigger_scope::trigger_scope(&reading),
        calibration::calibration(&reading),
        evidence::evidence(&reading),
        alternatives::alternatives(&reading),
        time::time(&reading),
        repair::repair(&reading),
        care::care(&reading),
        learning::learning(&reading),
    ];
    parts.extend(adjustments(entries));
    let total: Decimal = parts.iter().map(|part| part.points).sum();
    Scorecard {
        formula: FORMULA,
        total: total.clamp(Decimal::ZERO, formula::HIGHEST).normalize(),
        parts,
        kpis: kpis::kpis(&reading),
    }
}

/// Time to root cause with the minutes of hints and without pauses, milliseconds; none without a right
/// diagnosis.
#[must_use]
pub fn root_cause_ms(plan: &Plan, entries: &[Entry]) -> Option<i64> {
    let taken = Reading::new(plan, entries).root_cause_ms()?;
    rust_decimal::prelude::ToPrimitive::to_i64(&taken.round())
}

/// Points given or taken by hand, if there are any; after the end too. One adjustment moves at most a
/// hundred points.
fn adjustments(entries: &[Entry]) -> Option<ScorePart> {
    let mut points = Decimal::ZERO;
    let mut result = part("adjustment", Decimal::ZERO, Decimal::ZERO);
    for entry in entries {
        if let Event::Adjusted {
            points: by_hand,
            by,
            why,
        } = &entry.event
        {
            result = match Decimal::from_str(by_hand.trim_start_matches('+')) {
                Ok(change) => {
                    points += change.clamp(-formula::HIGHEST, formula::HIGHEST);
                    result.because(format!("{by_hand} by {by}: {why}"))
                }
                Err(_) => {
                    result.because(format!("`{by_hand}` by {by} is no number and was ignored"))
                }
            }
            .from(entry.seq);
        }
    }
    let mut done = result.done();
    done.points = formula::rounded(points);
    (!done.entries.is_empty()).then_some(done)
}

/// Begins a part of the score.
fn part(name: &str, points: Decimal, of: Decimal) -> Part {
    Part(ScorePart {
        part: name.to_owned(),
        points: formula::rounded(points),
        of,
        reasons: Vec::new(),
        entries: Vec::new(),
    })
}

/// A part that is being written.
struct Part(ScorePart);

impl Part {
    fn because(mut self, reason: impl Into<String>) -> Self {
        self.0.reasons.push(reason.into());
        self
    }

    fn from(mut self, seq: u64) -> Self {
        if let Err(place) = self.0.entries.binary_search(&seq) {
            self.0.entries.insert(place, seq);
        }
        self
    }

    fn done(self) -> ScorePart {
        self.0
    }
}
