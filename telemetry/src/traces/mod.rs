//! Traces: the store and TraceQL. Knows nothing of HTTP or of where spans come from.

pub mod ast;
mod columns;
mod condition;
mod evaluate;
mod field;
#[cfg(test)]
pub(crate) mod fixture;
pub mod otlp;
mod parse;
mod sampling;
mod search;
mod segment;
pub mod span;
mod store;
mod structure;

pub use evaluate::{SpanSet, TraceHit, matches};
pub use field::{FieldValue, field_value};
pub use parse::parse;
pub use search::search;
pub use segment::{SpanRow, SpanSegment, assemble};
pub use span::{Span, Trace};
pub use store::{TRACE_BYTES, TraceStore};
