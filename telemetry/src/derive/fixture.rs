//! Hand-made traces for the tests of derivations.

use crate::traces::fixture::{Shape, batch};
use crate::traces::{TRACE_BYTES, Trace, TraceStore, assemble};

/// A span of trace 1: id, parent (0 for none), service, name, begin and end in ms.
pub(crate) fn at(
    span: u64,
    parent: u64,
    service: &'static str,
    name: &'static str,
    start_ms: u64,
    end_ms: u64,
) -> (&'static str, Shape) {
    let shape = Shape {
        name,
        kind: 1,
        start_ms,
        duration_ms: end_ms - start_ms,
        ..Shape::child(1, span, parent)
    };
    (service, shape)
}

/// A store of such spans.
pub(crate) fn store(spans: &[(&'static str, Shape)]) -> TraceStore {
    let store = TraceStore::new(TRACE_BYTES);
    for (service, shape) in spans {
        store.append(&batch(service, std::slice::from_ref(shape)));
    }
    store
}

/// The trace of such spans.
pub(crate) fn trace(spans: &[(&'static str, Shape)]) -> Trace {
    assemble(&store(spans).snapshot(), &Shape::trace_id(1)).expect("a trace has spans")
}

/// A trace of `n` spans, each the child of the one before: the deepest that there can be.
pub(crate) fn chain(n: u64) -> Trace {
    let spans: Vec<_> = (1..=n)
        .map(|span| Shape {
            start_ms: span,
            duration_ms: 2 * n - span,
            ..Shape::child(1, span, span - 1)
        })
        .collect();
    let store = TraceStore::new(TRACE_BYTES);
    store.append(&batch("a", &spans));
    assemble(&store.snapshot(), &Shape::trace_id(1)).expect("a trace has spans")
}
