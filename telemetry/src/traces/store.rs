//! The bounded, append-only store of spans: one head that fills, sealed segments with orders by time
//! and by trace, eviction of the oldest. Knows no query language.

use std::collections::VecDeque;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use parking_lot::Mutex;

use super::span::{Event, Kind, Link, Span, Status, Trace, ns, trace_id};
use crate::attributes::Interner;
use crate::logs::SignalStats;
use crate::origins::{Origin, Origins};
use crate::time::TraceId;

/// Bytes of spans that are kept. At some 700 bytes a span this is 700,000 spans; past it the oldest
/// segment is evicted and counted.
pub const TRACE_BYTES: usize = 512 * 1024 * 1024;

/// Spans of a full segment; see the log store for the trade.
const SEGMENT_SPANS: usize = 4096;

/// Sealed spans.
#[derive(Debug)]
pub struct SpanSegment {
    /// By begin.
    spans: Vec<Arc<Span>>,
    by_trace: Vec<u32>,
    latest_end_ns: i64,
    bytes: usize,
}

impl SpanSegment {
    fn new(mut spans: Vec<Arc<Span>>, bytes: usize) -> Self {
        spans.sort_by_key(|span| span.start_ns);
        let rows = u32::try_from(spans.len()).unwrap_or(u32::MAX);
        let mut by_trace: Vec<u32> = (0..rows).collect();
        by_trace.sort_by_key(|&row| spans[row as usize].trace_id);
        Self {
            latest_end_ns: spans
                .iter()
                .map(|span| span.end_ns)
                .max()
                .unwrap_or(i64::MIN),
            spans,
            by_trace,
            bytes,
        }
    }

    /// Its spans, by begin.
    #[must_use]
    pub fn spans(&self) -> &[Arc<Span>] {
        &self.spans
    }

    /// Earliest and latest begin, if there are spans.
    #[must_use]
    pub fn starts_ns(&self) -> Option<(i64, i64)> {
        Some((self.spans.first()?.start_ns, self.spans.last()?.start_ns))
    }

    /// Whether a span of it may overlap a window.
    #[must_use]
    pub fn overlaps(&self, start_ns: i64, end_ns: i64) -> bool {
        let first = self.spans.first().map_or(i64::MAX, |span| span.start_ns);
        first <= end_ns && self.latest_end_ns >= start_ns
    }

    /// Its spans of one trace.
    pub fn of_trace(&self, id: &TraceId) -> impl Iterator<Item = &Arc<Span>> {
        let key = |row: &u32| &self.spans[*row as usize].trace_id;
        let from = self.by_trace.partition_point(|row| key(row) < id);
        let to = self.by_trace.partition_point(|row| key(row) <= id);
        self.by_trace[from..to]
            .iter()
            .map(|&row| &self.spans[row as usize])
    }

    /// Its traces: each id with the spans of it that are here.
    pub fn traces(&self) -> impl Iterator<Item = (TraceId, impl Iterator<Item = &Arc<Span>>)> {
        let id = |row: &u32| self.spans[*row as usize].trace_id;
        self.by_trace
            .chunk_by(move |a, b| id(a) == id(b))
            .map(move |rows| {
                (
                    id(&rows[0]),
                    rows.iter().map(|&row| &self.spans[row as usize]),
                )
            })
    }
}

/// The span store. Appending takes a short lock; a reader takes a [`TraceStore::snapshot`] and then
/// needs none.
#[derive(Debug)]
pub struct TraceStore {
    inner: Mutex<Inner>,
    budget_bytes: usize,
}

#[derive(Debug, Default)]
struct Inner {
    sealed: VecDeque<Arc<SpanSegment>>,
    sealed_bytes: usize,
    head: Vec<Arc<Span>>,
    head_bytes: usize,
    head_snapshot: Option<Arc<SpanSegment>>,
    interner: Interner,
    origins: Origins,
    received: u64,
    evicted: u64,
    rejected: u64,
}

impl TraceStore {
    /// An empty store that keeps at most `budget_bytes`.
    #[must_use]
    pub fn new(budget_bytes: usize) -> Self {
        Self {
            inner: Mutex::default(),
            budget_bytes,
        }
    }

    /// Appends a batch whose times are store times already; returns how many spans were refused
    /// because their trace or span id is missing or malformed.
    pub fn append(&self, request: &ExportTraceServiceRequest) -> usize {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        let mut rejected = 0;
        for resource_spans in &request.resource_spans {
            for scope_spans in &resource_spans.scope_spans {
                let scope = scope_spans.scope.as_ref().map_or("", |scope| &scope.name);
                let resource = resource_spans.resource.as_ref();
                let origin = inner.origins.origin(&mut inner.interner, resource, scope);
                for span in &scope_spans.spans {
                    inner.received += 1;
                    match convert(&mut inner.interner, &origin, span) {
                        Some(span) => inner.push(span, self.budget_bytes),
                        None => rejected += 1,
                    }
                }
            }
        }
        inner.rejected += rejected as u64;
        rejected
    }

    /// All segments, oldest arrival first; the last may be a copy of the head.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Arc<SpanSegment>> {
        let mut inner = self.inner.lock();
        let mut segments: Vec<_> = inner.sealed.iter().cloned().collect();
        if !inner.head.is_empty() {
            let head = match &inner.head_snapshot {
                Some(head) => head.clone(),
                None => Arc::new(SpanSegment::new(inner.head.clone(), inner.head_bytes)),
            };
            inner.head_snapshot = Some(head.clone());
            segments.push(head);
        }
        segments
    }

    /// What the store holds and has lost.
    #[must_use]
    pub fn stats(&self) -> SignalStats {
        let segments = self.snapshot();
        let starts = segments.iter().filter_map(|segment| segment.starts_ns());
        let inner = self.inner.lock();
        SignalStats {
            received: inner.received,
            held: inner.received - inner.evicted - inner.rejected,
            evicted: inner.evicted,
            rejected: inner.rejected,
            bytes: (inner.sealed_bytes + inner.head_bytes) as u64,
            budget_bytes: self.budget_bytes as u64,
            oldest_ns: starts.map(|starts| starts.0).min(),
        }
    }
}

/// The spans of one trace in a snapshot.
#[must_use]
pub fn assemble(segments: &[Arc<SpanSegment>], id: &TraceId) -> Option<Trace> {
    let spans = segments
        .iter()
        .flat_map(|segment| segment.of_trace(id))
        .cloned();
    Trace::new(spans.collect())
}

impl Inner {
    fn push(&mut self, span: Span, budget_bytes: usize) {
        self.head_snapshot = None;
        self.head_bytes += span.bytes();
        self.head.push(Arc::new(span));
        if self.head.len() < SEGMENT_SPANS && self.head_bytes <= budget_bytes / 4 {
            return;
        }
        let spans = std::mem::take(&mut self.head);
        let segment = SpanSegment::new(spans, std::mem::take(&mut self.head_bytes));
        self.sealed_bytes += segment.bytes;
        self.sealed.push_back(Arc::new(segment));
        while self.sealed_bytes > budget_bytes {
            let Some(oldest) = self.sealed.pop_front() else {
                return;
            };
            self.sealed_bytes -= oldest.bytes;
            self.evicted += oldest.spans.len() as u64;
        }
    }
}

fn convert(interner: &mut Interner, origin: &Arc<Origin>, span: &otlp::Span) -> Option<Span> {
    let span_id = span
        .span_id
        .as_slice()
        .try_into()
        .ok()
        .filter(|id| *id != [0; 8])?;
    let parent = span.parent_span_id.as_slice().try_into().ok();
    let start_ns = ns(span.start_time_unix_nano);
    let status = span.status.as_ref();
    Some(Span {
        trace_id: trace_id(span)?,
        span_id,
        parent: parent.filter(|id| *id != [0; 8]),
        name: interner.text(&span.name),
        kind: Kind::of(span.kind),
        start_ns,
        end_ns: ns(span.end_time_unix_nano).max(start_ns),
        status: status.map_or(Status::Unset, |status| Status::of(status.code)),
        status_message: interner.text(status.map_or("", |status| &status.message)),
        origin: origin.clone(),
        attributes: interner.attributes(&span.attributes),
        events: span
            .events
            .iter()
            .map(|event| Event {
                ts_ns: ns(event.time_unix_nano),
                name: interner.text(&event.name),
                attributes: interner.attributes(&event.attributes),
            })
            .collect(),
        links: span
            .links
            .iter()
            .filter_map(|link| {
                Some(Link {
                    trace_id: link.trace_id.as_slice().try_into().ok()?,
                    span_id: link.span_id.as_slice().try_into().ok()?,
                    attributes: interner.attributes(&link.attributes),
                })
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::fixture::{Shape, batch};

    #[test]
    fn spans_of_a_trace_come_together_from_many_batches() {
        let store = TraceStore::new(TRACE_BYTES);
        store.append(&batch("storefront", &[Shape::root(1, 1)]));
        store.append(&batch("checkout", &[Shape::child(1, 2, 1)]));
        store.append(&batch(
            "checkout",
            &[Shape::child(1, 2, 1), Shape::root(2, 1)],
        ));
        let trace = assemble(&store.snapshot(), &Shape::trace_id(1)).unwrap();
        let services: Vec<_> = trace.spans.iter().map(|span| span.service()).collect();
        assert_eq!(
            services,
            ["storefront", "checkout"],
            "a span that came twice counts once"
        );
        assert_eq!(trace.root().service(), "storefront");
        assert!(assemble(&store.snapshot(), &Shape::trace_id(3)).is_none());
    }

    #[test]
    fn spans_without_ids_are_refused_and_counted() {
        let store = TraceStore::new(TRACE_BYTES);
        let mut request = batch("a", &[Shape::root(1, 1), Shape::root(1, 2)]);
        request.resource_spans[0].scope_spans[0].spans[0].trace_id = vec![1, 2, 3];
        assert_eq!(store.append(&request), 1);
        let stats = store.stats();
        assert_eq!((stats.received, stats.rejected, stats.held), (2, 1, 1));
    }

    #[test]
    fn a_full_budget_evicts_the_oldest_and_counts_it() {
        let store = TraceStore::new(1024 * 1024);
        for id in 1..10_000 {
            store.append(&batch("a", &[Shape::root(id, 1)]));
        }
        let stats = store.stats();
        assert!(
            stats.evicted > 0 && stats.bytes <= 2 * stats.budget_bytes,
            "{stats:?}"
        );
        assert_eq!(stats.held + stats.evicted, stats.received);
        assert!(assemble(&store.snapshot(), &Shape::trace_id(1)).is_none());
        assert!(assemble(&store.snapshot(), &Shape::trace_id(9_999)).is_some());
    }
}
