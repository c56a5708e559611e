//! Units of a chart's values, and the labels of its axes. Knows numbers and times only.

use ratatui::layout::Rect;

use super::surface::Surface;
use crate::text;
use crate::time::{Window, clock};

/// What a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Nothing that is known.
    #[default]
    Plain,
    /// Seconds.
    Seconds,
    /// A share, 0 to 1.
    Share,
    /// Events a second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Processors in use.
    Processors,
    /// Seconds spent in a second.
    Busy,
}

impl Unit {
    /// A value with its unit, as in `12.4/s` or `31 ms`.
    #[must_use]
    pub fn shown(self, value: f64) -> String {
        let number = text::number(value);
        match self {
            _ if !value.is_finite() => number,
            Self::Plain => number,
            Self::Seconds => text::seconds(value),
            Self::Share => text::percent(value),
            Self::PerSecond => format!("{number}/s"),
            Self::Bytes => format!("{number}B"),
            Self::BytesPerSecond => format!("{number}B/s"),
            Self::Processors => format!("{number} cpu"),
            Self::Busy => format!("{number} s/s"),
        }
    }
}

/// Cells of the labels of values, with a space behind them.
#[must_use]
pub fn gutter(unit: Unit, bounds: [f64; 2]) -> u16 {
    let widest = values(bounds).map(|v| text::width(&unit.shown(v)));
    super::cut::cells(widest.into_iter().max().unwrap_or(0).max(6) + 1)
}

/// The values that are labelled: least, middle and greatest.
fn values(bounds: [f64; 2]) -> [f64; 3] {
    [bounds[0], (bounds[0] + bounds[1]) / 2.0, bounds[1]]
}

/// Draws the axes left of a plot and under it, each value at the row that it has.
pub fn draw(
    surface: &mut Surface<'_>,
    plot: Rect,
    unit: Unit,
    bounds: [f64; 2],
    window: Window,
    row: impl Fn(f64) -> u16,
) {
    let dim = surface.theme.dim;
    let gutter = gutter(unit, bounds);
    for y in plot.top()..plot.bottom() {
        surface.text(plot.x - 1, y, 1, "│", dim);
    }
    let from = plot.x.saturating_sub(gutter + 1);
    for value in values(bounds) {
        let label = text::pad_left(&unit.shown(value), usize::from(gutter - 1));
        surface.text(from, row(value), gutter - 1, &label, dim);
        surface.text(plot.x - 1, row(value), 1, "┤", dim);
    }
    let rule = "─".repeat(usize::from(plot.width));
    let bar = format!("└{rule}");
    surface.text(plot.x - 1, plot.bottom(), plot.width + 1, &bar, dim);
    times(surface, plot, plot.bottom() + 1, window);
}

/// The times of a window under a plot: begin and end at its edges, the middle where there is room.
pub fn times(surface: &mut Surface<'_>, plot: Rect, y: u16, window: Window) {
    /// Cells of a time of day.
    const CELLS: u16 = 8;
    let dim = surface.theme.dim;
    let middle = window.start_ms + window.length_ms() / 2;
    surface.text(plot.x, y, plot.width, &clock(window.start_ms), dim);
    if plot.width < CELLS * 2 + 2 {
        return;
    }
    let last = plot.right() - CELLS;
    surface.text(last, y, CELLS, &clock(window.end_ms), dim);
    if plot.width >= CELLS * 4 {
        let x = plot.x + (plot.width - CELLS) / 2;
        surface.text(x, y, CELLS, &clock(middle), dim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_carries_its_unit_and_what_is_no_number_stays_so() {
        let shown = |unit: Unit| unit.shown(0.031);
        assert_eq!(shown(Unit::Seconds), "31 ms");
        assert_eq!(shown(Unit::Share), "3.1 %");
        assert_eq!(shown(Unit::PerSecond), "0.031/s");
        assert_eq!(Unit::Bytes.shown(12_400.0), "12.4kB");
        assert_eq!(Unit::Seconds.shown(f64::INFINITY), "+Inf");
        assert_eq!(Unit::Share.shown(f64::NAN), "NaN");
    }
}
