//! Charts that were kept, side by side where there is room and one at a time where there is not; they live as long as the
//! screen. The present chart is one of them or a further one.

use ratatui::layout::Rect;

use super::{PANELS, promql, state};
use crate::app::{App, Click};
use crate::ask::{Ask, Slot};
use crate::client::Asker;
use crate::client::prometheus::Series;
use crate::text;
use crate::views::marks;
use crate::widgets::chart::{self, Figure};
use crate::widgets::cursor::Cursor;
use crate::widgets::cut;
use crate::widgets::surface::{Hit, Surface};

/// Panels that are kept at most; a person who wants more drops one.
const MOST: usize = 12;
/// From this size on panels stand side by side under the present chart.
const ROOM: (u16, u16) = (100, 36);
/// Least columns of a panel, and its rows.
const CELL: (u16, u16) = (48, 11);
/// Points of a panel's line.
const POINTS: usize = 120;

/// A chart that was kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Panel {
    /// Its expression.
    pub query: String,
    /// Series of its last good answer.
    pub series: Vec<Series>,
    /// Why its last question was not answered.
    pub failure: Option<String>,
}

/// The place of the present chart among the panels.
#[must_use]
pub fn here(app: &App) -> Option<usize> {
    let metrics = &app.views.metrics;
    metrics
        .panels
        .iter()
        .position(|p| p.query == metrics.query.ran)
}

/// Which panel it is, of how many, for the title of the chart; empty while there are none.
#[must_use]
pub fn counter(app: &App) -> String {
    match (here(app), app.views.metrics.panels.len()) {
        (_, 0) => String::new(),
        (Some(place), len) => format!("panel {} of {len} · ", place + 1),
        (None, len) => format!("Tab: {} · ", text::count(len, "panel", "panels")),
    }
}

/// `+`: keeps the present chart as a panel.
pub fn keep(app: &mut App) {
    // what is still under way has the lines of the chart before
    let series = match app.flights.contains_key(&Slot::Metrics) {
        true => Vec::new(),
        false => app.views.metrics.series.clone(),
    };
    let metrics = &mut app.views.metrics;
    let query = metrics.query.ran.clone();
    let len = metrics.panels.len();
    if metrics.query.failure.is_some() {
        return app.say_bad("an expression that was not answered is not kept; / changes it");
    }
    if query.is_empty() || metrics.panels.iter().any(|p| p.query == query) {
        return app.say("this chart is a panel already");
    }
    if len >= MOST {
        return app.say_bad(format!(
            "{MOST} panels are kept at most; {}",
            app.way("d drops the present one", "drop N drops one")
        ));
    }
    metrics.panels.push(Panel {
        query,
        series,
        failure: None,
    });
    let count = text::count(len + 1, "panel", "panels");
    app.say(format!(
        "kept: {count}; {}",
        app.way(
            "Tab walks them, d drops the present one",
            "panels lists them, drop N drops one"
        )
    ));
}

/// `d`: drops the present panel; its chart stays on the screen.
pub fn remove(app: &mut App) {
    match here(app) {
        Some(place) => {
            app.views.metrics.panels.remove(place);
            app.say("the panel is dropped; + keeps it again");
        }
        None => app.say("the present chart is no panel; + keeps it as one"),
    }
}

/// Whether the present chart is a panel.
#[must_use]
pub fn is_one(app: &App) -> bool {
    here(app).is_some()
}

/// `Tab`: to the next or previous panel, round the end.
pub fn step(app: &mut App, forward: bool) {
    let len = app.views.metrics.panels.len();
    let next = match (here(app), forward) {
        _ if len == 0 => {
            return app.say("there are no panels yet: + keeps the present chart as one");
        }
        (Some(place), true) => (place + 1) % len,
        (Some(place), false) => (place + len - 1) % len,
        (None, true) => 0,
        (None, false) => len - 1,
    };
    show(app, next);
}

/// Makes a panel the present chart, read at the moment at which the one before was.
pub fn show(app: &mut App, place: usize) {
    let metrics = &mut app.views.metrics;
    let Some(panel) = metrics.panels.get(place).cloned() else {
        return;
    };
    metrics.query.set(&panel.query);
    metrics.query.commit();
    metrics.at = Cursor::default();
    metrics.exemplars.clear();
    state::same_moment(metrics);
    state::arrived(app, panel.series);
    app.refresh(Asker::Person);
}

/// Whether the panels stand side by side, where there are any but the present one.
fn side_by_side(app: &App) -> bool {
    let others = app.views.metrics.panels.len() - usize::from(is_one(app));
    let (columns, rows) = app.size;
    others > 0 && columns >= ROOM.0 && rows >= ROOM.1 && !app.full
}

/// Asks for the series of the panels that are seen.
pub fn refresh(app: &mut App) {
    if !side_by_side(app) {
        return;
    }
    let panels = app.views.metrics.panels.iter();
    let queries = panels.map(|p| p.query.clone()).collect();
    let window = app.range.passed();
    let step_s = app.range.window().step_s(POINTS);
    app.ask(
        Ask::Panels {
            queries,
            window,
            step_s,
        },
        Asker::Screen,
    );
}

/// Series have arrived, by expression; a panel that was dropped meanwhile stays so.
pub fn arrived(app: &mut App, answers: Vec<(String, Result<Vec<Series>, String>)>) {
    for (query, answer) in answers {
        let panels = &mut app.views.metrics.panels;
        let Some(panel) = panels.iter_mut().find(|p| p.query == query) else {
            continue;
        };
        match answer {
            Ok(mut series) => {
                state::greatest_first(&mut series);
                (panel.series, panel.failure) = (series, None);
            }
            Err(why) => panel.failure = Some(why),
        }
    }
}

/// Draws the panels at the bottom of an area where there is room for them; what is left above.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) -> Rect {
    if !side_by_side(app) {
        return area;
    }
    let panels = &app.views.metrics.panels;
    let across = usize::from((area.width / CELL.0).max(1));
    let down = panels
        .len()
        .div_ceil(across)
        .min(usize::from(area.height / 2 / CELL.1).max(1));
    let (above, grid) = cut::bottom(area, cut::cells(down).saturating_mul(CELL.1));
    let width = area.width / cut::cells(across.min(panels.len()));
    let seen = across * down;
    // the present panel is among those that are seen
    let first = here(app).map_or(0, |place| (place + 1).saturating_sub(seen));
    for (cell, index) in (first..panels.len()).take(seen).enumerate() {
        let (column, row) = (cut::cells(cell % across), cut::cells(cell / across));
        let place = Rect {
            x: grid.x + column * width,
            y: grid.y + row * CELL.1,
            width: width.saturating_sub(1),
            height: CELL.1,
        };
        one(app, surface, place, index);
    }
    above
}

fn one(app: &App, surface: &mut Surface<'_>, area: Rect, index: usize) {
    let panel = &app.views.metrics.panels[index];
    let present = here(app) == Some(index);
    let title = format!("{} {}", index + 1, text::escape(&panel.query));
    let title = text::fit(&title, usize::from(area.width.saturating_sub(4)));
    let inner = surface.titled(area, &title, "", present);
    let click = Click::Row {
        pane: PANELS,
        index,
    };
    surface.link(area.x, area.right(), area.y, click);
    if let Some(why) = &panel.failure {
        return surface.say_lines(inner, &format!("✗ {why}"), surface.theme.bad);
    }
    if panel.series.is_empty() {
        return surface.say(inner, "no series in this time range", surface.theme.dim);
    }
    let figure = Figure {
        series: &panel.series,
        unit: promql::unit(&panel.query),
        crosshair_ms: app.views.metrics.crosshair_ms,
        marks: &marks::of(app),
        thresholds: &marks::thresholds(app, &panel.query),
        span: app.span(),
        ..Figure::default()
    };
    // the legend of the marks stands under the present chart
    let rows = Rect {
        height: inner.height.min(9),
        ..inner
    };
    if let Some(plot) = chart::draw(surface, rows, app.range.window(), &figure) {
        let (area, click) = (plot.area, Click::Time(plot.window));
        surface.hits.push(Hit { area, click });
    }
}
