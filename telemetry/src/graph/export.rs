//! The service graph as Graphviz DOT and as Mermaid.

use std::fmt::Write;

use super::{Edge, ServiceGraph};

/// Title of a graph of sampled spans.
const ESTIMATED: &str = "estimated from the traces that were kept";

impl ServiceGraph {
    /// Graphviz DOT; edges on a cycle are red.
    #[must_use]
    pub fn dot(&self) -> String {
        let quote = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let mut dot = String::from("digraph services {\n  rankdir=LR;\n  node [shape=box];\n");
        if self.sampled {
            let _ = writeln!(dot, "  label={};", quote(ESTIMATED));
        }
        for node in &self.nodes {
            let label = format!(
                "{}\n{} calls, p95 {:.0} ms",
                node.id, node.calls, node.p95_ms
            );
            let label = quote(&label).replace('\n', "\\n");
            // writing to a string cannot fail
            let _ = writeln!(dot, "  {} [label={label}];", quote(&node.id));
        }
        for edge in &self.edges {
            let color = if self.on_cycle(edge) {
                ", color=red"
            } else {
                ""
            };
            let _ = writeln!(
                dot,
                "  {} -> {} [label={}{color}];",
                quote(&edge.from),
                quote(&edge.to),
                quote(&label(edge)),
            );
        }
        dot.push_str("}\n");
        dot
    }

    /// A Mermaid flowchart.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let escape = |text: &str| text.replace('"', "#quot;");
        let index = |id: &str| {
            self.nodes
                .iter()
                .position(|node| node.id == id)
                .unwrap_or(self.nodes.len())
        };
        let mut chart = String::new();
        if self.sampled {
            // writing to a string cannot fail
            let _ = writeln!(chart, "---\ntitle: {ESTIMATED}\n---");
        }
        chart.push_str("flowchart LR\n");
        for (at, node) in self.nodes.iter().enumerate() {
            // writing to a string cannot fail
            let _ = writeln!(chart, "  n{at}[\"{}\"]", escape(&node.id));
        }
        for (at, edge) in self.edges.iter().enumerate() {
            let (from, to) = (index(&edge.from), index(&edge.to));
            let _ = writeln!(chart, "  n{from} -->|\"{}\"| n{to}", escape(&label(edge)));
            if self.on_cycle(edge) {
                let _ = writeln!(chart, "  linkStyle {at} stroke:red");
            }
        }
        chart
    }

    fn on_cycle(&self, edge: &Edge) -> bool {
        let mut cycles = self.cycles.iter();
        cycles.any(|cycle| cycle.contains(&edge.from) && cycle.contains(&edge.to))
    }
}

fn label(edge: &Edge) -> String {
    format!(
        "{:.1}/s, {:.1}% errors, p95 {:.0} ms",
        edge.rate,
        edge.error_share * 100.0,
        edge.p95_ms
    )
}
