//! Spans as columns: row `i` of each belongs to the `i`-th span that arrived. Texts are symbols of the segment's own dictionary;
//! a list of attributes is a shape (names and types, which repeat) and as many cells of values. Knows no order and no query.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1 as otlp;

use super::span::{Kind, Status, ns};
use crate::attributes::{Text, Value, json};
use crate::dictionary::{Dictionary, Symbol, Texts};
use crate::logs::record::SpanId;
use crate::origins::Origin;
use crate::time::TraceId;

/// How a cell of a value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    /// A symbol: text.
    Str,
    /// A symbol: JSON text.
    Json,
    /// 0 or 1.
    Bool,
    /// A whole number of 32 bits.
    Int,
    /// Place of a whole number among the wide ones.
    WideInt,
    /// Place of a number's bits among the wide ones.
    Float,
}

impl Tag {
    const ALL: [Self; 6] = [
        Self::Str,
        Self::Json,
        Self::Bool,
        Self::Int,
        Self::WideInt,
        Self::Float,
    ];
    const BITS: u32 = 3;
}

/// Name and type of an attribute, in one number. Symbols have 29 bits, which is some 6 GiB of dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Slot(u32);

impl Slot {
    fn new(key: Symbol, tag: Tag) -> Self {
        Self(key.0 << Tag::BITS | tag as u32)
    }

    pub fn key(self) -> Symbol {
        Symbol(self.0 >> Tag::BITS)
    }

    /// Whether its cells are symbols.
    pub fn is_text(self) -> bool {
        matches!(self.tag(), Tag::Str | Tag::Json)
    }

    fn tag(self) -> Tag {
        Tag::ALL[(self.0 & ((1 << Tag::BITS) - 1)) as usize]
    }
}

/// A list of attributes: its shape, and where its values begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub shape: u32,
    pub first: u32,
}

/// A value where it lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Str(&'a str),
    Json(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
}

impl Cell<'_> {
    pub fn value(self) -> Value {
        match self {
            Self::Str(text) => Value::Str(Text::from(text)),
            Self::Json(text) => Value::Json(Text::from(text)),
            Self::Int(number) => Value::Int(number),
            Self::Float(number) => Value::Float(number),
            Self::Bool(truth) => Value::Bool(truth),
        }
    }
}

impl<'a> From<&'a Value> for Cell<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Str(text) => Self::Str(text),
            Value::Json(text) => Self::Json(text),
            Value::Int(number) => Self::Int(*number),
            Value::Float(number) => Self::Float(*number),
            Value::Bool(truth) => Self::Bool(*truth),
        }
    }
}

/// A column that few rows have: in order of rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Rare(Vec<(u32, Symbol)>);

impl Rare {
    pub fn get(&self, row: u32) -> Option<Symbol> {
        let at = self.0.binary_search_by_key(&row, |(row, _)| *row).ok()?;
        Some(self.0[at].1)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An event of a row's span.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventCells {
    row: u32,
    pub name: Symbol,
    pub ts_ns: i64,
    pub attributes: List,
}

/// A link of a row's span.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinkCells {
    row: u32,
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub attributes: List,
}

/// The ids of a span, which the store has checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids {
    pub trace: TraceId,
    pub span: SpanId,
    pub parent: Option<SpanId>,
}

/// The columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    pub texts: Texts,
    shapes: Dictionary<Vec<Slot>>,
    pub origins: Vec<Arc<Origin>>,
    origin_bytes: usize,
    /// Emptied when the segment is sealed: there each trace's id stands once.
    pub trace_id: Vec<TraceId>,
    pub span_id: Vec<SpanId>,
    /// All zero for none.
    pub parent: Vec<SpanId>,
    pub name: Vec<Symbol>,
    pub kind: Vec<Kind>,
    pub status: Vec<Status>,
    pub origin: Vec<u16>,
    pub start_ns: Vec<i64>,
    pub duration_ns: Vec<i64>,
    pub attributes: Vec<List>,
    pub status_message: Rare,
    pub trace_state: Rare,
    pub events: Vec<EventCells>,
    pub links: Vec<LinkCells>,
    values: Vec<u32>,
    wide: Vec<u64>,
    /// Of the list at hand; what it holds between calls means nothing.
    slots: Vec<Slot>,
    hints: Hints,
}

/// Shapes of the last lists, by the names of what had them.
#[derive(Debug, Clone)]
struct Hints([Option<u32>; HINTS]);

/// How many there are: a service has fewer operations.
const HINTS: usize = 64;

impl Default for Hints {
    fn default() -> Self {
        Self([None; HINTS])
    }
}

impl Columns {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.span_id.len()
    }

    /// Adds a span.
    pub fn push(&mut self, origin: &Arc<Origin>, ids: Ids, span: &otlp::Span) {
        // a segment has fewer rows than 2^16
        let row = self.rows() as u32;
        let start_ns = ns(span.start_time_unix_nano);
        let end_ns = ns(span.end_time_unix_nano);
        let (status, message) = span.status.as_ref().map_or((Status::Unset, ""), |status| {
            (Status::of(status.code), status.message.as_str())
        });
        self.trace_id.push(ids.trace);
        self.span_id.push(ids.span);
        self.parent.push(ids.parent.unwrap_or_default());
        let name = self.texts.symbol(&span.name);
        self.name.push(name);
        self.kind.push(Kind::of(span.kind));
        self.status.push(status);
        let origin = self.origin(origin);
        self.origin.push(origin);
        self.start_ns.push(start_ns);
        self.duration_ns.push(end_ns.max(start_ns) - start_ns);
        let attributes = self.list(name, &span.attributes);
        self.attributes.push(attributes);
        if !message.is_empty() {
            self.status_message
                .0
                .push((row, self.texts.symbol(message)));
        }
        if !span.trace_state.is_empty() {
            let state = self.texts.symbol(&span.trace_state);
            self.trace_state.0.push((row, state));
        }
        for event in &span.events {
            let name = self.texts.symbol(&event.name);
            let cells = EventCells {
                row,
                name,
                ts_ns: ns(event.time_unix_nano),
                attributes: self.list(name, &event.attributes),
            };
            self.events.push(cells);
        }
        for link in &span.links {
            let ids = (
                link.trace_id.as_slice().try_into(),
                link.span_id.as_slice().try_into(),
            );
            if let (Ok(trace_id), Ok(span_id)) = ids {
                let attributes = self.list(name, &link.attributes);
                self.links.push(LinkCells {
                    row,
                    trace_id,
                    span_id,
                    attributes,
                });
            }
        }
    }

    fn origin(&mut self, origin: &Arc<Origin>) -> u16 {
        let known = |other: &Arc<Origin>| Arc::ptr_eq(other, origin);
        // spans of one batch follow each other: it is mostly the last
        let index = self.origins.iter().rposition(known).unwrap_or_else(|| {
            self.origins.push(origin.clone());
            self.origin_bytes += origin.bytes();
            self.origins.len() - 1
        });
        // at most one a row
        index as u16
    }

    /// Adds a list. What has the same name mostly has the same attributes: those of the last one are tried before they are looked up.
    fn list(&mut self, of: Symbol, list: &[KeyValue]) -> List {
        // each cell takes four bytes: a segment is sealed long before there are 2^32
        let first = self.values.len() as u32;
        let hint = of.0 as usize % HINTS;
        let hinted = self.hints.0[hint].map_or(&[][..], |shape| self.shapes.get(shape));
        self.slots.clear();
        for (at, pair) in list.iter().enumerate() {
            let likely = hinted.get(at).map(|slot| slot.key());
            let key = match likely.filter(|key| self.texts.text(*key) == pair.key) {
                Some(key) => key,
                None => self.texts.symbol(&pair.key),
            };
            let (tag, cell) = cell(&mut self.texts, &mut self.wide, pair.value.as_ref());
            self.slots.push(Slot::new(key, tag));
            self.values.push(cell);
        }
        let shape = match self.hints.0[hint] {
            Some(shape) if hinted == self.slots => shape,
            _ => self.shapes.intern(&self.slots),
        };
        self.hints.0[hint] = Some(shape);
        List { shape, first }
    }

    /// Names and types of a list.
    pub fn slots(&self, shape: u32) -> &[Slot] {
        self.shapes.get(shape)
    }

    /// How many shapes there are.
    pub fn shapes(&self) -> usize {
        self.shapes.count()
    }

    /// The raw cell at a place, for what compares symbols: see [`Columns::read`].
    pub fn raw(&self, list: List, place: usize) -> u32 {
        self.values[list.first as usize + place]
    }

    /// The value of a cell.
    pub fn read(&self, slot: Slot, raw: u32) -> Cell<'_> {
        match slot.tag() {
            Tag::Str => Cell::Str(self.texts.get(raw)),
            Tag::Json => Cell::Json(self.texts.get(raw)),
            Tag::Bool => Cell::Bool(raw != 0),
            Tag::Int => Cell::Int(i64::from(raw.cast_signed())),
            Tag::WideInt => Cell::Int(self.wide[raw as usize].cast_signed()),
            Tag::Float => Cell::Float(f64::from_bits(self.wide[raw as usize])),
        }
    }

    /// Names and values of a list.
    pub fn pairs(&self, list: List) -> impl Iterator<Item = (Symbol, Cell<'_>)> {
        let slots = self.slots(list.shape).iter().enumerate();
        slots.map(move |(place, slot)| (slot.key(), self.read(*slot, self.raw(list, place))))
    }

    /// The events of a row.
    pub fn events(&self, row: u32) -> &[EventCells] {
        of_row(&self.events, row, |event| event.row)
    }

    /// The links of a row.
    pub fn links(&self, row: u32) -> &[LinkCells] {
        of_row(&self.links, row, |link| link.row)
    }

    /// Heap bytes, those of what is shared with other segments included.
    pub fn bytes(&self) -> usize {
        fn column<T>(column: &Vec<T>) -> usize {
            column.capacity() * size_of::<T>()
        }
        self.texts.bytes()
            + self.shapes.bytes()
            + column(&self.origins)
            + self.origin_bytes
            + column(&self.trace_id)
            + column(&self.span_id)
            + column(&self.parent)
            + column(&self.name)
            + column(&self.kind)
            + column(&self.status)
            + column(&self.origin)
            + column(&self.start_ns)
            + column(&self.duration_ns)
            + column(&self.attributes)
            + column(&self.status_message.0)
            + column(&self.trace_state.0)
            + column(&self.events)
            + column(&self.links)
            + column(&self.values)
            + column(&self.wide)
            + column(&self.slots)
    }

    /// Gives back room that is not used, once no row will come.
    pub fn shrink(&mut self) {
        self.texts.shrink();
        self.shapes.shrink();
        self.origins.shrink_to_fit();
        self.trace_id.shrink_to_fit();
        self.span_id.shrink_to_fit();
        self.parent.shrink_to_fit();
        self.name.shrink_to_fit();
        self.kind.shrink_to_fit();
        self.status.shrink_to_fit();
        self.origin.shrink_to_fit();
        self.start_ns.shrink_to_fit();
        self.duration_ns.shrink_to_fit();
        self.attributes.shrink_to_fit();
        self.status_message.0.shrink_to_fit();
        self.trace_state.0.shrink_to_fit();
        self.events.shrink_to_fit();
        self.links.shrink_to_fit();
        self.values.shrink_to_fit();
        self.wide.shrink_to_fit();
        self.slots = Vec::new();
    }
}

/// The cell of a value, and how it is read.
fn cell(texts: &mut Texts, wide: &mut Vec<u64>, value: Option<&AnyValue>) -> (Tag, u32) {
    let mut put = |bits: u64| {
        wide.push(bits);
        wide.len() as u32 - 1
    };
    match value.and_then(|value| value.value.as_ref()) {
        None => (Tag::Str, texts.intern("")),
        Some(any_value::Value::StringValue(text)) => (Tag::Str, texts.intern(text)),
        Some(any_value::Value::BoolValue(truth)) => (Tag::Bool, u32::from(*truth)),
        Some(any_value::Value::IntValue(number)) => match i32::try_from(*number) {
            Ok(small) => (Tag::Int, small.cast_unsigned()),
            Err(_) => (Tag::WideInt, put(number.cast_unsigned())),
        },
        Some(any_value::Value::DoubleValue(number)) => (Tag::Float, put(number.to_bits())),
        Some(other) => (Tag::Json, texts.intern(&json(other).to_string())),
    }
}

fn of_row<T>(all: &[T], row: u32, key: impl Fn(&T) -> u32) -> &[T] {
    let from = all.partition_point(|one| key(one) < row);
    let to = all.partition_point(|one| key(one) <= row);
    &all[from..to]
}
