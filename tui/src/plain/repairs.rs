//! What can be done, in words: the remedies with their rollouts, the stress test.

use super::debrief;
use super::tell::{indented, numbered, trouble};
use crate::app::App;
use crate::text;
use crate::time::clock;
use crate::views::act;

/// Remedies, numbered.
pub fn remedies(app: &App) -> String {
    let row = |r: &api::Remedy| {
        format!(
            "{}{}{}: {}{}",
            r.title,
            if r.applied { ", applied" } else { "" },
            if r.dangerous { ", can hurt" } else { "" },
            r.description,
            r.rollout.as_ref().map_or_else(String::new, rollout)
        )
    };
    trouble(&app.known.remedies) + &numbered(act::state::remedies(app).iter().map(row))
}

/// How far a rollout is, or how the last one went.
fn rollout(rollout: &api::Rollout) -> String {
    let steps = rollout.steps.iter().map(|step| {
        let figures = match step.figures.is_empty() {
            true => String::new(),
            false => format!(", {}", step.figures),
        };
        format!(
            "; {} {} {}{figures}",
            clock(step.at_ms),
            step.title,
            step.state
        )
    });
    let state = match rollout.running {
        true => format!("rolling out, {} % of connections are new", rollout.percent),
        false => match act::rollout::failed(rollout) {
            Some(said) => format!("last rollout {said}"),
            None => "last rollout".to_owned(),
        },
    };
    format!(
        " {state} ({}){}",
        rollout.strategy.name(),
        steps.collect::<String>()
    )
}

/// The stress test.
pub fn proof(app: &App) -> String {
    let trouble = trouble(&app.known.proof);
    let Some(proof) = &app.known.proof.value else {
        return trouble + "nothing is known of the stress test yet\n";
    };
    let state = match (proof.running, proof.passed) {
        (true, _) => format!("running, {}", text::percent(proof.progress)),
        (false, Some(true)) => "passed".to_owned(),
        (false, Some(false)) => "failed".to_owned(),
        (false, None) => "not run yet".to_owned(),
    };
    format!(
        "{trouble}{}\nstress test: {state}\n{}",
        indented(&proof.description),
        numbered(proof.invariants.iter().map(debrief::invariant))
    )
}
