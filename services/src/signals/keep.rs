//! Which traces are kept: a share of the healthy ones, and every one in which something failed.
//!
//! Whether a trace belongs to the share follows from its id, so all processes decide alike and a
//! kept trace is whole. A process holds back its part of a trace until it has finished it: if a span
//! of it failed the part is exported whatever the id, and otherwise only if the trace belongs to the
//! share. A failure makes the calling hop fail too as a rule, so the way from the edge to the failure
//! is kept; hops beside it that went well are not.
//!
//! What is exported says how likely that was, as OpenTelemetry's consistent probability sampling
//! does (`th` in the trace state), so that a receiver can tell how many spans a kept one stands for.

use std::{collections::HashMap, time::Duration};

use opentelemetry::{
    Context,
    trace::{Span as _, SpanContext, Status, TraceContextExt, TraceId},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use parking_lot::Mutex;

/// Traces held back at once; beyond it the spans of new ones are kept only if they are in the share.
const HELD_TRACES: usize = 2_048;
/// Spans held back of one trace; beyond it further ones are kept only if they are in the share.
const HELD_SPANS: usize = 512;

/// Of what is random in a trace id (W3C Trace Context, level 2), the least that is kept: the rejection threshold of
/// OpenTelemetry's probability sampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Threshold(u64);

impl Threshold {
    /// Everything is kept.
    const ALL: Self = Self(0);
    /// Random bits of a trace id: the lowest.
    const BITS: u32 = 56;

    /// What keeps a share, 0 to 1, of all traces.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )] // between 0 and 2^56, which f64 holds to the last bit but three
    fn of_share(share: f64) -> Self {
        let all = (1_u64 << Self::BITS) as f64;
        Self(((1.0 - share.clamp(0.0, 1.0)) * all).round() as u64)
    }

    fn keeps(self, trace: TraceId) -> bool {
        let random = trace.to_bytes()[9..]
            .iter()
            .fold(0, |n, byte| n << 8 | u64::from(*byte));
        random >= self.0
    }

    /// The value of `ot` in the trace state: the hexadecimal digits of a fraction, without zeros at the end.
    fn trace_state(self) -> String {
        let digits = format!("{:014x}", self.0);
        match digits.trim_end_matches('0') {
            "" => "th:0".to_owned(),
            digits => format!("th:{digits}"),
        }
    }
}

/// A span processor that hands on what is kept.
#[derive(Debug)]
pub struct Keep<P> {
    next: P,
    threshold: Threshold,
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

impl<P: SpanProcessor> Keep<P> {
    /// Hands on to `next` this share of the healthy traces, 0 to 1.
    pub fn new(next: P, share: f64) -> Self {
        Self {
            next,
            threshold: Threshold::of_share(share),
            held: Mutex::default(),
        }
    }

    /// Takes a span that ended; gives back what is to be decided on now.
    fn hold(&self, span: SpanData) -> Held {
        let mut held = self.held.lock();
        let trace = span.span_context.trace_id();
        let is_root = is_root(&span);
        let alone = |span| Held {
            spans: vec![span],
            ..Held::default()
        };
        let Some(part) = held.get_mut(&trace) else {
            return alone(span);
        };
        part.failed |= matches!(span.status, Status::Error { .. });
        if is_root {
            part.open_roots = part.open_roots.saturating_sub(1);
        }
        let is_over = part.open_roots == 0;
        if part.spans.len() >= HELD_SPANS && !is_over {
            return alone(span);
        }
        part.spans.push(span);
        if is_over {
            held.remove(&trace).unwrap_or_default()
        } else {
            Held::default()
        }
    }

    /// Exports a part if it is kept, with how likely that was.
    fn decide(&self, part: Held) {
        let threshold = if part.failed {
            Threshold::ALL
        } else {
            self.threshold
        };
        for mut span in part.spans {
            if threshold.keeps(span.span_context.trace_id()) {
                span.span_context = stated(&span.span_context, threshold);
                self.next.on_end(span);
            }
        }
    }
}

/// The same context with the threshold in its trace state.
fn stated(context: &SpanContext, threshold: Threshold) -> SpanContext {
    let state = context.trace_state();
    SpanContext::new(
        context.trace_id(),
        context.span_id(),
        context.trace_flags(),
        context.is_remote(),
        // a state that a caller has filled to its limit stays as it is
        state
            .insert("ot", threshold.trace_state())
            .unwrap_or_else(|_| state.clone()),
    )
}

fn is_root(span: &SpanData) -> bool {
    span.parent_span_is_remote || span.parent_span_id == opentelemetry::trace::SpanId::INVALID
}

impl<P: SpanProcessor> SpanProcessor for Keep<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        let trace = span.span_context().trace_id();
        let parent = cx.span().span_context().clone();
        if self.threshold != Threshold::ALL && (parent.is_remote() || !parent.is_valid()) {
            let mut held = self.held.lock();
            if held.len() < HELD_TRACES || held.contains_key(&trace) {
                held.entry(trace).or_default().open_roots += 1;
            }
        }
        self.next.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        if self.threshold == Threshold::ALL {
            self.next.on_end(span);
        } else {
            self.decide(self.hold(span));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        // what was cut off: nobody will finish it
        let cut_off = std::mem::take(&mut *self.held.lock());
        cut_off.into_values().for_each(|part| self.decide(part));
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanId, TraceFlags, TraceState, Tracer, TracerProvider};
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::sync::{Arc, Mutex as StdMutex};

    /// Notes name and trace state of what reaches it.
    #[derive(Debug, Clone, Default)]
    struct Exported(Arc<StdMutex<Vec<(String, String)>>>);

    impl SpanProcessor for Exported {
        fn on_start(&self, _span: &mut Span, _cx: &Context) {}
        fn on_end(&self, span: SpanData) {
            let state = span.span_context.trace_state().header();
            self.0.lock().unwrap().push((span.name.into_owned(), state));
        }
        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }
        fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    /// The highest random part there is, kept by every share but nothing; and the lowest, kept by all only.
    const IN_EVERY_SHARE: u128 = u128::MAX;
    const IN_NO_SHARE: u128 = 1 << 100;

    /// A server span with children under a remote parent; says what was exported. The server span of a trace that is cut off
    /// does not end.
    fn exported(share: f64, trace: u128, fails: bool, cut_off: bool) -> Vec<(String, String)> {
        let exported = Exported::default();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Keep::new(exported.clone(), share))
            .build();
        let tracer = provider.tracer("test");
        let remote = SpanContext::new(
            TraceId::from(trace),
            SpanId::from(7),
            TraceFlags::SAMPLED,
            true,
            TraceState::from_key_value([("vendor", "x")]).unwrap(),
        );
        let server =
            tracer.start_with_context("server", &Context::new().with_remote_span_context(remote));
        let cx = Context::new().with_span(server);
        let mut child = tracer.start_with_context("child", &cx);
        if fails {
            child.set_status(Status::error("broken"));
        }
        child.end();
        if !cut_off {
            cx.span().end();
        }
        provider.shutdown().unwrap();
        std::mem::take(&mut exported.0.lock().unwrap())
    }

    fn both(state: &str) -> Vec<(String, String)> {
        ["child", "server"]
            .map(|name| (name.to_owned(), state.to_owned()))
            .to_vec()
    }

    #[test]
    fn outside_the_share_only_a_trace_with_a_failure_is_kept_and_whole() {
        assert_eq!(exported(0.25, IN_NO_SHARE, false, false), []);
        let kept = exported(0.25, IN_NO_SHARE, true, false);
        assert_eq!(kept, both("ot=th:0,vendor=x"));
    }

    #[test]
    fn what_is_kept_says_how_likely_that_was() {
        let healthy = exported(0.25, IN_EVERY_SHARE, false, false);
        assert_eq!(healthy, both("ot=th:c,vendor=x"));
        let failed = exported(0.25, IN_EVERY_SHARE, true, false);
        assert_eq!(failed, both("ot=th:0,vendor=x"));
        let without_sampling = exported(1.0, IN_NO_SHARE, false, false);
        assert_eq!(without_sampling, both("vendor=x"));
    }

    #[test]
    fn what_a_stop_cuts_off_is_decided_on_then() {
        let state = "ot=th:c,vendor=x".to_owned();
        let kept = exported(0.25, IN_EVERY_SHARE, false, true);
        assert_eq!(kept, [("child".to_owned(), state)]);
        assert_eq!(exported(0.25, IN_NO_SHARE, false, true), []);
    }

    #[test]
    fn the_share_of_kept_ids_is_the_one_asked_for() {
        let threshold = Threshold::of_share(0.1);
        let kept = (0..10_000_u128)
            .filter(|n| {
                let id = n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
                threshold.keeps(TraceId::from(id))
            })
            .count();
        assert!((850..1_150).contains(&kept), "{kept} of 10000");
    }

    #[test]
    fn thresholds_are_written_as_the_digits_of_a_fraction() {
        for (share, state) in [
            (1.0, "th:0"),
            (0.5, "th:8"),
            (0.25, "th:c"),
            (0.1, "th:e6666666666668"),
        ] {
            assert_eq!(Threshold::of_share(share).trace_state(), state);
        }
    }
}
