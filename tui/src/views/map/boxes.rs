//! Draws the graph as boxes in columns with arrows between them, for screens that have room; the list says the same.

use std::collections::HashMap;

use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line as Stroke};

use super::draw::style_of;
use super::state::{self, CONCERN, Item};
use crate::app::{App, Click};
use crate::client::graph::{Edge, Graph, Node};
use crate::text;
use crate::theme::Theme;
use crate::widgets::surface::Surface;

/// Cells of a box.
pub const BOX: (u16, u16) = (18, 4);
/// Least cells between two columns of boxes: an arrow and a part of a label.
pub const GAP: u16 = 12;

/// Draws boxes, arrows and their figures.
pub fn draw(
    app: &App,
    surface: &mut Surface<'_>,
    area: Rect,
    graph: &Graph,
    columns: &[Vec<String>],
) {
    let places = places(area, columns);
    let items = state::items(app);
    let at = app.views.map.at.of(items.len());
    let selected = items.get(at).copied();
    strokes(surface, area, graph, &places, selected);
    for (index, item) in items.iter().enumerate() {
        let Item::Node(name) = item else { continue };
        let Some(place) = places.get(*name) else {
            continue;
        };
        one_box(surface, *place, name, graph, index == at);
        for y in place.top()..place.bottom() {
            let click = Click::Row { pane: 0, index };
            surface.link(place.x, place.right(), y, click);
        }
    }
    let mut taken: Vec<Rect> = places.values().copied().collect();
    taken.extend(heads(surface, graph, &places, selected));
    // the selected call has the first choice of a place for its figures
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|index| *index != at);
    for index in order {
        if let Item::Edge(edge) = items[index] {
            let style = match index == at {
                true => surface.theme.selected,
                false => style_of(edge, surface.theme),
            };
            if let Some(place) = label(surface, edge, graph, &places, &taken, style) {
                let click = Click::Row { pane: 0, index };
                surface.link(place.x, place.right(), place.y, click);
                taken.push(place);
            }
        }
    }
}

/// Places of the boxes: each column evenly spread.
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
        for (row, name) in (0_u16..).zip(layer).filter(|(_, name)| !name.is_empty()) {
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

fn style_of_node(node: Option<&Node>, theme: &Theme) -> Style {
    let share = node.map_or(0.0, state::failed);
    if share >= CONCERN.0 * 5.0 {
        theme.bad
    } else if share >= CONCERN.0 {
        theme.warn
    } else {
        theme.accent
    }
}

fn one_box(surface: &mut Surface<'_>, place: Rect, name: &str, graph: &Graph, selected: bool) {
    let node = graph.nodes.iter().find(|n| n.id == *name);
    let style = match selected {
        true => surface.theme.selected,
        false => style_of_node(node, surface.theme),
    };
    let inside = usize::from(place.width.saturating_sub(2));
    let ring = graph.cycles.iter().any(|c| c.iter().any(|n| n == name));
    let title = format!("{}{}", if ring { "⟲ " } else { "" }, text::escape(name));
    let facts = node.map_or_else(String::new, |n| {
        let share = state::failed(n);
        let slow = n.p95_ms.is_some_and(|p| p >= CONCERN.1);
        let mark = match (share >= CONCERN.0, slow) {
            (true, _) => "✗",
            (false, true) => "!",
            (false, false) => "·",
        };
        let p95 = n.p95_ms.map(|p| text::seconds(p / 1000.0));
        let p95 = p95.unwrap_or_default();
        format!("{mark} {} {p95}", text::percent(share))
    });
    let rows = [
        format!("╭{}╮", "─".repeat(inside)),
        format!("│{}│", text::pad(&title, inside)),
        format!("│{}│", text::pad(&facts, inside)),
        format!("╰{}╯", "─".repeat(inside)),
    ];
    for (line, y) in rows.iter().zip(place.top()..place.bottom()) {
        surface.text(place.x, y, place.width, line, style);
    }
}

fn centre(place: &Rect) -> (f64, f64) {
    (
        f64::from(place.x) + f64::from(place.width) / 2.0,
        f64::from(place.y) + f64::from(place.height) / 2.0,
    )
}

fn is(edge: &Edge, selected: Option<Item<'_>>) -> bool {
    matches!(selected, Some(Item::Edge(s)) if s.from == edge.from && s.to == edge.to)
}

/// The places of a call's ends; none for a service that calls itself, and where an end is not drawn.
fn ends<'a>(edge: &Edge, places: &'a HashMap<String, Rect>) -> Option<(&'a Rect, &'a Rect)> {
    let found = (places.get(&edge.from)?, places.get(&edge.to)?);
    (edge.from != edge.to).then_some(found)
}

fn style_of_stroke(edge: &Edge, graph: &Graph, selected: bool, theme: &Theme) -> Style {
    if selected {
        theme.accent
    } else if graph.on_cycle(edge) {
        theme.warn
    } else {
        theme.dim
    }
}

/// Lines under the boxes; the selected call drawn last.
fn strokes(
    surface: &mut Surface<'_>,
    area: Rect,
    graph: &Graph,
    places: &HashMap<String, Rect>,
    selected: Option<Item<'_>>,
) {
    let theme = surface.theme;
    let (left, right) = (f64::from(area.x), f64::from(area.right()));
    let (top, bottom) = (f64::from(area.y), f64::from(area.bottom()));
    let mut ordered: Vec<&Edge> = graph.edges.iter().collect();
    ordered.sort_by_key(|e| is(e, selected));
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([left, right])
        .y_bounds([-bottom, -top])
        .paint(|context| {
            for edge in &ordered {
                let Some((from, to)) = ends(edge, places) else {
                    continue;
                };
                let ((x1, y1), (x2, y2)) = (centre(from), centre(to));
                let style = style_of_stroke(edge, graph, is(edge, selected), theme);
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

/// Arrow heads where the lines meet the boxes of what is called; the cells that they took.
fn heads(
    surface: &mut Surface<'_>,
    graph: &Graph,
    places: &HashMap<String, Rect>,
    selected: Option<Item<'_>>,
) -> Vec<Rect> {
    let mut taken = Vec::new();
    for edge in &graph.edges {
        let Some((from, to)) = ends(edge, places) else {
            continue;
        };
        let (x, y, head) = head(from, to);
        let style = style_of_stroke(edge, graph, is(edge, selected), surface.theme);
        surface.text(x, y, 1, head, style);
        taken.push(Rect::new(x, y, 1, 1));
    }
    taken
}

/// The cell beside a box where the line from another one reaches it, and which way it goes there.
fn head(from: &Rect, to: &Rect) -> (u16, u16, &'static str) {
    let ((x1, y1), (x2, y2)) = (centre(from), centre(to));
    let (dx, dy) = (x1 - x2, y1 - y2);
    // half of the box and of the cell beside it
    let (half_x, half_y) = (
        f64::from(to.width) / 2.0 + 0.5,
        f64::from(to.height) / 2.0 + 0.5,
    );
    let (by_x, by_y) = (half_x / dx.abs().max(1e-9), half_y / dy.abs().max(1e-9));
    let way = by_x.min(by_y);
    let (x, y) = (x2 + dx * way, y2 + dy * way);
    let head = match by_x <= by_y {
        true if dx < 0.0 => "▶",
        true => "◀",
        false if dy < 0.0 => "▼",
        false => "▲",
    };
    (x.floor().max(0.0) as u16, y.floor().max(0.0) as u16, head)
}

/// Figures of a call on its line, where nothing else stands; the list has them in any case. The place that they took.
fn label(
    surface: &mut Surface<'_>,
    edge: &Edge,
    graph: &Graph,
    places: &HashMap<String, Rect>,
    taken: &[Rect],
    style: Style,
) -> Option<Rect> {
    let (from, to) = ends(edge, places)?;
    let ((x1, y1), (x2, y2)) = (centre(from), centre(to));
    let p99 = edge.p99_ms.map(|p| text::seconds(p / 1000.0));
    let label = format!(
        " {}/s {} {} ",
        text::number(edge.rate),
        text::percent(edge.error_share),
        p99.unwrap_or_default()
    );
    let width = u16::try_from(text::width(&label)).unwrap_or(u16::MAX);
    let back = graph
        .edges
        .iter()
        .any(|e| e.from == edge.to && e.to == edge.from);
    // where both call each other, the figures stand nearer to who calls
    let shares: &[f64] = match back {
        true => &[0.36, 0.3, 0.42],
        false => &[0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7],
    };
    shares.iter().find_map(|share| {
        let (x, y) = (x1 + (x2 - x1) * share, y1 + (y2 - y1) * share);
        let place = Rect {
            x: (x as u16).saturating_sub(width / 2),
            y: y as u16,
            width,
            height: 1,
        };
        if taken.iter().any(|other| other.intersects(place)) {
            return None;
        }
        surface.text(place.x, place.y, width, &label, style);
        Some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_stands_beside_the_box_that_is_called() {
        let at = |x, y| Rect::new(x, y, 18, 4);
        let to = at(60, 20);
        assert_eq!(head(&at(0, 20), &to), (59, 22, "▶"));
        assert_eq!(head(&at(120, 20), &to), (78, 22, "◀"));
        assert_eq!(head(&at(60, 0), &to), (69, 19, "▼"));
        assert_eq!(head(&at(60, 40), &to), (69, 24, "▲"));
    }
}
