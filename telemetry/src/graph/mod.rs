//! The service graph: which service calls which, how often, how well, how fast; and its cycles, by
//! strongly connected components. Computed from spans; knows nothing of how they are stored.

mod export;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use serde::Serialize;

use crate::attributes::Value;
use crate::logs::record::SpanId;
use crate::time::TraceId;
use crate::traces::span::{Kind, Status};
use crate::traces::{Span, SpanSegment};

/// A caller's spans begin before its callee's, possibly before the window: this far back they are
/// looked for.
const CALLER_SLACK_NS: i64 = 60_000_000_000;

/// The service graph of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceGraph {
    /// Begin of the window, ns.
    pub start_ns: i64,
    /// End of the window, ns.
    pub end_ns: i64,
    /// Services, sorted by name.
    pub nodes: Vec<Node>,
    /// Calls between services, sorted by caller and callee.
    pub edges: Vec<Edge>,
    /// Sets of services that call each other in a ring, each in calling order where it is a simple
    /// ring, beginning with the first by name.
    pub cycles: Vec<Vec<String>>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// Its name.
    pub id: String,
    /// Requests it served: its server and consumer spans.
    pub calls: u64,
    /// How many of them failed.
    pub errors: u64,
    /// 95th percentile of their durations, ms; 0 where it served none.
    pub p95_ms: f64,
}

/// Calls from one service to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edge {
    /// The caller.
    pub from: String,
    /// The callee.
    pub to: String,
    /// How many calls.
    pub calls: u64,
    /// Calls per second of the window.
    pub rate: f64,
    /// Share of calls that failed on either side, 0 to 1.
    pub error_share: f64,
    /// Median of the durations as the caller saw them, ms.
    pub p50_ms: f64,
    /// 95th percentile, ms.
    pub p95_ms: f64,
    /// 99th percentile, ms.
    pub p99_ms: f64,
}

#[derive(Debug, Default)]
struct Calls {
    durations_ns: Vec<i64>,
    errors: u64,
}

impl Calls {
    fn add(&mut self, duration_ns: i64, failed: bool) {
        self.durations_ns.push(duration_ns);
        self.errors += u64::from(failed);
    }

    fn count(&self) -> u64 {
        self.durations_ns.len() as u64
    }

    /// Nearest-rank percentile of sorted durations, ms.
    fn percentile_ms(&self, share: f64) -> f64 {
        let count = self.durations_ns.len();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rank = (share * count as f64).ceil() as usize;
        let at = rank.clamp(1, count.max(1)) - 1;
        self.durations_ns.get(at).map_or(0.0, |ns| *ns as f64 / 1e6)
    }
}

impl ServiceGraph {
    /// The graph of the spans that begin in `start_ns..end_ns`.
    #[must_use]
    pub fn of(segments: &[Arc<SpanSegment>], start_ns: i64, end_ns: i64) -> Self {
        let from_ns = start_ns.saturating_sub(CALLER_SLACK_NS);
        let held = segments
            .iter()
            .filter(|segment| segment.overlaps(from_ns, end_ns));
        let spans: Vec<&Arc<Span>> = held
            .flat_map(|segment| segment.spans())
            .filter(|span| span.start_ns >= from_ns && span.start_ns < end_ns)
            .collect();
        let (services, calls) = count(&spans, start_ns);
        let seconds = (end_ns.saturating_sub(start_ns).max(1)) as f64 / 1e9;
        let nodes = services.into_iter().map(|(id, mut served)| {
            served.durations_ns.sort_unstable();
            Node {
                calls: served.count(),
                errors: served.errors,
                p95_ms: served.percentile_ms(0.95),
                id,
            }
        });
        let edges = calls.into_iter().map(|((from, to), mut calls)| {
            calls.durations_ns.sort_unstable();
            Edge {
                from,
                to,
                calls: calls.count(),
                rate: calls.count() as f64 / seconds,
                error_share: calls.errors as f64 / calls.count() as f64,
                p50_ms: calls.percentile_ms(0.5),
                p95_ms: calls.percentile_ms(0.95),
                p99_ms: calls.percentile_ms(0.99),
            }
        });
        let edges: Vec<_> = edges.collect();
        Self {
            start_ns,
            end_ns,
            nodes: nodes.collect(),
            cycles: cycles(&edges),
            edges,
        }
    }
}

type Served = BTreeMap<String, Calls>;
type Called = BTreeMap<(String, String), Calls>;

/// Counts what each service served, and the calls between services.
fn count(spans: &[&Arc<Span>], start_ns: i64) -> (Served, Called) {
    let mut by_id: HashMap<(TraceId, SpanId), &Arc<Span>> = HashMap::with_capacity(spans.len());
    for span in spans {
        by_id.insert((span.trace_id, span.span_id), span);
    }
    let mut services = Served::new();
    let mut calls = Called::new();
    let mut answered = std::collections::HashSet::new();
    for span in spans {
        let parent = span.parent.and_then(|id| by_id.get(&(span.trace_id, id)));
        if let Some(parent) = parent.filter(|parent| parent.service() != span.service()) {
            answered.insert((parent.trace_id, parent.span_id));
            if span.start_ns >= start_ns {
                let seen = if parent.kind == Kind::Client {
                    parent
                } else {
                    span
                };
                let failed = span.status == Status::Error || parent.status == Status::Error;
                let key = (parent.service().to_owned(), span.service().to_owned());
                calls
                    .entry(key)
                    .or_default()
                    .add(seen.duration_ns(), failed);
            }
        }
        if span.start_ns >= start_ns {
            let served = services.entry(span.service().to_owned()).or_default();
            if matches!(span.kind, Kind::Server | Kind::Consumer) {
                served.add(span.duration_ns(), span.status == Status::Error);
            }
        }
    }
    // a call that never arrived has no server span: the caller's word for whom it meant counts
    let unanswered = spans.iter().filter(|span| {
        span.kind == Kind::Client
            && span.start_ns >= start_ns
            && !answered.contains(&(span.trace_id, span.span_id))
    });
    for span in unanswered {
        if let Some(callee) = named_callee(span) {
            services.entry(callee.clone()).or_default();
            let key = (span.service().to_owned(), callee);
            let failed = span.status == Status::Error;
            calls
                .entry(key)
                .or_default()
                .add(span.duration_ns(), failed);
        }
    }
    (services, calls)
}

/// The service that a client span says it calls (`peer.service`, or its successor in the semantic
/// conventions, `service.peer.name`).
fn named_callee(span: &Span) -> Option<String> {
    ["peer.service", "service.peer.name"]
        .into_iter()
        .filter_map(|name| crate::attributes::find(&span.attributes, name))
        .map(Value::text)
        .find(|name| !name.is_empty() && *name != span.service())
        .map(std::borrow::Cow::into_owned)
}

/// The rings among the edges.
fn cycles(edges: &[Edge]) -> Vec<Vec<String>> {
    let mut graph = DiGraph::<&str, ()>::new();
    let mut indices: BTreeMap<&str, NodeIndex> = BTreeMap::new();
    for edge in edges {
        let [from, to] = [edge.from.as_str(), edge.to.as_str()]
            .map(|name| *indices.entry(name).or_insert_with(|| graph.add_node(name)));
        graph.add_edge(from, to, ());
    }
    let components = tarjan_scc(&graph)
        .into_iter()
        .filter(|component| component.len() > 1);
    let mut cycles: Vec<Vec<String>> = components
        .map(|component| {
            let mut names: Vec<&str> = component.iter().map(|&index| graph[index]).collect();
            names.sort_unstable();
            in_calling_order(&names, edges)
        })
        .collect();
    cycles.sort();
    cycles
}

/// The names of a ring in calling order from the first; where a service calls several others of the
/// ring, the first not yet visited is taken, and what is left over follows by name.
fn in_calling_order(names: &[&str], edges: &[Edge]) -> Vec<String> {
    let mut order: Vec<&str> = names.first().copied().into_iter().collect();
    while let Some(&last) = order.last() {
        let calls = edges
            .iter()
            .filter(|edge| edge.from == last)
            .map(|edge| edge.to.as_str());
        let next = calls
            .filter(|to| names.contains(to))
            .find(|to| !order.contains(to));
        match next {
            Some(next) => order.push(next),
            None => break,
        }
    }
    let rest: Vec<_> = names
        .iter()
        .copied()
        .filter(|name| !order.contains(name))
        .collect();
    order.into_iter().chain(rest).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::fixture::text;
    use crate::traces::fixture::{Shape, batch};
    use crate::traces::{TRACE_BYTES, TraceStore};

    /// A ring of three services, one of whose calls fails, and one call that never arrives.
    fn graph() -> ServiceGraph {
        let store = TraceStore::new(TRACE_BYTES);
        let call = |trace, span, parent, ms, error| Shape {
            kind: 3,
            duration_ms: ms,
            error,
            ..Shape::child(trace, span, parent)
        };
        for trace in 1..=4 {
            store.append(&batch(
                "checkout",
                &[
                    Shape::root(trace, 1),
                    call(trace, 2, 1, trace * 10, trace == 4),
                ],
            ));
            store.append(&batch(
                "pricing",
                &[Shape::child(trace, 3, 2), call(trace, 4, 3, 5, false)],
            ));
            store.append(&batch(
                "promotions",
                &[Shape::child(trace, 5, 4), call(trace, 6, 5, 5, false)],
            ));
        }
        store.append(&batch("checkout", &[Shape::child(1, 7, 6)]));
        let mut lost = call(1, 8, 7, 3000, true);
        lost.attributes = vec![text("peer.service", "payments")];
        store.append(&batch("checkout", &[lost]));
        ServiceGraph::of(&store.snapshot(), 0, 10_000_000_000)
    }

    #[test]
    fn edges_have_rate_errors_and_the_callers_latency() {
        let graph = graph();
        let edge = &graph.edges[1];
        assert_eq!(
            (edge.from.as_str(), edge.to.as_str()),
            ("checkout", "pricing")
        );
        assert_eq!((edge.calls, edge.rate, edge.error_share), (4, 0.4, 0.25));
        assert_eq!((edge.p50_ms, edge.p95_ms, edge.p99_ms), (20.0, 40.0, 40.0));
    }

    #[test]
    fn a_call_that_never_arrived_is_an_edge_to_whom_it_was_meant_for() {
        let graph = graph();
        let edge = &graph.edges[0];
        assert_eq!(
            (edge.from.as_str(), edge.to.as_str()),
            ("checkout", "payments")
        );
        assert_eq!(
            (edge.calls, edge.error_share, edge.p50_ms),
            (1, 1.0, 3000.0)
        );
        let node = graph
            .nodes
            .iter()
            .find(|node| node.id == "payments")
            .unwrap();
        assert_eq!(node.calls, 0);
    }

    #[test]
    fn a_ring_is_found_in_calling_order() {
        assert_eq!(graph().cycles, [["checkout", "pricing", "promotions"]]);
    }

    #[test]
    fn an_empty_window_is_an_empty_graph() {
        let store = TraceStore::new(TRACE_BYTES);
        let graph = ServiceGraph::of(&store.snapshot(), 0, 0);
        assert!(graph.nodes.is_empty() && graph.edges.is_empty() && graph.cycles.is_empty());
    }

    #[test]
    fn dot_and_mermaid_hold_every_node_and_edge_and_escape_names() {
        let mut graph = graph();
        graph.nodes[0].id = "check\"out".into();
        graph.edges[0].from = "check\"out".into();
        let dot = graph.dot();
        assert!(
            dot.starts_with("digraph services {\n")
                && dot.contains(r#""check\"out" -> "payments""#),
            "{dot}"
        );
        assert_eq!(dot.matches("->").count(), graph.edges.len());
        let mermaid = graph.mermaid();
        assert!(
            mermaid.starts_with("flowchart LR\n") && mermaid.contains("check#quot;out"),
            "{mermaid}"
        );
        assert_eq!(mermaid.matches("-->").count(), graph.edges.len());
    }
}
