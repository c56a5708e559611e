//! One series in the store: sealed chunks that readers share, and a head that grows. Knows nothing of other series.

use std::sync::Arc;

use super::chunk::{Chunk, Point};
use super::labels::Labels;

/// Samples in the head before it is sealed: at one scrape each few seconds most alert windows touch only the head.
const HEAD_SAMPLES: usize = 240;

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
    head: Vec<Point>,
}

/// A consistent view of one series that needs no lock: shared chunks and a copy of the head.
#[derive(Debug)]
pub(super) struct View {
    pub labels: Labels,
    sealed: Vec<Arc<Chunk>>,
    head: Vec<Point>,
}

impl Series {
    pub fn new(labels: Labels) -> Self {
        Self {
            labels,
            sealed: Vec::new(),
            head: Vec::new(),
        }
    }

    pub fn last(&self) -> Option<(i64, Option<f64>)> {
        match self.head.last() {
            Some(point) => Some((point.t_ms, Some(point.value))),
            None => self.sealed.last().map(|chunk| (chunk.last_ms, None)),
        }
    }

    /// Appends, and tells by how many bytes the series grew (negative when a head was compressed).
    pub fn append(&mut self, point: Point) -> (Appended, isize) {
        if let Some((last_ms, last_value)) = self.last()
            && point.t_ms <= last_ms
        {
            let same = point.t_ms == last_ms
                && last_value.is_none_or(|v| v.to_bits() == point.value.to_bits());
            return (
                if same {
                    Appended::Duplicate
                } else {
                    Appended::OutOfOrder
                },
                0,
            );
        }
        let before = self.head.capacity();
        self.head.push(point);
        let mut grown = ((self.head.capacity() - before) * size_of::<Point>()) as isize;
        if self.head.len() >= HEAD_SAMPLES {
            let chunk = Chunk::seal(&self.head);
            grown += chunk.size_bytes() as isize;
            self.sealed.push(Arc::new(chunk));
            self.head.clear();
        }
        (Appended::Stored, grown)
    }

    pub fn first_ms(&self) -> Option<i64> {
        self.sealed
            .first()
            .map(|c| c.first_ms)
            .or_else(|| self.head.first().map(|p| p.t_ms))
    }

    pub fn overlaps(&self, from_ms: i64, to_ms: i64) -> bool {
        self.first_ms().is_some_and(|first| first <= to_ms)
            && self.last().is_some_and(|(last, _)| last >= from_ms)
    }

    /// Removes what ended before `horizon_ms`; returns (samples, bytes) removed. A head is removed only when all of it is older.
    pub fn evict(&mut self, horizon_ms: i64) -> (u64, usize) {
        let keep_from = self
            .sealed
            .partition_point(|chunk| chunk.last_ms < horizon_ms);
        let (mut samples, mut bytes) = (0, 0);
        for chunk in self.sealed.drain(..keep_from) {
            samples += u64::from(chunk.count);
            bytes += chunk.size_bytes();
        }
        if self.head.last().is_some_and(|p| p.t_ms < horizon_ms) {
            samples += self.head.len() as u64;
            bytes += self.head.capacity() * size_of::<Point>();
            self.head = Vec::new();
        }
        (samples, bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.head.is_empty()
    }

    pub fn view(&self, from_ms: i64, to_ms: i64) -> View {
        let first = self.sealed.partition_point(|c| c.last_ms < from_ms);
        let end = self.sealed.partition_point(|c| c.first_ms <= to_ms);
        let head_from = self.head.partition_point(|p| p.t_ms < from_ms);
        let head_to = self.head.partition_point(|p| p.t_ms <= to_ms);
        View {
            labels: self.labels.clone(),
            sealed: self.sealed.get(first..end).unwrap_or_default().to_vec(),
            head: self
                .head
                .get(head_from..head_to)
                .unwrap_or_default()
                .to_vec(),
        }
    }
}

impl View {
    /// The samples with `from_ms <= t <= to_ms`.
    pub fn read(self, from_ms: i64, to_ms: i64) -> Vec<Point> {
        if self.sealed.is_empty() {
            return self.head;
        }
        let mut out = Vec::with_capacity(
            self.sealed.iter().map(|c| c.count as usize).sum::<usize>() + self.head.len(),
        );
        for chunk in &self.sealed {
            chunk.read_into(from_ms, to_ms, &mut out);
        }
        out.extend_from_slice(&self.head);
        out
    }
}
