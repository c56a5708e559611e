//! The one who guesses at random: on a recorded journal, because nothing of it depends on a running
//! shop. It draws a diagnosis, how sure it is, and a remedy, whose recorded proof it gets.

use rand::{Rng, RngExt, seq::IndexedRandom};
use rust_decimal::Decimal;
use scenarios::{
    plan::Plan,
    seed::Seed,
    vocabulary::{components, mechanism_ids},
};
use simulator::journal::{Entry, Event};

use crate::score::score;

/// The mean score of so many guessers, seeded 0, 1, 2, … Each plays the shop's part of the journal
/// (what happened until the page), makes its guess a minute later, and applies a remedy with the
/// outcome that `proofs` recorded for it.
#[must_use]
pub fn mean_guess(
    plan: &Plan,
    until_page: &[Entry],
    proofs: &[(String, Event)],
    seeds: u32,
) -> Decimal {
    let sum: Decimal = (0..seeds)
        .map(|seed| {
            let journal = guess(plan, until_page, proofs, Seed(u64::from(seed)));
            score(plan, &journal).total
        })
        .sum();
    sum / Decimal::from(seeds.max(1))
}

/// One guesser's journal.
fn guess(plan: &Plan, until_page: &[Entry], proofs: &[(String, Event)], seed: Seed) -> Vec<Entry> {
    let mut rng = seed.stream("guess");
    let mut journal = until_page.to_vec();
    let mut write = |event: Event| {
        let (seq, at_ms) = journal
            .last()
            .map_or((0, 0), |last| (last.seq + 1, last.at_ms + 60_000));
        journal.push(Entry {
            seq,
            at_ms,
            event,
            prev: String::new(),
            hash: String::new(),
        });
    };
    write(diagnosis(plan, &mut rng));
    if let Some((remedy, proof)) = proofs.choose(&mut rng) {
        write(Event::Action {
            remedy: remedy.clone(),
            undo: false,
            done: true,
            message: String::new(),
        });
        write(proof.clone());
    }
    journal
}

fn diagnosis(plan: &Plan, rng: &mut impl Rng) -> Event {
    let scenario = &plan.scenario;
    let components: Vec<String> = components(scenario).into_iter().map(|(id, _)| id).collect();
    let mechanisms: Vec<&str> = mechanism_ids().collect();
    let visible = scenario
        .timeline
        .iter()
        .filter(|event| event.change.is_some());
    let triggers: Vec<&str> = visible
        .map(|event| event.id.as_str())
        .chain([scenarios::vocabulary::NONE])
        .collect();
    let scopes: Vec<&str> = scenario
        .scopes
        .iter()
        .map(|scope| scope.id.as_str())
        .collect();
    Event::Diagnosis {
        component: components.choose(rng).cloned().unwrap_or_default(),
        mechanism: (*mechanisms.choose(rng).unwrap_or(&"")).to_owned(),
        trigger: (*triggers.choose(rng).unwrap_or(&"")).to_owned(),
        scope: (*scopes.choose(rng).unwrap_or(&"")).to_owned(),
        confidence: rng.random_range(0.0..=1.0),
        pins: Vec::new(),
        text: String::new(),
        right: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::{Pen, plan};

    #[test]
    fn guessing_is_worth_little_and_repeats_for_its_seeds() {
        let pen = Pen::paged();
        let mean = mean_guess(&plan(), &pen.entries, &[], 200);
        assert!(mean < Decimal::from(15), "{mean}");
        assert!(mean > Decimal::ZERO, "care alone earns something");
        assert_eq!(mean, mean_guess(&plan(), &pen.entries, &[], 200));
    }
}
