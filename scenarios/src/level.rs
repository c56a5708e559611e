//! What a level changes: how many decoys and innocent changes stand in the plan, what the pager says,
//! what hints cost, how many traces are kept. The table is the same for all scenarios; a scenario's
//! `difficulty` overrides any of it.

use rand::seq::SliceRandom;

use crate::{
    repeat::authored_id,
    scenario::{EventRole, LevelChange, Scenario, TimelineEvent},
    seed::Seed,
};

/// Levels: 1 intern, 2 junior, 3 senior, 4 staff.
pub const LEVELS: std::ops::RangeInclusive<u8> = 1..=4;

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    innocent_changes: usize,
    decoys: usize,
    hint_cost_percent: Option<u32>,
    trace_percent: u32,
}

const fn row(level: u8) -> Row {
    match level {
        ..=1 => Row {
            innocent_changes: 0,
            decoys: 0,
            hint_cost_percent: Some(0),
            trace_percent: 100,
        },
        2 => Row {
            innocent_changes: 1,
            decoys: 1,
            hint_cost_percent: Some(50),
            trace_percent: 100,
        },
        3 => Row {
            innocent_changes: 3,
            decoys: 2,
            hint_cost_percent: Some(100),
            trace_percent: 50,
        },
        4.. => Row {
            innocent_changes: 5,
            decoys: usize::MAX,
            hint_cost_percent: None,
            trace_percent: 10,
        },
    }
}

/// The scenario as it is met at a level: surplus innocent changes and decoys are left out (which
/// ones, the seed decides), and its `difficulty` holds exactly one row, this level's, complete.
#[must_use]
pub fn apply(mut scenario: Scenario, level: u8, seed: Seed) -> Scenario {
    let row = row(level);
    let authored = scenario.difficulty.remove(&level);
    let change = authored.unwrap_or(LevelChange {
        hint_cost_percent: row.hint_cost_percent,
        ..LevelChange::default()
    });
    let innocent = change.innocent_changes.unwrap_or(row.innocent_changes);
    let decoys = change.decoys.unwrap_or(row.decoys);
    keep_some(&mut scenario, seed, "level/innocent", innocent, |event| {
        event.role == EventRole::Innocent && event.change.is_some()
    });
    keep_decoys(&mut scenario, decoys);
    scenario.difficulty = std::iter::once((
        level,
        LevelChange {
            page_title: Some(
                change
                    .page_title
                    .unwrap_or_else(|| scenario.page.title.clone()),
            ),
            trace_percent: Some(change.trace_percent.unwrap_or(row.trace_percent)),
            innocent_changes: Some(innocent),
            decoys: Some(decoys.min(scenario.decoys.len())),
            ..change
        },
    ))
    .collect();
    scenario
}

/// Keeps so many of the events that are meant, drawn by the seed, and all others.
fn keep_some(
    scenario: &mut Scenario,
    seed: Seed,
    stream: &str,
    count: usize,
    meant: impl Fn(&TimelineEvent) -> bool,
) {
    let mut ids: Vec<String> = scenario
        .timeline
        .iter()
        .filter(|event| meant(event))
        .map(|event| event.id.clone())
        .collect();
    ids.shuffle(&mut seed.stream(stream));
    let surplus: Vec<String> = ids.into_iter().skip(count).collect();
    scenario
        .timeline
        .retain(|event| !surplus.iter().any(|id| id == authored_id(&event.id)));
}

/// Keeps so many decoys, the first ones that the file lists, with their events.
fn keep_decoys(scenario: &mut Scenario, count: usize) {
    let surplus: Vec<_> = if count < scenario.decoys.len() {
        scenario.decoys.split_off(count)
    } else {
        Vec::new()
    };
    scenario.timeline.retain(|event| {
        event.role != EventRole::Decoy || !surplus.iter().any(|decoy| is_of(&decoy.id, &event.id))
    });
}

/// Whether a decoy event belongs to a decoy: it has its id, or its id, `-` and more.
#[must_use]
pub fn is_of(decoy: &str, event: &str) -> bool {
    authored_id(event)
        .strip_prefix(decoy)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
