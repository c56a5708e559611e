//! Lines over time: several series, an axis, a crosshair, a mark where the page fired. Knows numbers and times only.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

use super::surface::Surface;
use crate::client::prometheus::Series;
use crate::text;
use crate::theme::Theme;
use crate::time::{Window, clock};

/// Series that are drawn; more would not be told apart, and the legend says how many there are.
pub const DRAWN: usize = 8;

/// What stands on a chart beside its lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct Marks {
    /// Where values are read.
    pub crosshair_ms: Option<i64>,
    /// Where the page fired.
    pub page_ms: Option<i64>,
    /// Which series stands out.
    pub selected: usize,
}

/// The glyph and style of the series with that place.
#[must_use]
pub fn look(theme: &Theme, index: usize) -> (&'static str, Style) {
    const GLYPHS: [&str; DRAWN] = ["●", "▲", "■", "◆", "○", "△", "□", "◇"];
    (GLYPHS[index % DRAWN], theme.series[index % DRAWN])
}

/// Without colours the selected series alone is a line, the others are dots.
fn marker(theme: &Theme, selected: bool) -> Marker {
    if theme.series[0] == theme.series[1] && !selected {
        Marker::Dot
    } else {
        Marker::Braille
    }
}

/// Least and greatest finite value, with zero and a little room; 0 to 1 when there are none.
#[must_use]
pub fn bounds(series: &[Series]) -> [f64; 2] {
    let finite = || {
        series
            .iter()
            .take(DRAWN)
            .flat_map(|s| s.points.iter().map(|p| p.1))
            .filter(|v| v.is_finite())
    };
    let low = finite().fold(0.0_f64, f64::min);
    let high = finite().fold(f64::MIN, f64::max);
    if high == f64::MIN || (high == 0.0 && low == 0.0) {
        return [0.0, 1.0];
    }
    let room = (high - low) * 0.05;
    [
        if low < 0.0 { low - room } else { 0.0 },
        if high > 0.0 { high + room } else { 0.0 },
    ]
}

/// Cuts a line where points are missing, so that a gap is seen as one.
fn segments(series: &Series, window: Window) -> Vec<Vec<(f64, f64)>> {
    let steps = series
        .points
        .windows(2)
        .map(|p| p[1].0 - p[0].0)
        .filter(|d| *d > 0);
    let gap = steps.min().unwrap_or(1000) * 5 / 2;
    let mut out: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut last = i64::MIN / 2;
    for (t, v) in series
        .points
        .iter()
        .filter(|(t, v)| v.is_finite() && *t >= window.start_ms && *t <= window.end_ms)
    {
        if t - last > gap {
            out.push(Vec::new());
        }
        if let Some(segment) = out.last_mut() {
            segment.push((*t as f64, *v));
        }
        last = *t;
    }
    out
}

/// Draws series over a window.
pub fn draw(
    surface: &mut Surface<'_>,
    area: Rect,
    series: &[Series],
    window: Window,
    marks: Marks,
) {
    /// Below this a chart says nothing that a figure does not.
    const LEAST: (u16, u16) = (20, 5);
    let area = area.intersection(surface.buf.area);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return;
    }
    let theme = surface.theme;
    let y = bounds(series);
    let upright = |at: Option<i64>| {
        let seen = at.filter(|at| *at >= window.start_ms && *at <= window.end_ms);
        seen.map(|at| vec![(at as f64, y[0]), (at as f64, y[1])])
            .unwrap_or_default()
    };
    let (page, cross) = (upright(marks.page_ms), upright(marks.crosshair_ms));
    let line = || Dataset::default().graph_type(GraphType::Line);
    let mut sets = vec![
        line().marker(Marker::Braille).style(theme.bad).data(&page),
        line().marker(Marker::Dot).style(theme.dim).data(&cross),
    ];
    let drawn = drawn(series, window, marks.selected);
    for (i, points) in &drawn {
        let kind = match points.len() {
            1 => GraphType::Scatter,
            _ => GraphType::Line,
        };
        let marker = marker(theme, *i == marks.selected);
        let set = Dataset::default().marker(marker).graph_type(kind);
        sets.push(set.style(look(theme, *i).1).data(points));
    }
    let [x_axis, y_axis] = axes(window, y, theme);
    let chart = Chart::new(sets).style(theme.text).legend_position(None);
    chart
        .x_axis(x_axis)
        .y_axis(y_axis)
        .render(area, surface.buf);
}

/// Places of the series and their unbroken lines; the selected one comes last and so lies on top.
fn drawn(series: &[Series], window: Window, selected: usize) -> Vec<(usize, Vec<(f64, f64)>)> {
    let mut places: Vec<usize> = (0..series.len().min(DRAWN)).collect();
    places.sort_by_key(|i| *i == selected);
    let lines = |i: usize| {
        segments(&series[i], window)
            .into_iter()
            .map(move |s| (i, s))
    };
    places.into_iter().flat_map(lines).collect()
}

fn axes(window: Window, y: [f64; 2], theme: &Theme) -> [Axis<'static>; 2] {
    let middle = window.start_ms + window.length_ms() / 2;
    let times = [window.start_ms, middle, window.end_ms];
    let values = [y[0], (y[0] + y[1]) / 2.0, y[1]];
    let value = |v| text::pad_left(&text::number(v), 6);
    let axis = || Axis::default().style(theme.dim);
    [
        axis()
            .bounds([window.start_ms as f64, window.end_ms as f64])
            .labels(times.map(|t| Line::styled(clock(t), theme.dim))),
        axis()
            .bounds(y)
            .labels(values.map(|v| Line::styled(value(v), theme.dim))),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn series(values: &[(i64, f64)]) -> Series {
        Series {
            labels: BTreeMap::new(),
            points: values.to_vec(),
        }
    }

    #[test]
    fn bounds_hold_zero_and_survive_nothing_finite() {
        assert_eq!(bounds(&[]), [0.0, 1.0]);
        assert_eq!(
            bounds(&[series(&[(0, f64::NAN), (1, f64::INFINITY)])]),
            [0.0, 1.0]
        );
        let [low, high] = bounds(&[series(&[(0, -4.0), (1, 6.0)])]);
        assert!(low < -4.0 && high > 6.0);
    }

    #[test]
    fn a_gap_cuts_the_line() {
        let window = Window {
            start_ms: 0,
            end_ms: 100_000,
        };
        let parts = segments(
            &series(&[(0, 1.0), (1000, 1.0), (2000, f64::NAN), (9000, 1.0)]),
            window,
        );
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }
}
