//! Columns of log records. A [`Head`] takes appends; [`Head::seal`] gives a [`Segment`], which never
//! changes and has the orders by time and by trace. Knows no query.
//!
//! Bodies stand one after the other in a single text, each with a line feed behind it, so that a filter
//! can search all of them at once.

use std::sync::Arc;

use super::record::{Level, LogRecord, SpanId};
use crate::attributes::{Attribute, Text, hex};
use crate::origins::Origin;
use crate::row_set::RowSet;
use crate::segments;
use crate::time::TraceId;

/// Bytes that a row costs besides its body and attributes: its cells in all columns and orders (time,
/// stream, trace, span, end of body, end of attributes, order by time and by trace).
const ROW_BYTES: usize = 8 + 2 + 16 + 8 + 8 + 8 + 4 + 4;

/// What stands behind each body.
const BODY_END: char = '\n';

// a row's stream is a `u16`, and there are at most as many streams as rows
const _: () = assert!(segments::SEGMENT_ROWS <= 1 << u16::BITS);

/// The columns, row `i` of each belonging together.
#[derive(Debug, Clone, Default)]
struct Columns {
    ts_ns: Vec<i64>,
    stream: Vec<u16>,
    trace_id: Vec<TraceId>,
    span_id: Vec<SpanId>,
    bodies: String,
    body_end: Vec<usize>,
    attributes: Vec<Attribute>,
    attribute_end: Vec<usize>,
    streams: Vec<Stream>,
}

impl Columns {
    /// Gives back what was reserved for rows that did not come.
    fn shrink(&mut self) {
        self.ts_ns.shrink_to_fit();
        self.stream.shrink_to_fit();
        self.trace_id.shrink_to_fit();
        self.span_id.shrink_to_fit();
        self.bodies.shrink_to_fit();
        self.body_end.shrink_to_fit();
        self.attributes.shrink_to_fit();
        self.attribute_end.shrink_to_fit();
        self.streams.shrink_to_fit();
    }

    fn bodies(&self) -> Bodies<'_> {
        Bodies {
            text: &self.bodies,
            ends: &self.body_end,
        }
    }
}

/// The rows of one origin and level in a segment.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Where they come from.
    pub origin: Arc<Origin>,
    /// Their severity.
    pub level: Level,
    /// How many.
    pub rows: u64,
    /// Bytes of their bodies.
    pub body_bytes: u64,
}

/// The bodies of a segment's rows, in order of arrival, a line feed behind each.
#[derive(Debug, Clone, Copy)]
pub struct Bodies<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Bodies<'a> {
    /// All of them.
    #[must_use]
    pub fn text(self) -> &'a str {
        self.text
    }

    /// How many there are.
    #[must_use]
    pub fn rows(self) -> usize {
        self.ends.len()
    }

    /// Offset at which a row's body begins.
    #[must_use]
    pub fn start(self, row: usize) -> usize {
        let before = row.checked_sub(1);
        before.map_or(0, |before| self.ends[before] + BODY_END.len_utf8())
    }

    /// Offset at which a row's body ends; the line feed behind it stands there.
    #[must_use]
    pub fn end(self, row: usize) -> usize {
        self.ends[row]
    }

    /// A row's body.
    #[must_use]
    pub fn body(self, row: usize) -> &'a str {
        &self.text[self.start(row)..self.end(row)]
    }

    /// The row in whose body, or at whose end, an offset lies; it is `from` or a later one.
    #[must_use]
    pub fn row_at(self, offset: usize, from: usize) -> usize {
        // matches are near to each other or far apart: steps that double, then halves
        let (mut low, mut step) = (from, 1);
        while self.ends.get(low + step).is_some_and(|end| *end < offset) {
            low += step;
            step *= 2;
        }
        let high = (low + step).min(self.ends.len());
        low + self.ends[low..high].partition_point(|end| *end < offset)
    }
}

/// The segment that is being filled.
#[derive(Debug, Clone, Default)]
pub struct Head {
    columns: Columns,
    attribute_bytes: usize,
    /// Records come in batches of one origin: where the one before belonged.
    last_stream: usize,
}

impl Head {
    /// Appends a record.
    pub fn append(
        &mut self,
        origin: &Arc<Origin>,
        record: &LogRecord<'_>,
        attributes: impl Iterator<Item = Attribute>,
    ) {
        let stream = self.stream(origin, record.level);
        let columns = &mut self.columns;
        columns.streams[stream].rows += 1;
        columns.streams[stream].body_bytes += record.body.len() as u64;
        // a head is sealed before it has more streams than that
        columns
            .stream
            .push(u16::try_from(stream).unwrap_or(u16::MAX));
        columns.ts_ns.push(record.ts_ns);
        columns.trace_id.push(record.trace_id);
        columns.span_id.push(record.span_id);
        columns.bodies.push_str(record.body);
        columns.body_end.push(columns.bodies.len());
        columns.bodies.push(BODY_END);
        for attribute in attributes {
            self.attribute_bytes += size_of::<Attribute>() + attribute.value.heap_bytes();
            columns.attributes.push(attribute);
        }
        columns.attribute_end.push(columns.attributes.len());
    }

    /// The index of a stream, which is added where it is not known.
    fn stream(&mut self, origin: &Arc<Origin>, level: Level) -> usize {
        let streams = &mut self.columns.streams;
        let is_it = |stream: &Stream| stream.level == level && Arc::ptr_eq(&stream.origin, origin);
        if streams
            .get(self.last_stream)
            .is_none_or(|last| !is_it(last))
        {
            self.last_stream = streams.iter().rposition(is_it).unwrap_or_else(|| {
                streams.push(Stream {
                    origin: origin.clone(),
                    level,
                    rows: 0,
                    body_bytes: 0,
                });
                streams.len() - 1
            });
        }
        self.last_stream
    }
}

impl segments::Head for Head {
    type Sealed = Segment;

    fn rows(&self) -> usize {
        self.columns.ts_ns.len()
    }

    fn bytes(&self) -> usize {
        self.rows() * ROW_BYTES + self.columns.bodies.len() + self.attribute_bytes
    }

    fn seal(self) -> Segment {
        let bytes = self.bytes();
        let mut columns = self.columns;
        columns.shrink();
        let rows = u32::try_from(columns.ts_ns.len()).unwrap_or(u32::MAX);
        let mut by_time: Vec<u32> = (0..rows).collect();
        by_time.sort_by_key(|&row| columns.ts_ns[row as usize]);
        let mut by_trace: Vec<u32> = (0..rows)
            .filter(|&row| columns.trace_id[row as usize] != [0; 16])
            .collect();
        by_trace.shrink_to_fit();
        by_trace.sort_by_key(|&row| columns.trace_id[row as usize]);
        Segment {
            in_order: columns.ts_ns.is_sorted(),
            columns,
            by_time,
            by_trace,
            bytes,
        }
    }
}

/// Sealed columns.
#[derive(Debug)]
pub struct Segment {
    columns: Columns,
    /// Whether rows came in the order of their times.
    in_order: bool,
    by_time: Vec<u32>,
    by_trace: Vec<u32>,
    bytes: usize,
}

impl Segment {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.by_time.len()
    }

    /// Earliest and latest time, if there are rows.
    #[must_use]
    pub fn span_ns(&self) -> Option<(i64, i64)> {
        let ts = |row: &u32| self.columns.ts_ns[*row as usize];
        Some((ts(self.by_time.first()?), ts(self.by_time.last()?)))
    }

    /// The streams of its rows.
    #[must_use]
    pub fn streams(&self) -> &[Stream] {
        &self.columns.streams
    }

    /// The bodies of its rows.
    #[must_use]
    pub fn bodies(&self) -> Bodies<'_> {
        self.columns.bodies()
    }

    /// The time of each row, ns.
    #[must_use]
    pub fn times_ns(&self) -> &[i64] {
        &self.columns.ts_ns
    }

    /// The stream of each row: its index in [`Segment::streams`].
    #[must_use]
    pub fn stream_indexes(&self) -> &[u16] {
        &self.columns.stream
    }

    /// These rows by time; of one time, in order of arrival.
    #[must_use]
    pub fn by_time(&self, rows: &RowSet) -> Vec<u32> {
        // a segment has at most as many rows as a `u32` can number
        let row = |row| u32::try_from(row).unwrap_or(u32::MAX);
        let mut rows: Vec<u32> = rows.iter().map(row).collect();
        if !self.in_order {
            rows.sort_by_key(|row| self.columns.ts_ns[*row as usize]);
        }
        rows
    }

    /// The rows with `start_ns <= ts < end_ns` as a set.
    #[must_use]
    pub fn set_between(&self, start_ns: i64, end_ns: i64) -> RowSet {
        let within = self.rows_between(start_ns, end_ns);
        if within.len() == self.rows() {
            return RowSet::all(self.rows());
        }
        let mut set = RowSet::none(self.rows());
        for row in within {
            set.insert(*row as usize);
        }
        set
    }

    /// Rows with `start_ns <= ts < end_ns`, in time order.
    #[must_use]
    pub fn rows_between(&self, start_ns: i64, end_ns: i64) -> &[u32] {
        let ts = |row: &u32| self.columns.ts_ns[*row as usize];
        let from = self.by_time.partition_point(|row| ts(row) < start_ns);
        let to = self.by_time.partition_point(|row| ts(row) < end_ns);
        &self.by_time[from..to.max(from)]
    }

    /// Rows of a trace, in order of arrival.
    #[must_use]
    pub fn rows_of_trace(&self, trace_id: &TraceId) -> &[u32] {
        let id = |row: &u32| &self.columns.trace_id[*row as usize];
        let from = self.by_trace.partition_point(|row| id(row) < trace_id);
        let to = self.by_trace.partition_point(|row| id(row) <= trace_id);
        &self.by_trace[from..to]
    }

    /// A row.
    #[must_use]
    pub fn row(&self, row: u32) -> Row<'_> {
        Row {
            columns: &self.columns,
            row: row as usize,
        }
    }
}

impl segments::Sealed for Segment {
    fn rows(&self) -> usize {
        self.rows()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn earliest_ns(&self) -> Option<i64> {
        Some(self.span_ns()?.0)
    }
}

/// A record in a segment.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    columns: &'a Columns,
    row: usize,
}

impl<'a> Row<'a> {
    /// Time.
    #[must_use]
    pub fn ts_ns(&self) -> i64 {
        self.columns.ts_ns[self.row]
    }

    /// Index of its stream in [`Segment::streams`].
    #[must_use]
    pub fn stream_index(&self) -> usize {
        usize::from(self.columns.stream[self.row])
    }

    /// Its stream.
    #[must_use]
    pub fn stream(&self) -> &'a Stream {
        &self.columns.streams[self.stream_index()]
    }

    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> &'a Origin {
        &self.stream().origin
    }

    /// Severity.
    #[must_use]
    pub fn level(&self) -> Level {
        self.stream().level
    }

    /// The message.
    #[must_use]
    pub fn body(&self) -> &'a str {
        self.columns.bodies().body(self.row)
    }

    /// The record's own attributes, names as labels.
    #[must_use]
    pub fn attributes(&self) -> &'a [Attribute] {
        let ends = &self.columns.attribute_end;
        let start = self.row.checked_sub(1).map_or(0, |before| ends[before]);
        &self.columns.attributes[start..ends[self.row]]
    }

    /// The trace as hexadecimal, if it belongs to one.
    #[must_use]
    pub fn trace_hex(&self) -> Option<String> {
        let id = &self.columns.trace_id[self.row];
        (*id != [0; 16]).then(|| hex(id))
    }

    /// The span as hexadecimal, if it belongs to one.
    #[must_use]
    pub fn span_hex(&self) -> Option<String> {
        let id = &self.columns.span_id[self.row];
        (*id != [0; 8]).then(|| hex(id))
    }

    /// Calls `each` with name and value of every label of structured metadata: trace, span, scope,
    /// attributes, resource attributes. A name may come twice; the first counts.
    pub fn each_metadata(&self, mut each: impl FnMut(&str, &str)) {
        if let Some(trace) = self.trace_hex() {
            each("trace_id", &trace);
        }
        if let Some(span) = self.span_hex() {
            each("span_id", &span);
        }
        for attribute in self.attributes() {
            each(&attribute.key, &attribute.value.text());
        }
        let origin = self.origin();
        if !origin.scope.is_empty() {
            each("scope", &origin.scope);
        }
        for attribute in &origin.resource {
            if &*attribute.key != "service.name" {
                each(
                    &crate::attributes::label_name(&attribute.key),
                    &attribute.value.text(),
                );
            }
        }
    }

    /// The value of a stream label or of structured metadata.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<std::borrow::Cow<'a, str>> {
        use std::borrow::Cow;
        match name {
            "service" | "service_name" => return Some(Cow::Borrowed(&*self.origin().service)),
            "level" => return Some(Cow::Borrowed(self.level().name())),
            "trace_id" => return self.trace_hex().map(Cow::Owned),
            "span_id" => return self.span_hex().map(Cow::Owned),
            _ => {}
        }
        if let Some(value) = crate::attributes::find(self.attributes(), name) {
            return Some(value.text());
        }
        let origin = self.origin();
        if name == "scope" && !origin.scope.is_empty() {
            return Some(Cow::Borrowed(&origin.scope));
        }
        let resource = origin.resource.iter();
        resource
            .filter(|attribute| &*attribute.key != "service.name")
            .find(|attribute| crate::attributes::label_name(&attribute.key) == name)
            .map(|attribute| attribute.value.text())
    }
}

/// The names under which an attribute may not hide a stream label; such an attribute gets
/// `_extracted` appended, as in Loki.
#[must_use]
pub fn is_stream_label(name: &str) -> bool {
    matches!(
        name,
        "service" | "service_name" | "level" | "trace_id" | "span_id"
    )
}

/// The label under which a log attribute is stored.
pub(crate) fn attribute_label(interner: &mut crate::attributes::Interner, name: &str) -> Text {
    let label = crate::attributes::label_name(name);
    if is_stream_label(&label) {
        return interner.text(&format!("{label}_extracted"));
    }
    interner.text(&label)
}
