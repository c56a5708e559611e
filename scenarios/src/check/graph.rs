//! Checks of the causal graph: it has no circle, every statement leads to the node `page`, and one
//! of the true triggers stands at its beginning.

use std::collections::BTreeMap;

use petgraph::{
    Direction,
    algo::{has_path_connecting, toposort},
    graph::{DiGraph, NodeIndex},
};

use super::Findings;
use crate::{scenario::Scenario, vocabulary::NONE};

/// Id of the node in which every causal graph ends.
pub(crate) const PAGE: &str = "page";

pub(super) fn check(scenario: &Scenario, findings: &mut Findings<'_>) {
    let truth = &scenario.truth.graph;
    let base = ["truth".into(), "graph".into()];
    let both = truth.nodes.iter().chain(&truth.distractors);
    let mut seen = std::collections::BTreeSet::new();
    for (index, choice) in both.enumerate() {
        let place = index
            .checked_sub(truth.nodes.len())
            .map_or(["nodes".into(), index.into(), "id".into()], |index| {
                ["distractors".into(), index.into(), "id".into()]
            });
        if !seen.insert(&choice.id) {
            findings.say(
                &[&base[..], &place].concat(),
                format!("there are two statements `{}`", choice.id),
                "give each its own id",
            );
        }
    }
    let mut graph = DiGraph::<usize, ()>::new();
    let index: BTreeMap<&str, NodeIndex> = truth
        .nodes
        .iter()
        .enumerate()
        .map(|(number, node)| (node.id.as_str(), graph.add_node(number)))
        .collect();
    for (number, [cause, effect]) in truth.edges.iter().enumerate() {
        for (end, id) in [cause, effect].into_iter().enumerate() {
            let path = [&base[..], &["edges".into(), number.into(), end.into()]].concat();
            findings.refer(&path, "statement", id, index.keys().copied());
        }
        if let (Some(cause), Some(effect)) = (index.get(cause.as_str()), index.get(effect.as_str()))
        {
            graph.add_edge(*cause, *effect, ());
        }
    }
    shape(scenario, &graph, &index, findings);
}

fn shape(
    scenario: &Scenario,
    graph: &DiGraph<usize, ()>,
    index: &BTreeMap<&str, NodeIndex>,
    findings: &mut Findings<'_>,
) {
    let base = ["truth".into(), "graph".into()];
    let nodes = &scenario.truth.graph.nodes;
    if let Err(circle) = toposort(graph, None) {
        let id = &nodes[graph[circle.node_id()]].id;
        findings.say_of(
            &[&base[..], &["edges".into()]].concat(),
            format!("the causal graph goes in a circle through `{id}`"),
            "an effect cannot be its own cause: split the statement or take an edge out",
        );
    }
    let Some(page) = index.get(PAGE) else {
        findings.say_of(
            &[&base[..], &["nodes".into()]].concat(),
            "the causal graph has no node `page`",
            "add `- { id: page, text: … }`: the graph leads from the trigger to it",
        );
        return;
    };
    for node in graph.node_indices() {
        if !has_path_connecting(graph, node, *page, None) {
            let path = [
                &base[..],
                &["nodes".into(), graph[node].into(), "id".into()],
            ]
            .concat();
            findings.say(
                &path,
                format!("nothing leads from `{}` to the page", nodes[graph[node]].id),
                "add the missing edge, or make it a distractor",
            );
        }
    }
    let triggers = &scenario.truth.triggers;
    let begins = |node: NodeIndex| {
        graph
            .edges_directed(node, Direction::Incoming)
            .next()
            .is_none()
    };
    let begun = triggers
        .iter()
        .filter_map(|trigger| index.get(trigger.as_str()))
        .any(|node| begins(*node));
    if !begun && triggers.iter().any(|trigger| trigger != NONE) {
        findings.say_of(
            &[&base[..], &["nodes".into()]].concat(),
            "no trigger stands at the beginning of the causal graph",
            format!(
                "add a node with the id of a trigger ({}) and no cause",
                triggers.join(", ")
            ),
        );
    }
}
