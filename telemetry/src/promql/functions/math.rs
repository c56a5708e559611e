//! Functions of one value and scalar arguments.

/// `round(v, to_nearest = 1)`: ties are rounded up, as Prometheus does.
#[allow(clippy::unnecessary_wraps, reason = "the registry's signature")]
pub(super) fn round(value: f64, scalars: &[f64]) -> Option<f64> {
    let inverse = 1.0 / scalars.first().copied().unwrap_or(1.0);
    Some((value * inverse + 0.5).floor() / inverse)
}

/// `clamp(v, min, max)`: empty where the maximum is below the minimum.
pub(super) fn clamp(value: f64, scalars: &[f64]) -> Option<f64> {
    let (min, max) = (scalars[0], scalars[1]);
    if max < min {
        None
    } else {
        Some(larger(min, smaller(max, value)))
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the registry's signature")]
pub(super) fn clamp_max(value: f64, scalars: &[f64]) -> Option<f64> {
    Some(smaller(scalars[0], value))
}

#[allow(clippy::unnecessary_wraps, reason = "the registry's signature")]
pub(super) fn clamp_min(value: f64, scalars: &[f64]) -> Option<f64> {
    Some(larger(scalars[0], value))
}

pub(super) fn sgn(value: f64) -> f64 {
    if value < 0.0 {
        -1.0
    } else if value > 0.0 {
        1.0
    } else {
        value
    }
}

/// Go's `math.Max`: infinity wins over NaN, and NaN over the rest, unlike `f64::max`.
fn larger(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

/// Go's `math.Min`.
fn smaller(a: f64, b: f64) -> f64 {
    -larger(-a, -b)
}
