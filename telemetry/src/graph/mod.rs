//! The service graph: which service calls which, how often, how well, how fast; and its cycles, by
//! strongly connected components. Computed from spans; knows nothing of how they are stored.
//!
//! Where only a share of the spans was kept, each counts for as many as its sampler says
//! ([`SpanRow::adjusted_count`]), so that rates and error shares are those of all traffic.

mod calls;
mod export;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use serde::Serialize;

use crate::derive::Cut;
use crate::logs::record::SpanId;
use crate::time::TraceId;
use crate::traces::span::{Kind, Status};
use crate::traces::{SpanRow, SpanSegment};
pub(crate) use calls::Calls;

/// A caller's spans begin before its callee's, possibly before the window: this far back they are
/// looked for.
const CALLER_SLACK_NS: i64 = 60_000_000_000;

/// Services of a graph at most: a picture of more says nothing, and a hostile emitter invents names.
const SERVICES_MAX: usize = 500;

/// Calls between services at most.
const CALLS_MAX: usize = 2_000;

/// The service graph of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceGraph {
    /// Begin of the window, ns.
    pub start_ns: i64,
    /// End of the window, ns.
    pub end_ns: i64,
    /// Whether some spans stand for others that were not kept: then all figures are estimates.
    pub sampled: bool,
    /// Services, sorted by name.
    pub nodes: Vec<Node>,
    /// Calls between services, sorted by caller and callee.
    pub edges: Vec<Edge>,
    /// Sets of services that call each other in a ring, each in calling order where it is a simple
    /// ring, beginning with the first by name.
    pub cycles: Vec<Vec<String>>,
    /// Limits that were met: then the services that serve most, and the calls made most, are told.
    pub limits: Vec<Cut>,
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

impl ServiceGraph {
    /// The graph of the spans that begin in `start_ns..end_ns`.
    #[must_use]
    pub fn of(segments: &[Arc<SpanSegment>], start_ns: i64, end_ns: i64) -> Self {
        let from_ns = start_ns.saturating_sub(CALLER_SLACK_NS);
        let held = segments
            .iter()
            .filter(|segment| segment.overlaps(from_ns, end_ns));
        let spans: Vec<SpanRow<'_>> = held
            .flat_map(|segment| segment.rows())
            .filter(|span| span.start_ns() >= from_ns && span.start_ns() < end_ns)
            .collect();
        let (mut services, mut calls) = count(&spans, start_ns);
        let limits = keep_most(&mut services, &mut calls);
        let seconds = (end_ns.saturating_sub(start_ns).max(1)) as f64 / 1e9;
        let nodes = services.into_iter().map(|(id, mut served)| {
            let [p95_ms] = served.percentiles_ms([0.95]);
            Node {
                calls: whole(served.count()),
                errors: whole(served.errors()),
                p95_ms,
                id,
            }
        });
        let edges = calls.into_iter().map(|((from, to), mut calls)| {
            let [p50_ms, p95_ms, p99_ms] = calls.percentiles_ms([0.5, 0.95, 0.99]);
            Edge {
                from,
                to,
                calls: whole(calls.count()),
                rate: calls.count() / seconds,
                error_share: calls.errors() / calls.count(),
                p50_ms,
                p95_ms,
                p99_ms,
            }
        });
        let edges: Vec<_> = edges.collect();
        Self {
            start_ns,
            end_ns,
            sampled: spans.iter().any(|span| span.adjusted_count() > 1.0),
            nodes: nodes.collect(),
            cycles: cycles(&edges),
            edges,
            limits,
        }
    }
}

/// Leaves out the services that serve least and the calls made least, where there are too many.
fn keep_most(services: &mut Served, calls: &mut Called) -> Vec<Cut> {
    let mut limits = Vec::new();
    if services.len() > SERVICES_MAX {
        limits.push(Cut::new("services", SERVICES_MAX, services.len()));
        *services = most(std::mem::take(services), SERVICES_MAX);
        calls.retain(|(from, to), _| services.contains_key(from) && services.contains_key(to));
    }
    if calls.len() > CALLS_MAX {
        limits.push(Cut::new("calls", CALLS_MAX, calls.len()));
        *calls = most(std::mem::take(calls), CALLS_MAX);
    }
    limits
}

/// The `max` entries with the most calls.
fn most<K: Ord>(all: BTreeMap<K, Calls>, max: usize) -> BTreeMap<K, Calls> {
    let mut all: Vec<(K, Calls)> = all.into_iter().collect();
    // stable, so that the first by name are kept of equals
    all.sort_by(|(_, a), (_, b)| b.count().total_cmp(&a.count()));
    all.into_iter().take(max).collect()
}

/// An estimate as a number of calls.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a count
fn whole(count: f64) -> u64 {
    count.round() as u64
}

type Served = BTreeMap<String, Calls>;
type Called = BTreeMap<(String, String), Calls>;

/// Counts what each service served, and the calls between services.
fn count(spans: &[SpanRow<'_>], start_ns: i64) -> (Served, Called) {
    let mut by_id: HashMap<(TraceId, SpanId), SpanRow<'_>> = HashMap::with_capacity(spans.len());
    for span in spans {
        by_id.insert((span.trace_id(), span.span_id()), *span);
    }
    let mut services = Served::new();
    let mut calls = Called::new();
    let mut answered = std::collections::HashSet::new();
    for span in spans {
        let parent = span
            .parent()
            .and_then(|id| by_id.get(&(span.trace_id(), id)));
        if let Some(parent) = parent.filter(|parent| parent.service() != span.service()) {
            answered.insert((parent.trace_id(), parent.span_id()));
            if span.start_ns() >= start_ns {
                let seen = if parent.kind() == Kind::Client {
                    parent
                } else {
                    span
                };
                let failed = span.status() == Status::Error || parent.status() == Status::Error;
                let key = (parent.service().to_owned(), span.service().to_owned());
                calls.entry(key).or_default().add(
                    seen.duration_ns(),
                    weight(*parent, *span),
                    failed,
                );
            }
        }
        if span.start_ns() >= start_ns {
            let served = services.entry(span.service().to_owned()).or_default();
            if matches!(span.kind(), Kind::Server | Kind::Consumer) {
                let failed = span.status() == Status::Error;
                served.add(span.duration_ns(), span.adjusted_count(), failed);
            }
        }
    }
    // a call that never arrived has no server span: the caller's word for whom it meant counts
    let unanswered = spans.iter().filter(|span| {
        span.kind() == Kind::Client
            && span.start_ns() >= start_ns
            && !answered.contains(&(span.trace_id(), span.span_id()))
    });
    for span in unanswered {
        if let Some(callee) = named_callee(*span) {
            services.entry(callee.clone()).or_default();
            let key = (span.service().to_owned(), callee);
            let failed = span.status() == Status::Error;
            calls
                .entry(key)
                .or_default()
                .add(span.duration_ns(), span.adjusted_count(), failed);
        }
    }
    (services, calls)
}

/// How many calls a call whose both sides were kept stands for. A caller that names whom it calls is
/// counted wherever it was kept, so it stands for what it says. Otherwise both sides must have been
/// kept, and samplers that decide consistently keep both as often as the rarer of them.
fn weight(caller: SpanRow<'_>, callee: SpanRow<'_>) -> f64 {
    let stands_for = caller.adjusted_count();
    if caller.kind() == Kind::Client && named_callee(caller).is_some() {
        stands_for
    } else {
        stands_for.max(callee.adjusted_count())
    }
}

/// The service that a client span says it calls (`peer.service`, or its successor in the semantic
/// conventions, `service.peer.name`).
fn named_callee(span: SpanRow<'_>) -> Option<String> {
    ["peer.service", "service.peer.name"]
        .into_iter()
        .filter_map(|name| span.own(name))
        .map(|value| value.text().into_owned())
        .find(|name| !name.is_empty() && *name != span.service())
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

    /// A thousand calls in a hundred seconds, of which the caller sees a hundred fail, fifty of them although the callee
    /// did its work. Of what went well one in ten is kept, of what failed everything.
    fn sampled(names_its_callee: bool) -> ServiceGraph {
        let store = TraceStore::new(TRACE_BYTES);
        for call in 0..1000 {
            let fails = call % 10 == 3;
            let callee_fails = fails && call < 500;
            let in_share = call % 100 / 10 == 0;
            let state = |failed| {
                if failed {
                    "ot=th:0"
                } else {
                    "ot=th:e6666666666668"
                }
            };
            let shape = |span, parent, failed| Shape {
                start_ms: 1_000_000 + call * 100,
                duration_ms: if fails { 900 } else { 20 },
                error: failed,
                trace_state: state(failed),
                ..Shape::child(call + 1, span, parent)
            };
            if in_share || fails {
                let mut client = shape(2, 1, fails);
                client.kind = 3;
                if names_its_callee {
                    client.attributes = vec![text("peer.service", "checkout")];
                }
                store.append(&batch("storefront", &[shape(1, 0, fails), client]));
            }
            if in_share || callee_fails {
                store.append(&batch("checkout", &[shape(3, 2, callee_fails)]));
            }
        }
        ServiceGraph::of(&store.snapshot(), 1_000_000_000_000, 1_100_000_000_000)
    }

    #[test]
    fn of_endless_services_and_calls_the_busiest_are_told() {
        let store = TraceStore::new(TRACE_BYTES);
        let call = |n: u64, from: String, to: String| {
            store.append(&batch(&from, &[Shape::root(n, 1)]));
            store.append(&batch(&to, &[Shape::child(n, 2, 1)]));
        };
        for n in 1..=600_u64 {
            call(n, "hub".into(), format!("s{n}"));
            call(1_000 + n, "hub".into(), "s599".into());
        }
        let graph = ServiceGraph::of(&store.snapshot(), 0, i64::MAX);
        assert_eq!(
            (graph.nodes.len(), graph.edges.len()),
            (SERVICES_MAX, SERVICES_MAX - 1)
        );
        assert!(
            graph
                .edges
                .iter()
                .any(|edge| edge.to == "s599" && edge.calls == 601)
        );
        assert_eq!(graph.limits, [Cut::new("services", SERVICES_MAX, 601)]);
        for n in 0..2_500_u64 {
            call(5_000 + n, format!("a{}", n / 50), format!("b{}", n % 50));
        }
        let dense = ServiceGraph::of(&store.snapshot(), 5_000_000_000_000, i64::MAX);
        assert_eq!((dense.nodes.len(), dense.edges.len()), (100, CALLS_MAX));
        assert_eq!(dense.limits, [Cut::new("calls", CALLS_MAX, 2_500)]);
    }

    #[test]
    fn rates_and_errors_are_those_of_all_calls_though_failures_are_kept_more_often() {
        let graph = sampled(true);
        assert!(graph.sampled);
        let [edge] = &graph.edges[..] else {
            panic!("{:?}", graph.edges);
        };
        assert_eq!(edge.calls, 1000);
        assert!((edge.rate - 10.0).abs() < 1e-6, "{}", edge.rate);
        assert!(
            (edge.error_share - 0.1).abs() < 1e-6,
            "{}",
            edge.error_share
        );
        assert_eq!((edge.p50_ms, edge.p95_ms), (20.0, 900.0));
        let [callee, caller] = &graph.nodes[..] else {
            panic!("{:?}", graph.nodes);
        };
        assert_eq!((caller.calls, caller.errors), (1000, 100));
        assert_eq!((callee.calls, callee.errors), (1000, 50));
    }

    #[test]
    fn a_caller_that_does_not_name_its_callee_is_counted_where_both_sides_were_kept() {
        let graph = sampled(false);
        assert_eq!((graph.edges.len(), graph.edges[0].calls), (1, 1000));
        assert!((graph.edges[0].error_share - 0.1).abs() < 1e-6);
    }

    #[test]
    fn a_sampled_graph_says_that_it_is_estimated() {
        let estimated = "estimated from the traces that were kept";
        let (graph, whole) = (sampled(true), graph());
        assert!(graph.dot().contains(&format!("label=\"{estimated}\"")));
        assert!(
            graph
                .mermaid()
                .starts_with(&format!("---\ntitle: {estimated}\n---\n"))
        );
        assert!(!whole.sampled && !whole.dot().contains(estimated));
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
