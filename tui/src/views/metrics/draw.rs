//! Draws the metrics view.
//!
//! ```text
//! query    / sum by (service) (rate(…))
//! chart    lines, crosshair, marks of what happened, bounds of alerts, single requests
//! legend   ● service=checkout   12.4   min 8   max 31     values at the crosshair
//! ```

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use std::collections::BTreeSet;

use super::{DOTS, exemplars, filter, panels, promql, state};
use crate::app::{App, Click};
use crate::ask::Slot;
use crate::client::prometheus::Series;
use crate::text;
use crate::theme::Theme;
use crate::time::{clock, offset};
use crate::views::marks;
use crate::widgets::axis::Unit;
use crate::widgets::chart::{self, DOT, DRAWN, Figure};
use crate::widgets::cut;
use crate::widgets::surface::{Hit, Rows, Surface};

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let metrics = &app.views.metrics;
    let hint = "words, or PromQL as in sum by (service) (rate(…[30s])); P has ready ones";
    let used = metrics.query.draw(surface, area, "/ ", hint);
    let (_, body) = cut::top(area, used);
    let body = panels::draw(app, surface, body);
    let count = metrics.series.len();
    let title = panels::counter(app) + &text::count(count, "series", "series");
    let inner = surface.titled(body, &title, &reading(app), true);
    if count == 0 {
        let said = metrics
            .query
            .nothing(metrics.loaded, app.range.follows(), "series");
        return surface.say_lines(inner, &said, surface.theme.dim);
    }
    let wanted = match app.full {
        true => 1,
        false => cut::cells(count).min(inner.height / 3).max(1),
    };
    let (plot, below) = cut::bottom(inner, wanted + 1);
    plotted(app, surface, plot);
    legend(app, surface, below);
}

/// Where values are read, and whether newer ones are on their way.
fn reading(app: &App) -> String {
    let waiting = match app.waiting(Slot::Metrics) {
        Some(_) => "querying … · ",
        None => "",
    };
    if app.views.metrics.series.is_empty() {
        return waiting.trim_end_matches(" · ").to_owned();
    }
    if let Some(one) = exemplars::picked(app) {
        let of = one.labels.get("service").map_or("", String::as_str);
        let said = format!(
            "{DOT} {} at {} {}",
            text::seconds(one.value),
            clock(one.at_ms),
            text::escape(of)
        );
        return format!("{waiting}{said}: Enter opens its trace");
    }
    let read = state::read_at(app);
    let since = app
        .page_ms()
        .map(|page| format!(" ({} from the page)", offset(read - page)))
        .unwrap_or_default();
    let what = match state::crosshair(app) {
        Some(_) => "crosshair at",
        None => "newest values, at",
    };
    format!("{waiting}{what} {}{since}", clock(read))
}

fn plotted(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let metrics = &app.views.metrics;
    let mut selected = metrics.at.of(metrics.series.len());
    let mut shown: Vec<Series> = metrics.series.iter().take(DRAWN).cloned().collect();
    // a selected series beyond those that are drawn takes the last place
    if selected >= DRAWN {
        shown[DRAWN - 1] = metrics.series[selected].clone();
        selected = DRAWN - 1;
    }
    let query = &metrics.query.good;
    let dots = exemplars::dots(app);
    let figure = Figure {
        series: &shown,
        unit: promql::unit(query),
        crosshair_ms: state::crosshair(app),
        selected,
        marks: &marks::of(app),
        thresholds: &marks::thresholds(app, query),
        dots: &dots,
        span: app.span(),
        ..Figure::default()
    };
    let Some(plot) = chart::draw(surface, area, app.range.window(), &figure) else {
        return;
    };
    surface.hits.push(Hit {
        area: plot.area,
        click: Click::Time(plot.window),
    });
    for (index, dot) in dots.iter().enumerate() {
        let y = chart::row_of(&plot, dot);
        if let Some(x) = plot.column(dot.at_ms) {
            surface.link(x, x + 1, y, Click::Row { pane: DOTS, index });
        }
    }
}

fn legend(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let metrics = &app.views.metrics;
    let count = metrics.series.len();
    let title = match count > DRAWN {
        true => format!("first {DRAWN} drawn, greatest first"),
        false => "greatest first".to_owned(),
    };
    let dots = match exemplars::any(app) {
        true => format!(" · {DOT} single requests: e steps to them"),
        false => String::new(),
    };
    let list = surface.titled(area, "Legend", &format!("{title}{dots}"), false);
    let unit = promql::unit(&metrics.query.good);
    let read = state::read_at(app);
    let rows = Rows::of(count, metrics.at.of(count));
    let shared = filter::shared(&metrics.series);
    surface.list(list, rows, |theme, index, width| {
        let mut row = figures(&metrics.series[index], (index, unit), read, theme);
        let room = width.saturating_sub(row.width() + 1);
        let name = named(&metrics.series[index], &shared, room, theme);
        row.spans.splice(1..1, name);
        row
    });
}

/// The name of a series: first the labels that tell it from the others, then those that all have.
fn named(
    series: &Series,
    shared: &BTreeSet<String>,
    room: usize,
    theme: &Theme,
) -> [Span<'static>; 2] {
    let with = |of_all: bool| Series {
        labels: series
            .labels
            .iter()
            .filter(|(key, _)| shared.contains(*key) == of_all)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        points: Vec::new(),
    };
    let (own, all) = (with(false), with(true));
    let tells = !own.labels.is_empty();
    let own = text::fit(&text::escape(&if tells { &own } else { &all }.name()), room);
    let left = room - text::width(&own);
    let all = match tells && all.labels.keys().any(|key| key != "__name__") {
        true => format!(" {}", text::escape(&all.name())),
        false => String::new(),
    };
    [
        Span::styled(own, theme.text),
        Span::styled(text::pad(&all, left), theme.dim),
    ]
}

/// The glyph of a series, and its values.
fn figures(
    series: &Series,
    (index, unit): (usize, Unit),
    read: i64,
    theme: &Theme,
) -> Line<'static> {
    /// Cells of a value: the longest has four digits behind the point and a unit.
    const CELLS: usize = 10;
    let finite = || series.points.iter().map(|p| p.1).filter(|v| v.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let shown = |value| match unit {
        Unit::Seconds => text::brief(value),
        unit => unit.shown(value),
    };
    // a series without a number has neither
    let bound = |value: f64| match value.is_finite() {
        true => shown(value),
        false => "—".to_owned(),
    };
    let at = series.at(read).map_or_else(|| "—".to_owned(), shown);
    let (glyph, style) = if index < DRAWN {
        chart::look(theme, index)
    } else {
        ("·", theme.dim)
    };
    let figures = format!(
        " {}  min {} max {}",
        text::pad_left(&at, CELLS),
        text::pad(&bound(low), CELLS),
        text::pad(&bound(high), CELLS)
    );
    Line::from(vec![
        Span::styled(format!("{glyph} "), style),
        Span::styled(figures, theme.text),
    ])
}
