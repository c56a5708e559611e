//! Functions of all samples in a window: `*_over_time`, and the straight line through them.
#![allow(clippy::unnecessary_wraps, reason = "the registry's signature")]

use super::{QueryError, Window};
use crate::promql::aggregate::{self, Total};

pub(super) fn count(window: &Window<'_>) -> Option<f64> {
    Some(window.values.len() as f64)
}

pub(super) fn present(_: &Window<'_>) -> Option<f64> {
    Some(1.0)
}

pub(super) fn first(window: &Window<'_>) -> Option<f64> {
    window.values.first().copied()
}

pub(super) fn last(window: &Window<'_>) -> Option<f64> {
    window.values.last().copied()
}

pub(super) fn stdvar(window: &Window<'_>) -> Option<f64> {
    Some(aggregate::variance(window.values))
}

pub(super) fn stddev(window: &Window<'_>) -> Option<f64> {
    stdvar(window).map(f64::sqrt)
}

pub(super) fn quantile(window: &Window<'_>) -> Option<f64> {
    let phi = window.scalars[0];
    Some(window.sorting(window.values.iter().copied(), |values| {
        aggregate::quantile(phi, values)
    }))
}

pub(super) fn mad(window: &Window<'_>) -> Option<f64> {
    let values = window.values.iter().copied();
    let median = |values: &mut [f64]| aggregate::quantile(0.5, values);
    let middle = window.sorting(values.clone(), median);
    Some(window.sorting(values.map(|value| (value - middle).abs()), median))
}

/// The smoothing and the trend factor must lie between 0 and 1.
pub(super) fn factors(scalars: &[f64]) -> Result<(), QueryError> {
    for (factor, what) in scalars.iter().zip(["smoothing", "trend"]) {
        if *factor <= 0.0 || *factor >= 1.0 {
            return Err(QueryError::Execution(format!(
                "invalid {what} factor: expected a number between 0 and 1, got {factor}"
            )));
        }
    }
    Ok(())
}

/// Holt's linear method, as Prometheus 2's `holt_winters`: a level and a trend, each smoothed by its factor.
pub(super) fn smooth(window: &Window<'_>) -> Option<f64> {
    let (level_factor, trend_factor) = (window.scalars[0], window.scalars[1]);
    let [first, second, ..] = window.values else {
        return None;
    };
    let (mut before, mut level) = (0.0, *first);
    let mut trend = second - first;
    for (at, value) in window.values[1..].iter().enumerate() {
        if at > 0 {
            trend = trend_factor * (level - before) + (1.0 - trend_factor) * trend;
        }
        let next = level_factor * value + (1.0 - level_factor) * (level + trend);
        (before, level) = (level, next);
    }
    Some(level)
}

pub(super) fn deriv(window: &Window<'_>) -> Option<f64> {
    let [first_ms, _, ..] = window.times_ms else {
        return None;
    };
    Some(line(window, *first_ms).0)
}

pub(super) fn predict_linear(window: &Window<'_>) -> Option<f64> {
    if window.values.len() < 2 {
        return None;
    }
    let (slope, intercept) = line(window, window.now_ms);
    Some(slope * window.scalars[0] + intercept)
}

/// Slope per second and value at `zero_ms` of the least-squares line, as Prometheus' `linearRegression`.
fn line(window: &Window<'_>, zero_ms: i64) -> (f64, f64) {
    let first = window.values[0];
    let flat = window.values.iter().all(|value| *value == first);
    if flat {
        return if first.is_infinite() {
            (f64::NAN, f64::NAN)
        } else {
            (0.0, first)
        };
    }
    let seconds = |t_ms: &i64| (t_ms - zero_ms) as f64 / 1000.0;
    let (mut xs, mut ys, mut xys, mut xxs) = <(Total, Total, Total, Total)>::default();
    for (x, y) in window.times_ms.iter().map(seconds).zip(window.values) {
        xs.add(x);
        ys.add(*y);
        xys.add(x * y);
        xxs.add(x * x);
    }
    let n = window.values.len() as f64;
    let (sum_x, sum_y) = (xs.get(), ys.get());
    let covariance = xys.get() - sum_x * sum_y / n;
    let variance = xxs.get() - sum_x * sum_x / n;
    let slope = covariance / variance;
    (slope, sum_y / n - slope * sum_x / n)
}
