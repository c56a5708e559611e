//! Columns of log records. A [`Head`] takes appends; [`Head::seal`] gives a [`Segment`], which never
//! changes and has the orders by time and by trace. Knows no query.

use std::sync::Arc;

use super::record::{Level, LogRecord, SpanId};
use crate::attributes::{Attribute, Text, hex};
use crate::origins::Origin;
use crate::segments;
use crate::time::TraceId;

/// Bytes that a row costs besides its body and attributes: its cells in all columns and orders.
const ROW_BYTES: usize = 8 + 4 + 1 + 4 + 16 + 8 + 4 + 4 + 4;

/// The columns, row `i` of each belonging together.
#[derive(Debug, Clone, Default)]
struct Columns {
    ts_ns: Vec<i64>,
    origin: Vec<u32>,
    level: Vec<Level>,
    trace_id: Vec<TraceId>,
    span_id: Vec<SpanId>,
    bodies: String,
    body_end: Vec<usize>,
    attributes: Vec<Attribute>,
    attribute_end: Vec<usize>,
    origins: Vec<Arc<Origin>>,
}

/// The segment that is being filled.
#[derive(Debug, Clone, Default)]
pub struct Head {
    columns: Columns,
    attribute_bytes: usize,
}

impl Head {
    /// Appends a record.
    pub fn append(
        &mut self,
        origin: &Arc<Origin>,
        record: &LogRecord<'_>,
        attributes: impl Iterator<Item = Attribute>,
    ) {
        let columns = &mut self.columns;
        let known = columns
            .origins
            .iter()
            .rposition(|other| Arc::ptr_eq(other, origin));
        let index = known.unwrap_or_else(|| {
            columns.origins.push(origin.clone());
            columns.origins.len() - 1
        });
        // at most one origin per row, and a head is sealed long before that many
        columns
            .origin
            .push(u32::try_from(index).unwrap_or(u32::MAX));
        columns.ts_ns.push(record.ts_ns);
        columns.level.push(record.level);
        columns.trace_id.push(record.trace_id);
        columns.span_id.push(record.span_id);
        columns.bodies.push_str(record.body);
        columns.body_end.push(columns.bodies.len());
        for attribute in attributes {
            self.attribute_bytes += size_of::<Attribute>() + attribute.value.heap_bytes();
            columns.attributes.push(attribute);
        }
        columns.attribute_end.push(columns.attributes.len());
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
        let columns = self.columns;
        let rows = u32::try_from(columns.ts_ns.len()).unwrap_or(u32::MAX);
        let mut by_time: Vec<u32> = (0..rows).collect();
        by_time.sort_by_key(|&row| columns.ts_ns[row as usize]);
        let mut by_trace: Vec<u32> = (0..rows)
            .filter(|&row| columns.trace_id[row as usize] != [0; 16])
            .collect();
        by_trace.sort_by_key(|&row| columns.trace_id[row as usize]);
        Segment {
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

    /// The origins of its rows.
    #[must_use]
    pub fn origins(&self) -> &[Arc<Origin>] {
        &self.columns.origins
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

    /// Index of its origin in [`Segment::origins`].
    #[must_use]
    pub fn origin_index(&self) -> usize {
        self.columns.origin[self.row] as usize
    }

    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> &'a Origin {
        &self.columns.origins[self.origin_index()]
    }

    /// Severity.
    #[must_use]
    pub fn level(&self) -> Level {
        self.columns.level[self.row]
    }

    /// The message.
    #[must_use]
    pub fn body(&self) -> &'a str {
        let start = self
            .row
            .checked_sub(1)
            .map_or(0, |before| self.columns.body_end[before]);
        &self.columns.bodies[start..self.columns.body_end[self.row]]
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
        let origin: &'a Origin = &self.columns.origins[self.origin_index()];
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
