//! The store and every way to ask it, against a naive model: labels to times to values. What was appended is random, late, double,
//! stale, endless and no number; the store is small, so that it evicts; after each step each query must agree with the model.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use promql_parser::label::{MatchOp, Matcher};
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::catalog::Metadata;
use super::chunk::{is_stale, stale_marker};
use super::exemplars::Exemplar;
use super::labels::Labels;
use super::store::{Budget, Pending, SeriesId};
use super::{Metrics, MetricsConfig};
use crate::promql::{self, Answer, LOOKBACK_MS, Limits};
use crate::time::WallTime;

/// Less than the label sets of [`labels`], so that some are refused.
const SERIES_MAX: usize = 9;
/// Some runs of samples: less than the heads of all series take.
const SAMPLE_BYTES: usize = 6_000;
const START_MS: i64 = 1_000_000_000;

/// Twelve label sets of two names; the later ones are without the second label.
fn labels(number: usize) -> Labels {
    let (name, letter) = (["m", "n_total"][number % 2], ["a", "b", ""][number % 3]);
    let instance = ["0", "1"][number / 6 % 2];
    Labels::from_pairs([("__name__", name), ("l", letter), ("instance", instance)])
}

#[derive(Debug, Clone)]
enum Step {
    /// One sample, so many ms after the newest of all, or before it.
    Append(usize, i64, f64),
    /// A sample for each of the series, of one time, by the ids of the batch before.
    Scrape(Vec<usize>, i64, f64),
    /// A counter that grows, with a reset now and then: enough to seal chunks.
    Burst(usize, u16, i64, u8),
    Note(usize, u8),
    Exemplar(usize, u8),
}

fn value() -> impl Strategy<Value = f64> {
    let special = [
        0.0,
        -0.0,
        1.0,
        0.1,
        -7.5,
        1e300,
        9_007_199_254_740_993.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        stale_marker(),
    ];
    prop_oneof![
        prop::sample::select(special.to_vec()),
        (0_i32..100).prop_map(f64::from)
    ]
}

fn gap() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![
        1000, 1, 0, 1003, 15_000, 400_000, -1, -1000, -8_000, -60_000,
    ])
}

fn step() -> impl Strategy<Value = Step> {
    let of = 0_usize..12;
    prop_oneof![
        3 => (of.clone(), gap(), value()).prop_map(|(of, gap, value)| Step::Append(of, gap, value)),
        3 => (prop::collection::vec(of.clone(), 1..8), gap(), value()).prop_map(|(of, gap, value)| Step::Scrape(of, gap, value)),
        3 => (of.clone(), prop_oneof![1_u16..400, Just(120)], prop::sample::select(vec![1_i64, 1000, 997]), any::<u8>())
            .prop_map(|(of, count, gap, kind)| Step::Burst(of, count, gap, kind)),
        1 => (of.clone(), any::<u8>()).prop_map(|(of, kind)| Step::Note(of, kind)),
        1 => (of, any::<u8>()).prop_map(|(of, trace)| Step::Exemplar(of, trace)),
    ]
}

#[derive(Default)]
struct Counts {
    received: u64,
    evicted: u64,
    refused: u64,
    out_of_order: u64,
}

struct Bench {
    metrics: Metrics,
    runtime: tokio::runtime::Runtime,
    ids: BTreeMap<Labels, SeriesId>,
    newest_ms: i64,
    series: BTreeMap<Labels, BTreeMap<i64, f64>>,
    families: BTreeMap<String, Metadata>,
    exemplars: BTreeMap<Labels, VecDeque<Exemplar>>,
    counts: Counts,
}

impl Bench {
    fn new() -> Self {
        let budget = Budget {
            series: SERIES_MAX,
            sample_bytes: SAMPLE_BYTES,
        };
        let config = MetricsConfig {
            budget,
            ..MetricsConfig::default()
        };
        Self {
            metrics: Metrics::new(config, Arc::new(WallTime)),
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
            ids: BTreeMap::new(),
            newest_ms: START_MS,
            series: BTreeMap::new(),
            families: BTreeMap::new(),
            exemplars: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// What must become of a sample; the model then has it.
    fn expect(&mut self, labels: &Labels, t_ms: i64, value: f64) -> bool {
        let room = self.series.len() < SERIES_MAX || self.series.contains_key(labels);
        if !room {
            self.counts.refused += 1;
            return false;
        }
        let samples = self.series.entry(labels.clone()).or_default();
        if let Some((last_ms, last)) = samples.last_key_value().filter(|(last, _)| t_ms <= **last) {
            let double = t_ms == *last_ms && value.to_bits() == last.to_bits();
            self.counts.out_of_order += u64::from(!double);
            return double;
        }
        samples.insert(t_ms, value);
        self.counts.received += 1;
        self.newest_ms = self.newest_ms.max(t_ms);
        true
    }

    fn append(&mut self, number: usize, t_ms: i64, value: f64) -> Result<(), TestCaseError> {
        let labels = labels(number);
        let stored = self.metrics.inner.store.append(&labels, t_ms, value);
        prop_assert_eq!(
            self.expect(&labels, t_ms, value),
            stored,
            "{} at {}",
            labels,
            t_ms
        );
        self.evict()
    }

    fn scrape(&mut self, of: &[usize], t_ms: i64, value: f64) -> Result<(), TestCaseError> {
        let own_ms = self.newest_ms - 1;
        let pending = |of: &usize| Pending {
            id: self.ids.get(&labels(*of)).copied(),
            labels: labels(*of),
            value: if value.is_nan() {
                value
            } else {
                value + *of as f64
            },
            // some exporters stamp their samples themselves
            t_ms: (of % 5 == 4).then_some(own_ms),
        };
        let mut batch: Vec<Pending> = of.iter().map(pending).collect();
        let refused = self.metrics.append_batch(t_ms, &mut batch);
        let mut expected = 0;
        for sample in &batch {
            let t_ms = sample.t_ms.unwrap_or(t_ms);
            expected += usize::from(!self.expect(&sample.labels, t_ms, sample.value));
            self.ids
                .extend(sample.id.map(|id| (sample.labels.clone(), id)));
        }
        prop_assert_eq!(expected, refused);
        self.evict()
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let now_ms = self.newest_ms;
        match step {
            Step::Append(of, gap, value) => self.append(*of, now_ms + gap, *value)?,
            Step::Scrape(of, gap, value) => self.scrape(of, now_ms + gap, *value)?,
            Step::Burst(of, count, gap, kind) => {
                let (mut value, mut t_ms) = (0.0, now_ms);
                for at in 0..i64::from(*count) {
                    t_ms += gap + i64::from(kind % 3) * (at % 2);
                    value = match kind % 5 {
                        0 => 3.0,
                        1 if at % 97 == 96 => 0.0,
                        4 => value + 0.1 * (at % 7) as f64,
                        _ => value + (at % 7) as f64,
                    };
                    self.append(*of, t_ms, value)?;
                }
            }
            Step::Note(of, kind) => {
                let (labels, help) = (labels(*of), kind.to_string());
                self.metrics
                    .inner
                    .catalog
                    .note(labels.name(), |known| known.help.clone_from(&help));
                self.families
                    .entry(labels.name().to_owned())
                    .or_default()
                    .help = help;
            }
            Step::Exemplar(of, trace) => {
                let trace = Labels::from_pairs([("trace_id", trace.to_string())]);
                let exemplar = Exemplar {
                    labels: trace,
                    value: 1.0,
                    t_ms: now_ms,
                };
                prop_assert!(
                    self.metrics
                        .inner
                        .exemplars
                        .append(&labels(*of), exemplar.clone())
                );
                let kept = self.exemplars.entry(labels(*of)).or_default();
                if kept
                    .back()
                    .is_none_or(|last| last.labels != exemplar.labels)
                {
                    kept.push_back(exemplar);
                }
                if kept.len() > 64 {
                    kept.pop_front();
                }
            }
        }
        Ok(())
    }

    /// Takes from the model what the store evicted, which must be the oldest, as much as was counted, and enough.
    fn evict(&mut self) -> Result<(), TestCaseError> {
        let stats = self.metrics.stats();
        prop_assert!(stats.sample_bytes <= SAMPLE_BYTES as u64, "{:?}", stats);
        if stats.samples_evicted == self.counts.evicted {
            return Ok(());
        }
        let held: BTreeMap<Labels, usize> = self
            .metrics
            .inner
            .store
            .select(&[], i64::MIN, i64::MAX)
            .into_iter()
            .map(|found| (found.labels.clone(), found.samples()))
            .collect();
        let mut newest_gone_ms = i64::MIN;
        for (labels, samples) in &mut self.series {
            let held = held.get(labels).copied().unwrap_or(0);
            prop_assert!(
                held <= samples.len(),
                "{} has {} samples too many",
                labels,
                held
            );
            while samples.len() > held {
                let (t_ms, _) = samples.pop_first().unwrap();
                newest_gone_ms = newest_gone_ms.max(t_ms);
                self.counts.evicted += 1;
            }
        }
        for (labels, samples) in &self.series {
            // they go by runs: of one run, all but the last may be older than what went
            let older = samples.range(..=newest_gone_ms).count();
            prop_assert!(
                older < 120,
                "{} of {} are older than what was evicted",
                older,
                labels
            );
        }
        self.series.retain(|_, samples| !samples.is_empty());
        prop_assert_eq!(stats.samples_evicted, self.counts.evicted);
        Ok(())
    }

    fn check(&self, back_ms: i64, width_ms: i64) -> Result<(), TestCaseError> {
        let to_ms = self.newest_ms - back_ms;
        let from_ms = to_ms - width_ms;
        self.check_stats()?;
        for matchers in matchers() {
            self.check_selection(&matchers, from_ms, to_ms)?;
            self.check_selection(&matchers, i64::MIN, i64::MAX)?;
        }
        self.check_instant(to_ms)?;
        self.check_ranges(to_ms)?;
        self.check_windows(from_ms, to_ms)?;
        // the first minute too, which is evicted sooner or later
        self.check_windows(START_MS, START_MS + 60_000)?;
        self.check_lists(from_ms, to_ms)?;
        prop_assert_eq!(
            self.metrics.inner.catalog.all(),
            self.families.clone().into_iter().collect::<Vec<_>>()
        );
        let exemplars = self.exemplars.iter().filter_map(|(labels, kept)| {
            let kept: Vec<Exemplar> = kept
                .iter()
                .filter(|e| (from_ms..=to_ms).contains(&e.t_ms))
                .cloned()
                .collect();
            (!kept.is_empty() && labels.name() == "m").then(|| (labels.clone(), kept))
        });
        let found = self
            .metrics
            .inner
            .exemplars
            .select(&[vec![name("m")]], from_ms, to_ms);
        prop_assert_eq!(found, exemplars.collect::<Vec<_>>());
        Ok(())
    }

    fn check_stats(&self) -> Result<(), TestCaseError> {
        let stats = self.metrics.stats();
        let held: usize = self.series.values().map(BTreeMap::len).sum();
        prop_assert_eq!(stats.samples, held as u64);
        prop_assert_eq!(stats.samples + stats.samples_evicted, self.counts.received);
        prop_assert_eq!(stats.series, self.series.len() as u64);
        prop_assert_eq!(stats.samples_refused, self.counts.refused);
        prop_assert_eq!(stats.samples_out_of_order, self.counts.out_of_order);
        Ok(())
    }

    /// The model's series that matchers accept.
    fn accepted<'a>(
        &'a self,
        matchers: &'a [Matcher],
    ) -> impl Iterator<Item = (&'a Labels, &'a BTreeMap<i64, f64>)> {
        let accepts = move |labels: &Labels| {
            matchers
                .iter()
                .all(|m| m.is_match(labels.get(&m.name).unwrap_or("")))
        };
        self.series
            .iter()
            .filter(move |(labels, _)| accepts(labels))
    }

    fn check_selection(
        &self,
        matchers: &[Matcher],
        from_ms: i64,
        to_ms: i64,
    ) -> Result<(), TestCaseError> {
        let store = &self.metrics.inner.store;
        let found: BTreeMap<Labels, Vec<(i64, u64)>> = store
            .select(matchers, from_ms, to_ms)
            .into_iter()
            .map(|selected| {
                let columns = selected.columns(from_ms, to_ms);
                assert_eq!(columns.values.len(), selected.samples());
                (
                    selected.labels,
                    columns
                        .points()
                        .map(|p| (p.t_ms, p.value.to_bits()))
                        .collect(),
                )
            })
            .collect();
        let within = |samples: &BTreeMap<i64, f64>| -> Vec<(i64, u64)> {
            samples
                .range(from_ms..=to_ms)
                .map(|(t_ms, value)| (*t_ms, value.to_bits()))
                .collect()
        };
        let expected = self
            .accepted(matchers)
            .map(|(labels, samples)| (labels.clone(), within(samples)));
        prop_assert_eq!(
            found,
            expected
                .filter(|(_, samples)| !samples.is_empty())
                .collect::<BTreeMap<_, _>>()
        );
        prop_assert_eq!(
            store.series(matchers, from_ms, to_ms),
            self.listed(matchers, from_ms, to_ms)
        );
        Ok(())
    }

    /// The label sets of the series whose span touches a window.
    fn listed(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Vec<Labels> {
        let touches = |samples: &BTreeMap<i64, f64>| {
            let (first, last) = (samples.first_key_value(), samples.last_key_value());
            first.is_some_and(|(t, _)| *t <= to_ms) && last.is_some_and(|(t, _)| *t >= from_ms)
        };
        self.accepted(matchers)
            .filter(|(_, samples)| touches(samples))
            .map(|(labels, _)| labels.clone())
            .collect()
    }

    fn check_instant(&self, at_ms: i64) -> Result<(), TestCaseError> {
        let Answer::Vector(found) = self.ask("{__name__=~\"m|n_total\"}", at_ms) else {
            unreachable!("a selector yields a vector")
        };
        let newest = |samples: &BTreeMap<i64, f64>| {
            let (_, value) = samples.range(at_ms - LOOKBACK_MS..=at_ms).next_back()?;
            (!is_stale(*value)).then(|| value.to_bits())
        };
        let expected = self
            .series
            .iter()
            .filter_map(|(labels, samples)| Some((labels.clone(), newest(samples)?)));
        let found = found
            .into_iter()
            .map(|(labels, value)| (labels, value.to_bits()));
        prop_assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        Ok(())
    }

    fn ask(&self, query: &str, at_ms: i64) -> Answer {
        let expr = promql::parse_plain(query).unwrap();
        promql::instant(&self.metrics.inner.store, &expr, at_ms, Limits::default()).unwrap()
    }

    /// The samples of a range selector.
    fn check_ranges(&self, to_ms: i64) -> Result<(), TestCaseError> {
        let Answer::Matrix(raw) = self.ask("{__name__=~\"m|n_total\"}[20s]", to_ms) else {
            unreachable!("a range selector yields a matrix")
        };
        let raw = raw.into_iter().map(|(labels, points)| {
            let points = points.iter().map(|p| (p.t_ms, p.value.to_bits()));
            (labels, points.collect::<Vec<_>>())
        });
        let expected = self.series.iter().map(|(labels, samples)| {
            let samples = window(samples, to_ms).into_iter();
            let samples = samples.map(|(t_ms, value)| (t_ms, value.to_bits()));
            (labels.clone(), samples.collect::<Vec<_>>())
        });
        prop_assert_eq!(
            raw.collect::<Vec<_>>(),
            expected.filter(|(_, w)| !w.is_empty()).collect::<Vec<_>>()
        );
        Ok(())
    }

    /// Functions of ranges over the steps of a range query, each series by itself and summed.
    fn check_windows(&self, from_ms: i64, to_ms: i64) -> Result<(), TestCaseError> {
        // always the same steps, so that what was kept of them before is used
        let from_ms = from_ms - from_ms.rem_euclid(STEP_MS);
        for function in FUNCTIONS {
            for name in ["m", "n_total"] {
                let groups = self.check_series(function, name, (from_ms, to_ms))?;
                self.check_sums(
                    &format!("{}({name}[20s])", function.0),
                    groups,
                    (from_ms, to_ms),
                )?;
            }
        }
        Ok(())
    }

    /// A function of each series by itself; returns the values step by step by the label `l`.
    fn check_series(
        &self,
        (function, naive): (&str, Naive),
        name: &str,
        span: (i64, i64),
    ) -> Result<Groups, TestCaseError> {
        let query = format!("{function}({name}[20s])");
        let found = self.range(&query, span);
        let mut groups = Groups::new();
        let named = self
            .series
            .iter()
            .filter(|(labels, _)| labels.name() == name);
        for (labels, samples) in named {
            let group = groups.entry(labels.get("l").unwrap_or("").to_owned());
            let group = group.or_default();
            let found = found.get(&labels.without_name());
            for (at, end_ms) in steps(span).enumerate() {
                let window = window(samples, end_ms);
                let value = naive(&window, end_ms);
                group.resize(group.len().max(at + 1), Vec::new());
                group[at].extend(value);
                let found = found.and_then(|found| found.get(&end_ms)).copied();
                let scale = window.iter().map(|(_, v)| v.abs()).sum();
                prop_assert!(
                    close(found, value, scale),
                    "{query} of {labels} at {end_ms}: {found:?} instead of {value:?} of {window:?}"
                );
            }
        }
        Ok(groups)
    }

    fn check_sums(
        &self,
        each: &str,
        groups: Groups,
        span: (i64, i64),
    ) -> Result<(), TestCaseError> {
        let found = self.range(&format!("sum by (l)({each})"), span);
        let some = groups
            .values()
            .filter(|steps| steps.iter().any(|step| !step.is_empty()));
        prop_assert_eq!(found.len(), some.count(), "groups of {}", each);
        for (letter, values) in groups {
            let found = found.get(&Labels::from_pairs([("l", letter.as_str())]));
            for (end_ms, values) in steps(span).zip(values) {
                let sum = (!values.is_empty()).then(|| values.iter().sum());
                let found = found.and_then(|found| found.get(&end_ms)).copied();
                let scale = values.iter().map(|v| v.abs()).sum();
                prop_assert!(
                    close(found, sum, scale),
                    "the sum of {each} of {letter:?} at {end_ms}: {found:?} instead of {sum:?}"
                );
            }
        }
        Ok(())
    }

    fn range(&self, query: &str, span: (i64, i64)) -> BTreeMap<Labels, BTreeMap<i64, f64>> {
        let expr = promql::parse_plain(query).unwrap();
        let found = promql::range_with(
            Some(&self.metrics.inner.rollups),
            &self.metrics.inner.store,
            &expr,
            span,
            STEP_MS,
            Limits::default(),
        );
        let Ok(Answer::Matrix(found)) = found else {
            unreachable!("a range query yields a matrix: {found:?}")
        };
        let by_time =
            |points: Vec<super::Point>| points.into_iter().map(|p| (p.t_ms, p.value)).collect();
        found
            .into_iter()
            .map(|(labels, points)| (labels, by_time(points)))
            .collect()
    }

    /// Names, values and series over HTTP.
    fn check_lists(&self, from_ms: i64, to_ms: i64) -> Result<(), TestCaseError> {
        let listed = self.listed(&[name("m")], from_ms, to_ms);
        let names: BTreeSet<&str> = listed
            .iter()
            .flat_map(Labels::iter)
            .map(|(name, _)| name)
            .collect();
        let values: BTreeSet<&str> = listed.iter().filter_map(|labels| labels.get("l")).collect();
        let series = listed.iter().map(|labels| {
            labels
                .iter()
                .map(|(n, v)| (n.to_owned(), v.into()))
                .collect()
        });
        let seconds = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
        let window = format!(
            "match[]=m&start={}&end={}",
            seconds(from_ms),
            seconds(to_ms)
        );
        for (path, expected) in [
            ("labels", json!(names)),
            ("label/l/values", json!(values)),
            ("series", Value::Array(series.map(Value::Object).collect())),
        ] {
            let request = Request::get(format!("/prometheus/api/v1/{path}?{window}"))
                .body(Body::empty())
                .unwrap();
            let body = self.runtime.block_on(async {
                let answer = self.metrics.router().oneshot(request).await.unwrap();
                answer.into_body().collect().await.unwrap().to_bytes()
            });
            let body: Value = serde_json::from_slice(&body).unwrap();
            prop_assert_eq!(&body["data"], &expected, "{}", path);
        }
        Ok(())
    }
}

fn name(name: &str) -> Matcher {
    Matcher::new(MatchOp::Equal, "__name__", name)
}

fn matchers() -> Vec<Vec<Matcher>> {
    let regex = |text: &str| MatchOp::Re(regex::Regex::new(&format!("^(?:{text})$")).unwrap());
    vec![
        Vec::new(),
        vec![name("m")],
        vec![
            name("m"),
            Matcher::new(MatchOp::NotEqual, "l", "a"),
            Matcher::new(MatchOp::Equal, "instance", "1"),
        ],
        vec![Matcher::new(regex("a|b"), "l", "a|b")],
        vec![name("n_total"), Matcher::new(MatchOp::Equal, "l", "")],
        vec![Matcher::new(MatchOp::Equal, "nowhere", "x")],
    ]
}

/// Within 1e-9 of the larger of the values and of the size of what went into them.
fn close(found: Option<f64>, expected: Option<f64>, scale: f64) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            found == expected
                || (found.is_nan() && expected.is_nan())
                || !scale.is_finite()
                || (found - expected).abs() <= 1e-9 * expected.abs().max(scale)
        }
        (found, expected) => found.is_none() && expected.is_none(),
    }
}

/// Values by the label `l`, step by step.
type Groups = BTreeMap<String, Vec<Vec<f64>>>;

/// The step of the range queries, and the length of their windows.
const STEP_MS: i64 = 7_000;
const WINDOW_MS: i64 = 20_000;

fn steps((from_ms, to_ms): (i64, i64)) -> impl Iterator<Item = i64> {
    (from_ms..=to_ms).step_by(STEP_MS as usize)
}

/// The samples of a window, stale markers left out.
fn window(samples: &BTreeMap<i64, f64>, end_ms: i64) -> Vec<(i64, f64)> {
    let within = samples.range(end_ms - WINDOW_MS..=end_ms);
    let within = within.map(|(t_ms, value)| (*t_ms, *value));
    within.filter(|(_, value)| !is_stale(*value)).collect()
}

type Naive = fn(&[(i64, f64)], i64) -> Option<f64>;

/// Functions as their definitions have them.
const FUNCTIONS: [(&str, Naive); 7] = [
    ("increase", |window, end_ms| {
        let ([(first_ms, first), .., (last_ms, last)], range) = (window, 20.0) else {
            return None;
        };
        let resets: f64 = window
            .windows(2)
            .filter(|p| p[1].1 < p[0].1)
            .map(|p| p[0].1)
            .sum();
        let growth = last - first + resets;
        let sampled = (last_ms - first_ms) as f64 / 1000.0;
        let average = sampled / (window.len() - 1) as f64;
        let mut start = (first_ms - end_ms) as f64 / 1000.0 + range;
        let end = (end_ms - last_ms) as f64 / 1000.0;
        if growth > 0.0 && *first >= 0.0 {
            start = start.min(sampled * (first / growth));
        }
        let reach = |gap: f64| {
            if gap < average * 1.1 {
                gap
            } else {
                average / 2.0
            }
        };
        Some(growth * ((sampled + reach(start) + reach(end)) / sampled))
    }),
    ("sum_over_time", |window, _| {
        (!window.is_empty()).then(|| window.iter().map(|(_, v)| v).sum())
    }),
    ("avg_over_time", |window, _| {
        (!window.is_empty()).then(|| window.iter().map(|(_, v)| v / window.len() as f64).sum())
    }),
    ("count_over_time", |window, _| {
        (!window.is_empty()).then_some(window.len() as f64)
    }),
    ("max_over_time", |window, _| {
        (!window.is_empty()).then(|| window.iter().map(|(_, v)| *v).fold(f64::NAN, f64::max))
    }),
    ("changes", |window, _| {
        let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
        (!window.is_empty())
            .then(|| window.windows(2).filter(|p| !same(p[0].1, p[1].1)).count() as f64)
    }),
    ("resets", |window, _| {
        (!window.is_empty()).then(|| window.windows(2).filter(|p| p[1].1 < p[0].1).count() as f64)
    }),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn every_query_agrees_with_a_naive_store(
        steps in prop::collection::vec((step(), prop::sample::select(vec![0_i64, 3_000, 500_000]), 0_i64..60_000), 1..40),
    ) {
        let mut bench = Bench::new();
        for (step, back_ms, width_ms) in steps {
            bench.take(&step)?;
            bench.check(back_ms, width_ms)?;
        }
    }
}
