//! Counts of lines over time above the list, one row a severity that there is, all on one scale. A span of time can be
//! selected on it, which all views then look at.

use ratatui::layout::Rect;

use super::severity_style;
use super::state::State;
use crate::app::{App, Click};
use crate::client::loki::{Histogram, Severity};
use crate::text;
use crate::time::{Window, clock};
use crate::widgets::chart::column;
use crate::widgets::cursor::Motion;
use crate::widgets::cut;
use crate::widgets::selection;
use crate::widgets::surface::{Hit, Surface};

/// Cells of a time of day, `HH:MM:SS`.
const CLOCK_CELLS: u16 = 8;
/// Steps that the cursor makes over the window.
const STEPS: i64 = 80;

/// The severities that there are, the worst first.
fn present(histogram: &Histogram) -> Vec<Severity> {
    let all = histogram.counts.iter().rev();
    let some = all.filter(|(_, counts)| counts.iter().any(|c| *c > 0.0));
    some.map(|(severity, _)| *severity).collect()
}

/// How many lines the query has in the window, where the lab has counted.
#[must_use]
pub fn total(logs: &State) -> Option<usize> {
    let histogram = logs.histogram.value.as_ref()?;
    let sum: f64 = histogram.counts.values().flatten().sum();
    Some(sum as usize)
}

/// How many lines of a severity the query has in the window; 0 where the lab has not counted.
#[must_use]
pub fn count(logs: &State, severity: Severity) -> usize {
    let histogram = logs.histogram.value.as_ref();
    let counts = histogram.and_then(|h| h.counts.get(&severity));
    counts.map_or(0, |counts| counts.iter().sum::<f64>() as usize)
}

/// Rows that it takes: those with counts, and its times.
#[must_use]
pub fn height(app: &App) -> u16 {
    let histogram = app.views.logs.histogram.value.as_ref();
    let rows = histogram.map_or(0, |h| present(h).len());
    cut::cells(rows.max(1) + 1)
}

/// The window that it shows.
fn window(app: &App) -> Window {
    let shown = app.views.logs.window;
    shown.unwrap_or_else(|| app.range.passed())
}

/// Where the span that is being selected ends, or else the time of the selected line.
#[must_use]
pub fn reads_at(app: &App) -> Option<i64> {
    let logs = &app.views.logs;
    let cursor = app.selecting.and(logs.cursor_ms);
    let line = || logs.line().map(|line| line.at_ms());
    Some(cursor.or_else(line).unwrap_or(app.range.passed().end_ms))
}

/// Puts the end of the span there; without one, selects the nearest line.
pub fn read_at(app: &mut App, at_ms: i64) {
    let logs = &mut app.views.logs;
    logs.cursor_ms = Some(at_ms);
    if app.selecting.is_some() || logs.patterns.open || logs.in_fields {
        return;
    }
    let distance = |i: &usize| logs.lines()[*i].at_ms().abs_diff(at_ms);
    // of lines at the same distance the selected one stays
    let at = logs.selected();
    let all = std::iter::once(at).chain(0..logs.lines().len());
    if let Some(nearest) = all.filter(|i| *i < logs.lines().len()).min_by_key(distance) {
        super::state::select(app, nearest);
    }
}

/// Left and right move the end of the span while one is being selected; whether they did.
pub fn motion(app: &mut App, motion: Motion) -> bool {
    let by = match motion {
        Motion::Left => -1,
        Motion::Right => 1,
        _ => return false,
    };
    if app.span().is_none() {
        return false;
    }
    let window = window(app);
    let step = (window.length_ms() / STEPS).max(1000);
    let here = reads_at(app).unwrap_or(window.end_ms);
    let there = (here + by * step).clamp(window.start_ms, window.end_ms);
    app.views.logs.cursor_ms = Some(there);
    true
}

/// Draws it.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let theme = surface.theme;
    if area.height < 2 {
        return;
    }
    let bars = Rect {
        x: area.x + 2.min(area.width),
        width: area.width.saturating_sub(12),
        height: area.height - 1,
        ..area
    };
    let window = window(app);
    times(app, surface, bars, window);
    let Some(histogram) = &app.views.logs.histogram.value else {
        surface.text(area.x + 1, area.y, area.width, "counting …", theme.dim);
        return;
    };
    let width = usize::from(bars.width);
    let bins = (window.length_ms() + histogram.step_ms - 1) / histogram.step_ms.max(1);
    let bins = usize::try_from(bins).unwrap_or(0).max(1);
    let counted = histogram.counts.values();
    let most = counted.clone().flatten().copied().fold(0.0, f64::max);
    let bins = counted.map(Vec::len).max().unwrap_or(0).max(bins);
    let severities = present(histogram);
    if severities.is_empty() {
        let said = "no line to count in this time range";
        surface.text(area.x + 1, area.y, area.width, said, theme.dim);
    }
    for (severity, y) in severities.into_iter().zip(bars.top()..bars.bottom()) {
        let mut counts = histogram.counts.get(&severity).cloned().unwrap_or_default();
        counts.resize(bins, 0.0);
        let total: f64 = counts.iter().sum();
        let marked: Vec<f64> = stretch(&counts, width)
            .into_iter()
            .map(|c| if c > 0.0 { c } else { f64::NAN })
            .collect();
        let style = severity_style(theme, severity);
        let bar = text::sparkline(&marked, width, Some(most));
        surface.text(area.x, y, 2, severity.letter(), style);
        surface.text(bars.x, y, bars.width, &bar, style);
        let total = text::pad_left(&text::number(total), 8);
        surface.text(area.right().saturating_sub(9), y, 8, &total, style);
    }
    selection::shade(surface, bars, window, app.span());
    let click = Click::Time(window);
    // the times under the bars are as good to point at
    let area = Rect {
        height: area.height,
        ..bars
    };
    surface.hits.push(Hit { area, click });
}

/// The row of times, with the page's mark, which takes the place of the time that it would cover.
fn times(app: &App, surface: &mut Surface<'_>, bars: Rect, window: Window) {
    let (theme, y) = (surface.theme, bars.bottom());
    let start = bars.x;
    let end = bars.right().saturating_sub(CLOCK_CELLS);
    let page = app.page_ms().and_then(|ms| column(bars, window, ms));
    if page.is_none_or(|x| x > start + CLOCK_CELLS) {
        surface.text(start, y, bars.width, &clock(window.start_ms), theme.dim);
    }
    if page.is_none_or(|x| x < end) {
        surface.text(end, y, CLOCK_CELLS, &clock(window.end_ms), theme.dim);
    }
    match page {
        Some(x) if x + 5 > end && x >= start + 4 => {
            surface.text(x - 4, y, 5, "page▲", theme.bad);
        }
        Some(x) => {
            surface.text(x, y, 5, "▲page", theme.bad);
        }
        None => {}
    }
}

/// Spreads values over more cells than there are values.
fn stretch(values: &[f64], cells: usize) -> Vec<f64> {
    if values.is_empty() || values.len() >= cells {
        return values.to_vec();
    }
    (0..cells)
        .map(|i| values[i * values.len() / cells])
        .collect()
}
