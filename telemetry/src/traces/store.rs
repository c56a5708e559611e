//! The store of spans: how an OTLP batch becomes spans, and segments with orders by time and by
//! trace. Knows no query language.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1 as otlp;

use super::span::{Event, Kind, Link, Span, Status, Trace, ns, trace_id};
use crate::attributes::Interner;
use crate::origins::Origin;
use crate::segments::{self, SignalStore};
use crate::time::TraceId;

/// Bytes of spans that are kept. At some 700 bytes a span this is 700,000 spans; past it the oldest
/// segment is evicted and counted.
pub const TRACE_BYTES: usize = 512 * 1024 * 1024;

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

/// Spans as they arrived.
#[derive(Debug, Default, Clone)]
pub struct Head {
    spans: Vec<Arc<Span>>,
    bytes: usize,
}

impl segments::Head for Head {
    type Sealed = SpanSegment;

    fn rows(&self) -> usize {
        self.spans.len()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn seal(self) -> SpanSegment {
        let Self { mut spans, bytes } = self;
        spans.sort_by_key(|span| span.start_ns);
        let rows = u32::try_from(spans.len()).unwrap_or(u32::MAX);
        let mut by_trace: Vec<u32> = (0..rows).collect();
        by_trace.sort_by_key(|&row| spans[row as usize].trace_id);
        let ends = spans.iter().map(|span| span.end_ns);
        SpanSegment {
            latest_end_ns: ends.max().unwrap_or(i64::MIN),
            spans,
            by_trace,
            bytes,
        }
    }
}

impl segments::Sealed for SpanSegment {
    fn rows(&self) -> usize {
        self.spans.len()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn earliest_ns(&self) -> Option<i64> {
        Some(self.spans.first()?.start_ns)
    }
}

/// The span store.
pub type TraceStore = SignalStore<Head>;

impl TraceStore {
    /// Appends a batch whose times are store times already; returns how many spans were refused
    /// because their trace or span id is missing or malformed.
    pub fn append(&self, request: &ExportTraceServiceRequest) -> usize {
        self.with(|interner, origins, segments| {
            let mut rejected = 0;
            for resource_spans in &request.resource_spans {
                for scope_spans in &resource_spans.scope_spans {
                    let scope = scope_spans.scope.as_ref().map_or("", |scope| &scope.name);
                    let resource = resource_spans.resource.as_ref();
                    let origin = origins.origin(interner, resource, scope);
                    for span in &scope_spans.spans {
                        if let Some(span) = convert(interner, &origin, span) {
                            segments.push(|head| head.push(span));
                        } else {
                            segments.reject();
                            rejected += 1;
                        }
                    }
                }
            }
            rejected
        })
    }
}

impl Head {
    fn push(&mut self, span: Span) {
        self.bytes += span.bytes();
        self.spans.push(Arc::new(span));
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
        trace_state: interner.text(&span.trace_state),
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
