//! Spans and traces as their readers see them. Knows nothing of storage or queries.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1 as otlp;

use super::sampling::adjusted_count;
use crate::attributes::{Attribute, Text, Value};
use crate::logs::record::SpanId;
use crate::origins::Origin;
use crate::time::TraceId;

/// What a span stands for, as in OpenTelemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "OpenTelemetry's own names")]
pub enum Kind {
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

impl Kind {
    /// All kinds, in the order of their OTLP numbers.
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::Internal,
        Self::Server,
        Self::Client,
        Self::Producer,
        Self::Consumer,
    ];

    /// The kind of an OTLP number.
    #[must_use]
    pub fn of(number: i32) -> Self {
        let index = usize::try_from(number).unwrap_or_default();
        Self::ALL.get(index).copied().unwrap_or(Self::Unspecified)
    }

    /// Its name in TraceQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// How a span ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "OpenTelemetry's own names")]
pub enum Status {
    Unset,
    Ok,
    Error,
}

impl Status {
    /// All statuses, in the order of their OTLP numbers.
    pub const ALL: [Self; 3] = [Self::Unset, Self::Ok, Self::Error];

    /// The status of an OTLP number.
    #[must_use]
    pub fn of(number: i32) -> Self {
        let index = usize::try_from(number).unwrap_or_default();
        Self::ALL.get(index).copied().unwrap_or(Self::Unset)
    }

    /// Its name in TraceQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

/// Something that happened within a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, store time.
    pub ts_ns: i64,
    /// What.
    pub name: Text,
    /// Details.
    pub attributes: Vec<Attribute>,
}

/// A pointer to another span.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The other trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// Details.
    pub attributes: Vec<Attribute>,
}

/// A span. Times are store times.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace.
    pub trace_id: TraceId,
    /// The span, unique within its trace.
    pub span_id: SpanId,
    /// The span that caused it; `None` for a root.
    pub parent: Option<SpanId>,
    /// What vendors and samplers noted of it, as in W3C Trace Context.
    pub trace_state: Text,
    /// What was done.
    pub name: Text,
    /// What it stands for.
    pub kind: Kind,
    /// Begin, ns.
    pub start_ns: i64,
    /// End, ns; never before the begin.
    pub end_ns: i64,
    /// How it ended.
    pub status: Status,
    /// Why it failed.
    pub status_message: Text,
    /// Who did it.
    pub origin: Arc<Origin>,
    /// Details, names as written.
    pub attributes: Vec<Attribute>,
    /// What happened within.
    pub events: Vec<Event>,
    /// Related spans.
    pub links: Vec<Link>,
}

impl Span {
    /// Length, ns.
    #[must_use]
    pub fn duration_ns(&self) -> i64 {
        self.end_ns - self.start_ns
    }

    /// How many spans it stands for, itself included: more than one where its sampler kept only a share.
    #[must_use]
    pub fn adjusted_count(&self) -> f64 {
        adjusted_count(&self.trace_state)
    }

    /// The service that did it.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.origin.service
    }

    /// An attribute of the span or, failing that, of its resource.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        crate::attributes::find(&self.attributes, name)
            .or_else(|| crate::attributes::find(&self.origin.resource, name))
    }
}

/// All spans of a trace that are held, by begin.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Its identifier.
    pub id: TraceId,
    /// Its spans; never empty.
    pub spans: Vec<Arc<Span>>,
    index: HashMap<SpanId, usize>,
}

impl Trace {
    /// A trace of `spans`; `None` when there are none. A span that came twice counts once.
    #[must_use]
    pub fn new(mut spans: Vec<Arc<Span>>) -> Option<Self> {
        spans.sort_by_key(|span| span.start_ns);
        let mut index = HashMap::with_capacity(spans.len());
        let mut kept = 0;
        spans.retain(|span| {
            let first = !index.contains_key(&span.span_id);
            if first {
                index.insert(span.span_id, kept);
                kept += 1;
            }
            first
        });
        Some(Self {
            id: spans.first()?.trace_id,
            spans,
            index,
        })
    }

    /// The span with an id.
    #[must_use]
    pub fn span(&self, id: &SpanId) -> Option<&Arc<Span>> {
        self.index.get(id).map(|&at| &self.spans[at])
    }

    /// The span that caused `span`, if it is held.
    #[must_use]
    pub fn parent(&self, span: &Span) -> Option<&Arc<Span>> {
        self.span(&span.parent?)
    }

    /// The root: the earliest span without a parent; where that is missing, the earliest span.
    #[must_use]
    pub fn root(&self) -> &Arc<Span> {
        let parentless = self.spans.iter().find(|span| span.parent.is_none());
        parentless.unwrap_or(&self.spans[0])
    }

    /// Begin of the earliest span, ns.
    #[must_use]
    pub fn start_ns(&self) -> i64 {
        self.spans[0].start_ns
    }

    /// End of the latest span, ns.
    #[must_use]
    pub fn end_ns(&self) -> i64 {
        let ends = self.spans.iter().map(|span| span.end_ns);
        ends.max().unwrap_or_else(|| self.start_ns())
    }

    /// From the earliest begin to the latest end, ns.
    #[must_use]
    pub fn duration_ns(&self) -> i64 {
        self.end_ns() - self.start_ns()
    }
}

/// An OTLP time as ns; times past the year 2262 are cut off there.
#[must_use]
pub(crate) fn ns(unix_nano: u64) -> i64 {
    i64::try_from(unix_nano).unwrap_or(i64::MAX)
}

/// The trace id of an OTLP span, if it is one.
#[must_use]
pub(crate) fn trace_id(span: &otlp::Span) -> Option<TraceId> {
    let id: TraceId = span.trace_id.as_slice().try_into().ok()?;
    (id != [0; 16]).then_some(id)
}
