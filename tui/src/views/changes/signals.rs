//! Draws the time line of the changes and, on the same axis of time, the signals of the shop: rows of blocks where room is
//! scarce, charts of all services where there is more.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::kind_letter;
use super::state;
use crate::app::{App, Click};
use crate::ask::Golden;
use crate::client::prometheus::{Series, stretches};
use crate::net::golden;
use crate::text;
use crate::time::Window;
use crate::views::marks;
use crate::views::overview::signals::{Bounds, ERRORS, NONE, SLOW};
use crate::widgets::axis::{self, Unit};
use crate::widgets::chart::{self, Figure};
use crate::widgets::cut;
use crate::widgets::selection;
use crate::widgets::surface::{Hit, Surface};

/// From this size on the signals are charts.
const ROOM: (u16, u16) = (100, 40);
/// Least and most rows of a chart.
const CHART: (u16, u16) = (7, 9);
/// Cells left and right of the time line: a label and a figure.
const MARGIN: (u16, u16) = (10, 11);
/// Below this height there is the time line alone.
const LEAST: u16 = 14;

/// What the letters of the time line mean.
const LETTERS: &str = "D deploy C config F flag S scale J job A action X chaos ! alert P page";

/// A signal: its name, unit, series, and from where on it is of concern and bad.
type Signal<'a> = (&'static str, Unit, &'a [Series], Bounds);

fn signals(golden: &Golden) -> [Signal<'_>; 3] {
    [
        ("rate", Unit::PerSecond, &golden.rate, NONE),
        ("errors", Unit::Share, &golden.errors, ERRORS),
        ("p95", Unit::Seconds, &golden.p95, SLOW),
    ]
}

fn of_service<'a>(series: &'a [Series], service: &str) -> Option<&'a Series> {
    let named = |s: &&Series| s.labels.get("service").is_some_and(|name| name == service);
    series.iter().find(named)
}

/// The service whose signals stand out: the one that the selected change is of, or else the one that the page names, or the
/// one with most requests.
fn service(app: &App, golden: &Golden) -> Option<String> {
    let changed = state::selected(app).and_then(|c| c.service.clone());
    let known = |name: &String| of_service(&golden.rate, name).is_some();
    let page = app.drill().and_then(|drill| drill.page.as_ref());
    let paged = || page.and_then(|page| app.named(&page.title).service);
    let most = || busiest(golden, None).first().map(|name| (*name).to_owned());
    let named = changed.filter(known).or_else(|| paged().filter(known));
    named.or_else(most)
}

/// Whose signals stand out, over which stretch; empty while none are known.
pub fn of(app: &App) -> String {
    let golden = app.views.overview.golden.value.as_ref();
    let name = golden.and_then(|golden| service(app, golden));
    name.map_or_else(String::new, |name| {
        let over = stretches(golden::RATE);
        format!(" · signals of {} over {over}", text::escape(&name))
    })
}

/// Draws it at the top of an area; what is left below.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) -> Rect {
    let golden = app.views.overview.golden.value.clone().unwrap_or_default();
    let service = service(app, &golden);
    if area.width >= ROOM.0 && area.height >= ROOM.1 && service.is_some() {
        return charts(app, surface, area, &golden, service.as_deref());
    }
    let rows = if area.height >= LEAST { 6 } else { 2 };
    let (top, rest) = cut::top(area, rows);
    blocks(app, surface, top, &golden, service.as_deref());
    rest
}

/// The columns of the time line.
fn columns(area: Rect) -> Rect {
    Rect {
        x: area.x + MARGIN.0.min(area.width),
        width: area.width.saturating_sub(MARGIN.0 + MARGIN.1),
        ..area
    }
}

fn blocks(
    app: &App,
    surface: &mut Surface<'_>,
    area: Rect,
    golden: &Golden,
    service: Option<&str>,
) {
    let (theme, window) = (surface.theme, app.range.window());
    let plot = columns(area);
    if plot.width < 2 || area.height == 0 {
        return;
    }
    surface.text(area.x + 1, area.y, MARGIN.0 - 1, "changes", theme.dim);
    let rule = "─".repeat(usize::from(plot.width));
    surface.text(plot.x, area.y, plot.width, &rule, theme.dim);
    let mut used = 1;
    if let Some(service) = service.filter(|_| area.height > 2) {
        for (name, unit, series, bounds) in signals(golden) {
            let y = area.y + used;
            surface.text(area.x + 1, y, MARGIN.0 - 2, name, theme.dim);
            row(
                surface,
                Rect {
                    y,
                    height: 1,
                    ..plot
                },
                of_service(series, service),
                (unit, bounds),
                window,
            );
            used += 1;
        }
    }
    letters(app, surface, plot, window);
    let shown = Rect {
        height: used,
        ..plot
    };
    selection::shade(surface, shown, window, app.span());
    // the signals at the moment of the selected change
    let at = state::selected(app).and_then(|c| chart::column(plot, window, c.at_ms));
    if let Some(x) = at {
        let column = Rect {
            x,
            width: 1,
            ..shown
        };
        surface
            .buf
            .set_style(column.intersection(surface.buf.area), theme.selected);
    }
    let (area_of, click) = (shown, Click::Time(window));
    surface.hits.push(Hit {
        area: area_of,
        click,
    });
    if area.height > used + 1 {
        axis::times(surface, plot, area.y + used, window);
        used += 1;
    }
    let legend = Rect {
        y: area.y + used,
        height: 1,
        ..area
    };
    surface.say(legend, LETTERS, theme.dim);
}

/// A signal as a row of blocks, each at its time, and its newest figure, with a mark where that is of concern.
fn row(
    surface: &mut Surface<'_>,
    plot: Rect,
    series: Option<&Series>,
    (unit, bounds): (Unit, Bounds),
    window: Window,
) {
    let theme = surface.theme;
    let last_ms = series
        .and_then(|s| s.points.last())
        .map_or(i64::MIN, |p| p.0);
    let at = |x: u16| {
        let at_ms = chart::time(plot, window, x);
        // between two points the one before holds, and behind the newest nothing does
        let half = window.length_ms() / i64::from(plot.width) + 1;
        let read = series.filter(|_| at_ms <= last_ms + half)?;
        read.at(at_ms)
    };
    let values: Vec<f64> = (plot.left()..plot.right())
        .map(|x| at(x).unwrap_or(f64::NAN))
        .collect();
    let blocks = text::sparkline(&values, usize::from(plot.width), None);
    surface.text(plot.x, plot.y, plot.width, &blocks, theme.info);
    let last = series.and_then(Series::last).filter(|v| v.is_finite());
    let (mark, style) = match last {
        Some(v) if v >= bounds.1 => ("✗", theme.bad),
        Some(v) if v >= bounds.0 => ("!", theme.warn),
        _ => ("", theme.text),
    };
    let shown = last.map_or_else(|| "—".to_owned(), |v| unit.shown(v));
    let figure = format!(" {shown}{mark}");
    surface.text(plot.right(), plot.y, MARGIN.1, &figure, style);
}

/// The letters of what happened, on the time line; that of the selected change is marked.
fn letters(app: &App, surface: &mut Surface<'_>, plot: Rect, window: Window) {
    let theme = surface.theme;
    for mark in marks::of(app) {
        if let Some(x) = chart::column(plot, window, mark.at_ms) {
            let style = if mark.bad { theme.bad } else { theme.accent };
            surface.text(x, plot.y, 1, mark.letter, style);
        }
    }
    if let Some(change) = state::selected(app)
        && let Some(x) = chart::column(plot, window, change.at_ms)
    {
        let letter = kind_letter(change.kind);
        surface.text(x, plot.y, 1, letter, theme.selected);
    }
}

/// The services that charts show: the one that stands out, then those with most requests.
fn busiest<'a>(golden: &'a Golden, first: Option<&str>) -> Vec<&'a str> {
    /// More would be a tangle, and their names no line.
    const MOST: usize = 6;
    let name = |s: &'a Series| s.labels.get("service").map_or("", String::as_str);
    let most = |s: &Series| {
        let values = s.points.iter().map(|p| p.1).filter(|v| v.is_finite());
        values.fold(0.0, f64::max)
    };
    let mut all: Vec<&Series> = golden.rate.iter().collect();
    all.sort_by(|a, b| most(b).total_cmp(&most(a)));
    all.sort_by_key(|s| Some(name(s)) != first);
    all.into_iter().take(MOST).map(name).collect()
}

fn charts(
    app: &App,
    surface: &mut Surface<'_>,
    area: Rect,
    golden: &Golden,
    service: Option<&str>,
) -> Rect {
    let (window, all) = (app.range.window(), marks::of(app));
    let names = busiest(golden, service);
    let selected = names.iter().position(|name| Some(*name) == service);
    // the list and the details keep the rest
    let rows = ((area.height - 16) / 3).clamp(CHART.0, CHART.1);
    let mut rest = area;
    for (name, unit, series, _) in signals(golden) {
        // a service has the same glyph in all of them
        let of = |name: &&str| of_service(series, name).cloned().unwrap_or_default();
        let series: Vec<Series> = names.iter().map(of).collect();
        let (top, below) = cut::top(rest, rows);
        rest = below;
        let figure = Figure {
            series: &series,
            unit,
            crosshair_ms: state::selected(app).map(|c| c.at_ms),
            selected: selected.unwrap_or(usize::MAX),
            marks: &all,
            span: app.span(),
            gutter: MARGIN.0,
            ..Figure::default()
        };
        if let Some(plot) = chart::draw(surface, top, window, &figure) {
            let (area, click) = (plot.area, Click::Time(plot.window));
            surface.hits.push(Hit { area, click });
        }
        surface.text(top.x + 1, top.y, MARGIN.0 - 1, name, surface.theme.accent);
    }
    let (legend, rest) = cut::top(rest, 1);
    let mut spans = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        let (glyph, style) = chart::look(surface.theme, index);
        spans.push(Span::styled(format!("{glyph} "), style));
        let named = match Some(name) == service {
            true => surface.theme.header,
            false => surface.theme.dim,
        };
        spans.push(Span::styled(format!("{}  ", text::escape(name)), named));
    }
    spans.push(Span::styled(format!("· {LETTERS}"), surface.theme.dim));
    let line = Line::from(spans);
    surface.line(
        legend.x + 1,
        legend.y,
        legend.width.saturating_sub(1),
        &line,
    );
    rest
}
