//! Below the waterfall: the attributes of the selected span, or the logs of its trace. The pane takes the keys, scrolls,
//! and its values can be filtered by.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span as Words};

use super::state::{State, show_query};
use crate::app::App;
use crate::ask::Slot;
use crate::client::loki::LogLine;
use crate::client::tempo::Span;
use crate::client::traceql::{self, Scope};
use crate::net::TRACE_LOGS;
use crate::text;
use crate::time::clock_millis;
use crate::views::logs;
use crate::widgets::cursor::{Cursor, Motion};
use crate::widgets::surface::{Rows, Surface};

/// What a span says of itself, name and status first, then its own attributes, its events, and those of its resource.
#[must_use]
pub fn attributes(span: &Span) -> Vec<(String, String)> {
    let mut rows = vec![("name".to_owned(), span.name.clone())];
    if span.error || !span.message.is_empty() {
        let word = if span.error { "error " } else { "" };
        let said = format!("{word}{}", span.message);
        rows.push(("status".to_owned(), said.trim_end().to_owned()));
    }
    let place = |key: &str| match key {
        key if key.starts_with("event.") => 1,
        key if key.starts_with("resource.") => 2,
        _ => 0,
    };
    let mut own: Vec<_> = span.attributes.clone().into_iter().collect();
    own.sort_by_key(|(key, _)| place(key));
    rows.extend(own);
    rows
}

/// Whether the keys go there.
#[must_use]
pub fn focused(traces: &State) -> bool {
    traces.in_details && traces.current().is_some()
}

/// The attributes of the selected span.
fn rows(traces: &State) -> Vec<(String, String)> {
    traces.span().map(attributes).unwrap_or_default()
}

/// The selected attribute, while the keys go there.
#[must_use]
pub fn value(traces: &State) -> Option<(String, String)> {
    if !focused(traces) || traces.show_logs {
        return None;
    }
    let rows = rows(traces);
    let at = traces.detail.of(rows.len());
    rows.into_iter().nth(at)
}

/// The selected log line, while the keys go there.
#[must_use]
pub fn line(traces: &State) -> Option<&LogLine> {
    let there = focused(traces) && traces.show_logs;
    traces.logs.get(place_of_line(traces)).filter(|_| there)
}

/// Place of the selected log line: the first of the span's until a person chose another.
fn place_of_line(traces: &State) -> usize {
    if traces.log.picked() {
        return traces.log.of(traces.logs.len());
    }
    let span = traces.span().map(|s| s.id.as_str());
    let of_span = traces.logs.iter().position(|l| l.span_id() == span);
    of_span.unwrap_or(0)
}

/// Which row is selected.
#[must_use]
pub fn selected(traces: &State) -> usize {
    match traces.show_logs {
        true => place_of_line(traces),
        false => traces.detail.of(rows(traces).len()),
    }
}

/// `Tab`: between the waterfall and what is below it.
pub fn turn(app: &mut App) {
    let traces = &mut app.views.traces;
    if traces.current().is_some() {
        traces.in_details = !traces.in_details;
        traces.aside_cells = 0;
    }
}

/// Selects a row.
pub fn select(traces: &mut State, index: usize) {
    traces.in_details = true;
    traces.aside_cells = 0;
    let cursor = if traces.show_logs {
        &mut traces.log
    } else {
        &mut traces.detail
    };
    *cursor = Cursor::put(index);
}

/// Moves there.
pub fn motion(traces: &mut State, motion: Motion, page: usize) {
    if matches!(motion, Motion::Left | Motion::Right) {
        let shown = match (line(traces), value(traces)) {
            (Some(line), _) => said(line),
            (None, value) => value.map(|(_, value)| value).unwrap_or_default(),
        };
        let longest = text::width(&text::escape(&shown));
        let right = motion == Motion::Right;
        traces.aside_cells = logs::line::step(traces.aside_cells, right, longest);
        return;
    }
    let len = match traces.show_logs {
        true => traces.logs.len(),
        false => rows(traces).len(),
    };
    let mut cursor = Cursor::put(selected(traces));
    cursor.go(motion, len, page);
    select(traces, cursor.at);
}

/// What a log line says, with its own fields.
fn said(line: &LogLine) -> String {
    line.line.clone() + &logs::line::own_fields(line)
}

/// By how many cells each row is moved to the left: the selected one alone, where the keys go there. The selection is found
/// once for all rows, as the whole tree is walked for it.
fn asides(traces: &State) -> impl Fn(usize) -> usize {
    let moved = focused(traces).then(|| selected(traces));
    let cells = traces.aside_cells;
    move |index| match moved == Some(index) {
        true => cells,
        false => 0,
    }
}

/// Enter: the traces with the selected attribute, or the selected line among the others in Logs.
pub fn enter(app: &mut App) {
    if app.views.traces.show_logs {
        super::state::span_logs(app);
    } else {
        filter(app, true);
    }
}

/// The condition that an attribute, named as the pane names it, has a value or another one; none of an event.
#[must_use]
pub fn condition(key: &str, value: &str, keep: bool) -> Option<String> {
    Some(match (key, key.strip_prefix("resource.")) {
        ("name", _) => traceql::condition(Scope::Intrinsic, "name", value, keep),
        ("status", _) => format!("status {} error", if keep { "=" } else { "!=" }),
        (_, Some(key)) => traceql::condition(Scope::Resource, key, value, keep),
        (key, _) if key.starts_with("event.") => return None,
        (key, _) => traceql::condition(Scope::Span, key, value, keep),
    })
}

/// `=`, `!`: the traces with the selected attribute's value, or with another one.
pub fn filter(app: &mut App, keep: bool) {
    let Some((key, value)) = value(&app.views.traces) else {
        return app.say("Tab goes to the span's attributes; = and ! filter by the selected one");
    };
    let Some(condition) = condition(&key, &value, keep) else {
        return app.say("an event cannot be filtered by; an attribute can");
    };
    let query = traceql::and_also(&super::state::base(app), &condition);
    show_query(app, &query);
}

/// Draws the pane.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    if app.views.traces.show_logs {
        trace_logs(app, surface, area);
    } else {
        span_details(app, surface, area);
    }
}

fn span_details(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let traces = &app.views.traces;
    let Some(span) = traces.span() else {
        return;
    };
    let focused = focused(traces);
    let keys = if focused {
        "= only  ! without"
    } else {
        "Tab here · v logs"
    };
    let facts = format!("{} · {} · {keys}", span.kind, text::seconds(span.seconds()));
    // a name without end leaves room for what is said beside it
    let room = usize::from(area.width).saturating_sub(text::width(&facts) + 8);
    let title = format!("{} {}", span.service, span.name);
    let title = text::fit(&text::escape(&title), room.max(8));
    let inner = surface.titled(area, &title, &facts, focused);
    let rows = attributes(span);
    let wide = rows.iter().map(|(key, _)| text::width(key)).max();
    let wide = wide.unwrap_or(0).min(30);
    let list = Rows {
        focused,
        pane: 1,
        ..Rows::of(rows.len(), traces.detail.of(rows.len()))
    };
    let aside = asides(traces);
    surface.list(inner, list, |theme, index, _| {
        let (key, value) = &rows[index];
        let style = if key == "status" {
            theme.bad
        } else {
            theme.text
        };
        Line::from(vec![
            Words::styled(
                format!("{} ", text::pad(&text::escape(key), wide)),
                theme.accent,
            ),
            Words::styled(logs::line::moved(&text::escape(value), aside(index)), style),
        ])
    });
}

fn trace_logs(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let traces = &app.views.traces;
    let span = traces.span().map(|s| s.id.clone());
    let of_span = |line: &LogLine| line.span_id().is_some() && line.span_id() == span.as_deref();
    let own = traces.logs.iter().filter(|l| of_span(l)).count();
    let cut = match traces.logs.len() {
        len if len >= TRACE_LOGS => ", later ones left out",
        _ => "",
    };
    let focused = focused(traces);
    let keys = if focused {
        "Enter in Logs"
    } else {
        "Tab here · v attributes"
    };
    let facts = format!("{}{cut} · ▌ {own} of this span · {keys}", traces.logs.len());
    let inner = surface.titled(area, "Logs of the trace", &facts, focused);
    if traces.logs.is_empty() {
        let said = match app.flights.contains_key(&Slot::TraceLogs) {
            true => "reading its logs …",
            false => "no log line carries this trace id",
        };
        return surface.say(inner, said, surface.theme.dim);
    }
    let list = Rows {
        focused,
        pane: 1,
        ..Rows::of(traces.logs.len(), place_of_line(traces))
    };
    let aside = asides(traces);
    surface.list(inner, list, |theme, index, _| {
        let line = &traces.logs[index];
        let style = logs::severity_style(theme, line.severity);
        let own = if of_span(line) { "▌" } else { " " };
        let service = text::escape(&line.service);
        let said = logs::line::moved(&text::escape(&said(line)), aside(index));
        Line::from(vec![
            Words::styled(own, theme.accent),
            Words::styled(format!("{} ", clock_millis(line.at_ms())), theme.dim),
            Words::styled(format!("{} ", line.severity.letter()), style),
            Words::styled(format!("{} ", text::pad(&service, 11)), theme.info),
            Words::styled(said, style),
        ])
    });
}
