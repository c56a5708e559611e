//! What the trace view holds: query, hits, order, and the trace that stands open with its logs.

use std::collections::HashSet;

use super::aside::{self, Aside};
use super::compare::Marked;
use super::details;
use super::waterfall::{Row, Waterfall, label};
use crate::app::places::Subject;
use crate::app::{App, Loaded};
use crate::ask::{Ask, Slot};
use crate::client::Asker;
use crate::client::difference::{Comparison, Differs, Group};
use crate::client::loki::{LogLine, quoted};
use crate::client::tempo::{Span, TraceHit, Wanted};
use crate::client::traceql;
use crate::net::TRACE_LOGS;
use crate::text;
use crate::time::Range;
use crate::views::{ViewId, logs, metrics};
use crate::widgets::cursor::{Cursor, Motion, round};
use crate::widgets::query::QueryLine;

/// Traces asked for at once: the newest of the window, or the slowest.
pub const LIMIT: usize = 200;

/// What the list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Time of begin.
    #[default]
    Time,
    /// Duration.
    Duration,
    /// Failed ones apart.
    Error,
}

impl Order {
    /// Which traces are asked for, so that the first of the list are the first of the window.
    #[must_use]
    pub fn wanted(self) -> Wanted {
        match self {
            Self::Time => Wanted::Newest,
            Self::Duration => Wanted::Slowest,
            Self::Error => Wanted::Failed,
        }
    }
}

/// State of the view.
#[derive(Default)]
pub struct State {
    /// Query.
    pub query: QueryLine,
    /// Traces found, in the order of the list.
    pub hits: Vec<TraceHit>,
    /// Whether an answer has arrived.
    pub loaded: bool,
    /// Whether more match than were found.
    pub is_cut: bool,
    /// Selected trace.
    pub at: Cursor,
    /// Sorting.
    pub order: Order,
    /// Smallest first.
    pub ascending: bool,
    /// Trace that stands open.
    pub open: Option<String>,
    /// Its spans, once they have arrived.
    pub waterfall: Option<Waterfall>,
    /// Selected row of the waterfall.
    pub row: Cursor,
    /// Folded spans.
    pub folded: HashSet<String>,
    /// Groups that are open.
    pub groups: HashSet<String>,
    /// Logs of the trace.
    pub logs: Vec<LogLine>,
    /// Whether these logs are shown in place.
    pub show_logs: bool,
    /// Whether the keys go to what is below the waterfall.
    pub in_details: bool,
    /// Selected attribute of the span.
    pub detail: Cursor,
    /// Selected log line of the trace.
    pub log: Cursor,
    /// Cells by which the selected of these is moved to the left.
    pub aside_cells: usize,
    /// What stands in the place of the list.
    pub aside: Option<Aside>,
    /// The trace that others are compared with.
    pub marked: Option<Marked>,
    /// Two traces compared.
    pub compared: Loaded<Comparison>,
    /// Selected step of the comparison.
    pub step: Cursor,
    /// Of which traces it is told how they differ from the rest.
    pub group: Group,
    /// How they differ.
    pub differs: Loaded<Differs>,
    /// Selected value of that.
    pub value: Cursor,
    /// The query that a value was made into, and what was typed before.
    pub(super) led_to: Option<(String, String)>,
    /// What these traces are the answer to: what was typed, the choice of window, and the order.
    pub(super) shown: Option<(String, Range, Order)>,
    /// Traces that have come since the list stands still for the sake of the selected one; none while it does not.
    pub held: Option<usize>,
    pub(super) wanted_span: Option<String>,
    /// How often in a row the open trace was read again without a new span.
    pub(super) unchanged: u32,
}

/// So often an unfinished trace is read again without a new span: about two minutes. Its root was lost, then.
const PATIENCE: u32 = 80;

impl State {
    /// The trace that stands open, if its spans have arrived.
    #[must_use]
    pub fn current(&self) -> Option<&Waterfall> {
        self.waterfall
            .as_ref()
            .filter(|w| Some(&w.id) == self.open.as_ref())
    }

    /// Rows of the waterfall.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.current()
            .map(|w| w.rows(&self.folded, &self.groups))
            .unwrap_or_default()
    }

    /// The selected row.
    #[must_use]
    pub fn selected_row(&self) -> Option<Row> {
        let rows = self.rows();
        let at = self.row.of(rows.len());
        rows.into_iter().nth(at)
    }

    /// The selected span.
    #[must_use]
    pub fn span(&self) -> Option<&Span> {
        let row = self.selected_row()?;
        self.current()?.spans.get(row.span())
    }

    /// The selected trace of the list.
    #[must_use]
    pub fn hit(&self) -> Option<&TraceHit> {
        self.hits.get(self.at.of(self.hits.len()))
    }

    /// Goes to the first row, and follows it.
    pub fn release(&mut self) {
        self.at = Cursor::default();
        self.held = None;
    }

    /// Whether the first row is the newest, and followed.
    #[must_use]
    pub fn follows(&self) -> bool {
        !self.at.picked() && self.order == Order::Time && !self.ascending
    }

    pub(super) fn sort(&mut self) {
        let (order, ascending) = (self.order, self.ascending);
        self.hits.sort_by(|a, b| {
            let by = match order {
                Order::Time => a.start_ns.cmp(&b.start_ns),
                Order::Duration => a.duration_ms.total_cmp(&b.duration_ms),
                Order::Error => a
                    .error
                    .cmp(&b.error)
                    .then(a.duration_ms.total_cmp(&b.duration_ms)),
            };
            if ascending { by } else { by.reverse() }
        });
    }
}

/// Whether one trace stands open.
#[must_use]
pub fn in_trace(app: &App) -> bool {
    app.views.traces.open.is_some()
}

/// Whether the list is on screen, with something to sort.
#[must_use]
pub fn in_list(app: &App) -> bool {
    let traces = &app.views.traces;
    !in_trace(app) && traces.aside.is_none() && has_rows(app)
}

/// Whether there is a trace or a span to select.
#[must_use]
pub fn has_rows(app: &App) -> bool {
    let traces = &app.views.traces;
    match (in_trace(app), aside::shown(traces)) {
        (true, _) => traces.current().is_some(),
        (false, Some(aside)) => !aside::texts(traces, aside).0.is_empty(),
        (false, None) => !traces.hits.is_empty(),
    }
}

/// TraceQL of what was asked last.
#[must_use]
pub fn asked(app: &App) -> String {
    traceql::of_typed(&app.views.traces.query.ran, &app.services())
}

/// TraceQL of what a filter narrows.
#[must_use]
pub fn base(app: &App) -> String {
    let typed = app.views.traces.query.base();
    // the id of one trace would leave no other
    match traceql::is_trace_id(typed) {
        true => traceql::of_typed("", &[]),
        false => traceql::of_typed(typed, &app.services()),
    }
}

/// Asks for the traces of the window.
pub fn refresh(app: &mut App, asker: Asker) {
    let traces = &app.views.traces;
    if traces.open.is_some() && asker == Asker::Screen {
        return;
    }
    if let Some(id) = traces.open.clone() {
        app.ask(Ask::Trace(id), Asker::Screen);
    }
    let traces = &app.views.traces;
    let (typed, wanted) = (traces.query.ran.clone(), traces.order.wanted());
    if asker == Asker::Person && traceql::is_trace_id(&typed) {
        return open(app, &typed, Asker::Person);
    }
    if asker == Asker::Person && traces.aside == Some(Aside::Differs) {
        super::differs::ask(app);
    }
    let (query, window) = (asked(app), app.range.passed());
    app.ask(
        Ask::Traces {
            query,
            window,
            wanted,
            limit: LIMIT,
        },
        asker,
    );
}

/// Reads the open trace again while its root is missing, until no new spans have come for a while.
pub fn look_again(app: &mut App) {
    let traces = &app.views.traces;
    let unfinished = traces.current().filter(|w| w.is_running());
    let again = unfinished.filter(|_| traces.unchanged < PATIENCE);
    if let Some(id) = again.map(|w| w.id.clone()) {
        app.ask_quietly(Ask::Trace(id));
    }
}

/// Opens a trace.
pub fn open(app: &mut App, id: &str, asker: Asker) {
    let traces = &mut app.views.traces;
    traces.open = Some(id.to_owned());
    traces.row = Cursor::default();
    traces.in_details = false;
    traces.detail = Cursor::default();
    traces.log = Cursor::default();
    traces.unchanged = 0;
    traces.logs.clear();
    if traces.waterfall.as_ref().is_none_or(|w| w.id != id) {
        traces.folded.clear();
        traces.groups.clear();
    }
    app.ask(Ask::Trace(id.to_owned()), asker);
}

/// Opens the view on a subject: its trace, or the traces of its service.
pub fn show(app: &mut App, subject: &Subject) {
    match (&subject.trace, &subject.service) {
        (Some(id), _) => show_span(app, id, None),
        (None, Some(service)) => show_query(
            app,
            &format!("{{ resource.service.name = {} }}", quoted(service)),
        ),
        (None, None) => show_query(app, ""),
    }
}

/// Opens the view with a query.
pub fn show_query(app: &mut App, query: &str) {
    app.remember();
    app.views.traces.open = None;
    app.views.traces.aside = None;
    app.views.traces.release();
    app.views.traces.query.set(query);
    app.views.traces.query.commit();
    if app.view == ViewId::Traces {
        app.refresh(Asker::Person);
    } else {
        app.last_view = app.view;
        app.view = ViewId::Traces;
        app.arrived();
    }
}

/// Opens the view on a span of a trace.
pub fn show_span(app: &mut App, trace: &str, span: Option<String>) {
    app.remember();
    app.views.traces.wanted_span = span;
    app.views.traces.aside = None;
    let asker = Asker::Person;
    open(app, trace, asker);
    if app.view != ViewId::Traces {
        app.last_view = app.view;
        app.view = ViewId::Traces;
        app.arrived();
    }
}

/// Moves in the list, or in the waterfall, where left and right fold.
pub fn motion(app: &mut App, motion: Motion) {
    let page = app.page();
    let traces = &mut app.views.traces;
    if let Some(aside) = aside::shown(traces) {
        let len = aside::texts(traces, aside).0.len();
        return aside::cursor(traces, aside).go(motion, len, page);
    }
    if traces.open.is_none() {
        let len = traces.hits.len();
        return traces.at.go(motion, len, page);
    }
    if details::focused(traces) {
        return details::motion(traces, motion, page);
    }
    if matches!(motion, Motion::Left | Motion::Right) {
        return fold(app, motion == Motion::Left);
    }
    let len = traces.rows().len();
    traces.row.go(motion, len, page);
    (traces.detail, traces.log) = (Cursor::default(), Cursor::default());
}

/// Selects a row of the waterfall.
pub(super) fn to_row(traces: &mut State, index: usize) {
    traces.row = Cursor::put(index);
    (traces.detail, traces.log) = (Cursor::default(), Cursor::default());
}

fn fold(app: &mut App, close: bool) {
    let traces = &mut app.views.traces;
    let Some(row) = traces.selected_row() else {
        return;
    };
    let Some(id) = traces
        .current()
        .and_then(|w| w.spans.get(row.span()))
        .map(|s| s.id.clone())
    else {
        return;
    };
    let set = if matches!(row, Row::Group { .. }) {
        &mut traces.groups
    } else {
        &mut traces.folded
    };
    // a group that is in its set is open, a span that is in its set is folded
    if matches!(row, Row::Group { .. }) == close {
        set.remove(&id)
    } else {
        set.insert(id)
    };
}

/// Enter: opens the trace; on a group opens it; on a span its logs.
pub fn enter(app: &mut App) {
    if let Some(aside) = aside::shown(&app.views.traces) {
        return aside::enter(app, aside);
    }
    if app.views.traces.open.is_none() {
        if let Some(id) = app.views.traces.hit().map(|h| h.trace_id.clone()) {
            app.remember();
            open(app, &id, Asker::Person);
        }
        return;
    }
    if details::focused(&app.views.traces) {
        return details::enter(app);
    }
    match app.views.traces.selected_row() {
        Some(Row::Group { open, .. }) => fold(app, open),
        Some(Row::Span { .. }) => span_logs(app),
        None => {}
    }
}

/// Logs of the selected span, in the log view; of its service in this trace where no line is of the span itself.
pub fn span_logs(app: &mut App) {
    let traces = &app.views.traces;
    let Some(trace) = traces.open.clone() else {
        return app.follow(ViewId::Logs);
    };
    let of_trace = format!("trace_id={}", quoted(&trace));
    let Some(span) = traces.span() else {
        return logs::state::show_query(app, &format!("{{service=~\".+\"}} | {of_trace}"));
    };
    let of_service = format!("{{service={}}} | {of_trace}", quoted(&span.service));
    let is_group = matches!(traces.selected_row(), Some(Row::Group { .. }));
    let known = traces.logs.len() < TRACE_LOGS && app.waiting(Slot::TraceLogs).is_none();
    let has_own = traces.logs.iter().any(|l| l.span_id() == Some(&span.id));
    if is_group || (known && !has_own) {
        let name = text::escape(&label(span)).into_owned();
        logs::state::show_query(app, &of_service);
        if !is_group {
            app.say(format!(
                "no line is of {name} itself; these are of its service"
            ));
        }
        return;
    }
    let query = format!("{of_service} | span_id={}", quoted(&span.id));
    logs::state::show_query(app, &query);
}

/// The metrics of the selected span's service.
pub fn span_metrics(app: &mut App) {
    let subject = super::selection::about(app);
    metrics::state::show(app, &subject);
}

/// `e`: to the next or previous failed span or trace.
pub fn jump_error(app: &mut App, forward: bool) {
    let traces = &mut app.views.traces;
    if aside::shown(traces).is_some() {
        return app.say("Esc goes back to the list; e walks the failed traces there");
    }
    let (failed, at): (Vec<bool>, usize) = if traces.open.is_some() {
        let rows = traces.rows();
        let failed = traces
            .current()
            .map(|w| rows.iter().map(|r| w.spans[r.span()].error).collect())
            .unwrap_or_default();
        (failed, traces.row.of(rows.len()))
    } else {
        (
            traces.hits.iter().map(|h| h.error).collect(),
            traces.at.of(traces.hits.len()),
        )
    };
    match round(failed.len(), at, forward).find(|i| failed[*i]) {
        Some(index) if traces.open.is_some() => to_row(traces, index),
        Some(index) => traces.at = Cursor::put(index),
        None => app.say("nothing here failed"),
    }
}

/// `s`, `i`: the next column to sort by; the other direction.
pub fn sort(app: &mut App, next: bool) {
    let traces = &mut app.views.traces;
    if aside::shown(traces).is_some() {
        return app.say("Esc goes back to the list; s sorts that");
    }
    if next {
        traces.order = match traces.order {
            Order::Time => Order::Duration,
            Order::Duration => Order::Error,
            Order::Error => Order::Time,
        };
    } else {
        traces.ascending = !traces.ascending;
    }
    let chosen = traces.hit().map(|h| h.trace_id.clone());
    traces.sort();
    let place = traces
        .hits
        .iter()
        .position(|h| Some(&h.trace_id) == chosen.as_ref());
    // who stands at the top asks for the top of the new order
    if traces.at.at > 0 {
        traces.at.went_to(place, traces.hits.len());
    }
    // the first of another order may be none of those that are here
    if next && traces.is_cut {
        refresh(app, Asker::Screen);
    } else if let Some((_, _, order)) = &mut traces.shown {
        *order = traces.order;
    }
}
