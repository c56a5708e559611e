//! Functions of all samples in a window: `*_over_time`, and the straight line through them.
#![allow(clippy::unnecessary_wraps, reason = "the registry's signature")]

use super::{QueryError, Window};
use crate::metrics::chunk::Point;
use crate::promql::aggregate;

fn values(window: &Window<'_>) -> Vec<f64> {
    window.points.iter().map(|p| p.value).collect()
}

pub(super) fn avg(window: &Window<'_>) -> Option<f64> {
    Some(aggregate::mean(&values(window)))
}

pub(super) fn sum(window: &Window<'_>) -> Option<f64> {
    Some(aggregate::sum(&values(window)))
}

pub(super) fn count(window: &Window<'_>) -> Option<f64> {
    Some(window.points.len() as f64)
}

pub(super) fn present(_: &Window<'_>) -> Option<f64> {
    Some(1.0)
}

pub(super) fn first(window: &Window<'_>) -> Option<f64> {
    window.points.first().map(|p| p.value)
}

pub(super) fn last(window: &Window<'_>) -> Option<f64> {
    window.points.last().map(|p| p.value)
}

pub(super) fn min(window: &Window<'_>) -> Option<f64> {
    Some(window.points.iter().fold(f64::NAN, |kept, p| {
        if kept > p.value || kept.is_nan() {
            p.value
        } else {
            kept
        }
    }))
}

pub(super) fn max(window: &Window<'_>) -> Option<f64> {
    Some(window.points.iter().fold(f64::NAN, |kept, p| {
        if kept < p.value || kept.is_nan() {
            p.value
        } else {
            kept
        }
    }))
}

pub(super) fn stdvar(window: &Window<'_>) -> Option<f64> {
    Some(aggregate::variance(&values(window)))
}

pub(super) fn stddev(window: &Window<'_>) -> Option<f64> {
    stdvar(window).map(f64::sqrt)
}

pub(super) fn quantile(window: &Window<'_>) -> Option<f64> {
    Some(aggregate::quantile(window.scalars[0], &mut values(window)))
}

pub(super) fn mad(window: &Window<'_>) -> Option<f64> {
    let median = aggregate::quantile(0.5, &mut values(window));
    let mut distances: Vec<f64> = window
        .points
        .iter()
        .map(|p| (p.value - median).abs())
        .collect();
    Some(aggregate::quantile(0.5, &mut distances))
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
    let [first, second, ..] = window.points else {
        return None;
    };
    let (mut before, mut level) = (0.0, first.value);
    let mut trend = second.value - first.value;
    for (at, point) in window.points[1..].iter().enumerate() {
        if at > 0 {
            trend = trend_factor * (level - before) + (1.0 - trend_factor) * trend;
        }
        let next = level_factor * point.value + (1.0 - level_factor) * (level + trend);
        (before, level) = (level, next);
    }
    Some(level)
}

pub(super) fn deriv(window: &Window<'_>) -> Option<f64> {
    let [first, _, ..] = window.points else {
        return None;
    };
    Some(line(window.points, first.t_ms).0)
}

pub(super) fn predict_linear(window: &Window<'_>) -> Option<f64> {
    if window.points.len() < 2 {
        return None;
    }
    let (slope, intercept) = line(window.points, window.now_ms);
    Some(slope * window.scalars[0] + intercept)
}

/// Slope per second and value at `zero_ms` of the least-squares line, as Prometheus' `linearRegression`.
fn line(points: &[Point], zero_ms: i64) -> (f64, f64) {
    let flat = points.iter().all(|p| p.value == points[0].value);
    if flat {
        return if points[0].value.is_infinite() {
            (f64::NAN, f64::NAN)
        } else {
            (0.0, points[0].value)
        };
    }
    let x = |p: &Point| (p.t_ms - zero_ms) as f64 / 1000.0;
    let total =
        |of: &dyn Fn(&Point) -> f64| aggregate::sum(&points.iter().map(of).collect::<Vec<_>>());
    let n = points.len() as f64;
    let (sum_x, sum_y) = (total(&x), total(&|p| p.value));
    let covariance = total(&|p| x(p) * p.value) - sum_x * sum_y / n;
    let variance = total(&|p| x(p) * x(p)) - sum_x * sum_x / n;
    let slope = covariance / variance;
    (slope, sum_y / n - slope * sum_x / n)
}
