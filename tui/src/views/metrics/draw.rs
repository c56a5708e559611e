//! Draws the metrics view.
//!
//! ```text
//! query    / sum by (service) (rate(…))
//! chart    lines, crosshair, mark of the page
//! legend   ● service=checkout   12.4   min 8   max 31     values at the crosshair
//! ```

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state;
use crate::app::App;
use crate::ask::Slot;
use crate::client::prometheus::Series;
use crate::text;
use crate::theme::Theme;
use crate::time::{clock, offset};
use crate::widgets::chart::{self, DRAWN, Marks};
use crate::widgets::cut;
use crate::widgets::surface::{Rows, Surface};

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let metrics = &app.views.metrics;
    let hint = "words, or PromQL as in sum by (service) (rate(…[30s])); P has ready ones";
    let used = metrics.query.draw(surface, area, "/ ", hint);
    let (_, body) = cut::top(area, used);
    let count = metrics.series.len();
    let title = text::count(count, "series", "series");
    let inner = surface.titled(body, &title, &reading(app), true);
    if count == 0 {
        let said = metrics.query.nothing(metrics.loaded, "series");
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
    let read = state::read_at(app);
    let since = app
        .page_ms()
        .map(|page| format!(" ({} from the page)", offset(read - page)))
        .unwrap_or_default();
    let waiting = match app.waiting(Slot::Metrics) {
        Some(_) => "querying … · ",
        None => "",
    };
    let what = match app.views.metrics.crosshair_ms {
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
    let marks = Marks {
        crosshair_ms: metrics.crosshair_ms,
        page_ms: app.page_ms(),
        selected,
    };
    chart::draw(surface, area, &shown, app.range.window(), marks);
}

fn legend(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let metrics = &app.views.metrics;
    let count = metrics.series.len();
    let title = match count > DRAWN {
        true => format!("first {DRAWN} drawn, greatest first"),
        false => "greatest first".to_owned(),
    };
    let page = app.page_ms().map_or("", |_| " · upright line: page");
    let list = surface.titled(area, "Legend", &format!("{title}{page}"), false);
    let read = state::read_at(app);
    let rows = Rows::of(count, metrics.at.of(count));
    surface.list(list, rows, |theme, index, width| {
        legend_row(&metrics.series[index], index, read, width, theme)
    });
}

fn legend_row(
    series: &Series,
    index: usize,
    read: i64,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let finite = || series.points.iter().map(|p| p.1).filter(|v| v.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let at = series.at(read).map_or_else(|| "—".to_owned(), text::number);
    let (glyph, style) = if index < DRAWN {
        chart::look(theme, index)
    } else {
        ("·", theme.dim)
    };
    let figures = format!(
        "{}  min {}  max {}",
        text::pad_left(&at, 9),
        text::pad(&text::number(low), 8),
        text::pad(&text::number(high), 8)
    );
    let room = width.saturating_sub(text::width(&figures) + 3);
    Line::from(vec![
        Span::styled(format!("{glyph} "), style),
        Span::styled(text::pad(&text::escape(&series.name()), room), theme.text),
        Span::styled(figures, theme.text),
    ])
}
