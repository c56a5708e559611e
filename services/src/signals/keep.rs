//! Which traces are kept: a share of the healthy ones, and every one in which something failed.
//!
//! Whether a trace belongs to the share follows from its id, so all processes decide alike and a
//! kept trace is whole. What does not belong to it is held back until this process has finished its
//! part of the trace; if a span of that part failed, the part is exported after all. A failure
//! makes the calling hop fail too as a rule, so the way from the edge to the failure is kept; hops
//! beside it that went well are not.

use std::{collections::HashMap, time::Duration};

use opentelemetry::{
    Context,
    trace::{Span as _, Status, TraceContextExt, TraceId},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use parking_lot::Mutex;

/// Traces held back at once; beyond it the spans of new ones are dropped undecided.
const HELD_TRACES: usize = 2_048;
/// Spans held back of one trace; beyond it further ones are dropped.
const HELD_SPANS: usize = 512;

/// A span processor that hands on what is kept.
#[derive(Debug)]
pub struct Keep<P> {
    next: P,
    share: f64,
    held: Mutex<HashMap<TraceId, Held>>,
}

/// This process's part of a trace.
#[derive(Debug, Default)]
struct Held {
    /// Spans under way whose parent is elsewhere: a process can be met twice by one trace.
    open_roots: u32,
    failed: bool,
    spans: Vec<SpanData>,
}

impl<P> Keep<P> {
    /// Hands on to `next` this share of the healthy traces, 0 to 1.
    pub fn new(next: P, share: f64) -> Self {
        Self {
            next,
            share,
            held: Mutex::default(),
        }
    }

    /// Whether the trace is kept however it ends: the lower 56 bits of its id, which W3C Trace Context level 2 asks to be
    /// random, as a share of all.
    #[allow(clippy::cast_precision_loss)] // 56 bits against a share of a few digits
    fn in_share(&self, trace: TraceId) -> bool {
        const BITS: u32 = 56;
        let bytes = trace.to_bytes();
        let random = bytes[9..]
            .iter()
            .fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        self.share >= 1.0 || (random as f64) < self.share * (1_u64 << BITS) as f64
    }

    /// Takes a span that ended; gives back what is to be exported now.
    fn hold(&self, span: SpanData) -> Vec<SpanData> {
        let mut held = self.held.lock();
        let trace = span.span_context.trace_id();
        let is_root = is_root(&span);
        let Some(part) = held.get_mut(&trace) else {
            return Vec::new();
        };
        part.failed |= matches!(span.status, Status::Error { .. });
        if part.spans.len() < HELD_SPANS {
            part.spans.push(span);
        }
        if is_root {
            part.open_roots = part.open_roots.saturating_sub(1);
        }
        if part.open_roots > 0 {
            return Vec::new();
        }
        match held.remove(&trace) {
            Some(part) if part.failed => part.spans,
            _ => Vec::new(),
        }
    }
}

fn is_root(span: &SpanData) -> bool {
    span.parent_span_is_remote || span.parent_span_id == opentelemetry::trace::SpanId::INVALID
}

impl<P: SpanProcessor> SpanProcessor for Keep<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        let trace = span.span_context().trace_id();
        let parent = cx.span().span_context().clone();
        if !self.in_share(trace) && (parent.is_remote() || !parent.is_valid()) {
            let mut held = self.held.lock();
            if held.len() < HELD_TRACES || held.contains_key(&trace) {
                held.entry(trace).or_default().open_roots += 1;
            }
        }
        self.next.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        if self.in_share(span.span_context.trace_id()) {
            self.next.on_end(span);
        } else {
            for span in self.hold(span) {
                self.next.on_end(span);
            }
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceFlags, TraceState, Tracer, TracerProvider,
    };
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::sync::{Arc, Mutex as StdMutex};

    /// Notes the names of what reaches it.
    #[derive(Debug, Clone, Default)]
    struct Exported(Arc<StdMutex<Vec<String>>>);

    impl SpanProcessor for Exported {
        fn on_start(&self, _span: &mut Span, _cx: &Context) {}
        fn on_end(&self, span: SpanData) {
            self.0.lock().unwrap().push(span.name.into_owned());
        }
        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }
        fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    /// A server span with one child, under a remote parent; says what was exported.
    fn exported(share: f64, fails: bool) -> Vec<String> {
        let exported = Exported::default();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Keep::new(exported.clone(), share))
            .build();
        let tracer = provider.tracer("test");
        let remote = SpanContext::new(
            TraceId::from(u128::MAX / 3),
            SpanId::from(7),
            TraceFlags::SAMPLED,
            true,
            TraceState::NONE,
        );
        let server =
            tracer.start_with_context("server", &Context::new().with_remote_span_context(remote));
        let cx = Context::new().with_span(server);
        let mut child = tracer.start_with_context("child", &cx);
        if fails {
            child.set_status(Status::error("broken"));
        }
        child.end();
        cx.span().end();
        drop(provider);
        std::mem::take(&mut exported.0.lock().unwrap())
    }

    #[test]
    fn outside_the_share_only_a_trace_with_a_failure_is_kept_and_whole() {
        assert_eq!(exported(0.0, false), Vec::<String>::new());
        assert_eq!(exported(0.0, true), ["child", "server"]);
        assert_eq!(exported(1.0, false), ["child", "server"]);
    }

    #[test]
    fn the_share_of_kept_ids_is_the_one_asked_for() {
        let keep = Keep::new(Exported::default(), 0.1);
        let kept = (0..10_000_u128)
            .filter(|n| {
                let id = n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
                keep.in_share(TraceId::from(id))
            })
            .count();
        assert!((850..1_150).contains(&kept), "{kept} of 10000");
    }
}
