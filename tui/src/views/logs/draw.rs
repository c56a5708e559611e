//! Draws the log view.
//!
//! ```text
//! query     / {service="checkout"} |= "timeout"
//! counts    E ▁▁▃█  W ▁▁  I ▅▅▅       one row a severity, over the window
//! lines     HH:MM:SS.mmm E checkout  message
//! fields    of the selected line; beside the lines on a wide screen
//! ```

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::line::own_fields;
use super::{patterns, state};
use crate::app::App;
use crate::ask::Slot;
use crate::client::loki::{LogLine, Severity};
use crate::client::words;
use crate::text;
use crate::theme::Theme;
use crate::time::{clock, clock_millis};
use crate::widgets::cut;
use crate::widgets::surface::{Rows, Surface};

/// Cells of a time of day, `HH:MM:SS`.
const CLOCK_CELLS: u16 = 8;

/// Style of a severity.
#[must_use]
pub fn severity_style(theme: &Theme, severity: Severity) -> Style {
    match severity {
        Severity::Error => theme.bad,
        Severity::Warn => theme.warn,
        Severity::Info => theme.text,
        Severity::Debug => theme.dim,
    }
}

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let logs = &app.views.logs;
    let used = logs.query.draw(
        surface,
        area,
        "/ ",
        "bare words, or {service=\"checkout\", level=\"error\"} |= \"text\"",
    );
    let (_, mut body) = cut::top(area, used);
    if body.height > 12 && !app.full {
        let (counts, rest) = cut::top(body, 4);
        histogram(app, surface, counts);
        body = rest;
    }
    if logs.patterns.open {
        return patterns::draw(app, surface, body);
    }
    let alone = app.full || body.height < 8 || !state::has_lines(app);
    let (lines, fields) = if alone {
        cut::bottom(body, 0)
    } else if body.width >= 120 {
        cut::left(body, body.width - (body.width / 3).min(60) - 1)
    } else {
        cut::bottom(body, (body.height / 3).clamp(4, 8))
    };
    draw_lines(app, surface, lines);
    draw_fields(app, surface, fields);
}

fn histogram(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let theme = surface.theme;
    let Some(histogram) = &app.views.logs.histogram.value else {
        surface.text(area.x + 1, area.y, area.width, "counting …", theme.dim);
        return;
    };
    let width = usize::from(area.width.saturating_sub(12));
    let longest = histogram
        .counts
        .values()
        .map(Vec::len)
        .max()
        .unwrap_or(0)
        .max(1);
    for (severity, y) in [Severity::Error, Severity::Warn, Severity::Info]
        .into_iter()
        .zip(area.y..)
    {
        let mut counts = histogram.counts.get(&severity).cloned().unwrap_or_default();
        counts.resize(longest, 0.0);
        let total: f64 = counts.iter().sum();
        let marked: Vec<f64> = stretch(&counts, width)
            .into_iter()
            .map(|c| if c > 0.0 { c } else { f64::NAN })
            .collect();
        let style = severity_style(theme, severity);
        let x = surface.text(area.x, y, 2, severity.letter(), style);
        surface.text(
            x + 1,
            y,
            area.width,
            &text::sparkline(&marked, width, None),
            style,
        );
        surface.text(
            area.right().saturating_sub(9),
            y,
            8,
            &text::pad_left(&text::number(total), 8),
            style,
        );
    }
    let window = app.views.logs.window.unwrap_or_else(|| app.range.passed());
    let y = area.y + 3;
    let start = area.x + 2;
    let end = start
        .saturating_add(u16::try_from(width).unwrap_or(0))
        .saturating_sub(CLOCK_CELLS);
    let page = app
        .page_ms()
        .filter(|p| *p >= window.start_ms && *p < window.end_ms)
        .map(|page| {
            let share = (page - window.start_ms) as f64 / window.length_ms() as f64;
            start + (share * width as f64) as u16
        });
    // the page's mark takes the place of the time that it would cover
    if page.is_none_or(|x| x > start + CLOCK_CELLS) {
        surface.text(start, y, area.width, &clock(window.start_ms), theme.dim);
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

fn draw_lines(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let logs = &app.views.logs;
    let theme = surface.theme;
    let len = logs.lines().len();
    let state = if logs.in_context() {
        "context of every service; Esc back".to_owned()
    } else if app.waiting(Slot::Logs).is_some() {
        "querying …".to_owned()
    } else if !app.range.follows() {
        "held; Space follows".to_owned()
    } else if let Some(held) = logs.held() {
        held.said()
    } else if logs.tails() {
        "following".to_owned()
    } else {
        "live; G follows the newest".to_owned()
    };
    let inner = surface.titled(
        area,
        "Lines",
        &format!("{} · {state}", text::count(len, "line", "lines")),
        !logs.in_fields,
    );
    if len == 0 {
        let mut said = logs.query.nothing(logs.loaded, "line matches");
        if logs.loaded
            && logs.query.failure.is_none()
            && let Some(places) = words::places(&logs.query.ran, &logs.seen)
        {
            said = format!("{said}\n{places}");
        }
        return surface.say_lines(inner, &said, theme.dim);
    }
    if app.wrap {
        return wrapped(app, surface, inner);
    }
    let rows = Rows {
        len,
        selected: logs.selected(),
        focused: !logs.in_fields,
        pane: 0,
    };
    surface.list(inner, rows, |theme, index, _| {
        row(theme, &logs.lines()[index])
    });
}

fn row(theme: &Theme, line: &LogLine) -> Line<'static> {
    let style = severity_style(theme, line.severity);
    let service = text::pad(&text::escape(&line.service), 11);
    Line::from(vec![
        Span::styled(format!("{} ", clock_millis(line.at_ms())), theme.dim),
        Span::styled(format!("{} ", line.severity.letter()), style),
        Span::styled(format!("{service} "), theme.info),
        Span::styled(text::escape(&line.line).into_owned(), style),
        Span::styled(own_fields(line), theme.dim),
    ])
}

/// Long lines over several rows: the selected one in the middle, as many around it as there is room for.
fn wrapped(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let logs = &app.views.logs;
    let width = usize::from(area.width.saturating_sub(1)).max(1);
    let selected = logs.selected();
    let around = usize::from(area.height);
    let from = selected.saturating_sub(around);
    let to = (selected + around).min(logs.lines().len());
    let mut rows: Vec<Line<'static>> = Vec::new();
    let mut at = 0;
    for index in from..to {
        let whole: String = row(surface.theme, &logs.lines()[index])
            .spans
            .iter()
            .map(|s| s.content.to_string())
            .collect();
        if index == selected {
            at = rows.len();
        }
        let style = if index == selected {
            surface.theme.selected
        } else {
            severity_style(surface.theme, logs.lines()[index].severity)
        };
        rows.extend(
            text::wrap(&whole, width)
                .into_iter()
                .map(|l| Line::styled(l, style)),
        );
    }
    let first = crate::widgets::cursor::first_row(at, rows.len(), around);
    surface.scrolled(area, &rows, first);
}

fn draw_fields(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let logs = &app.views.logs;
    if area.is_empty() {
        return;
    }
    let fields = logs.fields();
    let inner = surface.titled(area, "Fields", "= only this  ! without it", logs.in_fields);
    let Some(line) = logs.line() else { return };
    let message: Vec<String> = text::wrap(&line.line, usize::from(inner.width.saturating_sub(2)));
    let room = if inner.height > 6 {
        usize::from(inner.height) / 3
    } else {
        1
    };
    let shown = u16::try_from(message.len().min(room)).unwrap_or(0);
    for (text, y) in message.iter().take(room).zip(inner.y..) {
        surface.text(
            inner.x + 1,
            y,
            inner.width.saturating_sub(1),
            text,
            surface.theme.header,
        );
    }
    let list = Rect {
        y: inner.y + shown,
        height: inner.height.saturating_sub(shown),
        ..inner
    };
    let wide = fields
        .iter()
        .map(|(k, _)| text::width(k))
        .max()
        .unwrap_or(0)
        .min(24);
    let rows = Rows {
        len: fields.len(),
        selected: logs.field.of(fields.len()),
        focused: logs.in_fields,
        pane: 1,
    };
    surface.list(list, rows, |theme, index, _| {
        let (key, value) = &fields[index];
        Line::from(vec![
            Span::styled(format!("{} ", text::pad(key, wide)), theme.accent),
            Span::styled(text::escape(value).into_owned(), theme.text),
        ])
    });
}
