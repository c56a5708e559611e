//! The bounded, append-only store behind every signal that comes in records: one head that fills,
//! sealed segments, eviction of the oldest. Knows neither logs nor spans, and no query language.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use crate::attributes::Interner;
use crate::origins::Origins;

/// Rows of a full segment. Small enough that a snapshot of a partly filled head is a copy of at most
/// about a megabyte, large enough that a million rows are some 250 segments.
pub const SEGMENT_ROWS: usize = 4096;

/// A head of at most this share of the budget is filled further: a few huge records must not outgrow
/// the budget before the head has all its rows.
const HEADS_PER_BUDGET: usize = 4;

/// The segment that is being filled.
pub trait Head: Debug + Default + Clone {
    /// Its immutable form.
    type Sealed: Sealed;

    /// Rows so far.
    fn rows(&self) -> usize;

    /// Bytes that they account for.
    fn bytes(&self) -> usize;

    /// The immutable form.
    fn seal(self) -> Self::Sealed;
}

/// A segment that never changes again.
pub trait Sealed: Debug {
    /// Number of rows.
    fn rows(&self) -> usize;

    /// Bytes that they account for.
    fn bytes(&self) -> usize;

    /// Store time of the earliest row, ns; `None` when there is none.
    fn earliest_ns(&self) -> Option<i64>;
}

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

/// The store of a signal. Appending takes a short lock; a reader takes a [`SignalStore::snapshot`]
/// and then needs none.
#[derive(Debug)]
pub struct SignalStore<H: Head>(Mutex<Inner<H>>);

#[derive(Debug)]
struct Inner<H: Head> {
    interner: Interner,
    origins: Origins,
    segments: Segments<H>,
}

impl<H: Head> SignalStore<H> {
    /// An empty store that keeps at most `budget_bytes`.
    #[must_use]
    pub fn new(budget_bytes: usize) -> Self {
        Self(Mutex::new(Inner {
            interner: Interner::default(),
            origins: Origins::default(),
            segments: Segments {
                sealed: VecDeque::new(),
                sealed_bytes: 0,
                head: H::default(),
                head_snapshot: None,
                budget_bytes,
                received: 0,
                evicted: 0,
                rejected: 0,
            },
        }))
    }

    /// Appends a batch under one lock.
    pub(crate) fn with<T>(
        &self,
        append: impl FnOnce(&mut Interner, &mut Origins, &mut Segments<H>) -> T,
    ) -> T {
        let inner = &mut *self.0.lock();
        append(&mut inner.interner, &mut inner.origins, &mut inner.segments)
    }

    /// All segments, oldest arrival first; the last may be a copy of the head. Writers wait for no more than the copying: it is
    /// put in order beside the lock.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Arc<H::Sealed>> {
        let (mut segments, copy) = {
            let inner = self.0.lock();
            let segments = &inner.segments;
            let mut held: Vec<_> = segments.sealed.iter().cloned().collect();
            held.extend(segments.head_snapshot.clone());
            let open = segments.head_snapshot.is_none() && segments.head.rows() > 0;
            let copy = open.then(|| (segments.head.clone(), segments.received));
            (held, copy)
        };
        if let Some((head, received)) = copy {
            let head = Arc::new(head.seal());
            let segments_now = &mut self.0.lock().segments;
            if segments_now.received == received {
                segments_now.head_snapshot = Some(head.clone());
            }
            segments.push(head);
        }
        segments
    }

    /// What the store holds and has lost.
    #[must_use]
    pub fn stats(&self) -> SignalStats {
        let segments = self.snapshot();
        let earliest = segments.iter().filter_map(|segment| segment.earliest_ns());
        let oldest_ns = earliest.min();
        SignalStats {
            oldest_ns,
            ..self.0.lock().segments.counted()
        }
    }
}

/// The segments of a store.
#[derive(Debug)]
pub(crate) struct Segments<H: Head> {
    sealed: VecDeque<Arc<H::Sealed>>,
    sealed_bytes: usize,
    head: H,
    /// The head as of the last snapshot, until the next append.
    head_snapshot: Option<Arc<H::Sealed>>,
    budget_bytes: usize,
    received: u64,
    evicted: u64,
    rejected: u64,
}

impl<H: Head> Segments<H> {
    /// Appends a record, which `write` adds to the head.
    pub fn push(&mut self, write: impl FnOnce(&mut H)) {
        self.received += 1;
        self.head_snapshot = None;
        write(&mut self.head);
        let outgrown = self.head.bytes() > self.budget_bytes / HEADS_PER_BUDGET;
        if self.head.rows() >= SEGMENT_ROWS || outgrown {
            self.seal();
        }
    }

    /// Counts a record that cannot be used.
    pub fn reject(&mut self) {
        self.received += 1;
        self.rejected += 1;
    }

    fn seal(&mut self) {
        let segment = std::mem::take(&mut self.head).seal();
        self.sealed_bytes += segment.bytes();
        self.sealed.push_back(Arc::new(segment));
        while self.sealed_bytes > self.budget_bytes {
            let Some(oldest) = self.sealed.pop_front() else {
                return;
            };
            self.sealed_bytes -= oldest.bytes();
            self.evicted += oldest.rows() as u64;
        }
    }

    fn counted(&self) -> SignalStats {
        SignalStats {
            received: self.received,
            held: self.received - self.evicted - self.rejected,
            evicted: self.evicted,
            rejected: self.rejected,
            bytes: (self.sealed_bytes + self.head.bytes()) as u64,
            budget_bytes: self.budget_bytes as u64,
            oldest_ns: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records that are nothing but a time, of ten bytes each.
    #[derive(Debug, Default, Clone)]
    struct Times(Vec<i64>);

    impl Head for Times {
        type Sealed = Self;
        fn rows(&self) -> usize {
            self.0.len()
        }
        fn bytes(&self) -> usize {
            self.0.len() * 10
        }
        fn seal(self) -> Self {
            self
        }
    }

    impl Sealed for Times {
        fn rows(&self) -> usize {
            self.0.len()
        }
        fn bytes(&self) -> usize {
            self.0.len() * 10
        }
        fn earliest_ns(&self) -> Option<i64> {
            self.0.iter().min().copied()
        }
    }

    fn append(store: &SignalStore<Times>, times: std::ops::Range<i64>) {
        store.with(|_, _, segments| {
            for at_ns in times {
                segments.push(|head| head.0.push(at_ns));
            }
        });
    }

    #[test]
    fn a_full_budget_evicts_the_oldest_segments_and_counts_their_records() {
        let store = SignalStore::new(1000);
        append(&store, 0..1_000);
        let stats = store.stats();
        assert_eq!((stats.received, stats.rejected), (1_000, 0));
        assert_eq!(stats.held + stats.evicted, stats.received);
        assert!(stats.bytes <= 1000 + 1000 / 4, "{stats:?}");
        let held = i64::try_from(stats.held).unwrap();
        assert_eq!(stats.oldest_ns, Some(1_000 - held));
    }

    #[test]
    fn a_segment_is_sealed_when_it_has_all_its_rows() {
        let store = SignalStore::new(usize::MAX);
        append(&store, 0..SEGMENT_ROWS as i64 + 1);
        let rows: Vec<_> = store
            .snapshot()
            .iter()
            .map(|s| Sealed::rows(&**s))
            .collect();
        assert_eq!(rows, [SEGMENT_ROWS, 1]);
    }

    #[test]
    fn a_snapshot_is_copied_once_between_appends_and_never_changes() {
        let store = SignalStore::new(usize::MAX);
        append(&store, 0..1);
        let (one, same) = (store.snapshot(), store.snapshot());
        assert!(Arc::ptr_eq(&one[0], &same[0]));
        append(&store, 1..2);
        assert_eq!((&one[0].0, &store.snapshot()[0].0), (&vec![0], &vec![0, 1]));
    }

    #[test]
    fn a_record_that_is_refused_is_received_and_not_held() {
        let store = SignalStore::<Times>::new(1000);
        store.with(|_, _, segments| segments.reject());
        let stats = store.stats();
        assert_eq!((stats.received, stats.rejected, stats.held), (1, 1, 0));
        assert_eq!(stats.oldest_ns, None);
    }
}
