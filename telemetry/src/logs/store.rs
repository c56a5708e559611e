//! The bounded, append-only store of log records: one head that fills, sealed segments, eviction of
//! the oldest. Knows no query language.

use std::collections::VecDeque;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1 as otlp;
use parking_lot::Mutex;
use serde::Serialize;

use super::record::{Level, LogRecord};
use super::segment::{Head, SEGMENT_ROWS, Segment, attribute_label};
use crate::attributes::{Attribute, Interner};
use crate::origins::{Origin, Origins};

/// Bytes of log records that are kept. A drill of an hour at 300 records/s with 200 bytes of text and
/// eight attributes each takes about this; past it the oldest segment is evicted and counted.
pub const LOG_BYTES: usize = 512 * 1024 * 1024;

/// What a signal's store holds and has lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SignalStats {
    /// Records received since the start.
    pub received: u64,
    /// Records held now.
    pub held: u64,
    /// Records evicted because the budget was met.
    pub evicted: u64,
    /// Records refused because they were unusable, such as spans without an id.
    pub rejected: u64,
    /// Bytes held now.
    pub bytes: u64,
    /// The budget, bytes.
    pub budget_bytes: u64,
    /// Store time of the oldest record held, ns; `None` when there is none.
    pub oldest_ns: Option<i64>,
}

/// The log store. Appending takes a short lock; a reader takes a [`LogStore::snapshot`] and then
/// needs none.
#[derive(Debug)]
pub struct LogStore {
    inner: Mutex<Inner>,
    budget_bytes: usize,
}

#[derive(Debug, Default)]
struct Inner {
    sealed: VecDeque<Arc<Segment>>,
    sealed_bytes: usize,
    head: Head,
    /// The head as of the last snapshot, until the next append.
    head_snapshot: Option<Arc<Segment>>,
    interner: Interner,
    origins: Origins,
    received: u64,
    evicted: u64,
}

impl LogStore {
    /// An empty store that keeps at most `budget_bytes`.
    #[must_use]
    pub fn new(budget_bytes: usize) -> Self {
        Self {
            inner: Mutex::default(),
            budget_bytes,
        }
    }

    /// Appends a batch whose times are store times already; returns the number of records.
    pub fn append(&self, request: &ExportLogsServiceRequest) -> usize {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        let mut count = 0;
        for resource_logs in &request.resource_logs {
            for scope_logs in &resource_logs.scope_logs {
                let scope = scope_logs.scope.as_ref().map_or("", |scope| &scope.name);
                let resource = resource_logs.resource.as_ref();
                let origin = inner.origins.origin(&mut inner.interner, resource, scope);
                for record in &scope_logs.log_records {
                    inner.push(&origin, record, self.budget_bytes);
                    count += 1;
                }
            }
        }
        inner.received += count as u64;
        if count > 0 {
            inner.head_snapshot = None;
        }
        count
    }

    /// All segments, oldest arrival first; the last may be a copy of the head.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Arc<Segment>> {
        let mut inner = self.inner.lock();
        let mut segments: Vec<_> = inner.sealed.iter().cloned().collect();
        if inner.head.rows() > 0 {
            let head = match &inner.head_snapshot {
                Some(head) => head.clone(),
                None => Arc::new(inner.head.clone().seal()),
            };
            inner.head_snapshot = Some(head.clone());
            segments.push(head);
        }
        segments
    }

    /// What the store holds and has lost.
    #[must_use]
    pub fn stats(&self) -> SignalStats {
        let segments = self.snapshot();
        let inner = self.inner.lock();
        SignalStats {
            received: inner.received,
            held: inner.received - inner.evicted,
            evicted: inner.evicted,
            rejected: 0,
            bytes: (inner.sealed_bytes + inner.head.bytes()) as u64,
            budget_bytes: self.budget_bytes as u64,
            oldest_ns: segments
                .iter()
                .filter_map(|segment| segment.span_ns().map(|span| span.0))
                .min(),
        }
    }
}

impl Inner {
    fn push(&mut self, origin: &Arc<Origin>, record: &otlp::LogRecord, budget_bytes: usize) {
        use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
        let body = match record.body.as_ref().and_then(|body| body.value.as_ref()) {
            None => std::borrow::Cow::Borrowed(record.event_name.as_str()),
            Some(Any::StringValue(text)) => std::borrow::Cow::Borrowed(text.as_str()),
            Some(Any::ArrayValue(_) | Any::KvlistValue(_)) => {
                let value = record.body.as_ref().and_then(|body| body.value.as_ref());
                value
                    .map_or_else(String::new, |value| {
                        crate::attributes::json(value).to_string()
                    })
                    .into()
            }
            Some(_) => self
                .interner
                .value(record.body.as_ref())
                .text()
                .into_owned()
                .into(),
        };
        let row = LogRecord {
            ts_ns: record_ts_ns(record),
            level: Level::of(record.severity_number, &record.severity_text),
            body: &body,
            trace_id: record.trace_id.as_slice().try_into().unwrap_or_default(),
            span_id: record.span_id.as_slice().try_into().unwrap_or_default(),
        };
        let interner = &mut self.interner;
        let attributes = record.attributes.iter().map(|pair| Attribute {
            key: attribute_label(interner, &pair.key),
            value: interner.value(pair.value.as_ref()),
        });
        self.head.append(origin, &row, attributes);
        // a few huge records must not outgrow the budget before the head has all its rows
        if self.head.rows() >= SEGMENT_ROWS || self.head.bytes() > budget_bytes / 4 {
            self.seal(budget_bytes);
        }
    }

    fn seal(&mut self, budget_bytes: usize) {
        let segment = std::mem::take(&mut self.head).seal();
        self.head_snapshot = None;
        self.sealed_bytes += segment.bytes();
        self.sealed.push_back(Arc::new(segment));
        while self.sealed_bytes > budget_bytes {
            let Some(oldest) = self.sealed.pop_front() else {
                return;
            };
            self.sealed_bytes -= oldest.bytes();
            self.evicted += oldest.rows() as u64;
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

    #[test]
    fn a_snapshot_does_not_see_later_appends() {
        let store = LogStore::new(LOG_BYTES);
        store.append(&batch("checkout", vec![record(1, "one")]));
        let before = store.snapshot();
        store.append(&batch("checkout", vec![record(2, "two")]));
        assert_eq!(before.iter().map(|s| s.rows()).sum::<usize>(), 1);
        assert_eq!(store.snapshot().iter().map(|s| s.rows()).sum::<usize>(), 2);
    }

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
}
