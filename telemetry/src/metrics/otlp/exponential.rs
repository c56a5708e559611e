//! Exponential histograms into classic ones, so that `histogram_quantile` reads them: bucket `i` of scale `s` holds what is above
//! `2^(i·2^-s)` and at most `2^((i+1)·2^-s)` (OpenTelemetry metrics data model, "ExponentialHistogram").
//!
//! A series keeps its bounds for as long as it can: its scale only falls, by merging neighbours as the data model's downscaling
//! does, its range only grows, and bounds that it gains get the past that they would have had, so that `rate` reads all buckets
//! alike. Bounded: buckets, series, the past. Knows no store.

use std::collections::{HashMap, VecDeque};

use opentelemetry_proto::tonic::metrics::v1::ExponentialHistogramDataPoint;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use parking_lot::Mutex;

use super::millis;
use crate::metrics::labels::Labels;

/// Buckets on each side of zero; an SDK sends as many at most unless it is told otherwise.
const BUCKETS_MAX: i64 = 160;
/// The finest scale that is kept: bounds 4.4 % apart. Finer ones would be series of their own for as long as a histogram is young,
/// and no longer when its range has grown: 160 buckets of this scale are three decimal orders of magnitude.
const SCALE_MAX: i32 = 4;
/// The coarsest scale that differs: of this one on the values above 1 are one bucket, and those below another.
const SCALE_MIN: i32 = -11;
/// Powers of two between which the numbers lie that can be observed.
const EXPONENTS: (i64, i64) = (-1075, 1024);
/// Points of a series whose figures are kept, for bounds that it gains: ten minutes at ten seconds.
const PAST_MAX: usize = 60;
/// Series of exponential histograms; the store has room for some three hundred at full width.
const SERIES_MAX: usize = 2_000;
/// A series without a point for so long makes room when room is needed.
const QUIET_MS: i64 = 5 * 60 * 1000;

/// The histograms' states, by labels.
#[derive(Debug, Default)]
pub struct Exponentials {
    series: Mutex<HashMap<Labels, State>>,
}

/// A point as a classic histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Classic {
    /// When it is stored.
    pub t_ms: i64,
    /// Observations, and their sum if it is known.
    pub count: u64,
    pub sum: Option<f64>,
    /// Upper bounds, rising and finite, and how many observations were at most that.
    pub buckets: Vec<(f64, u64)>,
    /// Bounds that the series had and has no more.
    pub ended: Vec<f64>,
    /// Bounds that it gained, each with the figures that it would have had before.
    pub gained: Vec<(f64, Vec<(i64, u64)>)>,
}

#[derive(Debug, Clone, PartialEq)]
struct State {
    scale: i32,
    positive: Side,
    negative: Side,
    zeros: u64,
    threshold: f64,
    count: u64,
    sum: Option<f64>,
    /// When the newest point was taken, and under which time it was stored.
    ns: u64,
    t_ms: i64,
    /// The bounds of the newest point.
    bounds: Vec<f64>,
    past: VecDeque<Moment>,
}

/// What bounds outside a series' range would have had at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Moment {
    t_ms: i64,
    negative: u64,
    zeros: u64,
    positive: u64,
}

/// Buckets on one side of zero, by distance from it: counts of the indices from `first` on.
#[derive(Debug, Clone, Default, PartialEq)]
struct Side {
    first: i64,
    counts: Vec<u64>,
}

/// First and last index.
type Range = Option<(i64, i64)>;

impl Exponentials {
    /// Takes a point of a series: what is at its newest, or what came since (`delta`).
    ///
    /// # Errors
    /// Why it is refused.
    pub fn take(
        &self,
        series: &Labels,
        point: &ExponentialHistogramDataPoint,
        delta: bool,
    ) -> Result<Classic, &'static str> {
        check(point)?;
        let mut all = self.series.lock();
        let t_ms = millis(point.time_unix_nano);
        if !all.contains_key(series) && all.len() >= SERIES_MAX {
            all.retain(|_, state| t_ms.saturating_sub(state.t_ms) < QUIET_MS);
            if all.len() >= SERIES_MAX {
                return Err("too many series of exponential histograms: send fewer attributes");
            }
        }
        let state = all
            .entry(series.clone())
            .or_insert_with(|| State::new(point));
        // a cumulative one that comes again is stored again, which changes nothing
        let again = point.time_unix_nano == state.ns;
        if point.time_unix_nano < state.ns || (delta && again) {
            return Err("a histogram that is not newer than the last of its series");
        }
        Ok(state.take(point, delta))
    }

    /// Ends a series: the bounds that it had.
    pub fn end(&self, series: &Labels) -> Vec<f64> {
        let ended = self.series.lock().remove(series);
        ended.map(|state| state.bounds).unwrap_or_default()
    }
}

fn check(point: &ExponentialHistogramDataPoint) -> Result<(), &'static str> {
    if !(point.zero_threshold.is_finite() && point.zero_threshold >= 0.0) {
        return Err("a histogram whose zero threshold is no width");
    }
    let sides = [&point.positive, &point.negative].into_iter().flatten();
    let counts = sides.flat_map(|side| &side.bucket_counts);
    let inside = counts.fold(u128::from(point.zero_count), |sum, count| {
        sum + u128::from(*count)
    });
    // fewer are possible: what is no number is in no bucket
    if inside > u128::from(point.count) {
        return Err("a histogram whose buckets hold more than its count");
    }
    Ok(())
}

impl State {
    fn new(point: &ExponentialHistogramDataPoint) -> Self {
        Self {
            scale: point.scale.clamp(SCALE_MIN, SCALE_MAX),
            positive: Side::default(),
            negative: Side::default(),
            zeros: 0,
            threshold: 0.0,
            count: 0,
            sum: None,
            ns: 0,
            t_ms: 0,
            bounds: Vec::new(),
            past: VecDeque::new(),
        }
    }

    fn take(&mut self, point: &ExponentialHistogramDataPoint, delta: bool) -> Classic {
        let known = self.t_ms > 0;
        let before = (
            self.positive.range(self.scale),
            self.negative.range(self.scale),
        );
        self.fit(point);
        if !delta {
            self.positive.counts.fill(0);
            self.negative.counts.fill(0);
            (self.zeros, self.count, self.sum) = (0, 0, None);
        }
        self.positive
            .add(point.positive.as_ref(), point.scale, self.scale);
        self.negative
            .add(point.negative.as_ref(), point.scale, self.scale);
        self.zeros = self.zeros.saturating_add(point.zero_count);
        self.count = self.count.saturating_add(point.count);
        self.sum = match (self.sum, point.sum) {
            (Some(sum), Some(more)) => Some(sum + more),
            (sum, more) => sum.or(more),
        };
        self.threshold = self.threshold.max(point.zero_threshold);
        let t_ms = millis(point.time_unix_nano);
        // a second delta within a millisecond is stored in the next, or it would be missing until a third comes
        let t_ms = if delta && known {
            t_ms.max(self.t_ms + 1)
        } else {
            t_ms
        };

        let buckets = self.buckets();
        let bounds: Vec<f64> = buckets.iter().map(|(bound, _)| *bound).collect();
        let ended = without(&self.bounds, &bounds);
        let gained = without(&bounds, &self.bounds).into_iter();
        let gained = gained.filter_map(|bound| Some((bound, self.past_of(bound, before)?)));
        let gained = gained.filter(|(_, past)| !past.is_empty()).collect();
        self.remember(t_ms);
        (self.ns, self.t_ms, self.bounds) = (point.time_unix_nano, t_ms, bounds);
        Classic {
            t_ms,
            count: self.count,
            sum: self.sum,
            buckets,
            ended,
            gained,
        }
    }

    /// Merges and widens, so that there is a bucket for each of a point's.
    fn fit(&mut self, point: &ExponentialHistogramDataPoint) {
        let mut scale = self.scale.min(point.scale.max(SCALE_MIN));
        let wanted = |own: &Side, side: Option<&Buckets>, scale: i32| {
            let own = own.indices().map(|ends| at_scale(ends, self.scale, scale));
            let new = indices(side).map(|ends| at_scale(ends, point.scale, scale));
            union(own, new)
        };
        let (mut positive, mut negative);
        loop {
            positive = wanted(&self.positive, point.positive.as_ref(), scale);
            negative = wanted(&self.negative, point.negative.as_ref(), scale);
            let fits = |range: Range| range.is_none_or(|(first, last)| last - first < BUCKETS_MAX);
            if scale <= SCALE_MIN || (fits(positive) && fits(negative)) {
                break;
            }
            scale -= 1;
        }
        self.positive.reshape(positive, self.scale, scale);
        self.negative.reshape(negative, self.scale, scale);
        self.scale = scale;
    }

    /// Upper bounds and cumulative counts, rising. Where there are buckets on a side, the bound next to zero or below them all is one
    /// too, or a quantile in the outermost would be sought as far as zero.
    fn buckets(&self) -> Vec<(f64, u64)> {
        let mut buckets: Vec<(f64, u64)> = Vec::new();
        let mut below = 0_u64;
        let mut push = |bound: f64, count: u64| {
            below = below.saturating_add(count);
            match buckets.last_mut() {
                Some((last, total)) if bound <= *last => *total = below,
                _ => buckets.push((bound, below)),
            }
        };
        let count = |side: &Side, index: i64| {
            let at = usize::try_from(index - side.first).ok();
            at.and_then(|at| side.counts.get(at)).copied().unwrap_or(0)
        };
        if let Some((first, last)) = self.negative.indices() {
            // what lies below the lowest bound that a number can be is in the next
            let mut waiting = 0_u64;
            for index in (first..=last + 1).rev() {
                waiting = waiting.saturating_add(count(&self.negative, index));
                let bound = -bound(index, self.scale);
                if bound.is_finite() && bound < -self.threshold {
                    push(bound, std::mem::take(&mut waiting));
                }
            }
            if self.threshold > 0.0 {
                push(-self.threshold, std::mem::take(&mut waiting));
            }
            push(self.threshold, waiting);
        }
        push(self.threshold, self.zeros);
        if let Some((first, last)) = self.positive.indices() {
            push(bound(first, self.scale), 0);
            for index in first..=last {
                let bound = bound(index + 1, self.scale);
                if bound.is_finite() {
                    push(bound, count(&self.positive, index));
                }
            }
        }
        buckets
    }

    /// What a bound that the series has now and had not would have had, if its range (`positive`, `negative`) then says so.
    fn past_of(
        &self,
        bound: f64,
        (positive, negative): (Option<Ends>, Option<Ends>),
    ) -> Option<Vec<(i64, u64)>> {
        let total: fn(&Moment) -> u64 = if bound < 0.0 {
            match negative {
                Some(ends) if -bound >= ends.outer => |_| 0,
                Some(ends) if -bound > ends.inner => return None,
                _ => |moment| moment.negative,
            }
        } else if bound == self.threshold {
            // it rose over buckets
            return None;
        } else {
            match positive {
                Some(ends) if bound >= ends.outer => |moment| {
                    moment
                        .negative
                        .saturating_add(moment.zeros)
                        .saturating_add(moment.positive)
                },
                Some(ends) if bound > ends.inner => return None,
                _ => |moment| moment.negative.saturating_add(moment.zeros),
            }
        };
        Some(
            self.past
                .iter()
                .map(|moment| (moment.t_ms, total(moment)))
                .collect(),
        )
    }

    fn remember(&mut self, t_ms: i64) {
        if self.past.back().is_some_and(|last| last.t_ms == t_ms) {
            self.past.pop_back();
        }
        if self.past.len() == PAST_MAX {
            self.past.pop_front();
        }
        self.past.push_back(Moment {
            t_ms,
            negative: self.negative.total(),
            zeros: self.zeros,
            positive: self.positive.total(),
        });
    }
}

/// Between which distances from zero a side has bounds.
#[derive(Debug, Clone, Copy)]
struct Ends {
    inner: f64,
    outer: f64,
}

impl Side {
    fn indices(&self) -> Range {
        let last = i64::try_from(self.counts.len()).ok()?.checked_sub(1)?;
        (last >= 0).then_some((self.first, self.first + last))
    }

    fn range(&self, scale: i32) -> Option<Ends> {
        self.indices().map(|(first, last)| Ends {
            inner: bound(first, scale),
            outer: bound(last + 1, scale),
        })
    }

    fn total(&self) -> u64 {
        self.counts
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Moves the counts to another scale and range, which holds all of them.
    fn reshape(&mut self, range: Range, from: i32, to: i32) {
        let Some((first, last)) = range else {
            return;
        };
        let (old, before) = (std::mem::take(&mut self.counts), self.first);
        self.first = first;
        self.counts = vec![0; usize::try_from(last - first + 1).unwrap_or(0)];
        for (index, count) in (before..).zip(old) {
            self.count(clamped(index, from, to), count);
        }
    }

    /// Adds the buckets of a point.
    fn add(&mut self, side: Option<&Buckets>, from: i32, to: i32) {
        for (index, count) in side.into_iter().flat_map(filled) {
            self.count(clamped(index, from, to), count);
        }
    }

    fn count(&mut self, index: i64, more: u64) {
        let at = usize::try_from(index - self.first).ok();
        if let Some(count) = at.and_then(|at| self.counts.get_mut(at)) {
            *count = count.saturating_add(more);
        }
    }
}

/// The buckets of a point that hold anything.
fn filled(side: &Buckets) -> impl DoubleEndedIterator<Item = (i64, u64)> {
    let counts = side.bucket_counts.iter().enumerate();
    let all = counts.map(|(at, count)| (i64::from(side.offset) + at as i64, *count));
    all.filter(|(_, count)| *count > 0)
}

fn indices(side: Option<&Buckets>) -> Range {
    let side = side?;
    let (first, _) = filled(side).next()?;
    let (last, _) = filled(side).next_back()?;
    Some((first, last))
}

fn union(one: Range, other: Range) -> Range {
    match (one, other) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    }
}

fn at_scale((first, last): (i64, i64), from: i32, to: i32) -> (i64, i64) {
    (clamped(first, from, to), clamped(last, from, to))
}

/// The index at a coarser scale of the bucket that holds that of a finer one; beyond what a number can be, that of the last that can.
fn clamped(index: i64, from: i32, to: i32) -> i64 {
    // a point below the coarsest scale has the buckets of the coarsest: the others hold no numbers
    let steps = (i64::from(from.max(SCALE_MIN)) - i64::from(to)).clamp(0, 63);
    let at = |exponent: i64| match to {
        0.. => exponent << to,
        _ => exponent >> -to,
    };
    (index >> steps).clamp(at(EXPONENTS.0), (at(EXPONENTS.1) - 1).max(0))
}

/// The lower bound of a bucket, which is the upper one of the bucket before. One bound is one number at every scale.
fn bound(index: i64, scale: i32) -> f64 {
    // exact: an index has far fewer than 53 bits, and the other is a power of two
    (index as f64 * f64::from(-scale).exp2()).exp2()
}

/// Those of the first that are not among the second; both rise.
fn without(these: &[f64], others: &[f64]) -> Vec<f64> {
    let among = |bound: &&f64| {
        others
            .binary_search_by(|other| other.total_cmp(bound))
            .is_err()
    };
    these.iter().filter(among).copied().collect()
}

#[cfg(test)]
mod tests;
