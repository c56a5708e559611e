//! What the log view holds: query, lines, selection, counts, and the lines around a line while these are looked at.

use std::collections::BTreeSet;

use super::line::{self, as_json, own_fields};
use super::order::Order;
use super::tail::{Held, Shown};
use super::{histogram, patterns};
use crate::app::places::Subject;
use crate::app::{App, Loaded};
use crate::ask::{Ask, Slot};
use crate::client::Asker;
use crate::client::loki::{Histogram, Lines, LogLine, quoted};
use crate::client::words;
use crate::text;
use crate::time::Window;
use crate::views::{ViewId, traces};
use crate::widgets::cursor::{Cursor, Motion};
use crate::widgets::query::QueryLine;

/// Lines asked for at once; moving up from the first asks for as many older ones.
pub const PAGE: usize = 500;
/// Lines held at most; beyond, loading older ones says so and stops, and newer ones are not taken up.
pub(super) const HELD: usize = 20_000;
/// Lines around a line.
const CONTEXT: usize = 200;
/// Bins of the counts over time.
const BINS: usize = 60;

/// State of the view.
#[derive(Default)]
pub struct State {
    /// Query.
    pub query: QueryLine,
    /// Counts by severity over time.
    pub histogram: Loaded<Histogram>,
    /// Selected field.
    pub field: Cursor,
    /// Whether the keys go to the fields.
    pub in_fields: bool,
    /// Whether an answer has arrived.
    pub loaded: bool,
    /// Names of the fields that lines have had: bare words are looked for in them.
    pub seen: BTreeSet<String>,
    /// Window of the lines.
    pub window: Option<Window>,
    /// Lines of the query, oldest first.
    pub(crate) lines: Vec<LogLine>,
    pub(super) around: Option<Vec<LogLine>>,
    /// Selected line; none follows the newest.
    pub(super) chosen: Option<usize>,
    pub(super) before_context: Option<usize>,
    /// The line whose surroundings were asked for.
    pub(super) centre: Option<LogLine>,
    /// Cells by which the texts of the lines are moved to the left.
    pub aside: usize,
    /// Cells by which the selected field's value is.
    pub field_aside: usize,
    /// Whether more lines come between two looks than are shown.
    pub outruns: bool,
    /// The order that was followed last.
    pub(super) order: Option<Order>,
    /// Where the span ends that is being selected.
    pub(super) cursor_ms: Option<i64>,
    /// What the lines have in common.
    pub patterns: patterns::State,
    /// What these lines are the answer to.
    pub(super) shown: Option<Shown>,
    /// What has come since the list stands still; none while it does not.
    pub(super) held: Option<Held>,
    pub(super) older_held: bool,
    pub(super) at_the_beginning: bool,
}

impl State {
    /// What was asked last, as LogQL.
    #[must_use]
    pub fn logql(&self) -> String {
        words::as_logql(&self.query.ran, &self.seen)
    }

    /// What a filter narrows, as LogQL.
    #[must_use]
    pub fn base(&self) -> String {
        words::as_logql(self.query.base(), &self.seen)
    }

    /// Keeps the names of the fields of these lines.
    pub fn see(&mut self, lines: &[LogLine]) {
        for name in lines.iter().flat_map(|l| l.fields.keys()) {
            if !self.seen.contains(name) {
                self.seen.insert(name.clone());
            }
        }
    }

    /// The lines on screen, oldest first.
    #[must_use]
    pub fn lines(&self) -> &[LogLine] {
        self.around.as_deref().unwrap_or(&self.lines)
    }

    /// Whether the lines around a line are shown.
    #[must_use]
    pub fn in_context(&self) -> bool {
        self.around.is_some()
    }

    /// Place of the selected line.
    #[must_use]
    pub fn selected(&self) -> usize {
        let last = self.lines().len().saturating_sub(1);
        self.chosen.unwrap_or(last).min(last)
    }

    /// Whether the newest line is followed.
    #[must_use]
    pub fn tails(&self) -> bool {
        self.chosen.is_none() && self.around.is_none()
    }

    /// The selected line.
    #[must_use]
    pub fn line(&self) -> Option<&LogLine> {
        self.lines().get(self.selected())
    }

    /// The selected line's fields, those first that say most.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, String)> {
        self.line().map(line::fields).unwrap_or_default()
    }

    /// What has come since the list stands still for the sake of the selected line.
    #[must_use]
    pub fn held(&self) -> Option<Held> {
        self.held.filter(|_| self.around.is_none())
    }

    /// Keeps the selected line where the newest was followed, as whoever turns to its fields means this line.
    pub fn stay(&mut self) {
        if !self.lines().is_empty() {
            self.chosen = Some(self.selected());
        }
    }

    /// Follows the newest line again; false when it is followed already.
    pub fn release(&mut self) -> bool {
        self.held = None;
        self.place().take().is_some()
    }

    /// Shows the result of the query again instead of the lines around a line.
    pub fn leave_context(&mut self) -> bool {
        let was = self.around.take().is_some();
        if was {
            self.chosen = self.before_context.take();
        }
        was
    }
}

/// Whether there is a line on screen to select, or a pattern.
#[must_use]
pub fn has_rows(app: &App) -> bool {
    has_lines(app) || patterns::has_rows(app)
}

/// Whether the keys are at a value that can be filtered by.
#[must_use]
pub fn has_value(app: &App) -> bool {
    patterns::has_rows(app) || (app.views.logs.in_fields && has_lines(app))
}

/// Whether a line is on screen.
#[must_use]
pub fn has_lines(app: &App) -> bool {
    !patterns::are_open(app) && !app.views.logs.lines().is_empty()
}

/// Asks for lines and counts of the window.
pub fn refresh(app: &mut App, asker: Asker) {
    let window = app.range.passed();
    let query = app.views.logs.logql();
    // a live tail stands still while older lines are read
    if asker == Asker::Screen && app.views.logs.in_context() {
        return;
    }
    app.ask(Ask::Logs(Lines::newest(query.clone(), window, PAGE)), asker);
    app.ask(
        Ask::Histogram {
            query,
            window,
            bins: BINS,
        },
        Asker::Screen,
    );
    if patterns::are_open(app) {
        patterns::ask(app, asker);
    }
}

/// The server did not count: what is at hand is counted instead.
pub fn count_what_is_there(app: &mut App) {
    let window = app.range.passed();
    let counted = Histogram::of_lines(&app.views.logs.lines, window, BINS);
    app.views.logs.histogram.good(counted);
}

/// Between the lines and the fields of the selected one, which stays that one while its fields are looked at.
pub fn turn_to_fields(app: &mut App, fields: bool) {
    if patterns::are_open(app) {
        return;
    }
    let logs = &mut app.views.logs;
    logs.in_fields = fields;
    logs.field_aside = 0;
    if fields {
        logs.stay();
    }
}

/// Selects a line; the last one follows the newest.
pub fn select(app: &mut App, index: usize) {
    let last = app.views.logs.lines().len().saturating_sub(1);
    if index >= last && !app.views.logs.in_context() {
        app.views.logs.release();
    } else {
        app.views.logs.chosen = Some(index);
    }
    app.views.logs.field = Cursor::default();
    app.views.logs.field_aside = 0;
}

/// Moves among lines or fields; up from the first line asks for older ones.
pub fn motion(app: &mut App, motion: Motion) {
    if histogram::motion(app, motion) {
        return;
    }
    if patterns::are_open(app) {
        return patterns::motion(app, motion);
    }
    let page = app.page();
    let logs = &mut app.views.logs;
    if logs.in_fields {
        let fields = logs.fields();
        if matches!(motion, Motion::Left | Motion::Right) {
            let value = &fields.get(logs.field.of(fields.len()));
            let longest = value.map_or(0, |(_, value)| text::width(&text::escape(value)));
            let right = motion == Motion::Right;
            logs.field_aside = line::step(logs.field_aside, right, longest);
            return;
        }
        logs.field_aside = 0;
        let len = fields.len();
        logs.field.go(motion, len, page);
        return;
    }
    let upwards = matches!(motion, Motion::Up | Motion::PageUp | Motion::HalfUp);
    if upwards && logs.selected() == 0 && !logs.lines.is_empty() && !logs.in_context() {
        return load_older(app);
    }
    if matches!(motion, Motion::Left | Motion::Right) {
        return sideways(logs, motion == Motion::Right);
    }
    let mut cursor = Cursor::put(logs.selected());
    cursor.go(motion, logs.lines().len(), page);
    select(app, cursor.at);
    // a span that is being selected ends at the line
    app.views.logs.cursor_ms = app.views.logs.line().map(LogLine::at_ms);
}

/// Moves the texts of the lines, as far as the longest of those about the selected one.
fn sideways(logs: &mut State, right: bool) {
    /// Lines on either side that are looked at: more than a screen has.
    const NEAR: usize = 100;
    let from = logs.selected().saturating_sub(NEAR);
    let near = logs.lines().iter().skip(from).take(2 * NEAR);
    let cells = near.map(|l| text::width(&text::escape(&l.line)) + text::width(&own_fields(l)));
    logs.aside = line::step(logs.aside, right, cells.max().unwrap_or(0));
}

fn load_older(app: &mut App) {
    let logs = &app.views.logs;
    if logs.at_the_beginning {
        return app.say("this is the first line of the window; Z widens it, H shifts it back");
    }
    if logs.lines.len() >= HELD {
        return app.say("20,000 lines are held; narrow the query or shift the window with H");
    }
    if app.flights.contains_key(&Slot::OlderLogs) {
        return;
    }
    // one line alone is followed and first; now it is the one from which older ones are looked for
    app.views.logs.stay();
    let logs = &app.views.logs;
    let before_ns = logs.lines.first().map_or(0, |l| l.ts_ns);
    let shown = logs.shown.as_ref().map(|s| s.window);
    let window = shown.unwrap_or_else(|| app.range.passed());
    let query = logs.logql();
    app.ask(
        Ask::OlderLogs(Lines {
            end_ns: before_ns,
            ..Lines::newest(query, window, PAGE)
        }),
        Asker::Screen,
    );
}

/// Enter: to the trace of the line, or the line in full when it has none.
pub fn enter(app: &mut App) {
    if patterns::are_open(app) {
        return patterns::narrow(app, true);
    }
    if app.views.logs.in_fields {
        return super::filter::filter(app, true);
    }
    let Some(line) = app.views.logs.line() else {
        return;
    };
    match line.trace_id().map(str::to_owned) {
        Some(trace) => {
            let span = line.span_id().map(str::to_owned);
            traces::state::show_span(app, &trace, span);
        }
        None => {
            let record = as_json(line);
            app.say("this line belongs to no trace");
            app.overlay = Some(crate::app::overlay::Overlay::reader(
                "The record",
                serde_json::from_str::<serde_json::Value>(&record)
                    .ok()
                    .and_then(|v| serde_json::to_string_pretty(&v).ok())
                    .unwrap_or(record),
            ));
        }
    }
}

/// Esc: out of the fields, out of the context, from or to the patterns, back to the newest line,
/// or away from the query.
pub fn back(app: &mut App) -> bool {
    let logs = &mut app.views.logs;
    if std::mem::take(&mut logs.in_fields) || logs.leave_context() {
        return true;
    }
    patterns::back(app) || app.views.logs.release() || app.clear_query()
}

/// `c`: the lines around the selected one, of every service.
pub fn context(app: &mut App) {
    if patterns::are_open(app) {
        return app.say("a pattern has no surroundings; Enter shows its lines");
    }
    if app.views.logs.in_context() {
        app.views.logs.leave_context();
    } else if let Some(line) = app.views.logs.line().cloned() {
        let at_ns = line.ts_ns;
        app.views.logs.centre = Some(line);
        app.ask(
            Ask::Context {
                query: words::as_logql("", &app.views.logs.seen),
                at_ns,
                limit: CONTEXT,
            },
            Asker::Person,
        );
    }
}

/// Opens the view on a subject: the logs of a trace, or of a service, about a time if it has one.
pub fn show(app: &mut App, subject: &Subject) {
    let query = match (&subject.trace, &subject.service) {
        (Some(trace), _) => format!("{{service=~\".+\"}} | trace_id={}", quoted(trace)),
        (None, Some(service)) => format!("{{service={}}}", quoted(service)),
        (None, None) => String::new(),
    };
    show_query(app, &query);
}

/// Opens the view with a query.
pub fn show_query(app: &mut App, query: &str) {
    app.remember();
    let logs = &mut app.views.logs;
    logs.leave_context();
    logs.release();
    logs.in_fields = false;
    logs.patterns.open = false;
    logs.query.set(query);
    logs.query.commit();
    if app.view == ViewId::Logs {
        app.refresh(Asker::Person);
    } else {
        app.last_view = app.view;
        app.view = ViewId::Logs;
        app.arrived();
    }
}

/// Words that the query can hold: labels, fields seen, services, and what LogQL has.
#[must_use]
pub fn completions(app: &App) -> Vec<String> {
    let mut out: Vec<String> = app.services();
    out.extend(app.views.logs.seen.iter().cloned());
    out.extend(
        [
            "service",
            "level",
            "error",
            "warn",
            "info",
            "json",
            "logfmt",
            "count_over_time",
            "rate",
            "trace_id",
        ]
        .map(str::to_owned),
    );
    out
}
