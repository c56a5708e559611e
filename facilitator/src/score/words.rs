//! Durations, times and figures as people read them.

use rust_decimal::{Decimal, prelude::ToPrimitive};

/// Milliseconds as `6 min 12 s`, `3 h 0 min 5 s` or `0 s`, rounded to whole seconds.
pub(crate) fn duration(millis: Decimal) -> String {
    let seconds = (millis / Decimal::ONE_THOUSAND)
        .round_dp_with_strategy(0, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
        .unwrap_or(i64::MAX);
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min {rest} s"),
    }
}

/// At most three decimals, no trailing zeros.
pub(crate) fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Drill time of day, UTC.
pub(crate) fn time_of_day(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(
        |_| at_ms.to_string(),
        |at| at.strftime("%H:%M:%S").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (millis, text) in [
            (0, "0 s"),
            (12_499, "12 s"),
            (372_000, "6 min 12 s"),
            (10_805_000, "3 h 0 min 5 s"),
        ] {
            assert_eq!(duration(Decimal::from(millis)), text);
        }
    }
}
