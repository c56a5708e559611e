//! Draws the log view.
//!
//! ```text
//! query     / {service="checkout"} |= "timeout"
//! counts    E ▁▁▃█  W ▁▁  I ▅▅▅       one row a severity that there is, over the window
//! lines     HH:MM:SS.mmm E checkout  message
//! fields    of the selected line; beside the lines on a wide screen
//! ```

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::line::{moved, own_fields};
use super::state::State;
use super::{histogram, patterns, state};
use crate::app::App;
use crate::ask::Slot;
use crate::client::loki::{LogLine, Severity};
use crate::client::words;
use crate::text;
use crate::theme::Theme;
use crate::time::clock_millis;
use crate::widgets::cut;
use crate::widgets::surface::{Rows, Surface};

/// Cells of a line that are drawn at most: more than a terminal has columns.
const ROW_CELLS: usize = 1_000;

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
        let (counts, rest) = cut::top(body, histogram::height(app));
        histogram::draw(app, surface, counts);
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

fn draw_lines(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let logs = &app.views.logs;
    let theme = surface.theme;
    let len = logs.lines().len();
    let state = if app.waiting(Slot::Context).is_some() {
        "reading the lines around it …".to_owned()
    } else if app.waiting(Slot::OlderLogs).is_some() {
        "reading older lines …".to_owned()
    } else if logs.in_context() {
        "context of every service; Esc back".to_owned()
    } else if app.waiting(Slot::Logs).is_some() {
        "querying …".to_owned()
    } else if !app.range.follows() {
        "held; Space follows".to_owned()
    } else if let Some(held) = logs.held() {
        held.said()
    } else if logs.tails() {
        match logs.outruns {
            true => "following, more come than are shown".to_owned(),
            false => "following".to_owned(),
        }
    } else {
        "live; G follows the newest".to_owned()
    };
    let inner = surface.titled(
        area,
        "Lines",
        &format!("{} · {state}", held(logs)),
        !logs.in_fields,
    );
    if len == 0 {
        let mut said = logs
            .query
            .nothing(logs.loaded, app.range.follows(), "line matches");
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
        row(theme, &logs.lines()[index], logs.aside)
    });
}

/// How many lines are in the list, and of how many in the range.
#[must_use]
pub fn held(logs: &State) -> String {
    let len = logs.lines().len();
    let total = histogram::total(logs).filter(|_| !logs.in_context() && len >= state::PAGE);
    match total.filter(|total| *total > len) {
        Some(total) if logs.older_held => format!("{len} of {total} lines"),
        Some(total) => format!("newest {len} of {total} lines"),
        None => text::count(len, "line", "lines"),
    }
}

fn row(theme: &Theme, line: &LogLine, skip: usize) -> Line<'static> {
    let said = text::head(&line.line, skip + ROW_CELLS);
    let style = severity_style(theme, line.severity);
    let service = text::pad(&text::escape(&line.service), 11);
    let (message, rest) = super::line::skip(&text::escape(said), skip);
    let (fields, _) = super::line::skip(&own_fields(line), rest);
    let before = if skip > 0 { "‹" } else { "" };
    Line::from(vec![
        Span::styled(format!("{} ", clock_millis(line.at_ms())), theme.dim),
        Span::styled(format!("{} ", line.severity.letter()), style),
        Span::styled(format!("{service} "), theme.info),
        Span::styled(before, theme.accent),
        Span::styled(message, style),
        Span::styled(fields, theme.dim),
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
        let whole: String = row(surface.theme, &logs.lines()[index], 0)
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
    let room = if inner.height > 6 {
        usize::from(inner.height) / 3
    } else {
        1
    };
    let across = usize::from(inner.width.saturating_sub(2));
    let message = text::wrap(text::head(&line.line, across * room), across);
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
        let chosen = logs.in_fields && index == logs.field.of(fields.len());
        let aside = if chosen { logs.field_aside } else { 0 };
        Line::from(vec![
            Span::styled(format!("{} ", text::pad(key, wide)), theme.accent),
            Span::styled(
                moved(&text::escape(text::head(value, aside + ROW_CELLS)), aside),
                theme.text,
            ),
        ])
    });
}
