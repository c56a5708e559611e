//! What answers of the lab do to the list of traces and to the one that stands open: the selection goes where its trace
//! or span went. A list that would lose the selected trace stands still and counts what has come.

use super::state::State;
use super::waterfall::{Row, Waterfall};
use crate::app::App;
use crate::ask::Ask;
use crate::client::Asker;
use crate::client::derived::Derived;
use crate::client::tempo::{Span, TraceHit, TraceList};
use crate::time::Window;
use crate::widgets::cursor::Cursor;

/// Logs of a trace may be stamped a little outside its spans, milliseconds.
const AROUND_MS: i64 = 5_000;

/// Traces have arrived; the selected one stays selected.
pub fn hits_arrived(app: &mut App, found: TraceList) {
    let hits = found.hits;
    let (range, on_screen) = (app.range, app.view == crate::views::ViewId::Traces);
    let traces = &mut app.views.traces;
    traces.query.answered();
    traces.loaded = true;
    let (query, order) = (traces.query.ran.clone(), traces.order);
    let same = traces
        .shown
        .as_ref()
        .is_some_and(|(q, r, o)| *q == query && *o == order && r.same_choice(range));
    let chosen = traces.hit().map(|h| h.trace_id.clone());
    // the first of another order was asked for, whichever that is
    let reordered = traces.shown.as_ref().is_some_and(|(_, _, o)| *o != order);
    let first = reordered && !traces.at.picked();
    let chosen = chosen.filter(|_| !traces.follows() && !first);
    let lost = chosen
        .as_ref()
        .is_some_and(|id| hits.iter().all(|h| h.trace_id != *id));
    if lost && same {
        let known = |hit: &&TraceHit| traces.hits.iter().all(|h| h.trace_id != hit.trace_id);
        traces.held = Some(hits.iter().filter(known).count());
        return;
    }
    traces.shown = Some((query, range, order));
    traces.is_cut = found.is_cut;
    traces.held = None;
    traces.hits = hits;
    traces.sort();
    if lost {
        traces.at = Cursor::default();
        if on_screen && traces.open.is_none() && !traces.hits.is_empty() {
            app.say("the trace selected before is not among these: the first one is");
        }
    } else if let Some(id) = chosen {
        let place = traces.hits.iter().position(|h| h.trace_id == id);
        traces.at.went_to(place, traces.hits.len());
    }
}

/// The spans of the open trace have arrived.
pub fn trace_arrived(app: &mut App, id: String, spans: Vec<Span>, derived: Derived) {
    let traces = &mut app.views.traces;
    traces.query.failure = None;
    let before = traces.waterfall.as_ref().filter(|w| w.id == id);
    let same = before.is_some_and(|w| w.spans.len() == spans.len());
    traces.unchanged = if same { traces.unchanged + 1 } else { 0 };
    // spans that arrive above the selected one do not move the selection to another
    let picked = traces.row.picked() && before.is_some();
    let selected = traces.selected_row().filter(|_| picked).and_then(|row| {
        let span = before?.spans.get(row.span())?;
        Some((matches!(row, Row::Group { .. }), span.id.clone()))
    });
    let waterfall = Waterfall::new(id.clone(), spans, derived);
    let (start_ms, end_ms) = (waterfall.start_ns / 1_000_000, waterfall.end_ns / 1_000_000);
    traces.waterfall = Some(waterfall);
    let wanted = traces.wanted_span.take().map(|id| (false, id));
    if let Some((group, span)) = wanted.or(selected) {
        let (place, rows) = place_of(traces, group, &span);
        traces.row = Cursor::put(traces.row.at);
        traces.row.went_to(place, rows);
    }
    app.ask(
        Ask::TraceLogs {
            trace_id: id,
            window: Window {
                start_ms: start_ms - AROUND_MS,
                end_ms: end_ms + AROUND_MS,
            },
        },
        Asker::Screen,
    );
}

/// The row of a span or of the group that it stands for, and how many rows there are: the row itself, or another one of
/// the same span, or the group in which it is folded away by now.
fn place_of(traces: &State, group: bool, span: &str) -> (Option<usize>, usize) {
    let rows = traces.rows();
    let Some(waterfall) = traces.current() else {
        return (None, rows.len());
    };
    let id = |i: usize| waterfall.spans.get(i).map(|s| s.id.as_str()) == Some(span);
    let is_group = |row: &Row| matches!(row, Row::Group { .. });
    let itself = |row: &Row| is_group(row) == group && id(row.span());
    let holds =
        |row: &Row| matches!(row, Row::Group { members, .. } if members.iter().any(|i| id(*i)));
    let place = rows.iter().position(itself);
    let place = place.or_else(|| rows.iter().position(|row| id(row.span())));
    (place.or_else(|| rows.iter().position(holds)), rows.len())
}
