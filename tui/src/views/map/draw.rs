//! Draws the map: boxes in layers from left to right with lines between them where there is room, and always the
//! list of calls, which on a small screen is the whole map.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::boxes::{self, BOX, GAP};
use super::layout;
use super::state::{self, CONCERN, Item};
use crate::app::App;
use crate::app::receive::refusal;
use crate::ask::Slot;
use crate::client::graph::{Edge, Graph, Node};
use crate::text;
use crate::theme::Theme;
use crate::time::clock;
use crate::views::overview::signals;
use crate::widgets::cut;
use crate::widgets::surface::{Rows, Surface};

/// From this size on there is room for boxes.
const ROOM: (u16, u16) = (100, 30);
/// From this height on the signals of the selected service stand under the list.
const SIGNALS: u16 = 12;

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let theme = surface.theme;
    let Some(graph) = &app.views.map.graph.value else {
        let reading = || "reading the service graph …".to_owned();
        let said = refusal(&app.views.map.graph).unwrap_or_else(reading);
        return surface.say(area, &said, theme.dim);
    };
    let mut body = area;
    for cycle in graph.cycles.iter().take(usize::from(area.height / 5)) {
        let first = cycle.first().map_or("", String::as_str);
        let ring = format!("⟲ ring: {} → {first}", cycle.join(" → "));
        surface.say(body, &ring, theme.warn);
        body = cut::top(body, 1).1;
    }
    let items = state::items(app);
    if body.height >= SIGNALS && !items.is_empty() {
        let (rest, below) = cut::bottom(body, 2);
        golden(app, surface, below);
        body = rest;
    }
    let columns = layout::columns(graph, &app.views.map.layers);
    let needed = |columns: &[Vec<String>]| {
        let tallest = columns.iter().map(Vec::len).max().unwrap_or(0);
        let across = cut::cells(columns.len()).saturating_mul(BOX.0 + GAP);
        (across, cut::cells(tallest).saturating_mul(BOX.1 + 1))
    };
    // the list keeps some rows, and what does not fit into them scrolls
    let fits = |(across, down): (u16, u16)| {
        let roomy = area.width >= ROOM.0 && area.height + 4 >= ROOM.1 && !app.full;
        roomy && across <= area.width + GAP && body.height > down + 6
    };
    let columns = match fits(needed(&columns)) {
        true => columns,
        false => app.views.map.layers.clone(),
    };
    if fits(needed(&columns)) {
        let rows = cut::cells(items.len()).saturating_add(2);
        let height = needed(&columns).1.max(body.height.saturating_sub(rows));
        let height = height.max(body.height / 2).min(body.height - 6);
        let (plot, rest) = cut::top(body, height);
        let (plot, foot) = cut::bottom(plot, 1);
        boxes::draw(app, surface, plot, graph, &columns);
        let legend =
            "in a box: errors, p95 · on an arrow: rate, errors, p99 · ✗ and ! are of concern";
        surface.say(foot, legend, surface.theme.dim);
        body = rest;
    }
    calls(app, surface, body, graph);
}

/// The golden signals of the selected service, or of the one that is called.
fn golden(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let Some(item) = state::selected(app) else {
        return;
    };
    let width = usize::from(area.width.saturating_sub(2));
    let rows = [
        signals::columns(width, surface.theme),
        signals::service_line(app, item.service(), width, surface.theme),
    ];
    surface.lines(cut::indented(area), &rows);
}

fn calls(app: &App, surface: &mut Surface<'_>, area: Rect, graph: &Graph) {
    let items = state::items(app);
    let state = match app.waiting(Slot::Graph) {
        Some(_) => "querying …".to_owned(),
        None => format!(
            "{}, {}: rate · errors · p50 · p99",
            if graph.sampled {
                "estimated"
            } else {
                "traces kept"
            },
            over(app)
        ),
    };
    let mut count = text::count(graph.edges.len(), "call", "calls");
    let sorted = app.views.map.order.name();
    if let Some(order) = sorted {
        let way = if app.views.map.inverted { "↑" } else { "↓" };
        count = format!("{count} {order} {way}");
    }
    let inner = surface.titled(area, "Calls", &format!("{count} · {state}"), true);
    if items.is_empty() {
        let said =
            "no calls between services in this time; w takes the whole time range, t widens it";
        return surface.say_lines(inner, said, surface.theme.dim);
    }
    let rows = Rows::of(items.len(), app.views.map.at.of(items.len()));
    let seconds = state::window(app).length_ms() as f64 / 1000.0;
    surface.list(inner, rows, |theme, index, width| match items[index] {
        Item::Node(name) => {
            let ring = graph.cycles.iter().any(|c| c.iter().any(|n| n == name));
            node_row(name, state::node(app, name), (ring, seconds), width, theme)
        }
        Item::Edge(edge) => {
            let last = !matches!(items.get(index + 1), Some(Item::Edge(_)));
            let caller = match (sorted.is_some(), last) {
                (true, _) => format!("{} ▶", text::escape(&edge.from)),
                (false, true) => " └─▶".to_owned(),
                (false, false) => " ├─▶".to_owned(),
            };
            edge_row(edge, &caller, graph, width, theme)
        }
    });
}

/// Cells of the names: what the figures leave.
fn name_cells(width: usize) -> usize {
    width.saturating_sub(46).clamp(11, 40)
}

/// A service: what it was called, over so many seconds, as all its callers see it.
fn node_row(
    name: &str,
    node: Option<&Node>,
    (ring, seconds): (bool, f64),
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let style = theme.info;
    let ring = if ring { "⟲ " } else { "" };
    let label = format!("{ring}{}", text::escape(name));
    let mut spans = vec![Span::styled(text::pad(&label, name_cells(width)), style)];
    if let Some(node) = node.filter(|n| n.calls > 0.0) {
        let share = state::failed(node);
        let mark = if share >= CONCERN.0 { "✗" } else { " " };
        let slow = node.p95_ms.is_some_and(|p| p >= CONCERN.1);
        let p95 = node
            .p95_ms
            .map_or_else(|| "—".to_owned(), |p| text::seconds(p / 1000.0));
        let figures = format!(
            "{}/s {mark}{} {}{}",
            text::pad_left(&text::number(node.calls / seconds), 7),
            text::pad_left(&text::percent(share), 7),
            text::pad_left(&format!("p95 {p95}"), 18),
            if slow { "!" } else { "" }
        );
        spans.push(Span::styled(figures, theme.text));
    }
    Line::from(spans)
}

/// The stretch of time that the figures are of.
fn over(app: &App) -> String {
    let window = state::window(app);
    let stretch = text::stretch(window.length_ms());
    match app.range.follows() {
        true => format!("last {stretch}"),
        false => format!("{stretch} to {}", clock(window.end_ms)),
    }
}

fn is_slow(edge: &Edge) -> bool {
    edge.p99_ms.is_some_and(|p| p >= CONCERN.1)
}

/// How a call is drawn: by the share that fails, and by its slowness.
pub fn style_of(edge: &Edge, theme: &Theme) -> Style {
    if edge.error_share >= CONCERN.0 * 5.0 {
        theme.bad
    } else if edge.error_share >= CONCERN.0 || is_slow(edge) {
        theme.warn
    } else {
        theme.text
    }
}

/// A call, after what stands for its caller.
fn edge_row(
    edge: &Edge,
    caller: &str,
    graph: &Graph,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let ms = |value: Option<f64>| {
        text::pad_left(
            &value.map_or_else(|| "—".to_owned(), |v| text::seconds(v / 1000.0)),
            9,
        )
    };
    let ring = if graph.on_cycle(edge) { "⟲ " } else { "  " };
    let style = style_of(edge, theme);
    let slow = if is_slow(edge) { "!" } else { "" };
    let mark = if edge.error_share >= CONCERN.0 {
        "✗"
    } else {
        " "
    };
    Line::from(vec![
        Span::styled(format!("{caller} "), theme.dim),
        Span::styled(ring, theme.warn),
        Span::styled(
            text::pad(
                &text::escape(&edge.to),
                name_cells(width).saturating_sub(text::width(caller) + 3),
            ),
            theme.text,
        ),
        Span::styled(
            format!("{}/s ", text::pad_left(&text::number(edge.rate), 7)),
            theme.text,
        ),
        Span::styled(
            format!(
                "{mark}{} ",
                text::pad_left(&text::percent(edge.error_share), 7)
            ),
            style,
        ),
        Span::styled(
            format!("{}{}{slow}", ms(edge.p50_ms), ms(edge.p99_ms)),
            style,
        ),
    ])
}
