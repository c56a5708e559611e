//! Functions of change in a window: rates, increases, resets. Semantics and extrapolation are Prometheus 2's `extrapolatedRate`.

use super::Window;

pub(super) fn rate(window: &Window<'_>) -> Option<f64> {
    extrapolated(window, true, true)
}

pub(super) fn increase(window: &Window<'_>) -> Option<f64> {
    extrapolated(window, true, false)
}

pub(super) fn delta(window: &Window<'_>) -> Option<f64> {
    extrapolated(window, false, false)
}

/// The change between first and last sample, extrapolated to the window's ends: all the way where a sample is nearer than
/// 1.1 sampling intervals, else by half an interval, and for counters never beyond where they would have been zero.
fn extrapolated(window: &Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    let points = window.points;
    let [first, .., last] = points else {
        return None;
    };
    let mut change = last.value - first.value;
    if counter {
        let resets = points
            .windows(2)
            .filter(|pair| pair[1].value < pair[0].value);
        change += resets.map(|pair| pair[0].value).sum::<f64>();
    }
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let mut to_start = seconds(first.t_ms - (window.end_ms - window.range_ms));
    let to_end = seconds(window.end_ms - last.t_ms);
    let sampled = seconds(last.t_ms - first.t_ms);
    let average = sampled / (points.len() - 1) as f64;
    if counter && change > 0.0 && first.value >= 0.0 {
        to_start = to_start.min(sampled * (first.value / change));
    }
    let threshold = average * 1.1;
    let reach = |distance: f64| {
        if distance < threshold {
            distance
        } else {
            average / 2.0
        }
    };
    let mut factor = (sampled + reach(to_start) + reach(to_end)) / sampled;
    if per_second {
        factor /= seconds(window.range_ms);
    }
    Some(change * factor)
}

pub(super) fn irate(window: &Window<'_>) -> Option<f64> {
    instant(window, true)
}

pub(super) fn idelta(window: &Window<'_>) -> Option<f64> {
    instant(window, false)
}

fn instant(window: &Window<'_>, rate: bool) -> Option<f64> {
    let [.., before, last] = window.points else {
        return None;
    };
    let change = if rate && last.value < before.value {
        last.value
    } else {
        last.value - before.value
    };
    let interval_ms = last.t_ms - before.t_ms;
    if interval_ms == 0 {
        return None;
    }
    Some(if rate {
        change / (interval_ms as f64 / 1000.0)
    } else {
        change
    })
}

#[allow(clippy::unnecessary_wraps, reason = "the registry's signature")]
pub(super) fn changes(window: &Window<'_>) -> Option<f64> {
    let differ = |a: f64, b: f64| a != b && !(a.is_nan() && b.is_nan());
    Some(
        window
            .points
            .windows(2)
            .filter(|pair| differ(pair[0].value, pair[1].value))
            .count() as f64,
    )
}

#[allow(clippy::unnecessary_wraps, reason = "the registry's signature")]
pub(super) fn resets(window: &Window<'_>) -> Option<f64> {
    Some(
        window
            .points
            .windows(2)
            .filter(|pair| pair[1].value < pair[0].value)
            .count() as f64,
    )
}
