//! Laying out repetitions: an event that repeats becomes one event for each time, so that a plan
//! says everything that will happen and when.

use rand::RngExt;

use crate::{
    scenario::{Scenario, TimelineEvent},
    seed::Seed,
    span::Span,
};

/// How long after the page repetitions are laid out; no drill lasts longer (the limit of the time
/// score is 40 minutes). Afterwards the event simply stops.
pub const LAID_OUT_FOR: Span = Span::from_millis(3_600_000);

/// Between the id of a repeating event and the number of its occurrence, from 2.
pub const OCCURRENCE: char = '#';

/// Id under which the event was authored: `blip` of `blip#3`. A remedy's `stops` names this one and
/// stops all further occurrences.
#[must_use]
pub fn authored_id(id: &str) -> &str {
    id.split_once(OCCURRENCE)
        .map_or(id, |(authored, _)| authored)
}

/// Lays out every repeating event and sorts the timeline by time. The first occurrence keeps its id
/// and its `repeat`; the further ones are called `id#2`, `id#3`, …, have no `repeat`, and do not show
/// in the change history again.
#[must_use]
pub fn lay_out(mut scenario: Scenario, seed: Seed) -> Scenario {
    let further: Vec<TimelineEvent> = scenario
        .timeline
        .iter()
        .flat_map(|event| occurrences(event, seed))
        .collect();
    scenario.timeline.extend(further);
    scenario.timeline.sort_by_key(|event| event.at);
    scenario
}

fn occurrences(event: &TimelineEvent, seed: Seed) -> Vec<TimelineEvent> {
    let Some(repeat) = event.repeat else {
        return Vec::new();
    };
    let mut chance = seed.stream(&format!("repeat/{}", event.id));
    let mut further = Vec::new();
    let jitter = repeat.jitter.millis();
    for number in 2.. {
        let nominal = event.at.millis() + (number - 1) * repeat.every.millis();
        let shift = if jitter > 0 {
            chance.random_range(-jitter..=jitter)
        } else {
            0
        };
        if nominal + shift > LAID_OUT_FOR.millis() {
            break;
        }
        further.push(TimelineEvent {
            at: Span::from_millis(nominal + shift),
            id: format!("{}{OCCURRENCE}{number}", event.id),
            repeat: None,
            change: None,
            ..event.clone()
        });
    }
    further
}
