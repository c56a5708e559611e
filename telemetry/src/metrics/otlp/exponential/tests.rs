//! Exponential histograms as an SDK makes them, beside what was really observed.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, Exemplar, ExponentialHistogram, Metric,
    ResourceMetrics, ScopeMetrics, exemplar, metric,
};
use proptest::prelude::*;

use super::*;
use crate::metrics::{Metrics, MetricsConfig};
use crate::time::WallTime;

const SECOND: u64 = 1_000_000_000;

/// What an SDK holds: it begins fine, and falls to the scale at which its buckets are at most 160.
#[derive(Clone)]
struct Sdk {
    scale: i32,
    observed: Vec<f64>,
}

impl Sdk {
    fn new(scale: i32) -> Self {
        Self {
            scale,
            observed: Vec::new(),
        }
    }

    fn index(&self, value: f64) -> i32 {
        let exact = value.abs().log2() * f64::from(self.scale).exp2();
        exact.ceil() as i32 - 1
    }

    fn side(&self, positive: bool) -> Option<Buckets> {
        let of = self
            .observed
            .iter()
            .filter(|v| **v != 0.0 && (**v > 0.0) == positive);
        let indices: Vec<i32> = of.map(|value| self.index(*value)).collect();
        let (first, last) = (*indices.iter().min()?, *indices.iter().max()?);
        let mut bucket_counts = vec![0; usize::try_from(last - first + 1).unwrap()];
        for index in indices {
            bucket_counts[usize::try_from(index - first).unwrap()] += 1;
        }
        Some(Buckets {
            offset: first,
            bucket_counts,
        })
    }

    fn point(&mut self, second: u64) -> ExponentialHistogramDataPoint {
        let width = |sdk: &Self| {
            let sides = [true, false].map(|positive| sdk.side(positive));
            sides
                .into_iter()
                .flatten()
                .map(|side| side.bucket_counts.len())
                .max()
        };
        while width(self) > Some(160) {
            self.scale -= 1;
        }
        ExponentialHistogramDataPoint {
            time_unix_nano: second * SECOND,
            count: self.observed.len() as u64,
            sum: Some(self.observed.iter().sum()),
            scale: self.scale,
            zero_count: self.observed.iter().filter(|v| **v == 0.0).count() as u64,
            positive: self.side(true),
            negative: self.side(false),
            ..ExponentialHistogramDataPoint::default()
        }
    }
}

/// Numbers of 0 to 1 that are always the same.
fn chance() -> impl FnMut() -> f64 {
    let mut state = 7_u64;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn metrics() -> Metrics {
    Metrics::new(MetricsConfig::default(), Arc::new(WallTime))
}

fn send(
    metrics: &Metrics,
    delta: bool,
    data_points: Vec<ExponentialHistogramDataPoint>,
) -> Result<(), (i64, String)> {
    let temporality = match delta {
        true => AggregationTemporality::Delta,
        false => AggregationTemporality::Cumulative,
    };
    let histogram = ExponentialHistogram {
        data_points,
        aggregation_temporality: temporality as i32,
    };
    metrics.sink(ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics {
                metrics: vec![Metric {
                    name: "wait".into(),
                    unit: "s".into(),
                    data: Some(metric::Data::ExponentialHistogram(histogram)),
                    ..Metric::default()
                }],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    })
}

fn value(metrics: &Metrics, query: &str, second: u64) -> Option<f64> {
    let at = i64::try_from(second * SECOND).unwrap();
    metrics.scalar(query, at).unwrap()
}

/// The value that is at least as great as this part of all.
fn exact(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

fn near(found: f64, exact: f64, scale: i32) -> bool {
    // both are in one bucket, whose ends are so far apart
    let step = f64::from(-scale).exp2().exp2() * (1.0 + 1e-9);
    let (low, high) = (found.abs().min(exact.abs()), found.abs().max(exact.abs()));
    found.signum() == exact.signum() && high / low <= step
}

#[test]
fn a_quantile_is_off_by_no_more_than_a_bucket() {
    let mut chance = chance();
    // within three orders of magnitude, then eight with both signs: then the scale falls
    for (decades, signed, scale) in [(2.9, false, 4), (8.0, true, 2)] {
        let mut sdk = Sdk::new(20);
        for _ in 0..5_000 {
            let size = 10_f64.powf((chance() - 0.5) * decades);
            let sign = if signed && chance() < 0.3 { -1.0 } else { 1.0 };
            sdk.observed.push(size * sign);
        }
        let metrics = metrics();
        send(&metrics, false, vec![sdk.point(10)]).unwrap();
        let buckets = value(&metrics, "count(wait_seconds_bucket)", 10).unwrap();
        assert!(buckets <= 2.0 * 161.0 + 2.0, "{buckets}");
        for percent in 1..100 {
            let part = f64::from(percent) / 100.0;
            let query = format!("histogram_quantile({part}, wait_seconds_bucket)");
            let found = value(&metrics, &query, 10).unwrap();
            let exact = exact(&sdk.observed, part);
            assert!(near(found, exact, scale), "{part}: {found} is not {exact}");
        }
        assert_eq!(value(&metrics, "wait_seconds_count", 10), Some(5_000.0));
        let sum = value(&metrics, "wait_seconds_sum", 10).unwrap();
        assert_eq!(sum, sdk.observed.iter().sum::<f64>());
    }
}

/// Sends a minute of values near one, then a minute of values of all sizes, each second; returns what was observed.
fn widening(metrics: &Metrics, delta: bool) -> Vec<Vec<f64>> {
    let mut chance = chance();
    let (mut sdk, mut seconds) = (Sdk::new(20), Vec::new());
    for second in 1..=120 {
        let decades = if second <= 60 { 0.1 } else { 6.0 };
        let new: Vec<f64> = (0..20)
            .map(|_| 10_f64.powf((chance() - 0.5) * decades))
            .collect();
        if delta {
            // an SDK chooses its scale anew each time
            sdk = Sdk::new(20);
        }
        sdk.observed.extend(&new);
        seconds.push(new);
        send(metrics, delta, vec![sdk.point(second)]).unwrap();
    }
    seconds
}

#[test]
fn a_scale_that_falls_midway_breaks_no_rate() {
    for delta in [false, true] {
        let metrics = metrics();
        let seconds = widening(&metrics, delta);
        for now in (20..=120).step_by(5) {
            // buckets never fall from bound to bound
            let at = i64::try_from(now * SECOND).unwrap();
            let mut rates: Vec<(f64, f64)> = metrics
                .instant("rate(wait_seconds_bucket[15s])", at)
                .unwrap()
                .into_iter()
                .map(|sample| {
                    let le = sample.labels.iter().find(|(name, _)| name == "le").unwrap();
                    (crate::promql::parse_value(&le.1).unwrap(), sample.value)
                })
                .collect();
            rates.sort_by(|one, next| one.0.total_cmp(&next.0));
            let all = rates.last().unwrap();
            assert_eq!(all.0, f64::INFINITY);
            assert!((all.1 - 20.0).abs() < 1e-9, "{now}: {all:?}");
            // while bounds that ended are within the window, theirs are lower; others are not
            if !(60..=76).contains(&now) {
                assert!(
                    rates.is_sorted_by(|one, next| one.1 <= next.1 + 1e-9),
                    "{now}: {rates:?}"
                );
            }
            let window = usize::try_from(now).unwrap();
            let within = seconds[window - 15..window].concat();
            for part in [0.1, 0.5, 0.9, 0.99] {
                let query = format!("histogram_quantile({part}, rate(wait_seconds_bucket[15s]))");
                let found = value(&metrics, &query, now).unwrap();
                let exact = exact(&within, part);
                let scale = if now <= 60 { 4 } else { 3 };
                assert!(
                    near(found, exact, scale),
                    "{delta} {now} {part}: {found} is not {exact}"
                );
            }
        }
    }
}

#[test]
fn bounds_that_a_series_gains_have_their_past_and_those_that_it_loses_end() {
    let metrics = metrics();
    widening(&metrics, false);
    let counts = |le: &str, second| {
        let query = format!("count_over_time(wait_seconds_bucket{{le=\"{le}\"}}[50s])");
        value(&metrics, &query, second)
    };
    // one at a thousand was not there in the first minute, and had all observations: as many samples as the others
    let all = counts("+Inf", 61);
    assert!(all >= Some(50.0));
    let gained = metrics
        .instant("wait_seconds_bucket > 0", 61 * SECOND as i64)
        .unwrap();
    assert!(gained.len() > 20);
    for sample in gained {
        let le = &sample
            .labels
            .iter()
            .find(|(name, _)| name == "le")
            .unwrap()
            .1;
        assert_eq!(counts(le, 61), all, "{le}");
        let before = value(&metrics, &format!("wait_seconds_bucket{{le=\"{le}\"}}"), 60);
        let bound = crate::promql::parse_value(le).unwrap();
        if bound > 1.2 {
            assert_eq!(before, Some(1_200.0), "{le}");
        } else if bound < 0.8 {
            assert_eq!(before, Some(0.0), "{le}");
        }
    }
    // a bound of scale 4 that scale 3 has not
    let odd = format!("wait_seconds_bucket{{le=\"{}\"}}", (1.0_f64 / 16.0).exp2());
    assert!(value(&metrics, &odd, 60).is_some());
    assert_eq!(value(&metrics, &odd, 120), None);
}

#[test]
fn a_restart_is_a_reset_and_keeps_the_bounds() {
    let all = Exponentials::default();
    let series = Labels::from_pairs([("__name__", "wait")]);
    let mut sdk = Sdk::new(20);
    sdk.observed = vec![0.01, 1.0, 100.0];
    let first = all.take(&series, &sdk.point(1), false).unwrap();
    let mut sdk = Sdk::new(20);
    sdk.observed = vec![1.0];
    let second = all.take(&series, &sdk.point(2), false).unwrap();
    let bounds = |classic: &Classic| {
        classic
            .buckets
            .iter()
            .map(|(bound, _)| *bound)
            .collect::<Vec<_>>()
    };
    assert_eq!(bounds(&first), bounds(&second));
    assert_eq!(
        (second.count, second.ended.len(), second.gained.len()),
        (1, 0, 0)
    );
    assert_eq!(second.buckets.last().unwrap().1, 1);
    // once more, as after an answer that was lost: nothing changes
    assert_eq!(all.take(&series, &sdk.point(2), false).unwrap(), second);
    assert!(all.take(&series, &sdk.point(1), false).is_err());
    assert!(all.take(&series, &sdk.point(2), true).is_err());
}

#[test]
fn exemplars_stand_in_their_buckets_and_what_was_not_recorded_ends() {
    let metrics = metrics();
    let mut sdk = Sdk::new(20);
    sdk.observed = vec![0.25, 3.0];
    let mut point = sdk.point(10);
    point.exemplars = vec![Exemplar {
        time_unix_nano: 10 * SECOND,
        trace_id: vec![0xab; 16],
        value: Some(exemplar::Value::AsDouble(2.9)),
        ..Exemplar::default()
    }];
    send(&metrics, true, vec![point]).unwrap();
    let kept = metrics.inner.exemplars.select(&[Vec::new()], 0, i64::MAX);
    let le = crate::promql::parse_value(kept[0].0.get("le").unwrap()).unwrap();
    assert!((2.9..2.9 * 1.05).contains(&le), "{le}");
    let held = |second| value(&metrics, "count({__name__=~\"wait_.*\"})", second);
    assert!(held(10) > Some(50.0));
    let ended = ExponentialHistogramDataPoint {
        time_unix_nano: 20 * SECOND,
        flags: DataPointFlags::NoRecordedValueMask as u32,
        ..ExponentialHistogramDataPoint::default()
    };
    send(&metrics, true, vec![ended]).unwrap();
    assert_eq!(held(20), None);
}

fn side(offset: i32, bucket_counts: Vec<u64>) -> Option<Buckets> {
    Some(Buckets {
        offset,
        bucket_counts,
    })
}

#[test]
fn what_is_hostile_is_bounded() {
    let wild = [i32::MIN, -1_000, -12, -11, 0, 4, 20, 31, 1_000, i32::MAX];
    let all = Exponentials::default();
    let mut second = 0;
    for delta in [true, false] {
        for scale in wild {
            for offset in wild {
                second += 1;
                let point = ExponentialHistogramDataPoint {
                    time_unix_nano: second * SECOND,
                    scale,
                    count: u64::MAX,
                    zero_count: 5,
                    zero_threshold: f64::MIN_POSITIVE,
                    positive: side(offset, vec![u64::MAX / 2, 0, 7]),
                    negative: side(offset, vec![1, 1]),
                    ..ExponentialHistogramDataPoint::default()
                };
                for name in [
                    "one for all".to_owned(),
                    format!("{scale} {offset} {delta}"),
                ] {
                    let series = Labels::from_pairs([("__name__", name)]);
                    let classic = all.take(&series, &point, delta).unwrap();
                    assert!(classic.buckets.len() <= 2 * 161 + 2);
                    let rising =
                        |one: &(f64, u64), next: &(f64, u64)| one.0 < next.0 && one.1 <= next.1;
                    assert!(classic.buckets.is_sorted_by(rising), "{scale} {offset}");
                    assert!(classic.buckets.iter().all(|(bound, _)| bound.is_finite()));
                }
            }
        }
    }
}

#[test]
fn a_few_megabytes_of_buckets_are_merged_and_what_cannot_be_is_refused() {
    let all = Exponentials::default();
    let series = Labels::from_pairs([("__name__", "wide")]);
    let wide = ExponentialHistogramDataPoint {
        time_unix_nano: SECOND,
        scale: 20,
        count: 2_000_000,
        positive: side(-1_000_000, vec![1; 2_000_000]),
        ..ExponentialHistogramDataPoint::default()
    };
    let classic = all.take(&series, &wide, false).unwrap();
    assert!(classic.buckets.len() <= 161 + 2);
    assert_eq!(classic.buckets.last().unwrap().1, 2_000_000);

    for (point, part) in [
        (
            ExponentialHistogramDataPoint {
                positive: side(0, vec![u64::MAX, u64::MAX]),
                count: u64::MAX,
                ..wide.clone()
            },
            "more than its count",
        ),
        (
            ExponentialHistogramDataPoint {
                zero_threshold: f64::NAN,
                ..wide.clone()
            },
            "threshold",
        ),
        (
            ExponentialHistogramDataPoint {
                time_unix_nano: u64::MAX,
                ..wide.clone()
            },
            "ahead",
        ),
    ] {
        let (refused, reason) = send(&metrics(), false, vec![point]).unwrap_err();
        assert_eq!((refused, reason.contains(part)), (1, true), "{reason}");
    }
}

#[test]
fn a_request_that_would_become_millions_of_samples_is_cut() {
    let mut sdk = Sdk::new(4);
    sdk.observed = vec![0.001, 1.0];
    let points: Vec<_> = (1..=3_000).map(|second| sdk.point(second)).collect();
    let metrics = metrics();
    let (refused, reason) = send(&metrics, false, points).unwrap_err();
    assert!(
        refused > 1_000 && reason.contains("smaller batches"),
        "{refused} {reason}"
    );
    let held = metrics.stats().samples;
    assert!((100_000..=210_000).contains(&held), "{held}");
}

#[test]
fn series_that_went_quiet_make_room_and_others_do_not() {
    let all = Exponentials::default();
    let series = |n: usize| Labels::from_pairs([("n", n.to_string())]);
    let mut sdk = Sdk::new(0);
    sdk.observed = vec![1.5];
    for n in 0..SERIES_MAX {
        assert!(all.take(&series(n), &sdk.point(1), true).is_ok());
    }
    assert!(
        all.take(&series(SERIES_MAX), &sdk.point(200), true)
            .is_err()
    );
    assert!(all.take(&series(SERIES_MAX), &sdk.point(400), true).is_ok());
    assert_eq!(all.series.lock().len(), 1);
}

#[test]
fn a_bound_is_the_same_number_at_every_scale() {
    for scale in SCALE_MIN..SCALE_MAX {
        for index in -400..400 {
            assert_eq!(
                bound(index, scale).to_bits(),
                bound(index * 2, scale + 1).to_bits()
            );
        }
    }
    assert_eq!((bound(0, 3), bound(8, 3), bound(-8, 3)), (1.0, 2.0, 0.5));
}

proptest! {
    /// Whatever the scales, sides and order: each bound counts what was observed up to it, and nothing is lost.
    #[test]
    fn every_bound_counts_what_is_not_above_it(
        points in proptest::collection::vec(
            (-3_i32..9, proptest::collection::vec((-900_i32..900, any::<bool>(), 1_u64..5), 0..12), 0_u64..3),
            1..12,
        ),
    ) {
        let all = Exponentials::default();
        let series = Labels::from_pairs([("__name__", "wait")]);
        let mut observed: Vec<(f64, u64)> = Vec::new();
        let mut scale_before = SCALE_MAX;
        for (second, (scale, buckets, zeros)) in (1..).zip(points) {
            let mut sides = [Vec::new(), Vec::new()];
            for (index, positive, count) in buckets {
                // the middle of a bucket, within what a number can be
                let index = if scale < 0 { index >> 4 } else { index };
                let size = ((f64::from(index) + 0.5) * f64::from(-scale).exp2()).exp2();
                observed.push((if positive { size } else { -size }, count));
                sides[usize::from(positive)].push((index, count));
            }
            observed.push((0.0, zeros));
            let count = zeros + sides.iter().flatten().map(|(_, count)| count).sum::<u64>();
            let [negative, positive] = sides.map(|side| {
                let first = side.iter().map(|(index, _)| *index).min()?;
                let last = side.iter().map(|(index, _)| *index).max()?;
                let mut bucket_counts = vec![0; usize::try_from(last - first + 1).unwrap()];
                for (index, count) in side {
                    bucket_counts[usize::try_from(index - first).unwrap()] += count;
                }
                Some(Buckets { offset: first, bucket_counts })
            });
            let point = ExponentialHistogramDataPoint {
                time_unix_nano: second * SECOND,
                scale,
                count,
                zero_count: zeros,
                positive,
                negative,
                ..ExponentialHistogramDataPoint::default()
            };
            let classic = all.take(&series, &point, true).unwrap();
            for (bound, found) in &classic.buckets {
                let expected: u64 = observed.iter().filter(|(v, _)| v <= bound).map(|(_, n)| n).sum();
                prop_assert_eq!(*found, expected, "at most {}", bound);
            }
            let total: u64 = observed.iter().map(|(_, n)| n).sum();
            prop_assert_eq!(classic.count, total);
            prop_assert_eq!(classic.buckets.last().unwrap().1, total);
            let scale = all.series.lock()[&series].scale;
            prop_assert!(scale <= scale_before);
            scale_before = scale;
            for (_, past) in &classic.gained {
                prop_assert!(past.is_sorted_by(|one, next| one.0 < next.0));
            }
        }
    }
}
