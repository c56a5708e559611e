//! Lines over time: several series told apart by glyphs, axes with units, a crosshair, marks of what happened, bounds,
//! single observations. Knows numbers and times only.
//!
//! ```text
//! letters       D         ▲  P        marks of what happened
//! plot     3.4 s┤   ●──●──▲─────      lines, dots ×, bounds ╌, crosshair
//!          0 ms ┤
//!               └───────────────
//! times          02:49:12   03:04:12
//! legend   P 03:00:00 page · D 02:49:50 orders: …   the marks nearest to where values are read first
//! ```

use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line as Stroke};

use super::axis::{self, Unit};
use super::selection;
use super::surface::Surface;
use crate::client::prometheus::Series;
use crate::text;
use crate::theme::Theme;
use crate::time::{Window, clock};

/// Series that are drawn; more would not be told apart, and the legend says how many there are.
pub const DRAWN: usize = 8;
/// A single observation.
pub const DOT: &str = "×";

/// Something that happened at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When, milliseconds of drill time.
    pub at_ms: i64,
    /// One cell that stands for its kind.
    pub letter: &'static str,
    /// What happened; foreign text.
    pub said: String,
    /// Whether it says that something is wrong.
    pub bad: bool,
}

/// A bound that somebody has set on the values.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The bound.
    pub value: f64,
    /// On which side of it things are wrong, as in `>`.
    pub operator: &'static str,
    /// Who set it; foreign text.
    pub name: String,
}

/// A single observation that can be picked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dot {
    /// When, milliseconds of drill time.
    pub at_ms: i64,
    /// Its value; none stands at the bottom.
    pub value: Option<f64>,
    /// Whether it is the one that was picked.
    pub picked: bool,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figure<'a> {
    /// Lines; the first [`DRAWN`] are drawn.
    pub series: &'a [Series],
    /// What their values count.
    pub unit: Unit,
    /// Where values are read.
    pub crosshair_ms: Option<i64>,
    /// Which series stands out.
    pub selected: usize,
    /// What happened, in order of time.
    pub marks: &'a [Mark],
    /// Bounds on the values.
    pub thresholds: &'a [Threshold],
    /// Single observations.
    pub dots: &'a [Dot],
    /// A span of time that is being selected.
    pub span: Option<Window>,
    /// Least cells left of the lines, so that charts under each other have one axis of time.
    pub gutter: u16,
}

/// Where the values of a chart stand on the screen.
#[derive(Debug, Clone, Copy)]
pub struct Plot {
    /// Cells of the lines.
    pub area: Rect,
    /// Time from its left to its right.
    pub window: Window,
    bounds: [f64; 2],
}

impl Plot {
    /// The column of a time; none outside of the window.
    #[must_use]
    pub fn column(&self, at_ms: i64) -> Option<u16> {
        column(self.area, self.window, at_ms)
    }

    /// The row of a value; what is beyond the bounds stands at them.
    #[must_use]
    pub fn row(&self, value: f64) -> u16 {
        let [low, high] = self.bounds;
        let last = f64::from(self.area.height) * 4.0 - 1.0;
        let down = (high - value.clamp(low, high)) / (high - low);
        self.area.y + ((down * last).round() / 4.0).floor() as u16
    }

    /// The time in the middle of a column.
    #[must_use]
    pub fn time(&self, column: u16) -> i64 {
        time(self.area, self.window, column)
    }
}

/// The column of a time in an area that shows a window; none outside of it.
#[must_use]
pub fn column(area: Rect, window: Window, at_ms: i64) -> Option<u16> {
    if at_ms < window.start_ms || at_ms > window.end_ms || area.width == 0 {
        return None;
    }
    let share = (at_ms - window.start_ms) as f64 / window.length_ms() as f64;
    let last = f64::from(area.width) * 2.0 - 1.0;
    Some(area.x + ((share * last).round() / 2.0).floor() as u16)
}

/// The time in the middle of a column of an area that shows a window; a column outside of it is its nearest.
#[must_use]
pub fn time(area: Rect, window: Window, column: u16) -> i64 {
    let column = column.clamp(area.x, area.right().saturating_sub(1).max(area.x));
    let share = (f64::from(column - area.x) + 0.5) / f64::from(area.width.max(1));
    window.start_ms + (share * window.length_ms() as f64) as i64
}

/// The glyph and style of the series with that place.
#[must_use]
pub fn look(theme: &Theme, index: usize) -> (&'static str, Style) {
    const GLYPHS: [&str; DRAWN] = ["●", "▲", "■", "◆", "○", "△", "□", "◇"];
    (GLYPHS[index % DRAWN], theme.series[index % DRAWN])
}

/// Least and greatest finite value, with zero and a little room; 0 to 1 when there are none.
#[must_use]
pub fn bounds(series: &[Series], thresholds: &[Threshold]) -> [f64; 2] {
    let finite = || {
        series
            .iter()
            .take(DRAWN)
            .flat_map(|s| s.points.iter().map(|p| p.1))
            .chain(thresholds.iter().map(|t| t.value))
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

/// The longest pause between two points that a line bridges, milliseconds.
fn longest_pause(series: &Series) -> i64 {
    let steps = series
        .points
        .windows(2)
        .map(|p| p[1].0 - p[0].0)
        .filter(|d| *d > 0);
    steps.min().unwrap_or(1000) * 5 / 2
}

/// Cuts a line where points are missing, so that a gap is seen as one.
fn segments(series: &Series, window: Window) -> Vec<Vec<(f64, f64)>> {
    let gap = longest_pause(series);
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

/// Draws a figure over a window; where its values stand, if there is room for any.
pub fn draw(
    surface: &mut Surface<'_>,
    area: Rect,
    window: Window,
    figure: &Figure<'_>,
) -> Option<Plot> {
    /// Below this a chart says nothing that a figure does not.
    const LEAST: (u16, u16) = (20, 5);
    /// From these heights on there is a row for the letters of the marks, and one that says what they are.
    const MARKED: (u16, u16) = (7, 10);
    let area = area.intersection(surface.buf.area);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return None;
    }
    let bounds = bounds(figure.series, figure.thresholds);
    let own = axis::gutter(figure.unit, bounds) + 1;
    let gutter = own.max(figure.gutter).min(area.width / 2);
    let marked = !figure.marks.is_empty();
    let letters = u16::from(marked && area.height >= MARKED.0);
    let legend = u16::from(marked && area.height >= MARKED.1);
    let plot = Plot {
        area: Rect {
            x: area.x + gutter,
            y: area.y + letters,
            width: area.width - gutter,
            height: area.height - letters - legend - 2,
        },
        window,
        bounds,
    };
    lines(surface, &plot, figure);
    uprights(surface, &plot, figure, letters == 1);
    thresholds(surface, &plot, figure);
    dots(surface, &plot, figure, false);
    glyphs(surface, &plot, figure);
    dots(surface, &plot, figure, true);
    selection::shade(surface, plot.area, window, figure.span);
    axis::draw(surface, plot.area, figure.unit, bounds, window, |v| {
        plot.row(v)
    });
    if legend == 1 {
        let row = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        };
        let read = figure.crosshair_ms.unwrap_or(window.end_ms);
        let line = legend_of(figure.marks, window, read, surface.theme);
        surface.line(row.x + 1, row.y, row.width - 1, &line);
    }
    Some(plot)
}

fn lines(surface: &mut Surface<'_>, plot: &Plot, figure: &Figure<'_>) {
    let theme = surface.theme;
    let drawn = in_order(figure);
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([plot.window.start_ms as f64, plot.window.end_ms as f64])
        .y_bounds(plot.bounds)
        .paint(|context| {
            for index in &drawn {
                let color = look(theme, *index).1.fg.unwrap_or(Color::Reset);
                for segment in segments(&figure.series[*index], plot.window) {
                    // a point alone is a line to itself
                    let ends = segment.iter().skip(1).chain(segment.last());
                    for ((x1, y1), (x2, y2)) in segment.iter().zip(ends) {
                        let (x1, y1, x2, y2) = (*x1, *y1, *x2, *y2);
                        context.draw(&Stroke {
                            x1,
                            y1,
                            x2,
                            y2,
                            color,
                        });
                    }
                }
            }
        })
        .render(plot.area, surface.buf);
}

/// The places of the series that are drawn; the selected one comes last and so lies on top.
fn in_order(figure: &Figure<'_>) -> Vec<usize> {
    let mut places: Vec<usize> = (0..figure.series.len().min(DRAWN)).collect();
    places.sort_by_key(|i| *i == figure.selected);
    places
}

/// Writes into a cell where nothing is drawn yet.
fn behind(surface: &mut Surface<'_>, x: u16, y: u16, glyph: &str, style: Style) {
    let drawn = |symbol: &str| !matches!(symbol, " " | "\u{2800}");
    if surface
        .buf
        .cell((x, y))
        .is_some_and(|cell| !drawn(cell.symbol()))
    {
        surface.text(x, y, 1, glyph, style);
    }
}

/// The style of a mark.
fn style_of(mark: &Mark, theme: &Theme) -> Style {
    if mark.bad { theme.bad } else { theme.accent }
}

/// Upright lines: where values are read, and where something happened, with its letter above.
fn uprights(surface: &mut Surface<'_>, plot: &Plot, figure: &Figure<'_>, letters: bool) {
    let theme = surface.theme;
    // of marks in one column the letter of what is wrong is seen
    let mut marks: Vec<&Mark> = figure.marks.iter().collect();
    marks.sort_by_key(|mark| mark.bad);
    for mark in marks {
        let Some(x) = plot.column(mark.at_ms) else {
            continue;
        };
        let style = style_of(mark, theme);
        for y in plot.area.top()..plot.area.bottom() {
            let glyph = if mark.bad { "│" } else { "┊" };
            behind(
                surface,
                x,
                y,
                glyph,
                if mark.bad { style } else { theme.dim },
            );
        }
        if letters {
            surface.text(x, plot.area.y - 1, 1, mark.letter, style);
        }
    }
    if let Some(x) = figure.crosshair_ms.and_then(|at| plot.column(at)) {
        for y in plot.area.top()..plot.area.bottom() {
            behind(surface, x, y, "┆", theme.accent);
        }
        if letters {
            surface.text(x, plot.area.y - 1, 1, "▼", theme.selected);
        }
    }
}

/// Bounds as broken lines with their figure and who set them.
fn thresholds(surface: &mut Surface<'_>, plot: &Plot, figure: &Figure<'_>) {
    let style = surface.theme.warn;
    for threshold in figure.thresholds {
        let y = plot.row(threshold.value);
        for x in plot.area.left()..plot.area.right() {
            behind(surface, x, y, "╌", style);
        }
        let said = format!(
            " {} {} {} ",
            threshold.operator,
            figure.unit.shown(threshold.value),
            text::escape(&threshold.name)
        );
        let said = text::fit(&said, usize::from(plot.area.width / 2));
        let cells = super::cut::cells(text::width(&said));
        surface.text(plot.area.x + 2, y, cells, &said, style);
    }
}

/// The series' own glyphs on their lines, so that they are told apart without colours; the selected one has most.
fn glyphs(surface: &mut Surface<'_>, plot: &Plot, figure: &Figure<'_>) {
    /// Cells that each of the other series has for its glyph, and the least from one of its glyphs to the next.
    const OTHERS: (u16, u16) = (5, 18);
    let count = super::cut::cells(figure.series.len().clamp(1, DRAWN));
    for index in in_order(figure) {
        let series = &figure.series[index];
        let every = match index == figure.selected {
            true => (plot.area.width / 10).clamp(6, 14),
            false => (count * OTHERS.0).clamp(OTHERS.1, plot.area.width.max(OTHERS.1)),
        };
        // lines that lie on each other show their glyphs one after the other
        let first = super::cut::cells(index) * every / count + 1;
        let (glyph, style) = look(surface.theme, index);
        let pause = longest_pause(series);
        for x in (plot.area.x + first..plot.area.right()).step_by(usize::from(every)) {
            if let Some(value) = on_line(series, pause, plot, x) {
                surface.text(x, plot.row(value), 1, glyph, style);
            }
        }
    }
}

/// The value of a line in the middle of a column: between two points that it joins, or of the point that stands there.
fn on_line(series: &Series, pause: i64, plot: &Plot, x: u16) -> Option<f64> {
    let (at, window) = (plot.time(x), plot.window);
    let drawn = |point: &&(i64, f64)| {
        point.1.is_finite() && point.0 >= window.start_ms && point.0 <= window.end_ms
    };
    let next = series.points.partition_point(|(t, _)| *t <= at);
    let before = next.checked_sub(1).and_then(|i| series.points.get(i));
    let (before, after) = (before.filter(drawn), series.points.get(next).filter(drawn));
    if let (Some((t1, v1)), Some((t2, v2))) = (before, after)
        && t2 - t1 <= pause
    {
        return Some(v1 + (v2 - v1) * (at - t1) as f64 / (t2 - t1) as f64);
    }
    let there = |point: &&(i64, f64)| plot.column(point.0) == Some(x);
    before.filter(there).or(after.filter(there)).map(|p| p.1)
}

/// The row of an observation; one without a value stands at the bottom.
#[must_use]
pub fn row_of(plot: &Plot, dot: &Dot) -> u16 {
    let bottom = plot.area.bottom() - 1;
    dot.value.map_or(bottom, |value| plot.row(value))
}

/// Single observations: the picked one, or the others.
fn dots(surface: &mut Surface<'_>, plot: &Plot, figure: &Figure<'_>, picked: bool) {
    let theme = surface.theme;
    for dot in figure.dots.iter().filter(|dot| dot.picked == picked) {
        let Some(x) = plot.column(dot.at_ms) else {
            continue;
        };
        let y = row_of(plot, dot);
        let style = if dot.picked {
            theme.selected
        } else {
            theme.header
        };
        surface.text(x, y, 1, DOT, style);
    }
}

/// What the letters of a window mean, those nearest to a time first.
#[must_use]
pub fn legend_of(marks: &[Mark], window: Window, read_ms: i64, theme: &Theme) -> Line<'static> {
    let mut seen: Vec<&Mark> = marks
        .iter()
        .filter(|m| m.at_ms >= window.start_ms && m.at_ms <= window.end_ms)
        .collect();
    seen.sort_by_key(|m| (m.at_ms - read_ms).abs());
    let mut spans = Vec::new();
    for mark in seen {
        spans.push(Span::styled(
            format!("{} ", mark.letter),
            style_of(mark, theme),
        ));
        let said = format!("{} {}   ", clock(mark.at_ms), text::escape(&mark.said));
        spans.push(Span::styled(said, theme.dim));
    }
    if spans.is_empty() {
        spans.push(Span::styled("no marks in this time range", theme.dim));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ratatui::buffer::Buffer;

    use super::*;
    use crate::theme::ThemeName;

    fn series(values: &[(i64, f64)]) -> Series {
        Series {
            labels: BTreeMap::new(),
            points: values.to_vec(),
        }
    }

    fn window(end_ms: i64) -> Window {
        Window {
            start_ms: 0,
            end_ms,
        }
    }

    /// A figure as rows of text.
    fn drawn(figure: &Figure<'_>, size: (u16, u16)) -> Vec<String> {
        let area = Rect::new(0, 0, size.0, size.1);
        let mut buffer = Buffer::empty(area);
        let theme = Theme::new(ThemeName::None);
        let mut surface = Surface::new(&mut buffer, &theme);
        draw(&mut surface, area, window(100_000), figure).expect("there is room");
        (0..size.1)
            .map(|y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect())
            .collect()
    }

    #[test]
    fn a_glyph_stands_on_its_line_and_not_beyond_it() {
        let plot = Plot {
            area: Rect::new(0, 0, 40, 10),
            window: Window {
                start_ms: 0,
                end_ms: 40_000,
            },
            bounds: [0.0, 10.0],
        };
        let line = |points: &[(i64, f64)]| Series {
            points: points.to_vec(),
            ..Series::default()
        };
        let slope = line(&[(0, 0.0), (10_000, 10.0), (20_000, 0.0)]);
        let at = |series: &Series, x| on_line(series, longest_pause(series), &plot, x);
        assert_eq!(at(&slope, 4), Some(4.5));
        assert_eq!(at(&slope, 14), Some(5.5));
        assert_eq!(at(&slope, 25), None, "the line has ended");
        // a point alone has a glyph in its own column only, what is no number none
        let alone = line(&[(10_200, 3.0), (30_000, f64::NAN)]);
        assert_eq!(at(&alone, 10), Some(3.0));
        assert_eq!((at(&alone, 12), at(&alone, 30)), (None, None));
    }

    #[test]
    fn bounds_hold_zero_and_survive_nothing_finite() {
        assert_eq!(bounds(&[], &[]), [0.0, 1.0]);
        assert_eq!(
            bounds(&[series(&[(0, f64::NAN), (1, f64::INFINITY)])], &[]),
            [0.0, 1.0]
        );
        let [low, high] = bounds(&[series(&[(0, -4.0), (1, 6.0)])], &[]);
        assert!(low < -4.0 && high > 6.0);
        let bound = Threshold {
            value: 20.0,
            operator: ">",
            name: String::new(),
        };
        assert!(bounds(&[series(&[(0, 1.0)])], &[bound])[1] > 20.0);
    }

    #[test]
    fn a_gap_cuts_the_line() {
        let parts = segments(
            &series(&[(0, 1.0), (1000, 1.0), (2000, f64::NAN), (9000, 1.0)]),
            window(100_000),
        );
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_constant_zero_is_a_line_on_the_axis_and_labels_stand_at_their_values() {
        let zero: Vec<(i64, f64)> = (0..=100).map(|i| (i * 1000, 0.0)).collect();
        let all = [series(&zero)];
        let rows = drawn(
            &Figure {
                series: &all,
                ..Figure::default()
            },
            (40, 10),
        );
        let line = &rows[7];
        assert!(line.starts_with("     0 ┤"), "{rows:#?}");
        assert!(line.contains('⣀') && line.contains('●'), "{rows:#?}");
        assert!(rows[0].starts_with("     1 ┤"), "{rows:#?}");
        assert!(rows[9].starts_with("        00:00:00"), "{rows:#?}");
        assert!(rows[9].ends_with("00:01:40"), "{rows:#?}");
    }

    #[test]
    fn lines_bounds_marks_and_dots_are_told_apart_without_colours() {
        let flat = |v: f64| series(&(0..=100).map(|i| (i * 1000, v)).collect::<Vec<_>>());
        let all = [flat(0.5), flat(1.0)];
        let marks = [
            Mark {
                at_ms: 50_000,
                letter: "D",
                said: "orders: re\u{1b}lease".to_owned(),
                bad: false,
            },
            Mark {
                at_ms: 900_000,
                letter: "P",
                said: "after the end".to_owned(),
                bad: true,
            },
        ];
        let bounds = [Threshold {
            value: 2.0,
            operator: ">",
            name: "Slow".to_owned(),
        }];
        let dots = [Dot {
            at_ms: 80_000,
            value: Some(900.0),
            picked: false,
        }];
        let rows = drawn(
            &Figure {
                series: &all,
                unit: Unit::Seconds,
                marks: &marks,
                thresholds: &bounds,
                dots: &dots,
                ..Figure::default()
            },
            (60, 16),
        );
        let whole = rows.join("\n");
        for said in [
            "●",
            "▲",
            "╌",
            "> 2.00 s Slow",
            "D 00:00:50 orders: re␛lease",
        ] {
            assert!(whole.contains(said), "{said} is not in\n{whole}");
        }
        assert!(rows[0].contains('D') && !whole.contains("after the end"));
        assert!(rows[1].contains(DOT), "beyond the bounds: at the top");
    }

    #[test]
    fn times_and_columns_are_each_others_inverse() {
        let area = Rect::new(7, 2, 73, 9);
        let window = window(900_000);
        for x in area.left()..area.right() {
            assert_eq!(column(area, window, time(area, window, x)), Some(x));
        }
        assert_eq!(column(area, window, -1), None);
        assert_eq!(time(area, window, 0), time(area, window, 7));
    }
}
