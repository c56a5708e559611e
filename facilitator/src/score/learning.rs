//! Learning: Five Whys along the causal graph, and guardrails.

use std::collections::{BTreeMap, BTreeSet};

use api::ScorePart;
use rust_decimal::Decimal;
use scenarios::scenario::CausalGraph;

use super::{
    formula::{GUARDRAILS, WHY_STEPS, WHYS, f1, share},
    part,
    reading::Reading,
};

/// Steps that follow edges (effect to cause), and the F1 of the guardrails chosen.
pub(super) fn learning(reading: &Reading<'_>) -> ScorePart {
    let of = WHYS + GUARDRAILS;
    let Some((seq, whys, chosen)) = reading.learning else {
        return part("learning", Decimal::ZERO, of)
            .because("no Five Whys and no guardrails were written")
            .done();
    };
    let graph = &reading.plan.scenario.truth.graph;
    let steps = whys.len().saturating_sub(1);
    let off = steps_off(graph, whys);
    let follow = steps - off.len();
    let needed = longest_path(graph).min(WHY_STEPS);
    let whys_points = WHYS * share(follow, steps.max(needed));

    let offered = &reading.plan.scenario.debrief.guardrails;
    let preventing: BTreeSet<&str> = offered
        .iter()
        .filter(|g| g.prevents)
        .map(|g| g.id.as_str())
        .collect();
    let chosen: BTreeSet<&str> = chosen.iter().map(String::as_str).collect();
    let hits = chosen.intersection(&preventing).count();
    let guardrail_points =
        GUARDRAILS * f1(share(hits, chosen.len()), share(hits, preventing.len()));
    let result = part("learning", whys_points + guardrail_points, of).because(format!(
        "{follow} of {steps} steps of the Five Whys follow the causal graph; {needed} make it complete"
    ));
    off.into_iter()
        .fold(result, super::Part::because)
        .because(format!(
            "{hits} of {} guardrails chosen would have prevented it; there were {}",
            chosen.len(),
            preventing.len()
        ))
        .from(seq)
        .done()
}

/// Each step from effect to cause that is no edge of the graph, in words.
fn steps_off(graph: &CausalGraph, whys: &[String]) -> Vec<String> {
    let words = |id: &str| {
        let mut choices = graph.nodes.iter().chain(&graph.distractors);
        let found = choices.find(|choice| choice.id == id);
        found.map_or_else(|| id.to_owned(), |choice| choice.text.trim().to_owned())
    };
    let follows = |effect: &str, cause: &str| {
        graph
            .edges
            .iter()
            .any(|[from, to]| from == cause && to == effect)
    };
    let is_cause = |id: &str| graph.nodes.iter().any(|node| node.id == id);
    whys.windows(2)
        .enumerate()
        .filter(|(_, pair)| !follows(&pair[0], &pair[1]))
        .map(|(index, pair)| {
            let (effect, cause) = (words(&pair[0]), words(&pair[1]));
            let why = if let Some(stranger) = pair.iter().find(|id| !is_cause(id)) {
                format!("“{}” had no part in it", words(stranger))
            } else if follows(&pair[1], &pair[0]) {
                "it is the other way round".to_owned()
            } else {
                "the graph has no such edge".to_owned()
            };
            format!(
                "step {}, from “{effect}” to “{cause}”, does not follow: {why}",
                index + 1
            )
        })
        .collect()
}

/// Edges of the longest path. A graph with a cycle (the loader refuses one) ends the search at the
/// number of its nodes.
fn longest_path(graph: &CausalGraph) -> usize {
    let mut depth: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..graph.nodes.len() {
        let mut grew = false;
        for [cause, effect] in &graph.edges {
            let next = depth.get(cause.as_str()).copied().unwrap_or(0) + 1;
            let held = depth.entry(effect).or_default();
            if next > *held {
                (*held, grew) = (next, true);
            }
        }
        if !grew {
            break;
        }
    }
    depth.into_values().max().unwrap_or(0)
}
