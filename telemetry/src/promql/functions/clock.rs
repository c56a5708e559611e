//! Calendar functions of a time in seconds since the epoch, UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

fn civil(seconds: f64, of: impl Fn(DateTime) -> f64) -> f64 {
    if seconds.is_nan() {
        return f64::NAN;
    }
    // beyond the years that a calendar has: no answer rather than a wrong one
    Timestamp::from_second(seconds as i64)
        .map_or(f64::NAN, |t| of(t.to_zoned(TimeZone::UTC).datetime()))
}

pub(super) fn day_of_month(seconds: f64) -> f64 {
    civil(seconds, |t| f64::from(t.day()))
}

pub(super) fn day_of_week(seconds: f64) -> f64 {
    civil(seconds, |t| {
        f64::from(t.date().weekday().to_sunday_zero_offset())
    })
}

pub(super) fn day_of_year(seconds: f64) -> f64 {
    civil(seconds, |t| f64::from(t.date().day_of_year()))
}

pub(super) fn days_in_month(seconds: f64) -> f64 {
    civil(seconds, |t| f64::from(t.date().days_in_month()))
}

pub(super) fn hour(seconds: f64) -> f64 {
    civil(seconds, |t| f64::from(t.hour()))
}

pub(super) fn minute(seconds: f64) -> f64 {
    civil(seconds, |t| f64::from(t.minute()))
}

pub(super) fn month(seconds: f64) -> f64 {
    civil(seconds, |t| f64::from(t.month()))
}

pub(super) fn year(seconds: f64) -> f64 {
    civil(seconds, |t| f64::from(t.year()))
}
