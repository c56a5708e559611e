//! A span of time that is being selected on a chart, by a drag or between two times. Knows cells and times only; what is
//! done with a span is up to who holds it.

use ratatui::layout::Rect;

use super::chart::{column, time};
use super::surface::Surface;
use crate::time::Window;

/// Shortest span, milliseconds: the store has nothing finer than a second.
const SHORTEST_MS: i64 = 1_000;

/// A drag of the mouse over a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drag {
    /// Cells of the chart's values.
    area: Rect,
    /// The time that they showed when the drag began, so that time that goes on moves neither end.
    window: Window,
    from: u16,
    to: u16,
}

impl Drag {
    /// Begins at a column of an area that shows a window.
    #[must_use]
    pub fn begin(area: Rect, window: Window, column: u16) -> Self {
        Self {
            area,
            window,
            from: column,
            to: column,
        }
    }

    /// Moves its end, wherever the mouse is by now.
    pub fn to(&mut self, column: u16) {
        self.to = column;
    }

    /// The span; none while it has not left its first column.
    #[must_use]
    pub fn span(&self) -> Option<Window> {
        let at = |column| time(self.area, self.window, column);
        (self.from != self.to).then(|| between(at(self.from), at(self.to)))
    }

    /// The time at its end.
    #[must_use]
    pub fn at_ms(&self) -> i64 {
        time(self.area, self.window, self.to)
    }
}

/// The span between two times, in either order.
#[must_use]
pub fn between(one_ms: i64, other_ms: i64) -> Window {
    let start_ms = one_ms.min(other_ms);
    Window {
        start_ms,
        end_ms: one_ms.max(other_ms).max(start_ms + SHORTEST_MS),
    }
}

/// Shows a span on an area whose columns show a window: its cells are those of a selected row.
pub fn shade(surface: &mut Surface<'_>, area: Rect, window: Window, span: Option<Window>) {
    let Some(span) = span else { return };
    if span.end_ms < window.start_ms || span.start_ms > window.end_ms {
        return;
    }
    let edge = |at_ms: i64| column(area, window, at_ms.clamp(window.start_ms, window.end_ms));
    if let (Some(from), Some(to)) = (edge(span.start_ms), edge(span.end_ms)) {
        let cells = Rect {
            x: from,
            width: to - from + 1,
            ..area
        };
        let style = surface.theme.selected;
        surface
            .buf
            .set_style(cells.intersection(surface.buf.area), style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drag_selects_in_either_direction_and_not_before_it_has_moved() {
        let area = Rect::new(10, 0, 100, 5);
        let window = Window {
            start_ms: 0,
            end_ms: 100_000,
        };
        let mut drag = Drag::begin(area, window, 60);
        assert_eq!(drag.span(), None);
        assert_eq!(drag.at_ms(), 50_500);
        drag.to(30);
        let span = drag.span().expect("it has moved");
        assert_eq!((span.start_ms, span.end_ms), (20_500, 50_500));
        // beyond the edge is at the edge
        drag.to(u16::MAX);
        assert_eq!(drag.span().map(|s| s.end_ms), Some(99_500));
    }

    #[test]
    fn a_span_has_a_length() {
        assert_eq!(between(5, 5).length_ms(), SHORTEST_MS);
        assert_eq!(between(9_000, 2_000), between(2_000, 9_000));
    }
}
