//! Functions of the last two samples in a window.

use super::Window;

pub(super) fn irate(window: &Window<'_>) -> Option<f64> {
    instant(window, true)
}

pub(super) fn idelta(window: &Window<'_>) -> Option<f64> {
    instant(window, false)
}

fn instant(window: &Window<'_>, rate: bool) -> Option<f64> {
    let ([.., before, last], [.., before_ms, last_ms]) = (window.values, window.times_ms) else {
        return None;
    };
    let change = if rate && last < before {
        *last
    } else {
        last - before
    };
    let interval_ms = last_ms - before_ms;
    if interval_ms == 0 {
        return None;
    }
    Some(if rate {
        change / (interval_ms as f64 / 1000.0)
    } else {
        change
    })
}
