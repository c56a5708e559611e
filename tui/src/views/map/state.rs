//! What the map holds: the graph of the window and the selected call.

use crate::app::{App, Loaded};
use crate::client::Asker;
use crate::client::graph::{Edge, Graph};
use crate::client::loki::quoted;
use crate::text;
use crate::time::Window;
use crate::views::{ViewId, traces};
use crate::widgets::cursor::Cursor;

/// State of the view.
#[derive(Default)]
pub struct State {
    /// Graph.
    pub graph: Loaded<Graph>,
    /// Selected call.
    pub at: Cursor,
    /// Whether the figures are of the whole time range, or else of its end.
    pub whole: bool,
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

/// All calls, in a stable order: by caller in the order of the layers, then by called.
#[must_use]
pub fn edges(app: &App) -> Vec<&Edge> {
    let Some(graph) = &app.views.map.graph.value else {
        return Vec::new();
    };
    let layers = super::layout::layers(graph);
    let rank = |id: &str| {
        layers
            .iter()
            .position(|layer| layer.iter().any(|n| n == id))
            .unwrap_or(usize::MAX)
    };
    let mut edges: Vec<&Edge> = graph.edges.iter().collect();
    edges.sort_by_key(|e| (rank(&e.from), e.from.clone(), rank(&e.to), e.to.clone()));
    edges
}

/// The graph has arrived: the selected call stays selected.
pub fn arrived(app: &mut App, graph: Graph) {
    let ends = |e: &Edge| (e.from.clone(), e.to.clone());
    let chosen = selected(app).map(ends);
    app.views.map.graph.good(graph);
    let edges = edges(app);
    let place = edges.iter().position(|e| Some(ends(e)) == chosen);
    let len = edges.len();
    let map = &mut app.views.map;
    if chosen.is_some() && map.at.picked() && !map.at.went_to(place, len) && app.view == ViewId::Map
    {
        app.say("the selected call was not made in this time: the one in its row is selected");
    }
}

/// The selected call.
#[must_use]
pub fn selected(app: &App) -> Option<&Edge> {
    let edges = edges(app);
    let at = app.views.map.at.of(edges.len());
    edges.into_iter().nth(at)
}

/// Enter: the traces in which the selected call can be found.
pub fn enter(app: &mut App) {
    if let Some((from, to)) = selected(app).map(|e| (e.from.clone(), e.to.clone())) {
        let query = format!(
            "{{ resource.service.name = {} }} >> {{ resource.service.name = {} }}",
            quoted(&from),
            quoted(&to)
        );
        traces::state::show_query(app, &query);
    }
}

/// A call as text.
#[must_use]
pub fn text_of(edge: &Edge) -> String {
    let ms =
        |value: Option<f64>| value.map_or_else(|| "—".to_owned(), |v| text::seconds(v / 1000.0));
    format!(
        "{} → {} · {}/s · {} errors · p50 {} · p95 {} · p99 {}",
        edge.from,
        edge.to,
        text::number(edge.rate),
        text::percent(edge.error_share),
        ms(edge.p50_ms),
        ms(edge.p95_ms),
        ms(edge.p99_ms)
    )
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
