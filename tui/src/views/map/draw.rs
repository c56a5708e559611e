//! Draws the map: boxes in layers from left to right with lines between them where there is room, and always the
//! list of calls, which on a small screen is the whole map.

use std::collections::HashMap;

use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line as Stroke};

use super::{layout, state};
use crate::app::App;
use crate::app::receive::refusal;
use crate::ask::Slot;
use crate::client::graph::{Edge, Graph};
use crate::text;
use crate::theme::Theme;
use crate::time::clock;
use crate::widgets::cut;
use crate::widgets::surface::{Rows, Surface};

/// From this size on there is room for boxes.
const ROOM: (u16, u16) = (100, 30);
/// Cells of a box.
const BOX: (u16, u16) = (18, 4);
/// Error share and slowness of concern.
const CONCERN: (f64, f64) = (0.01, 1_000.0);

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
    let layers = layout::layers(graph);
    let tallest = layers.iter().map(Vec::len).max().unwrap_or(0);
    let needed = cut::cells(tallest).saturating_mul(BOX.1 + 1);
    let roomy = area.width >= ROOM.0 && area.height + 4 >= ROOM.1 && body.height > needed + 6;
    if roomy && !app.full {
        let rows = cut::cells(graph.edges.len()).saturating_add(2);
        let height = needed.max(body.height.saturating_sub(rows));
        let (plot, rest) = cut::top(body, height);
        boxes(app, surface, plot, graph, &layers);
        let legend =
            "in a box: errors, p95 · on a line: rate, errors, p99 · ✗ and ! are of concern";
        surface.say(cut::bottom(plot, 1).1, legend, theme.dim);
        body = rest;
    }
    calls(app, surface, body, graph);
}

fn calls(app: &App, surface: &mut Surface<'_>, area: Rect, graph: &Graph) {
    let edges = state::edges(app);
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
    let count = text::count(edges.len(), "call", "calls");
    let inner = surface.titled(area, "Calls", &format!("{count} · {state}"), true);
    if edges.is_empty() {
        let said =
            "no calls between services in this time; w takes the whole time range, t widens it";
        return surface.say(inner, said, surface.theme.dim);
    }
    let rows = Rows::of(edges.len(), app.views.map.at.of(edges.len()));
    let from = |index: usize| edges.get(index).map(|e| &e.from);
    surface.list(inner, rows, |theme, index, width| {
        let again = index > 0 && from(index - 1) == from(index);
        let last = from(index + 1) != from(index);
        edge_row(edges[index], again, last, graph, width, theme)
    });
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

fn style_of(edge: &Edge, theme: &Theme) -> Style {
    if edge.error_share >= CONCERN.0 * 5.0 {
        theme.bad
    } else if edge.error_share >= CONCERN.0 || is_slow(edge) {
        theme.warn
    } else {
        theme.text
    }
}

fn edge_row(
    edge: &Edge,
    again: bool,
    last: bool,
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
    let name = (width.saturating_sub(48) / 2).clamp(11, 24);
    let from = if again {
        String::new()
    } else {
        text::escape(&edge.from).into_owned()
    };
    let branch = match (again, last) {
        (false, true) => "───▶",
        (false, false) => "─┬─▶",
        (true, false) => " ├─▶",
        (true, true) => " └─▶",
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
        Span::styled(text::pad(&from, name), theme.info),
        Span::styled(format!("{branch} "), theme.dim),
        Span::styled(ring, theme.warn),
        Span::styled(text::pad(&text::escape(&edge.to), name), theme.info),
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

/// Places of the boxes: one column a layer, evenly spread.
fn places(area: Rect, layers: &[Vec<String>]) -> HashMap<String, Rect> {
    let columns = u16::try_from(layers.len()).unwrap_or(u16::MAX).max(1);
    let width = BOX.0.min(area.width / columns);
    let gap = if columns > 1 {
        (area.width - width) / (columns - 1)
    } else {
        0
    };
    let mut out = HashMap::new();
    for (column, layer) in (0_u16..).zip(layers) {
        let count = u16::try_from(layer.len()).unwrap_or(u16::MAX).max(1);
        let slot = area.height / count;
        for (row, name) in (0_u16..).zip(layer) {
            let y = area.y + slot * row + slot.saturating_sub(BOX.1) / 2;
            out.insert(
                name.clone(),
                Rect {
                    x: area.x + gap * column,
                    y,
                    width,
                    height: BOX.1.min(area.bottom().saturating_sub(y)),
                },
            );
        }
    }
    out
}

fn boxes(app: &App, surface: &mut Surface<'_>, area: Rect, graph: &Graph, layers: &[Vec<String>]) {
    let theme = surface.theme;
    let places = places(area, layers);
    let selected = state::selected(app).cloned();
    strokes(surface, area, graph, &places, selected.as_ref());
    for (name, place) in &places {
        let node = graph.nodes.iter().find(|n| n.id == *name);
        let share = node.map_or(0.0, |n| {
            if n.calls > 0.0 {
                n.errors / n.calls
            } else {
                0.0
            }
        });
        let style = if share >= CONCERN.0 * 5.0 {
            theme.bad
        } else if share >= CONCERN.0 {
            theme.warn
        } else {
            theme.accent
        };
        let inside = usize::from(place.width.saturating_sub(2));
        let ring = graph.cycles.iter().any(|c| c.contains(name));
        let top = format!("╭{}╮", "─".repeat(inside));
        let title = format!("{}{}", if ring { "⟲ " } else { "" }, text::escape(name));
        let facts = node.map_or_else(String::new, |n| {
            format!(
                "{} {} {}",
                match (share >= CONCERN.0, n.p95_ms.is_some_and(|p| p >= CONCERN.1)) {
                    (true, _) => "✗",
                    (false, true) => "!",
                    (false, false) => "·",
                },
                text::percent(share),
                n.p95_ms
                    .map_or_else(String::new, |p| text::seconds(p / 1000.0))
            )
        });
        let bottom = format!("╰{}╯", "─".repeat(inside));
        for (line, y) in [
            top,
            format!("│{}│", text::pad(&title, inside)),
            format!("│{}│", text::pad(&facts, inside)),
            bottom,
        ]
        .iter()
        .zip(place.y..)
        {
            surface.text(place.x, y, place.width, line, style);
        }
    }
    let mut taken: Vec<Rect> = places.values().copied().collect();
    let is_selected = |e: &Edge| {
        selected
            .as_ref()
            .is_some_and(|s| s.from == e.from && s.to == e.to)
    };
    for edge in graph
        .edges
        .iter()
        .filter(|e| is_selected(e))
        .chain(graph.edges.iter().filter(|e| !is_selected(e)))
    {
        let style = if is_selected(edge) {
            theme.selected
        } else {
            style_of(edge, theme)
        };
        label_edge(surface, edge, &places, &mut taken, style);
    }
}

fn centre(place: &Rect) -> (f64, f64) {
    (
        f64::from(place.x) + f64::from(place.width) / 2.0,
        f64::from(place.y) + f64::from(place.height) / 2.0,
    )
}

/// Lines under the boxes; the selected call drawn last.
fn strokes(
    surface: &mut Surface<'_>,
    area: Rect,
    graph: &Graph,
    places: &HashMap<String, Rect>,
    selected: Option<&Edge>,
) {
    let theme = surface.theme;
    let (left, right) = (f64::from(area.x), f64::from(area.right()));
    let (top, bottom) = (f64::from(area.y), f64::from(area.bottom()));
    let is_selected = |e: &Edge| selected.is_some_and(|s| s.from == e.from && s.to == e.to);
    let ordered: Vec<&Edge> = graph
        .edges
        .iter()
        .filter(|e| !is_selected(e))
        .chain(graph.edges.iter().filter(|e| is_selected(e)))
        .collect();
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([left, right])
        .y_bounds([-bottom, -top])
        .paint(|context| {
            for edge in &ordered {
                let (Some(from), Some(to)) = (places.get(&edge.from), places.get(&edge.to)) else {
                    continue;
                };
                let ((x1, y1), (x2, y2)) = (centre(from), centre(to));
                let style = if is_selected(edge) {
                    theme.accent
                } else if graph.on_cycle(edge) {
                    theme.warn
                } else {
                    theme.dim
                };
                context.draw(&Stroke {
                    x1,
                    y1: -y1,
                    x2,
                    y2: -y2,
                    color: style.fg.unwrap_or(Color::Reset),
                });
                context.layer();
            }
        })
        .render(area.intersection(surface.buf.area), surface.buf);
}

/// Figures of a call near the middle of its line, where nothing else stands; the list has them in any case.
fn label_edge(
    surface: &mut Surface<'_>,
    edge: &Edge,
    places: &HashMap<String, Rect>,
    taken: &mut Vec<Rect>,
    style: Style,
) {
    let (Some(from), Some(to)) = (places.get(&edge.from), places.get(&edge.to)) else {
        return;
    };
    let ((x1, y1), (x2, y2)) = (centre(from), centre(to));
    let label = format!(
        " {}/s {} {} ",
        text::number(edge.rate),
        text::percent(edge.error_share),
        edge.p99_ms
            .map_or_else(String::new, |p| text::seconds(p / 1000.0))
    );
    let width = u16::try_from(text::width(&label)).unwrap_or(u16::MAX);
    for share in [0.5, 0.4, 0.6, 0.3, 0.7] {
        let (x, y) = (x1 + (x2 - x1) * share, y1 + (y2 - y1) * share);
        let place = Rect {
            x: (x as u16).saturating_sub(width / 2),
            y: y as u16,
            width,
            height: 1,
        };
        if taken.iter().all(|other| !other.intersects(place)) {
            surface.text(place.x, place.y, width, &label, style);
            taken.push(place);
            return;
        }
    }
}
