//! The store of log records: how an OTLP batch becomes rows. Knows no query language.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1 as otlp;

use super::record::{Level, LogRecord};
use super::segment::{Head, attribute_label};
use crate::attributes::{Attribute, Interner};
use crate::origins::Origin;
use crate::segments::SignalStore;

/// Bytes of log records that are kept. A drill of an hour at 300 records/s with 200 bytes of text and
/// eight attributes each takes about this; past it the oldest segment is evicted and counted.
pub const LOG_BYTES: usize = 512 * 1024 * 1024;

/// The log store.
pub type LogStore = SignalStore<Head>;

impl LogStore {
    /// Appends a batch whose times are store times already; returns the number of records.
    pub fn append(&self, request: &ExportLogsServiceRequest) -> usize {
        self.with(|interner, origins, segments| {
            let mut count = 0;
            for resource_logs in &request.resource_logs {
                for scope_logs in &resource_logs.scope_logs {
                    let scope = scope_logs.scope.as_ref().map_or("", |scope| &scope.name);
                    let resource = resource_logs.resource.as_ref();
                    let origin = origins.origin(interner, resource, scope);
                    for record in &scope_logs.log_records {
                        segments.push(|head| push(head, interner, &origin, record));
                        count += 1;
                    }
                }
            }
            count
        })
    }
}

fn push(head: &mut Head, interner: &mut Interner, origin: &Arc<Origin>, record: &otlp::LogRecord) {
    let body = body(interner, record);
    let row = LogRecord {
        ts_ns: record_ts_ns(record),
        level: Level::of(record.severity_number, &record.severity_text),
        body: &body,
        trace_id: record.trace_id.as_slice().try_into().unwrap_or_default(),
        span_id: record.span_id.as_slice().try_into().unwrap_or_default(),
    };
    let attributes = record.attributes.iter().map(|pair| Attribute {
        key: attribute_label(interner, &pair.key),
        value: interner.value(pair.value.as_ref()),
    });
    head.append(origin, &row, attributes);
}

/// The text of a record: its body, or the event's name where it has none.
fn body<'a>(interner: &mut Interner, record: &'a otlp::LogRecord) -> Cow<'a, str> {
    match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        None => Cow::Borrowed(&record.event_name),
        Some(Any::StringValue(text)) => Cow::Borrowed(text),
        Some(value @ (Any::ArrayValue(_) | Any::KvlistValue(_))) => {
            crate::attributes::json(value).to_string().into()
        }
        Some(_) => {
            let value = interner.value(record.body.as_ref());
            value.text().into_owned().into()
        }
    }
}

/// The time of an OTLP record: when it happened or, where the emitter does not know, was observed.
#[must_use]
pub fn record_ts_ns(record: &otlp::LogRecord) -> i64 {
    let ts = match record.time_unix_nano {
        0 => record.observed_time_unix_nano,
        ts => ts,
    };
    i64::try_from(ts).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::fixture::{batch, record};

    #[test]
    fn rows_come_in_time_order_though_they_arrived_otherwise() {
        let store = LogStore::new(LOG_BYTES);
        store.append(&batch(
            "checkout",
            vec![record(3, "c"), record(1, "a"), record(2, "b")],
        ));
        let segment = &store.snapshot()[0];
        let bodies: Vec<_> = segment
            .rows_between(i64::MIN, i64::MAX)
            .iter()
            .map(|&row| segment.row(row).body())
            .collect();
        assert_eq!(bodies, ["a", "b", "c"]);
        assert_eq!(segment.rows_between(2_000_000_000, 3_000_000_000).len(), 1);
    }

    #[test]
    fn a_full_budget_evicts_the_oldest_and_counts_it() {
        let store = LogStore::new(1024 * 1024);
        for second in 0..40_000 {
            store.append(&batch(
                "checkout",
                vec![record(second, "a line of some length")],
            ));
        }
        let stats = store.stats();
        assert_eq!(stats.received, 40_000);
        assert!(stats.evicted > 0, "{stats:?}");
        assert_eq!(stats.held + stats.evicted, stats.received);
        assert!(stats.bytes <= 2 * stats.budget_bytes, "{stats:?}");
        assert!(stats.oldest_ns > Some(0), "{stats:?}");
    }
}
