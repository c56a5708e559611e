//! Exemplars: a few observed values of a series with their trace ids. Bounded. Knows no scrape.

use std::collections::{HashMap, VecDeque};

use parking_lot::RwLock;
use promql_parser::label::Matcher;

use super::labels::Labels;

/// Exemplars kept for each series; the oldest makes room.
const EXEMPLARS_PER_SERIES: usize = 64;
/// Series with exemplars; exemplars of further series are dropped and counted.
const SERIES_MAX: usize = 4096;

/// An observed value with its labels, most often `trace_id`.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Labels of the exemplar itself.
    pub labels: Labels,
    /// The observed value.
    pub value: f64,
    /// Milliseconds since the epoch, store time.
    pub t_ms: i64,
}

/// Exemplars by series.
#[derive(Debug, Default)]
pub struct Exemplars {
    by_series: RwLock<HashMap<Labels, VecDeque<Exemplar>>>,
}

impl Exemplars {
    /// Keeps an exemplar unless the series' newest is the same (a scrape repeats it until there is another).
    /// Returns whether there was room for the series.
    pub fn append(&self, series: &Labels, exemplar: Exemplar) -> bool {
        let mut all = self.by_series.write();
        if all.len() >= SERIES_MAX && !all.contains_key(series) {
            return false;
        }
        let kept = all.entry(series.clone()).or_default();
        let repeated = kept
            .back()
            .is_some_and(|last| last.labels == exemplar.labels && last.value == exemplar.value);
        if !repeated {
            if kept.len() == EXEMPLARS_PER_SERIES {
                kept.pop_front();
            }
            kept.push_back(exemplar);
        }
        true
    }

    /// Exemplars of `from_ms..=to_ms` of the series that one of the matcher lists accepts, sorted by series.
    #[must_use]
    pub fn select(
        &self,
        selectors: &[Vec<Matcher>],
        from_ms: i64,
        to_ms: i64,
    ) -> Vec<(Labels, Vec<Exemplar>)> {
        let all = self.by_series.read();
        let accepted = |labels: &Labels| {
            let one = |matchers: &Vec<Matcher>| {
                matchers
                    .iter()
                    .all(|m| m.is_match(labels.get(&m.name).unwrap_or("")))
            };
            selectors.iter().any(one)
        };
        let mut found: Vec<(Labels, Vec<Exemplar>)> = all
            .iter()
            .filter(|(labels, _)| accepted(labels))
            .map(|(labels, kept)| {
                (
                    labels.clone(),
                    kept.iter()
                        .filter(|e| (from_ms..=to_ms).contains(&e.t_ms))
                        .cloned()
                        .collect(),
                )
            })
            .filter(|(_, kept): &(_, Vec<_>)| !kept.is_empty())
            .collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_exemplar_is_kept_once_and_the_oldest_makes_room() {
        let store = Exemplars::default();
        let series = Labels::from_pairs([("__name__", "x_bucket")]);
        let exemplar = |n: i64| Exemplar {
            labels: Labels::from_pairs([("trace_id", n.to_string())]),
            value: 1.0,
            t_ms: n,
        };
        for n in 0..100 {
            assert!(store.append(&series, exemplar(n)));
            assert!(store.append(&series, exemplar(n)));
        }
        let found = store.select(&[Vec::new()], 0, 1000);
        assert_eq!(found[0].1.len(), EXEMPLARS_PER_SERIES);
        assert_eq!(found[0].1[0].t_ms, 36);
    }
}
