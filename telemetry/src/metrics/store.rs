//! The metric store: series by labels, a postings index, a budget, and readers that never wait for writers' work.
//! Knows no scrape, no query language and no clock: every time is given by the caller.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::RwLock;
use promql_parser::label::{MatchOp, Matcher};

use super::chunk::Point;
use super::labels::Labels;
use super::selected::Selected;
use super::series::{Appended, Series};

/// What the store may hold. At the limit old samples make room, and new series are refused; both are counted.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Most series at a time; samples of further series are refused.
    pub series: usize,
    /// Most bytes of samples; beyond it the oldest tenth of the time span is evicted.
    pub sample_bytes: usize,
}

impl Default for Budget {
    /// 50,000 series and 192 MiB of samples: a lab of a dozen services for some ten hours.
    fn default() -> Self {
        Self {
            series: 50_000,
            sample_bytes: 192 << 20,
        }
    }
}

/// How far ahead of now a sample from outside may be; it is not taken beyond, or none could follow it. Prometheus' limit.
pub const AHEAD_MS: i64 = 10 * 60 * 1000;

/// Counters of the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series held now.
    pub series: u64,
    /// Samples held now.
    pub samples: u64,
    /// Bytes of samples held now.
    pub sample_bytes: u64,
    /// Samples removed because the budget was met.
    pub samples_evicted: u64,
    /// Series removed because all their samples were.
    pub series_evicted: u64,
    /// Samples refused because the series limit was met.
    pub samples_refused: u64,
    /// Samples dropped because they were older than the last one of their series.
    pub samples_out_of_order: u64,
}

/// Names a series in the store for as long as the series lives; ids are not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(u64);

type Postings = HashMap<Arc<str>, BTreeMap<Arc<str>, BTreeSet<SeriesId>>>;

#[derive(Debug, Default)]
struct Inner {
    next_id: u64,
    ids: HashMap<Labels, SeriesId>,
    series: HashMap<SeriesId, Series>,
    postings: Postings,
    strings: HashSet<Arc<str>>,
    stats: Stats,
    /// Time of the newest sample that ever came.
    newest_ms: Option<i64>,
    /// Up to when what is in the store is watched for changes.
    watched_ms: Option<i64>,
    disturbances: u64,
}

/// What [`Store::watch`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watch {
    /// Grows when something changed that was watched.
    pub disturbances: u64,
    /// Up to when samples are watched, ms.
    pub until_ms: i64,
}

/// Series and their samples, bounded by a [`Budget`].
#[derive(Debug)]
pub struct Store {
    inner: RwLock<Inner>,
    budget: Budget,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self {
            inner: RwLock::new(Inner::default()),
            budget,
        }
    }

    /// Appends one sample. Returns whether it is in the store now.
    pub fn append(&self, labels: &Labels, t_ms: i64, value: f64) -> bool {
        let mut inner = self.inner.write();
        let Some(id) = inner.resolve(labels, self.budget.series) else {
            return false;
        };
        let stored = inner.append(id, Point { t_ms, value });
        inner.make_room(self.budget.sample_bytes);
        stored
    }

    /// Appends many samples of one time under one lock. An id whose series was evicted is resolved again by
    /// its labels; the ids in `batch` are updated in place. Returns how many samples were refused.
    pub fn append_batch(&self, t_ms: i64, batch: &mut [Pending]) -> usize {
        let mut refused = 0;
        self.append_each(t_ms, batch, |_| refused += 1);
        refused
    }

    /// The same; tells the places of those that were refused, in order.
    pub(super) fn append_each(
        &self,
        t_ms: i64,
        batch: &mut [Pending],
        mut refused: impl FnMut(usize),
    ) {
        let mut inner = self.inner.write();
        for (at, pending) in batch.iter_mut().enumerate() {
            let known = pending.id.filter(|id| inner.series.contains_key(id));
            pending.id = known.or_else(|| inner.resolve(&pending.labels, self.budget.series));
            let stored = pending.id.is_some_and(|id| {
                inner.append(
                    id,
                    Point {
                        t_ms: pending.t_ms.unwrap_or(t_ms),
                        value: pending.value,
                    },
                )
            });
            if !stored {
                refused(at);
            }
        }
        inner.make_room(self.budget.sample_bytes);
    }

    /// The series that all matchers accept, with their samples of `from_ms..=to_ms`; series without samples there are left out.
    /// Reads hold the lock only while they copy heads and share chunks; unpacking happens outside, when the reader wants it.
    #[must_use]
    pub fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Vec<Selected> {
        let views: Vec<Selected> = {
            let inner = self.inner.read();
            inner
                .find(matchers)
                .filter(|series| series.overlaps(from_ms, to_ms))
                .map(|series| series.view(from_ms, to_ms))
                .collect()
        };
        views
            .into_iter()
            .map(|view| view.counted(from_ms, to_ms))
            .filter(|view| view.samples() > 0)
            .collect()
    }

    /// The label sets that all matchers accept and whose samples' span, first to last, touches `from_ms..=to_ms`, sorted.
    #[must_use]
    pub fn series(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Vec<Labels> {
        let inner = self.inner.read();
        let mut found: Vec<Labels> = inner
            .find(matchers)
            .filter(|s| s.overlaps(from_ms, to_ms))
            .map(|s| s.labels.clone())
            .collect();
        found.sort();
        found
    }

    /// Watches all samples up to a time, but not those within `settled_ms` of the newest. As long as the same number of
    /// disturbances is told again, all selections up to there are what they were at the first call.
    pub(crate) fn watch(&self, until_ms: i64, settled_ms: i64) -> Watch {
        let mut inner = self.inner.write();
        let newest_ms = inner.newest_ms.unwrap_or(i64::MIN);
        let until_ms = until_ms.min(newest_ms.saturating_sub(settled_ms));
        inner.watched_ms = inner.watched_ms.max(Some(until_ms));
        Watch {
            disturbances: inner.disturbances,
            until_ms,
        }
    }

    /// Current counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.read().stats
    }
}

/// One sample on its way into the store.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The series if it is known already; filled in by [`Store::append_batch`].
    pub id: Option<SeriesId>,
    /// The series' labels.
    pub labels: Labels,
    /// The value.
    pub value: f64,
    /// The sample's own time, when it is not the batch's.
    pub t_ms: Option<i64>,
}

impl Inner {
    fn intern(&mut self, text: &Arc<str>) -> Arc<str> {
        if let Some(known) = self.strings.get(text) {
            return known.clone();
        }
        self.strings.insert(text.clone());
        text.clone()
    }

    fn resolve(&mut self, labels: &Labels, limit: usize) -> Option<SeriesId> {
        if let Some(id) = self.ids.get(labels) {
            return Some(*id);
        }
        if self.series.len() >= limit {
            self.stats.samples_refused += 1;
            return None;
        }
        let id = SeriesId(self.next_id);
        self.next_id += 1;
        let pairs: Vec<_> = labels
            .pairs()
            .iter()
            .map(|(n, v)| (self.intern(n), self.intern(v)))
            .collect();
        for (name, value) in &pairs {
            self.postings
                .entry(name.clone())
                .or_default()
                .entry(value.clone())
                .or_default()
                .insert(id);
        }
        let labels = Labels::from_pairs(pairs);
        self.ids.insert(labels.clone(), id);
        self.series.insert(id, Series::new(labels));
        self.stats.series += 1;
        Some(id)
    }

    fn append(&mut self, id: SeriesId, point: Point) -> bool {
        let Some(series) = self.series.get_mut(&id) else {
            return false;
        };
        let before = series.sample_bytes();
        let appended = series.append(point);
        let grown = series.sample_bytes() as i64 - before as i64;
        self.stats.sample_bytes = self.stats.sample_bytes.saturating_add_signed(grown);
        match appended {
            Appended::Stored => {
                self.stats.samples += 1;
                self.newest_ms = self.newest_ms.max(Some(point.t_ms));
                if self.watched_ms.is_some_and(|until| point.t_ms <= until) {
                    self.disturb();
                }
            }
            Appended::OutOfOrder => self.stats.samples_out_of_order += 1,
            Appended::Duplicate => {}
        }
        appended != Appended::OutOfOrder
    }

    /// Evicts the oldest tenth of the time span, again until the budget holds or nothing is left to evict.
    fn make_room(&mut self, sample_bytes: usize) {
        while self.stats.sample_bytes > sample_bytes as u64 {
            let first = self.series.values().filter_map(Series::first_ms).min();
            let last = self.series.values().filter_map(Series::last_ms).max();
            // a run of samples goes as a whole: the horizon is where the first of them may
            let soonest = self.series.values().filter_map(Series::first_end_ms).min();
            let (Some(first), Some(last), Some(soonest)) = (first, last, soonest) else {
                return;
            };
            let tenth = first.saturating_add(last.saturating_sub(first) / 10);
            let before = self.stats.samples;
            self.evict_before(tenth.max(soonest).saturating_add(1));
            if self.stats.samples == before {
                // there is no time behind the end of all time
                return;
            }
        }
    }

    fn disturb(&mut self) {
        self.disturbances += 1;
        // nothing is watched any more until somebody asks again
        self.watched_ms = None;
    }

    fn evict_before(&mut self, horizon_ms: i64) {
        self.disturb();
        let mut emptied = Vec::new();
        for (id, series) in &mut self.series {
            let before = series.sample_bytes();
            let samples = series.evict(horizon_ms);
            self.stats.samples -= samples;
            self.stats.samples_evicted += samples;
            self.stats.sample_bytes -= (before - series.sample_bytes()) as u64;
            if series.is_empty() {
                emptied.push(*id);
            }
        }
        for id in emptied {
            self.forget(id);
        }
        self.strings.retain(|text| Arc::strong_count(text) > 1);
    }

    fn forget(&mut self, id: SeriesId) {
        let Some(series) = self.series.remove(&id) else {
            return;
        };
        self.ids.remove(&series.labels);
        for (name, value) in series.labels.pairs() {
            let Some(values) = self.postings.get_mut(name) else {
                continue;
            };
            if let Some(ids) = values.get_mut(value) {
                ids.remove(&id);
                if ids.is_empty() {
                    values.remove(value);
                }
            }
            if values.is_empty() {
                self.postings.remove(name);
            }
        }
        self.stats.series -= 1;
        self.stats.series_evicted += 1;
    }

    /// Candidates from the smallest postings list of an equality matcher, or from the values that another matcher
    /// accepts; then every matcher is applied to the labels.
    fn find<'a>(&'a self, matchers: &'a [Matcher]) -> Box<dyn Iterator<Item = &'a Series> + 'a> {
        let all_accept = move |series: &&Series| {
            matchers
                .iter()
                .all(|m| m.is_match(series.labels.get(&m.name).unwrap_or("")))
        };
        let equal = matchers
            .iter()
            .filter(|m| matches!(m.op, MatchOp::Equal) && !m.value.is_empty());
        let lists: Option<Vec<&BTreeSet<SeriesId>>> = equal
            .map(|m| self.postings.get(m.name.as_str())?.get(m.value.as_str()))
            .collect();
        // a label value that no series has: no series
        let Some(lists) = lists else {
            return Box::new(std::iter::empty());
        };
        if let Some(smallest) = lists.into_iter().min_by_key(|ids| ids.len()) {
            return Box::new(
                smallest
                    .iter()
                    .filter_map(|id| self.series.get(id))
                    .filter(all_accept),
            );
        }
        if let Some(narrow) = matchers.iter().find(|m| !m.is_match("")) {
            let values = self
                .postings
                .get(narrow.name.as_str())
                .into_iter()
                .flatten();
            let ids: BTreeSet<SeriesId> = values
                .filter(|(value, _)| narrow.is_match(value))
                .flat_map(|(_, ids)| ids.iter().copied())
                .collect();
            return Box::new(
                ids.into_iter()
                    .filter_map(|id| self.series.get(&id))
                    .filter(all_accept),
            );
        }
        let mut ids: Vec<&SeriesId> = self.series.keys().collect();
        ids.sort_unstable();
        Box::new(
            ids.into_iter()
                .filter_map(|id| self.series.get(id))
                .filter(all_accept),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(name: &str, service: &str) -> Labels {
        Labels::from_pairs([("__name__", name), ("service", service)])
    }

    fn equal(name: &str, value: &str) -> Matcher {
        Matcher::new(MatchOp::Equal, name, value)
    }

    #[test]
    fn a_sample_older_than_the_last_is_dropped_and_counted() {
        let store = Store::new(Budget::default());
        assert!(store.append(&labels("up", "a"), 2000, 1.0));
        assert!(
            store.append(&labels("up", "a"), 2000, 1.0),
            "a repeated sample is no error"
        );
        assert!(!store.append(&labels("up", "a"), 2000, 0.0));
        assert!(!store.append(&labels("up", "a"), 1000, 1.0));
        assert_eq!(store.stats().samples_out_of_order, 2);
        assert_eq!(store.stats().samples, 1);
    }

    #[test]
    fn a_selection_crosses_sealed_chunks_and_the_head() {
        let store = Store::new(Budget::default());
        for at in 0..1000 {
            store.append(&labels("n", "a"), at * 10, at as f64);
        }
        let found = store.select(&[equal("__name__", "n")], 2_390, 7_255);
        let values = found[0].columns(2_390, 7_255).values;
        assert_eq!(values, (239..=725).map(f64::from).collect::<Vec<_>>());
    }

    #[test]
    fn every_matcher_is_applied_and_a_missing_label_is_empty() {
        let store = Store::new(Budget::default());
        for service in ["a", "b", ""] {
            store.append(&labels("up", service), 0, 1.0);
        }
        let count = |matchers: &[Matcher]| store.series(matchers, 0, 0).len();
        assert_eq!(count(&[equal("__name__", "up")]), 3);
        assert_eq!(count(&[equal("__name__", "up"), equal("service", "")]), 1);
        assert_eq!(count(&[Matcher::new(MatchOp::NotEqual, "service", "a")]), 2);
        let any = MatchOp::Re(regex::Regex::new("^(?:.+)$").unwrap());
        assert_eq!(count(&[Matcher::new(any, "service", ".+")]), 2);
        assert_eq!(count(&[equal("service", "nowhere")]), 0);
        assert_eq!(count(&[]), 3);
    }

    #[test]
    fn new_series_are_refused_at_the_limit() {
        let store = Store::new(Budget {
            series: 1,
            ..Budget::default()
        });
        assert!(store.append(&labels("up", "a"), 0, 1.0));
        assert!(!store.append(&labels("up", "b"), 0, 1.0));
        assert!(store.append(&labels("up", "a"), 1, 1.0));
        assert_eq!(store.stats().samples_refused, 1);
    }

    #[test]
    fn the_oldest_samples_make_room_and_vanished_series_leave_the_index() {
        let store = Store::new(Budget {
            series: 100,
            sample_bytes: 40_000,
        });
        for at in 0..500 {
            store.append(&labels("gone", "a"), at, 1.0);
        }
        for at in 0..100_000 {
            store.append(&labels("n", "a"), 1000 + at, (at * at) as f64 / 3.0);
        }
        let stats = store.stats();
        assert!(stats.sample_bytes <= 40_000, "{stats:?}");
        assert_eq!(stats.samples + stats.samples_evicted, 100_500);
        assert_eq!(stats.series_evicted, 1);
        assert!(
            store
                .series(&[equal("__name__", "gone")], i64::MIN, i64::MAX)
                .is_empty()
        );
        let index = store.inner.read();
        assert!(!index.postings["__name__"].contains_key("gone"));
        assert!(!index.strings.contains("gone"));
        drop(index);
        let newest = store.select(&[equal("__name__", "n")], 100_999, 100_999);
        assert_eq!(newest[0].samples(), 1);
    }
}
