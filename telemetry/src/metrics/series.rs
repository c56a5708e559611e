//! One series in the store: sealed chunks that readers share, and a head that grows. Knows nothing of other series.

use std::sync::Arc;

use super::chunk::{Chunk, Point, allocated};
use super::labels::Labels;
use super::selected::Selected;

/// Samples in the head before it is sealed: Prometheus' number. More would pack a little better, but each series of the store
/// pays 16 bytes for each of them, sealed or not.
const HEAD_SAMPLES: usize = 120;

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appended {
    Stored,
    /// Same time and value as the last one: nothing to do.
    Duplicate,
    /// Older than the last one, or another value at the same time: dropped, as Prometheus does.
    OutOfOrder,
}

#[derive(Debug)]
pub(super) struct Series {
    pub labels: Labels,
    sealed: Vec<Arc<Chunk>>,
    /// Heap bytes of the sealed chunks.
    sealed_bytes: usize,
    head_times_ms: Vec<i64>,
    head_values: Vec<f64>,
    /// The newest sample, wherever it is.
    last: Option<Point>,
}

impl Series {
    pub fn new(labels: Labels) -> Self {
        Self {
            labels,
            sealed: Vec::new(),
            sealed_bytes: 0,
            head_times_ms: Vec::new(),
            head_values: Vec::new(),
            last: None,
        }
    }

    /// Heap bytes of the samples, with what the allocator adds.
    pub fn sample_bytes(&self) -> usize {
        self.sealed_bytes
            + allocated(self.sealed.capacity() * size_of::<Arc<Chunk>>())
            + allocated(self.head_times_ms.capacity() * size_of::<i64>())
            + allocated(self.head_values.capacity() * size_of::<f64>())
    }

    pub fn append(&mut self, point: Point) -> Appended {
        if let Some(last) = self.last.filter(|last| point.t_ms <= last.t_ms) {
            let same = point.t_ms == last.t_ms && last.value.to_bits() == point.value.to_bits();
            return if same {
                Appended::Duplicate
            } else {
                Appended::OutOfOrder
            };
        }
        self.last = Some(point);
        self.head_times_ms.push(point.t_ms);
        self.head_values.push(point.value);
        if self.head_values.len() >= HEAD_SAMPLES {
            let chunk = Chunk::seal(&self.head_times_ms, &self.head_values);
            self.sealed_bytes += chunk.size_bytes();
            self.sealed.push(Arc::new(chunk));
            self.head_times_ms.clear();
            self.head_values.clear();
        }
        Appended::Stored
    }

    pub fn first_ms(&self) -> Option<i64> {
        let sealed = self.sealed.first().map(|chunk| chunk.first_ms);
        sealed.or_else(|| self.head_times_ms.first().copied())
    }

    pub fn last_ms(&self) -> Option<i64> {
        self.last.map(|point| point.t_ms)
    }

    /// The last time of its oldest run of samples, the least that can be evicted.
    pub fn first_end_ms(&self) -> Option<i64> {
        let sealed = self.sealed.first().map(|chunk| chunk.last_ms);
        sealed.or_else(|| self.head_times_ms.last().copied())
    }

    /// Whether its samples' span touches `from_ms..=to_ms`.
    pub fn overlaps(&self, from_ms: i64, to_ms: i64) -> bool {
        self.first_ms().is_some_and(|first| first <= to_ms)
            && self.last_ms().is_some_and(|last| last >= from_ms)
    }

    /// Removes what ended before `horizon_ms`; returns how many samples. A head is removed only when all of it is older.
    pub fn evict(&mut self, horizon_ms: i64) -> u64 {
        let old = self
            .sealed
            .partition_point(|chunk| chunk.last_ms < horizon_ms);
        let mut samples = 0;
        for chunk in self.sealed.drain(..old) {
            samples += u64::from(chunk.count);
            self.sealed_bytes -= chunk.size_bytes();
        }
        if self
            .head_times_ms
            .last()
            .is_some_and(|t_ms| *t_ms < horizon_ms)
        {
            samples += self.head_values.len() as u64;
            (self.head_times_ms, self.head_values) = (Vec::new(), Vec::new());
        }
        if self.sealed.is_empty() {
            self.sealed = Vec::new();
        }
        samples
    }

    pub fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.head_values.is_empty()
    }

    /// A consistent view of `from_ms..=to_ms` that needs no lock: shared chunks and a copy of the head.
    pub fn view(&self, from_ms: i64, to_ms: i64) -> Selected {
        let first = self.sealed.partition_point(|c| c.last_ms < from_ms);
        let end = self.sealed.partition_point(|c| c.first_ms <= to_ms);
        let head_from = self.head_times_ms.partition_point(|t| *t < from_ms);
        let head_to = self.head_times_ms.partition_point(|t| *t <= to_ms);
        let head = head_from..head_to.max(head_from);
        Selected::new(
            self.labels.clone(),
            self.sealed.get(first..end).unwrap_or_default().to_vec(),
            self.head_times_ms[head.clone()].to_vec(),
            self.head_values[head].to_vec(),
        )
    }
}
