//! Calendar functions of a time in seconds since the epoch, UTC: the proleptic Gregorian calendar, years without end.

const DAY_S: i64 = 86_400;

struct Day {
    year: i64,
    /// From 1.
    month: i64,
    /// From 1.
    day: i64,
}

impl Day {
    /// The civil date of a day counted from 1970-01-01 (Howard Hinnant's `civil_from_days`).
    fn of(days: i64) -> Self {
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        // years begin in March here, so that a leap day is a year's last
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month, day }
    }

    fn leap(&self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }

    fn days_in_month(&self, month: i64) -> i64 {
        match month {
            4 | 6 | 9 | 11 => 30,
            2 => 28 + i64::from(self.leap()),
            _ => 31,
        }
    }
}

/// Whole seconds, towards zero; what is no time (NaN, or beyond 64 bits) has no date.
fn whole(seconds: f64) -> Option<i64> {
    (seconds.abs() < 9.2e18).then_some(seconds as i64)
}

fn date(seconds: f64, of: impl Fn(&Day) -> i64) -> f64 {
    whole(seconds).map_or(f64::NAN, |s| of(&Day::of(s.div_euclid(DAY_S))) as f64)
}

fn clock(seconds: f64, of: impl Fn(i64) -> i64) -> f64 {
    whole(seconds).map_or(f64::NAN, |s| of(s.rem_euclid(DAY_S)) as f64)
}

pub(super) fn day_of_month(seconds: f64) -> f64 {
    date(seconds, |d| d.day)
}

pub(super) fn day_of_week(seconds: f64) -> f64 {
    // 1970-01-01 was a Thursday
    whole(seconds).map_or(f64::NAN, |s| (s.div_euclid(DAY_S) + 4).rem_euclid(7) as f64)
}

pub(super) fn day_of_year(seconds: f64) -> f64 {
    date(seconds, |d| {
        (1..d.month).map(|m| d.days_in_month(m)).sum::<i64>() + d.day
    })
}

pub(super) fn days_in_month(seconds: f64) -> f64 {
    date(seconds, |d| d.days_in_month(d.month))
}

pub(super) fn hour(seconds: f64) -> f64 {
    clock(seconds, |s| s / 3_600)
}

pub(super) fn minute(seconds: f64) -> f64 {
    clock(seconds, |s| s / 60 % 60)
}

pub(super) fn month(seconds: f64) -> f64 {
    date(seconds, |d| d.month)
}

pub(super) fn year(seconds: f64) -> f64 {
    date(seconds, |d| d.year)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{Timestamp, tz::TimeZone};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_calendar_is_that_of_a_calendar_library(seconds in -377_000_000_000_i64..253_000_000_000) {
            let t = Timestamp::from_second(seconds).unwrap().to_zoned(TimeZone::UTC).datetime();
            let s = seconds as f64;
            prop_assert_eq!(year(s), f64::from(t.year()));
            prop_assert_eq!(month(s), f64::from(t.month()));
            prop_assert_eq!(day_of_month(s), f64::from(t.day()));
            prop_assert_eq!(day_of_year(s), f64::from(t.date().day_of_year()));
            prop_assert_eq!(days_in_month(s), f64::from(t.date().days_in_month()));
            prop_assert_eq!(day_of_week(s), f64::from(t.date().weekday().to_sunday_zero_offset()));
            prop_assert_eq!(hour(s), f64::from(t.hour()));
            prop_assert_eq!(minute(s), f64::from(t.minute()));
        }
    }
}
