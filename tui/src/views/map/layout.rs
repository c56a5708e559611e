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

/// Columns of boxes: those of a layer in one, but for rings: a ring goes down in one column and up again in a second one, so
/// that no line of it runs through a box. An empty name is a place without a box.
#[must_use]
pub fn columns(graph: &Graph, layers: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    for layer in layers {
        let ringed = |ring: &&Vec<String>| ring.len() > 2 && ring.iter().all(|n| layer.contains(n));
        let (mut down, mut up): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for ring in graph.cycles.iter().filter(ringed) {
            let half = ring.len().div_ceil(2);
            let fresh = |n: &&String| !down.contains(*n) && !up.contains(*n);
            let (one, two) = ring.split_at(half);
            let one: Vec<String> = one.iter().filter(fresh).cloned().collect();
            let two: Vec<String> = two.iter().rev().filter(fresh).cloned().collect();
            down.extend(one);
            up.extend(two);
            up.resize(down.len(), String::new());
        }
        let rest: Vec<String> = layer
            .iter()
            .filter(|n| !down.contains(n) && !up.contains(n))
            .cloned()
            .collect();
        down.extend(rest);
        // what goes up stands beside what goes down, and beside the others there is nothing
        let rows = down.len();
        out.push(down);
        if up.iter().any(|n| !n.is_empty()) {
            up.resize(rows, String::new());
            out.push(up);
        }
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
    fn a_ring_goes_down_in_one_column_and_up_in_the_next() {
        let mut four = graph(&[("s", "a"), ("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")]);
        let names = |all: &[&str]| all.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        four.cycles = vec![names(&["a", "b", "c", "d"])];
        let of = columns(&four, &layers(&four));
        assert_eq!(of, [names(&["s"]), names(&["a", "b"]), names(&["d", "c"])]);
        let mut three = graph(&[("a", "b"), ("b", "c"), ("c", "a")]);
        three.cycles = vec![names(&["a", "b", "c"])];
        let of = columns(&three, &layers(&three));
        assert_eq!(of, [names(&["a", "b"]), names(&["c", ""])]);
        // a ring that is named and not there changes nothing, nor does one of two
        four.cycles = vec![names(&["a", "x", "y"]), names(&["a", "b"])];
        assert_eq!(columns(&four, &layers(&four)), layers(&four));
    }

    #[test]
    fn nothing_makes_no_layers() {
        assert!(layers(&Graph::default()).is_empty());
    }
}
