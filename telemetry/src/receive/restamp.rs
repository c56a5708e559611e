//! An emitter's times into store time, once, for everything that a batch holds. Knows no store.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, metric::Data};

use crate::logs::record_ts_ns;
use crate::time::{TimeSource, TraceId};
use crate::traces::span::{ns, trace_id};

/// Log records get the one time that they are stored under.
pub(super) fn logs(request: &mut ExportLogsServiceRequest, time: &dyn TimeSource) {
    let resources = request.resource_logs.iter_mut();
    let scopes = resources.flat_map(|resource| &mut resource.scope_logs);
    for record in scopes.flat_map(|scope| &mut scope.log_records) {
        let trace = some_trace(&record.trace_id);
        let ts_ns = match record_ts_ns(record) {
            // neither time was given: it happened now, as far as anyone knows
            0 => time.now_ns(),
            emitted_ns => time.event_ns(emitted_ns, trace),
        };
        record.time_unix_nano = u64::try_from(ts_ns).unwrap_or_default();
    }
}

/// Spans are moved as a whole, so that no duration is stretched.
pub(super) fn traces(request: &mut ExportTraceServiceRequest, time: &dyn TimeSource) {
    let resources = request.resource_spans.iter_mut();
    let scopes = resources.flat_map(|resource| &mut resource.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        let start_ns = ns(span.start_time_unix_nano);
        let shift_ns = time
            .stamp_ns(start_ns, trace_id(span))
            .saturating_sub(start_ns);
        let shift = |at: &mut u64| *at = at.saturating_add_signed(shift_ns);
        shift(&mut span.start_time_unix_nano);
        shift(&mut span.end_time_unix_nano);
        span.events
            .iter_mut()
            .for_each(|event| shift(&mut event.time_unix_nano));
    }
}

/// Data points and their exemplars; a start that is not known stays so.
pub(super) fn metrics(request: &mut ExportMetricsServiceRequest, time: &dyn TimeSource) {
    let point = |start: &mut u64, at: &mut u64, exemplars: &mut [Exemplar]| {
        stamp(start, time, None);
        if *at == 0 {
            *at = u64::try_from(time.now_ns()).unwrap_or_default();
        } else {
            stamp(at, time, None);
        }
        for exemplar in exemplars {
            let trace = some_trace(&exemplar.trace_id);
            stamp(&mut exemplar.time_unix_nano, time, trace);
        }
    };
    let resources = request.resource_metrics.iter_mut();
    let scopes = resources.flat_map(|resource| &mut resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| &mut scope.metrics);
    for data in metrics.filter_map(|metric| metric.data.as_mut()) {
        match data {
            Data::Gauge(data) => data.data_points.iter_mut().for_each(|p| {
                point(
                    &mut p.start_time_unix_nano,
                    &mut p.time_unix_nano,
                    &mut p.exemplars,
                );
            }),
            Data::Sum(data) => data.data_points.iter_mut().for_each(|p| {
                point(
                    &mut p.start_time_unix_nano,
                    &mut p.time_unix_nano,
                    &mut p.exemplars,
                );
            }),
            Data::Histogram(data) => data.data_points.iter_mut().for_each(|p| {
                point(
                    &mut p.start_time_unix_nano,
                    &mut p.time_unix_nano,
                    &mut p.exemplars,
                );
            }),
            Data::ExponentialHistogram(data) => data.data_points.iter_mut().for_each(|p| {
                point(
                    &mut p.start_time_unix_nano,
                    &mut p.time_unix_nano,
                    &mut p.exemplars,
                );
            }),
            Data::Summary(data) => data.data_points.iter_mut().for_each(|p| {
                point(&mut p.start_time_unix_nano, &mut p.time_unix_nano, &mut []);
            }),
        }
    }
}

/// Zero means that a time is not known.
fn stamp(at: &mut u64, time: &dyn TimeSource, trace: Option<TraceId>) {
    if *at != 0 {
        *at = u64::try_from(time.stamp_ns(ns(*at), trace)).unwrap_or_default();
    }
}

fn some_trace(id: &[u8]) -> Option<TraceId> {
    TraceId::try_from(id).ok().filter(|id| *id != [0; 16])
}
