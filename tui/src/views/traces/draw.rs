//! Draws the trace view: the list, or one trace.
//!
//! ```text
//! list       HH:MM:SS ✗ service  name        1.21 s ████▌
//! waterfall  orders GET /orders  │████████████████│ 1.21 s
//!             └ 64 × SELECT …, 71 %  │ ███████████    │
//! details    attributes of the selected span, or the trace's logs
//! ```

use ratatui::layout::Rect;
use ratatui::text::{Line, Span as Words};

use super::state::{Order, State};
use super::waterfall::{Row, Waterfall, label};
use super::{aside, details};
use crate::app::App;
use crate::ask::Slot;
use crate::client::tempo::TraceHit;
use crate::error::Failure;
use crate::text;
use crate::theme::Theme;
use crate::time::{clock, clock_millis};
use crate::widgets::cut;
use crate::widgets::surface::{Rows, Surface};

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let traces = &app.views.traces;
    let used = traces.query.draw(
        surface,
        area,
        "/ ",
        "words (checkout error >500ms), or { status = error && duration > 1s }",
    );
    let (_, body) = cut::top(area, used);
    match (&traces.open, traces.aside) {
        (Some(id), _) => one(app, surface, body, id),
        (None, Some(aside)) => aside::draw(app, surface, body, aside),
        (None, None) => list(app, surface, body),
    }
}

fn list(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let traces = &app.views.traces;
    let order = match traces.order {
        Order::Time => "time",
        Order::Duration => "duration",
        Order::Error => "failure",
    };
    let arrow = if traces.ascending { "↑" } else { "↓" };
    let state = if app.waiting(Slot::Traces).is_some() {
        "querying …".to_owned()
    } else if let Some(new) = traces.held.filter(|_| app.range.follows()) {
        format!("{} new, Space follows", text::count(new, "trace", "traces"))
    } else {
        format!("by {order} {arrow}")
    };
    let inner = surface.titled(area, "Traces", &format!("{} · {state}", held(traces)), true);
    if traces.hits.is_empty() {
        let follows = app.range.follows();
        let said = traces
            .query
            .nothing(traces.loaded, follows, "trace matches");
        return surface.say_lines(inner, &said, surface.theme.dim);
    }
    let longest = traces
        .hits
        .iter()
        .map(|h| h.duration_ms)
        .fold(0.0, f64::max);
    let rows = Rows {
        len: traces.hits.len(),
        selected: traces.at.of(traces.hits.len()),
        focused: true,
        pane: 0,
    };
    surface.list(inner, rows, |theme, index, width| {
        let hit = &traces.hits[index];
        let marked = traces.marked.as_ref().is_some_and(|m| m.id == hit.trace_id);
        hit_row(hit, marked, longest, width, theme)
    });
}

/// How many traces are in the list, and what is left out of it.
#[must_use]
pub fn held(traces: &State) -> String {
    let count = text::count(traces.hits.len(), "trace", "traces");
    let order = traces.shown.as_ref().map(|(_, _, order)| *order);
    match order.filter(|_| traces.is_cut) {
        None => count,
        Some(Order::Time) => format!("newest {count}, older left out"),
        Some(Order::Duration) => format!("slowest {count} of the range, faster left out"),
        Some(Order::Error) => format!("{count}, failed first, more left out"),
    }
}

fn hit_row(
    hit: &TraceHit,
    marked: bool,
    longest: f64,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let bar_cells = (width / 4).min(40);
    let style = if hit.error { theme.bad } else { theme.text };
    let running = if hit.running { "running: " } else { "" };
    let (service, name) = (text::escape(&hit.service), text::escape(&hit.name));
    let marked = if marked { "(a) " } else { "" };
    let name = format!("{marked}{running}{service} {name}");
    let mark = match (hit.error, hit.running) {
        (true, _) => "✗ ",
        (false, true) => "… ",
        (false, false) => "  ",
    };
    let so_far = if hit.running { "> " } else { "" };
    let room = width.saturating_sub(13 + 2 + 10 + bar_cells + 2);
    Line::from(vec![
        Words::styled(
            format!("{} ", clock_millis(hit.start_ns / 1_000_000)),
            theme.dim,
        ),
        Words::styled(mark, if hit.error { theme.bad } else { theme.warn }),
        Words::styled(text::pad(&name, room), style),
        Words::styled(
            format!(
                "{} ",
                text::pad_left(&format!("{so_far}{}", took(hit.duration_ms)), 10)
            ),
            style,
        ),
        Words::styled(
            text::pad(
                &text::bar(hit.duration_ms / longest.max(0.001), bar_cells),
                bar_cells,
            ),
            theme.info,
        ),
    ])
}

/// Lists of traces come in whole milliseconds.
fn took(duration_ms: f64) -> String {
    if duration_ms < 1.0 {
        "<1 ms".to_owned()
    } else {
        text::brief(duration_ms / 1000.0)
    }
}

fn one(app: &App, surface: &mut Surface<'_>, area: Rect, id: &str) {
    let theme = surface.theme;
    let traces = &app.views.traces;
    let Some(trace) = traces.current() else {
        let said = match traces.query.failure {
            // 404 of a trace that a line or an exemplar names
            Some(Failure {
                status: Some(404), ..
            }) => "not kept: of healthy traces only a share is, of failed ones all; Esc goes back",
            Some(_) => "the trace could not be read; Esc goes back to the list",
            None => "reading the trace …",
        };
        return surface.say(area, said, theme.dim);
    };
    let title = format!("Trace {}", text::fit(id, 12));
    let inner = surface.titled(area, &title, &facts(trace), !details::focused(traces));
    let notes = notes(trace);
    let (noted, rest) = cut::top(inner, cut::cells(notes.len()).min(inner.height / 4));
    for (note, row) in notes.iter().zip(noted.rows()) {
        surface.say(row, note, theme.warn);
    }
    let rows = traces.rows();
    // the waterfall takes what its rows need, up to two thirds; the details take the rest
    let most = (rest.height * 2 / 3).max(3);
    let (chart, below) = match app.full || rest.height < 8 {
        true => cut::bottom(rest, 0),
        false => cut::top(rest, cut::cells(rows.len()).clamp(3, most)),
    };
    let list = Rows {
        focused: !details::focused(traces),
        ..Rows::of(rows.len(), traces.row.of(rows.len()))
    };
    surface.list(chart, list, |theme, index, width| {
        span_row(trace, &rows[index], width, theme)
    });
    details::draw(app, surface, below);
}

fn facts(trace: &Waterfall) -> String {
    let errors = trace.spans.iter().filter(|s| s.error).count();
    let failed = match errors {
        0 => "no errors".to_owned(),
        n => text::count(n, "error", "errors"),
    };
    let spans = text::count(trace.spans.len(), "span", "spans");
    let (begun, took) = (
        clock(trace.start_ns / 1_000_000),
        text::seconds(trace.seconds()),
    );
    let so_far = if trace.is_running() { " so far" } else { "" };
    format!("{begun} · {took}{so_far} · {spans} · {failed}")
}

/// What a trained eye would say first: repeated spans, a service that comes back, services that it touches.
fn notes(trace: &Waterfall) -> Vec<String> {
    let repeated = trace.repeated.iter().take(3).map(|operation| {
        let name = format!("{}: {}", operation.service, operation.name);
        let name = text::fit(&text::escape(&name), 90);
        let (n, share) = (operation.count, text::percent(operation.share));
        format!("↻ {n} ×, {share} of the time: {name}")
    });
    let revisited = match trace.revisited().as_slice() {
        [] => None,
        [one] => Some(format!("⟲ {one} is called again further down its own call")),
        several => Some(format!(
            "⟲ called again further down their own call: {}",
            several.join(", ")
        )),
    };
    let mut services: Vec<&str> = trace.spans.iter().map(|s| s.service.as_str()).collect();
    services.sort_unstable();
    services.dedup();
    let touched = format!("◆ critical path   services: {}", services.join(", "));
    let running = trace
        .is_running()
        .then(|| "… root not here yet: still running; spans arrive when they end".to_owned());
    let running = running.into_iter();
    running
        .chain(repeated)
        .chain(revisited)
        .chain([touched])
        .collect()
}

/// What a row of the waterfall shows, of a span or of a group.
struct Shown {
    depth: usize,
    lead: &'static str,
    name: String,
    from_ns: i64,
    to_ns: i64,
    error: bool,
    critical: bool,
    group: bool,
}

fn of_span(trace: &Waterfall, index: usize, depth: usize, folded: Option<bool>) -> Shown {
    let span = &trace.spans[index];
    Shown {
        depth,
        lead: match folded {
            Some(true) => "▸",
            Some(false) => "▾",
            None => "·",
        },
        name: format!("{} {}", span.service, label(span)),
        from_ns: span.start_ns,
        to_ns: span.end_ns,
        error: span.error,
        critical: trace.critical.contains(&index),
        group: false,
    }
}

fn of_group(trace: &Waterfall, members: &[usize], depth: usize, share: f64, open: bool) -> Shown {
    let first = &trace.spans[members[0]];
    let ends = members.iter().map(|i| trace.spans[*i].end_ns);
    let (count, share) = (members.len(), text::percent(share));
    let (service, statement) = (&first.service, label(first));
    Shown {
        depth,
        lead: if open { "▾" } else { "▸" },
        name: format!("{count} ×, {share}: {service} {statement}"),
        from_ns: first.start_ns,
        to_ns: ends.max().unwrap_or(first.end_ns),
        error: members.iter().any(|i| trace.spans[*i].error),
        critical: members.iter().any(|i| trace.critical.contains(i)),
        group: true,
    }
}

fn span_row(trace: &Waterfall, row: &Row, width: usize, theme: &Theme) -> Line<'static> {
    let shown = match row {
        Row::Span {
            index,
            depth,
            folded,
        } => of_span(trace, *index, *depth, *folded),
        Row::Group {
            members,
            depth,
            share,
            open,
        } => of_group(trace, members, *depth, *share, *open),
    };
    let bars = (width * 2 / 5).min(70);
    let names = width.saturating_sub(bars + 12);
    let (mark, style) = match (shown.error, shown.critical, shown.group) {
        (true, _, _) => ("✗ ", theme.bad),
        (false, true, true) => ("◆ ", theme.warn),
        (false, true, false) => ("◆ ", theme.text),
        (false, false, true) => ("  ", theme.warn),
        (false, false, false) => ("  ", theme.text),
    };
    let indent = " ".repeat(shown.depth.min(names / 3));
    let name = format!("{indent}{} {}", shown.lead, text::escape(&shown.name));
    let took = text::brief((shown.to_ns - shown.from_ns).max(0) as f64 / 1e9);
    let strong = if shown.error { theme.bad } else { theme.accent };
    let bar = if shown.error { theme.bad } else { theme.info };
    Line::from(vec![
        Words::styled(mark, strong),
        Words::styled(text::pad(&name, names), style),
        Words::styled(span_bar(trace, &shown, bars), bar),
        Words::styled(text::pad_left(&took, 9), theme.dim),
    ])
}

/// The place of a span in the time of its trace; full blocks on the critical path.
fn span_bar(trace: &Waterfall, shown: &Shown, cells: usize) -> String {
    let length = (trace.end_ns - trace.start_ns) as f64;
    let share = |ns: i64| ns.max(0) as f64 / length * cells as f64;
    let before = (share(shown.from_ns - trace.start_ns).floor() as usize).min(cells);
    let wide = (share(shown.to_ns - shown.from_ns).round() as usize).max(1);
    let block = if shown.critical { "█" } else { "▒" };
    let bar = block.repeat(wide.min(cells - before));
    text::pad(&format!("{}{bar}", " ".repeat(before)), cells)
}
