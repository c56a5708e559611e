//! Traces: the store and TraceQL. Knows nothing of HTTP or of where spans come from.

pub mod ast;
mod evaluate;
#[cfg(test)]
pub(crate) mod fixture;
pub mod otlp;
mod parse;
mod sampling;
mod search;
pub mod span;
mod store;

pub use evaluate::{FieldValue, SpanSet, TraceHit, field_value, matches, may_match};
pub use parse::parse;
pub use search::search;
pub use span::{Span, Trace};
pub use store::{SpanSegment, TRACE_BYTES, TraceStore, assemble};
