//! Which stretch of time a screen is wanted of, as a command line says it. Knows no wall clock: a clock face means the
//! drill's time of day that lies nearest to the drill's now.

use std::time::Duration;

use crate::Error;
use crate::time::{Range, Window, clock};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// How far back a stretch begins that has an end alone, milliseconds: the width that a screen opens with.
const USUAL_MS: i64 = 900_000;

/// A time of day of the drill, milliseconds since midnight, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Face(i64);

/// Which stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// What a screen shows when it opens: the last fifteen minutes.
    #[default]
    Usual,
    /// The last so long.
    Since(Duration),
    /// From one time of day to another; without a begin fifteen minutes, without an end until now.
    Between(Option<Face>, Option<Face>),
}

impl std::str::FromStr for Face {
    type Err = String;

    /// Reads `02:55` and `02:55:30`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no time of day: write it as 02:55 or 02:55:30");
        let parts: Vec<i64> = text
            .split(':')
            .map(|part| match part.len() {
                1 | 2 if part.bytes().all(|b| b.is_ascii_digit()) => {
                    part.parse().map_err(|_| wrong())
                }
                _ => Err(wrong()),
            })
            .collect::<Result<_, _>>()?;
        let (hours, minutes, seconds) = match parts.as_slice() {
            [hours, minutes] => (*hours, *minutes, 0),
            [hours, minutes, seconds] => (*hours, *minutes, *seconds),
            _ => return Err(wrong()),
        };
        if hours > 23 || minutes > 59 || seconds > 59 {
            return Err(wrong());
        }
        Ok(Self(((hours * 60 + minutes) * 60 + seconds) * 1000))
    }
}

impl Face {
    /// The moment with this time of day that is nearest to a moment, Unix milliseconds of drill time.
    #[must_use]
    pub fn near(self, now_ms: i64) -> i64 {
        let today = now_ms.div_euclid(DAY_MS) * DAY_MS + self.0;
        [today - DAY_MS, today, today + DAY_MS]
            .into_iter()
            .min_by_key(|at| (at - now_ms).abs())
            .unwrap_or(today)
    }
}

impl When {
    /// Puts a time range on it.
    ///
    /// # Errors
    /// When it ends before it begins, or has not begun yet.
    pub fn narrow(self, range: &mut Range) -> Result<(), Error> {
        let now_ms = range.now_ms;
        let (start_ms, end_ms) = match self {
            Self::Usual => return Ok(()),
            Self::Since(long) => {
                let long = i64::try_from(long.as_millis()).unwrap_or(DAY_MS);
                (now_ms - long.min(DAY_MS), now_ms)
            }
            Self::Between(from, to) => {
                let end_ms = to.map_or(now_ms, |face| face.near(now_ms));
                let usual = || end_ms - USUAL_MS;
                (from.map_or_else(usual, |face| face.near(now_ms)), end_ms)
            }
        };
        let told = |why: &str| {
            let (from, to) = (clock(start_ms), clock(end_ms));
            Error::Range(format!(
                "from {from} to {to} {why}; in the drill it is {}",
                clock(now_ms)
            ))
        };
        if start_ms >= now_ms {
            return Err(told("has not begun yet"));
        }
        if start_ms >= end_ms {
            return Err(told("ends before it begins"));
        }
        range.narrow(Window { start_ms, end_ms });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 03:04:00 of some day.
    const NOW_MS: i64 = 20_000 * DAY_MS + (3 * 60 + 4) * 60_000;

    fn range() -> Range {
        Range::default().at(NOW_MS, NOW_MS - USUAL_MS)
    }

    #[test]
    fn a_time_of_day_is_the_nearest_one() {
        let near = |text: &str| clock_distance(text.parse::<Face>().unwrap().near(NOW_MS));
        assert_eq!(near("03:00"), -4);
        assert_eq!(near("3:05"), 1);
        assert_eq!(near("23:59"), -(3 * 60 + 5));
        assert_eq!(near("12:00"), 8 * 60 + 56);
        for wrong in [
            "", "3", "24:00", "03:60", "03:00:60", "3:4:5:6", "+3:00", "a:b", "003:00", "03:0⟲",
        ] {
            assert!(wrong.parse::<Face>().is_err(), "{wrong}");
        }
    }

    fn clock_distance(at_ms: i64) -> i64 {
        (at_ms - NOW_MS) / 60_000
    }

    #[test]
    fn a_stretch_rules_the_range_or_says_why_not() {
        let face = |text: &str| text.parse::<Face>().ok();
        let window = |when: When| {
            let mut range = range();
            when.narrow(&mut range).map(|()| {
                let Window { start_ms, end_ms } = range.window();
                (clock_distance(start_ms), clock_distance(end_ms))
            })
        };
        let taken = |when: When| window(when).unwrap();
        assert_eq!(taken(When::Usual), (-15, 0));
        assert_eq!(taken(When::Since(Duration::from_secs(120))), (-2, 0));
        assert_eq!(taken(When::Between(face("02:55"), face("03:00"))), (-9, -4));
        assert_eq!(taken(When::Between(face("03:00"), None)), (-4, 0));
        assert_eq!(taken(When::Between(None, face("03:00"))), (-19, -4));
        assert_eq!(
            taken(When::Since(Duration::from_secs(u64::MAX))),
            (-24 * 60, 0)
        );
        let backwards = window(When::Between(face("03:00"), face("02:00"))).unwrap_err();
        assert!(
            backwards.to_string().contains("ends before it begins"),
            "{backwards}"
        );
        let later = window(When::Between(face("03:10"), face("03:20"))).unwrap_err();
        assert!(later.to_string().contains("it is 03:04:00"), "{later}");
    }
}
