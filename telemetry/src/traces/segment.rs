//! Sealed columns of spans with their orders by time and by trace. A reader looks at rows, and makes a [`Span`] only of what it
//! keeps. Knows no query.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::columns::{Cell, Columns, List};
use super::sampling::adjusted_count;
use super::span::{Event, Kind, Link, Span, Status, Trace};
use crate::attributes::{Attribute, Text, Value};
use crate::dictionary::Symbol;
use crate::logs::record::SpanId;
use crate::origins::Origin;
use crate::segments::{self, SEGMENT_ROWS};
use crate::time::TraceId;

// rows are numbered by 16 bits
const _: () = assert!(SEGMENT_ROWS <= 1 << 16);

/// Bits of the filter for each trace of a segment: of a hundred segments without a trace about two are looked at in vain.
const FILTER_BITS_PER_TRACE: usize = 16;

/// Sealed spans.
#[derive(Debug)]
pub struct SpanSegment {
    pub(super) columns: Columns,
    /// Rows by begin.
    by_time: Vec<u16>,
    /// Rows by trace, each trace's by begin.
    by_trace: Vec<u16>,
    /// The traces' ids, sorted.
    traces: Vec<TraceId>,
    /// Where each trace's rows begin in `by_trace`; one more than there are traces.
    trace_start: Vec<u32>,
    /// Place of each row's trace.
    trace_of: Vec<u16>,
    filter: Filter,
    starts_ns: Option<(i64, i64)>,
    latest_end_ns: i64,
    /// Least and greatest.
    durations_ns: (i64, i64),
}

impl SpanSegment {
    pub(super) fn seal(mut columns: Columns) -> Self {
        let mut by_time: Vec<u16> = (0..columns.rows()).map(|row| row as u16).collect();
        by_time.sort_by_key(|&row| columns.start_ns[usize::from(row)]);
        let ids = std::mem::take(&mut columns.trace_id);
        let (traces, trace_of) = number(&ids);
        let mut trace_start = vec![0_u32; traces.len() + 1];
        for &trace in &trace_of {
            trace_start[usize::from(trace) + 1] += 1;
        }
        for at in 1..trace_start.len() {
            trace_start[at] += trace_start[at - 1];
        }
        let mut next = trace_start.clone();
        let mut by_trace = vec![0_u16; by_time.len()];
        for &row in &by_time {
            let place = &mut next[usize::from(trace_of[usize::from(row)])];
            by_trace[*place as usize] = row;
            *place += 1;
        }
        columns.shrink();
        let start = |row: Option<&u16>| row.map(|&row| columns.start_ns[usize::from(row)]);
        let ends = columns.start_ns.iter().zip(&columns.duration_ns);
        let durations = || columns.duration_ns.iter().copied();
        Self {
            starts_ns: start(by_time.first()).zip(start(by_time.last())),
            latest_end_ns: ends
                .map(|(start, length)| start + length)
                .max()
                .unwrap_or(i64::MIN),
            durations_ns: (
                durations().min().unwrap_or(0),
                durations().max().unwrap_or(0),
            ),
            filter: Filter::of(&traces),
            columns,
            by_time,
            by_trace,
            traces,
            trace_start,
            trace_of,
        }
    }

    /// Its spans, by begin.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = SpanRow<'_>> + ExactSizeIterator {
        self.by_time.iter().map(|&row| self.row(row))
    }

    /// Earliest and latest begin, if there are spans.
    #[must_use]
    pub fn starts_ns(&self) -> Option<(i64, i64)> {
        self.starts_ns
    }

    /// Whether a span of it may overlap a window.
    #[must_use]
    pub fn overlaps(&self, start_ns: i64, end_ns: i64) -> bool {
        let first = self.starts_ns.map_or(i64::MAX, |(first, _)| first);
        first <= end_ns && self.latest_end_ns >= start_ns
    }

    /// Its spans of one trace, by begin.
    pub fn of_trace(&self, id: &TraceId) -> impl Iterator<Item = SpanRow<'_>> {
        let place = self.place(id);
        let rows = place.map_or(&[][..], |place| self.rows_of(place));
        rows.iter().map(|&row| self.row(row))
    }

    /// Whether it has spans of a trace.
    pub(super) fn holds(&self, id: &TraceId) -> bool {
        self.place(id).is_some()
    }

    /// Place of a trace among those here.
    fn place(&self, id: &TraceId) -> Option<usize> {
        let known = self.filter.may_hold(id);
        known.then(|| self.traces.binary_search(id).ok()).flatten()
    }

    /// Its traces: each id, and its rows by begin.
    pub(super) fn traces(&self) -> impl Iterator<Item = (&TraceId, &[u16])> {
        let rows = (0..self.traces.len()).map(|place| self.rows_of(place));
        self.traces.iter().zip(rows)
    }

    fn rows_of(&self, place: usize) -> &[u16] {
        &self.by_trace[self.trace_start[place] as usize..self.trace_start[place + 1] as usize]
    }

    /// Least and greatest duration, ns.
    pub(super) fn durations_ns(&self) -> (i64, i64) {
        self.durations_ns
    }

    pub(super) fn row(&self, row: u16) -> SpanRow<'_> {
        SpanRow { segment: self, row }
    }
}

impl segments::Sealed for SpanSegment {
    fn rows(&self) -> usize {
        self.by_time.len()
    }

    fn bytes(&self) -> usize {
        let two_bytes = self.by_time.len() + self.by_trace.len() + self.trace_of.len();
        size_of::<Self>()
            + self.columns.bytes()
            + two_bytes * size_of::<u16>()
            + self.traces.capacity() * size_of::<TraceId>()
            + self.trace_start.len() * size_of::<u32>()
            + self.filter.0.len() * size_of::<u64>()
    }

    fn earliest_ns(&self) -> Option<i64> {
        Some(self.starts_ns?.0)
    }
}

/// The distinct ids, sorted, and the place of each row's among them.
fn number(ids: &[TraceId]) -> (Vec<TraceId>, Vec<u16>) {
    let mut numbers: HashMap<TraceId, u16, RandomState> = HashMap::default();
    let mut distinct: Vec<(TraceId, u16)> = Vec::new();
    let mut of_row: Vec<u16> = Vec::with_capacity(ids.len());
    for id in ids {
        let number = numbers.entry(*id).or_insert_with(|| {
            let number = distinct.len() as u16;
            distinct.push((*id, number));
            number
        });
        of_row.push(*number);
    }
    distinct.sort_unstable_by_key(|(id, _)| *id);
    let mut place = vec![0_u16; distinct.len()];
    for (at, (_, number)) in distinct.iter().enumerate() {
        place[usize::from(*number)] = at as u16;
    }
    for number in &mut of_row {
        *number = place[usize::from(*number)];
    }
    (distinct.into_iter().map(|(id, _)| id).collect(), of_row)
}

/// Tells quickly of most ids that they are not among a segment's traces.
#[derive(Debug)]
struct Filter(Vec<u64>);

impl Filter {
    fn of(ids: &[TraceId]) -> Self {
        let words = (ids.len() * FILTER_BITS_PER_TRACE / 64).max(1);
        let mut filter = Self(vec![0; words.next_power_of_two()]);
        for id in ids {
            let (word, bits) = filter.place(id);
            filter.0[word] |= bits;
        }
        filter
    }

    fn may_hold(&self, id: &TraceId) -> bool {
        let (word, bits) = self.place(id);
        self.0[word] & bits == bits
    }

    /// A word and three bits of it. Ids are random by the standard; others only make it tell less.
    fn place(&self, id: &TraceId) -> (usize, u64) {
        let folded = u128::from_be_bytes(*id);
        let mixed = (folded as u64 ^ (folded >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bit = |shift: u32| 1_u64 << (mixed >> shift & 63);
        let word = (mixed >> 32) as usize & (self.0.len() - 1);
        (word, bit(58) | bit(52) | bit(26))
    }
}

/// A span in a segment.
#[derive(Debug, Clone, Copy)]
pub struct SpanRow<'a> {
    segment: &'a SpanSegment,
    row: u16,
}

impl<'a> SpanRow<'a> {
    fn at(self) -> usize {
        usize::from(self.row)
    }

    /// Its number in the segment.
    pub(super) fn number(self) -> u16 {
        self.row
    }

    fn columns(self) -> &'a Columns {
        &self.segment.columns
    }

    fn text(self, symbol: Symbol) -> &'a str {
        self.columns().texts.text(symbol)
    }

    /// The trace.
    #[must_use]
    pub fn trace_id(self) -> TraceId {
        self.segment.traces[usize::from(self.segment.trace_of[self.at()])]
    }

    /// The span.
    #[must_use]
    pub fn span_id(self) -> SpanId {
        self.columns().span_id[self.at()]
    }

    /// The span that caused it; `None` for a root.
    #[must_use]
    pub fn parent(self) -> Option<SpanId> {
        let parent = self.columns().parent[self.at()];
        (parent != [0; 8]).then_some(parent)
    }

    /// What was done.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.text(self.columns().name[self.at()])
    }

    /// What it stands for.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.columns().kind[self.at()]
    }

    /// How it ended.
    #[must_use]
    pub fn status(self) -> Status {
        self.columns().status[self.at()]
    }

    /// Why it failed.
    #[must_use]
    pub fn status_message(self) -> &'a str {
        let message = self.columns().status_message.get(self.row.into());
        message.map_or("", |symbol| self.text(symbol))
    }

    /// Begin, ns.
    #[must_use]
    pub fn start_ns(self) -> i64 {
        self.columns().start_ns[self.at()]
    }

    /// Length, ns.
    #[must_use]
    pub fn duration_ns(self) -> i64 {
        self.columns().duration_ns[self.at()]
    }

    /// End, ns.
    #[must_use]
    pub fn end_ns(self) -> i64 {
        self.start_ns() + self.duration_ns()
    }

    /// Who did it.
    #[must_use]
    pub fn origin(self) -> &'a Arc<Origin> {
        &self.columns().origins[usize::from(self.columns().origin[self.at()])]
    }

    /// The service that did it.
    #[must_use]
    pub fn service(self) -> &'a str {
        &self.origin().service
    }

    /// How many spans it stands for, as [`Span::adjusted_count`].
    #[must_use]
    pub fn adjusted_count(self) -> f64 {
        let state = self.columns().trace_state.get(self.row.into());
        state.map_or(1.0, |symbol| adjusted_count(self.text(symbol)))
    }

    /// The names of its own attributes, as written.
    pub fn keys(self) -> impl Iterator<Item = &'a str> {
        let pairs = self.pairs(self.columns().attributes[self.at()]);
        pairs.map(|(key, _)| key)
    }

    /// The value of an attribute of its own.
    #[must_use]
    pub fn own(self, name: &str) -> Option<Value> {
        self.own_cell(name).map(Cell::value)
    }

    pub(super) fn own_cell(self, name: &str) -> Option<Cell<'a>> {
        let columns = self.columns();
        let key = columns.texts.find_symbol(name)?;
        let list = columns.attributes[self.at()];
        let slots = columns.slots(list.shape);
        let place = slots.iter().position(|slot| slot.key() == key)?;
        Some(columns.read(slots[place], columns.raw(list, place)))
    }

    fn pairs(self, list: List) -> impl Iterator<Item = (&'a str, Cell<'a>)> {
        let pairs = self.columns().pairs(list);
        pairs.map(move |(key, cell)| (self.text(key), cell))
    }

    fn attributes(self, list: List) -> Vec<Attribute> {
        let one = |(key, cell): (&str, Cell<'_>)| Attribute {
            key: Text::from(key),
            value: cell.value(),
        };
        self.pairs(list).map(one).collect()
    }

    /// The whole span.
    #[must_use]
    pub fn span(self) -> Span {
        let columns = self.columns();
        let state = columns.trace_state.get(self.row.into());
        let event = |event: &super::columns::EventCells| Event {
            ts_ns: event.ts_ns,
            name: Text::from(self.text(event.name)),
            attributes: self.attributes(event.attributes),
        };
        let link = |link: &super::columns::LinkCells| Link {
            trace_id: link.trace_id,
            span_id: link.span_id,
            attributes: self.attributes(link.attributes),
        };
        Span {
            trace_id: self.trace_id(),
            span_id: self.span_id(),
            parent: self.parent(),
            trace_state: Text::from(state.map_or("", |symbol| self.text(symbol))),
            name: Text::from(self.name()),
            kind: self.kind(),
            start_ns: self.start_ns(),
            end_ns: self.end_ns(),
            status: self.status(),
            status_message: Text::from(self.status_message()),
            origin: self.origin().clone(),
            attributes: self.attributes(columns.attributes[self.at()]),
            events: columns.events(self.row.into()).iter().map(event).collect(),
            links: columns.links(self.row.into()).iter().map(link).collect(),
        }
    }
}

/// The spans of one trace in a snapshot.
#[must_use]
pub fn assemble(segments: &[Arc<SpanSegment>], id: &TraceId) -> Option<Trace> {
    let rows = segments.iter().flat_map(|segment| segment.of_trace(id));
    Trace::new(rows.map(|row| Arc::new(row.span())).collect())
}
