//! The store of spans: how an OTLP batch becomes rows. Knows no query language.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1 as otlp;

use super::columns::{Columns, Ids};
use super::segment::SpanSegment;
use super::span::trace_id;
use crate::logs::record::SpanId;
use crate::segments::{self, SignalStore};

/// Bytes of spans that are kept. At some 120 bytes a span this is 4,000,000 spans; past it the oldest
/// segment is evicted and counted.
pub const TRACE_BYTES: usize = 512 * 1024 * 1024;

/// Spans as they arrived.
#[derive(Debug, Default, Clone)]
pub struct Head(Columns);

impl segments::Head for Head {
    type Sealed = SpanSegment;

    fn rows(&self) -> usize {
        self.0.rows()
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn seal(self) -> SpanSegment {
        SpanSegment::seal(self.0)
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
                        if let Some(ids) = ids(span) {
                            segments.push(|head| head.0.push(&origin, ids, span));
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

/// The ids of a span, if it has them.
fn ids(span: &otlp::Span) -> Option<Ids> {
    let of = |id: &[u8]| SpanId::try_from(id).ok().filter(|id| *id != [0; 8]);
    Some(Ids {
        trace: trace_id(span)?,
        span: of(&span.span_id)?,
        parent: of(&span.parent_span_id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::assemble;
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
        for id in 1..30_000 {
            store.append(&batch("a", &[Shape::root(id, 1)]));
        }
        let stats = store.stats();
        assert!(
            stats.evicted > 0 && stats.bytes <= 2 * stats.budget_bytes,
            "{stats:?}"
        );
        assert_eq!(stats.held + stats.evicted, stats.received);
        assert!(assemble(&store.snapshot(), &Shape::trace_id(1)).is_none());
        assert!(assemble(&store.snapshot(), &Shape::trace_id(29_999)).is_some());
    }
}
