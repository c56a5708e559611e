//! Points in time and durations as clients write them in parameters.

use crate::query::parse_duration_ns;

/// Nanoseconds since the epoch of `text`: RFC 3339, seconds with a fraction, or an integer, which is
/// seconds with up to ten digits and nanoseconds with more (Loki's rule).
pub(super) fn parse_ns(text: &str) -> Option<i64> {
    if let Ok(integer) = text.parse::<i64>() {
        let digits = text.trim_start_matches('-').len();
        return if digits <= 10 {
            integer.checked_mul(1_000_000_000)
        } else {
            Some(integer)
        };
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds_ns(seconds);
    }
    let at: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(at.as_nanosecond()).ok()
}

/// Nanoseconds of a duration: `5m`, or seconds.
pub(super) fn parse_step_ns(text: &str) -> Option<i64> {
    let step_ns = match text.parse::<f64>() {
        Ok(seconds) => seconds_ns(seconds)?,
        Err(_) => parse_duration_ns(text)?,
    };
    (step_ns > 0).then_some(step_ns)
}

#[allow(clippy::cast_possible_truncation)]
fn seconds_ns(seconds: f64) -> Option<i64> {
    // past this an i64 of nanoseconds overflows (the year 2262)
    (seconds.abs() < 9.2e9).then(|| (seconds * 1e9).round() as i64)
}

/// A parameter's time, or `default` when it is not given; the error says what is accepted.
pub(super) fn time_or(name: &str, given: Option<&str>, default: i64) -> Result<i64, String> {
    let Some(text) = given.filter(|text| !text.is_empty()) else {
        return Ok(default);
    };
    parse_ns(text).ok_or_else(|| {
        format!("{name}={text:?} is not a time: give RFC 3339, seconds, or nanoseconds since 1970")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_apart_by_their_form() {
        assert_eq!(parse_ns("1700000000"), Some(1_700_000_000_000_000_000));
        assert_eq!(parse_ns("1700000000.5"), Some(1_700_000_000_500_000_000));
        assert_eq!(
            parse_ns("1700000000000000001"),
            Some(1_700_000_000_000_000_001)
        );
        assert_eq!(
            parse_ns("2023-11-14T22:13:20Z"),
            Some(1_700_000_000_000_000_000)
        );
        assert_eq!(
            parse_ns("2023-11-14T23:13:20+01:00"),
            Some(1_700_000_000_000_000_000)
        );
        for junk in [
            "",
            "yesterday",
            "NaN",
            "inf",
            "1e300",
            "99999999999999999999",
        ] {
            assert_eq!(parse_ns(junk), None, "{junk}");
        }
    }

    #[test]
    fn steps_are_durations_or_seconds_above_zero() {
        assert_eq!(parse_step_ns("5m"), Some(300_000_000_000));
        assert_eq!(parse_step_ns("0.5"), Some(500_000_000));
        for junk in ["", "0", "-1", "x", "NaN"] {
            assert_eq!(parse_step_ns(junk), None, "{junk}");
        }
    }
}
