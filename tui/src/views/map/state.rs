//! What the map holds: the graph of the window and the selected service or call.

use api::PinTarget;

use super::layout;
use super::order::Order;
use crate::app::{App, Loaded};
use crate::client::Asker;
use crate::client::graph::{Edge, Graph, Node};
use crate::client::loki::quoted;
use crate::net::golden;
use crate::text;
use crate::time::Window;
use crate::views::{ViewId, traces};
use crate::widgets::cursor::{Cursor, beyond};

/// Error share, and slowness in milliseconds, of concern.
pub const CONCERN: (f64, f64) = (0.01, 1_000.0);

/// State of the view.
#[derive(Default)]
pub struct State {
    /// Graph.
    pub graph: Loaded<Graph>,
    /// Names of its services by layer, callers before called.
    pub layers: Vec<Vec<String>>,
    /// Selected row: a service or a call.
    pub at: Cursor,
    /// Whether the figures are of the whole time range, or else of its end.
    pub whole: bool,
    /// What the list is sorted by.
    pub order: Order,
    /// Whether the least comes first.
    pub inverted: bool,
}

/// The end of the time range that the figures are of, milliseconds: an incident that is a minute old is thinned out beyond
/// notice by a quarter of an hour.
const RECENT_MS: i64 = 120_000;

/// The stretch of time that the figures are of.
#[must_use]
pub fn window(app: &App) -> Window {
    let range = app.range.passed();
    match app.views.map.whole {
        true => range,
        false => Window {
            start_ms: range.start_ms.max(range.end_ms - RECENT_MS),
            ..range
        },
    }
}

/// `w`: the whole time range, or its end.
pub fn widen(app: &mut App) {
    app.views.map.whole = !app.views.map.whole;
    app.refresh(Asker::Person);
}

/// A row of the list: a service, or under it one of its calls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item<'a> {
    /// A service.
    Node(&'a str),
    /// A call.
    Edge(&'a Edge),
}

/// Names of what an item stands for, which stay the same from one answer to the next: caller or service, and called.
type Name = (String, Option<String>);

impl Item<'_> {
    fn name(self) -> Name {
        match self {
            Self::Node(name) => (name.to_owned(), None),
            Self::Edge(edge) => (edge.from.clone(), Some(edge.to.clone())),
        }
    }

    /// The service whose logs and metrics its links open: itself, or the one that is called.
    #[must_use]
    pub fn service(&self) -> &str {
        match self {
            Self::Node(name) => name,
            Self::Edge(edge) => &edge.to,
        }
    }
}

/// All services in the order of the layers, each followed by its calls; or else the calls as they are sorted, and then
/// the services.
#[must_use]
pub fn items(app: &App) -> Vec<Item<'_>> {
    let map = &app.views.map;
    let Some(graph) = &map.graph.value else {
        return Vec::new();
    };
    let order: Vec<&str> = map.layers.iter().flatten().map(String::as_str).collect();
    let rank = |id: &str| order.iter().position(|n| *n == id).unwrap_or(usize::MAX);
    let mut out = Vec::new();
    if map.order != Order::Flow {
        let mut calls: Vec<&Edge> = graph.edges.iter().collect();
        calls.sort_by_key(|e| (rank(&e.from), rank(&e.to)));
        calls.sort_by(|a, b| map.order.of(b).total_cmp(&map.order.of(a)));
        if map.inverted {
            calls.reverse();
        }
        out.extend(calls.into_iter().map(Item::Edge));
        out.extend(order.into_iter().map(Item::Node));
        return out;
    }
    for name in &order {
        out.push(Item::Node(name));
        let mut calls: Vec<&Edge> = graph.edges.iter().filter(|e| e.from == **name).collect();
        calls.sort_by_key(|e| rank(&e.to));
        out.extend(calls.into_iter().map(Item::Edge));
    }
    out
}

/// All calls, in the order of the list.
#[must_use]
pub fn edges(app: &App) -> Vec<&Edge> {
    let edge = |item| match item {
        Item::Edge(edge) => Some(edge),
        Item::Node(_) => None,
    };
    items(app).into_iter().filter_map(edge).collect()
}

/// What is known of a service.
#[must_use]
pub fn node<'a>(app: &'a App, name: &str) -> Option<&'a Node> {
    let graph = app.views.map.graph.value.as_ref()?;
    graph.nodes.iter().find(|n| n.id == name)
}

/// The graph has arrived; the selected row stays selected as long as it is in it.
pub fn arrived(app: &mut App, graph: Graph) {
    let chosen = selected(app).map(Item::name);
    app.views.map.layers = layout::layers(&graph);
    app.views.map.graph.good(graph);
    let items = items(app);
    let place = items.iter().position(|i| Some(i.name()) == chosen);
    let len = items.len();
    let map = &mut app.views.map;
    if chosen.is_some() && map.at.picked() && !map.at.went_to(place, len) && app.view == ViewId::Map
    {
        app.say(
            "what was selected was not called in this time: what stands in its row is selected",
        );
    }
}

/// The selected row.
#[must_use]
pub fn selected(app: &App) -> Option<Item<'_>> {
    let items = items(app);
    let at = app.views.map.at.of(items.len());
    items.into_iter().nth(at)
}

/// Enter: the traces of the selected service, or those in which the one calls the other itself.
pub fn enter(app: &mut App) {
    let service = |name: &str| format!("{{ resource.service.name = {} }}", quoted(name));
    let query = match selected(app) {
        Some(Item::Node(name)) => service(name),
        Some(Item::Edge(edge)) => format!("{} > {}", service(&edge.from), service(&edge.to)),
        None => return,
    };
    traces::state::show_query(app, &query);
}

/// `Tab`: to the next or previous service.
pub fn next_service(app: &mut App, forward: bool) {
    let items = items(app);
    let is_node = |i: &usize| matches!(items[*i], Item::Node(_));
    let nodes: Vec<usize> = (0..items.len()).filter(is_node).collect();
    if let Some(next) = beyond(&nodes, app.views.map.at.of(items.len()), forward) {
        app.views.map.at = Cursor::put(next);
    }
}

/// What `m` pins of the selected row: the share that fails where that is of concern, or else how slow it is.
#[must_use]
pub fn pin(app: &App) -> Option<PinTarget> {
    let (query, labels) = match selected(app)? {
        Item::Node(name) => {
            let fails = node(app, name).is_some_and(|n| failed(n) >= CONCERN.0);
            let query = if fails { golden::ERRORS } else { golden::P95 };
            (query.to_owned(), vec![("service", name)])
        }
        Item::Edge(edge) => {
            let labels = vec![("service", edge.from.as_str()), ("peer", edge.to.as_str())];
            (calls_query(edge), labels)
        }
    };
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Some(PinTarget::Metric {
        query,
        at_ms: app.range.passed().end_ms,
        labels: labels.into_iter().map(own).collect(),
    })
}

/// The PromQL of a call as its caller sees it: the share that fails, or the 99th percentile.
fn calls_query(edge: &Edge) -> String {
    let name = "http_client_request_duration_seconds";
    let of = format!("service={},peer={}", quoted(&edge.from), quoted(&edge.to));
    if edge.error_share < CONCERN.0 {
        return format!(
            "histogram_quantile(0.99, sum by (service, peer, le) (rate({name}_bucket{{{of}}}[30s])))"
        );
    }
    let rate =
        |more: &str| format!("sum by (service, peer) (rate({name}_count{{{of}{more}}}[30s]))");
    format!("{} / {}", rate(",status!~\"[1-4]..\""), rate(""))
}

/// Share of a service's calls that fail, 0 to 1.
#[must_use]
pub fn failed(node: &Node) -> f64 {
    match node.calls > 0.0 {
        true => node.errors / node.calls,
        false => 0.0,
    }
}

fn shown_ms(value: Option<f64>) -> String {
    value.map_or_else(|| "—".to_owned(), |v| text::seconds(v / 1000.0))
}

/// A service or a call as text.
#[must_use]
pub fn text_of(app: &App, item: Item<'_>) -> String {
    match item {
        Item::Node(name) => match node(app, name) {
            Some(node) => format!(
                "{name} · called {} times · {} errors · p95 {}",
                text::number(node.calls),
                text::percent(failed(node)),
                shown_ms(node.p95_ms)
            ),
            None => name.to_owned(),
        },
        Item::Edge(edge) => format!(
            "{} → {} · {}/s · {} errors · p50 {} · p95 {} · p99 {}",
            edge.from,
            edge.to,
            text::number(edge.rate),
            text::percent(edge.error_share),
            shown_ms(edge.p50_ms),
            shown_ms(edge.p95_ms),
            shown_ms(edge.p99_ms)
        ),
    }
}

/// The graph in the DOT language.
#[must_use]
pub fn as_dot(app: &App) -> String {
    let mut out = String::from("digraph services {\n");
    for edge in edges(app) {
        out.push_str(&format!(
            "  {} -> {} [label={}];\n",
            quoted(&edge.from),
            quoted(&edge.to),
            quoted(&format!(
                "{}/s {}",
                text::number(edge.rate),
                text::percent(edge.error_share)
            ))
        ));
    }
    out.push_str("}\n");
    out
}
