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
    let follow = whys
        .windows(2)
        .filter(|pair| {
            graph
                .edges
                .iter()
                .any(|[cause, effect]| *effect == pair[0] && *cause == pair[1])
        })
        .count();
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
    part("learning", whys_points + guardrail_points, of)
        .because(format!(
            "{follow} of {steps} steps of the Five Whys follow the causal graph; {needed} make it complete"
        ))
        .because(format!(
            "{hits} of {} guardrails chosen would have prevented it; there were {}",
            chosen.len(),
            preventing.len()
        ))
        .from(seq)
        .done()
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
