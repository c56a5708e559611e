//! Layers of a service graph: callers before called, a ring in one layer. Pure.

use std::collections::HashMap;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::client::graph::Graph;

/// Names of the services by layer: each after all that call it, members of a ring side by side, most called first.
#[must_use]
pub fn layers(graph: &Graph) -> Vec<Vec<String>> {
    let mut directed: DiGraph<String, ()> = DiGraph::new();
    let mut index: HashMap<String, NodeIndex> = HashMap::new();
    let ends = graph.edges.iter().flat_map(|e| [&e.from, &e.to]);
    for name in graph.nodes.iter().map(|n| &n.id).chain(ends) {
        index
            .entry(name.clone())
            .or_insert_with(|| directed.add_node(name.clone()));
    }
    for edge in &graph.edges {
        directed.update_edge(index[&edge.from], index[&edge.to], ());
    }
    // components come in reverse topological order: what is called comes before what calls it
    let rings = tarjan_scc(&directed);
    let ring_of: HashMap<NodeIndex, usize> = rings
        .iter()
        .enumerate()
        .flat_map(|(i, ring)| ring.iter().map(move |n| (*n, i)))
        .collect();
    let mut depth = vec![0_usize; rings.len()];
    for ring in (0..rings.len()).rev() {
        for node in &rings[ring] {
            for called in directed.neighbors(*node) {
                let other = ring_of[&called];
                if other != ring {
                    depth[other] = depth[other].max(depth[ring] + 1);
                }
            }
        }
    }
    let deepest = depth.iter().copied().max().map_or(0, |d| d + 1);
    let mut out: Vec<Vec<String>> = vec![Vec::new(); deepest];
    for (ring, nodes) in rings.iter().enumerate() {
        out[depth[ring]].extend(nodes.iter().map(|n| directed[*n].clone()));
    }
    let calls: HashMap<&str, f64> = graph
        .nodes
        .iter()
        .map(|n| (n.id.as_str(), n.calls))
        .collect();
    let of = |name: &str| calls.get(name).copied().unwrap_or(0.0);
    for layer in &mut out {
        layer.sort_by(|a, b| of(b).total_cmp(&of(a)).then_with(|| a.cmp(b)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::graph::Edge;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let edge = |(from, to): &(&str, &str)| Edge {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            ..Edge::default()
        };
        Graph {
            edges: edges.iter().map(edge).collect(),
            ..Graph::default()
        }
    }

    #[test]
    fn a_caller_stands_before_what_it_calls() {
        let layers = layers(&graph(&[
            ("storefront", "checkout"),
            ("checkout", "payments"),
            ("storefront", "payments"),
        ]));
        assert_eq!(layers, [["storefront"], ["checkout"], ["payments"]]);
    }

    #[test]
    fn a_ring_stands_in_one_layer() {
        let layers = layers(&graph(&[
            ("s", "a"),
            ("a", "b"),
            ("b", "c"),
            ("c", "a"),
            ("c", "d"),
        ]));
        assert_eq!(layers.len(), 3);
        assert_eq!(layers[1], ["a", "b", "c"]);
    }

    #[test]
    fn nothing_makes_no_layers() {
        assert!(layers(&Graph::default()).is_empty());
    }
}
