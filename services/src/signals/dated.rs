//! Dates spans and log records by the service's own clock, which may be off.

use std::time::Duration;

use opentelemetry::{Context, InstrumentationScope, logs::LogRecord};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::{LogProcessor, SdkLogRecord},
    trace::{Span, SpanData, SpanProcessor},
};

use crate::clock::Clock;

/// A span processor that dates what ended and hands it on.
#[derive(Debug)]
pub struct DatedSpans<P> {
    next: P,
    clock: Clock,
}

impl<P> DatedSpans<P> {
    /// Hands on to `next`.
    pub fn new(next: P, clock: Clock) -> Self {
        Self { next, clock }
    }
}

impl<P: SpanProcessor> SpanProcessor for DatedSpans<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.next.on_start(span, cx);
    }

    fn on_end(&self, mut span: SpanData) {
        if self.clock.offset_ms() != 0 {
            span.start_time = self.clock.dated(span.start_time);
            span.end_time = self.clock.dated(span.end_time);
            for event in &mut span.events.events {
                event.timestamp = self.clock.dated(event.timestamp);
            }
        }
        self.next.on_end(span);
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

/// A log processor that dates records for those after it.
#[derive(Debug)]
pub struct DatedLogs(pub Clock);

impl LogProcessor for DatedLogs {
    fn emit(&self, record: &mut SdkLogRecord, _: &InstrumentationScope) {
        if self.0.offset_ms() == 0 {
            return;
        }
        if let Some(at) = record.timestamp() {
            record.set_timestamp(self.0.dated(at));
        }
        if let Some(at) = record.observed_timestamp() {
            record.set_observed_timestamp(self.0.dated(at));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::{
        logs::{Logger, LoggerProvider},
        trace::{Tracer, TracerProvider},
    };
    use opentelemetry_sdk::{logs::SdkLoggerProvider, trace::SdkTracerProvider};
    use std::{
        sync::{Arc, Mutex},
        time::SystemTime,
    };

    /// Notes when what reaches it began.
    #[derive(Debug, Clone, Default)]
    struct Noted(Arc<Mutex<Vec<SystemTime>>>);

    impl SpanProcessor for Noted {
        fn on_start(&self, _: &mut Span, _: &Context) {}
        fn on_end(&self, span: SpanData) {
            self.0
                .lock()
                .unwrap()
                .extend([span.start_time, span.end_time]);
        }
        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }
        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    impl LogProcessor for Noted {
        fn emit(&self, record: &mut SdkLogRecord, _: &InstrumentationScope) {
            self.0.lock().unwrap().extend(record.observed_timestamp());
        }
        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }
        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    #[test]
    fn spans_and_logs_are_dated_by_the_clock_and_truly_once_it_is_right() {
        let (clock, noted) = (Clock::default(), Noted::default());
        let tracer = SdkTracerProvider::builder()
            .with_span_processor(DatedSpans::new(noted.clone(), clock.clone()))
            .build();
        let logger = SdkLoggerProvider::builder()
            .with_log_processor(DatedLogs(clock.clone()))
            .with_log_processor(noted.clone())
            .build();
        for offset_ms in [7_200_000, -7_200_000, 0] {
            clock.set_offset_ms(offset_ms);
            let now = clock.now();
            drop(tracer.tracer("test").start("span"));
            let logger = logger.logger("test");
            logger.emit(logger.create_log_record());
            let seen = std::mem::take(&mut *noted.0.lock().unwrap());
            assert_eq!(seen.len(), 3);
            for at in seen {
                let off = at
                    .duration_since(now)
                    .unwrap_or_else(|error| error.duration());
                assert!(off < Duration::from_secs(3_600), "{offset_ms}: {off:?}");
            }
        }
    }
}
