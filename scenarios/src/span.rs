//! Signed spans of drill time as authored in scenario files: `9m30s`, `-8s`, `1.5s`, `250ms`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A signed span in milliseconds; negative means before the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Span(i64);

/// Longest span a file may state: a day. Longer is a slip of the pen.
pub const LONGEST_SPAN: Span = Span(86_400_000);

impl Span {
    /// From milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// In milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// In seconds.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // at most a day in milliseconds
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e3
    }

    /// As an unsigned duration; a negative span is zero.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }
}

/// Why a text is not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a span of time; write for example 9m30s, -8s, 1.5s or 250ms, at most 24h")]
pub struct SpanError(String);

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || SpanError(text.to_owned());
        let (sign, mut rest) = match text.trim().strip_prefix('-') {
            Some(rest) => (-1.0, rest),
            None => (1.0, text.trim()),
        };
        if rest.is_empty() {
            return Err(wrong());
        }
        let mut millis = 0.0;
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .ok_or_else(wrong)?;
            let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let letters = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            millis += number
                * match &rest[..letters] {
                    "ms" => 1.0,
                    "s" => 1e3,
                    "m" => 60e3,
                    "h" => 3_600e3,
                    _ => return Err(wrong()),
                };
            rest = &rest[letters..];
        }
        #[allow(clippy::cast_possible_truncation)] // bounded on the next line
        let span = Self((sign * millis).round() as i64);
        if span.0.abs() > LONGEST_SPAN.0 {
            Err(wrong())
        } else {
            Ok(span)
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, total) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (hours, minutes, seconds, millis) = (
            total / 3_600_000,
            total / 60_000 % 60,
            total / 1_000 % 60,
            total % 1_000,
        );
        write!(f, "{sign}")?;
        for (value, unit) in [(hours, "h"), (minutes, "m"), (seconds, "s"), (millis, "ms")] {
            if value > 0 {
                write!(f, "{value}{unit}")?;
            }
        }
        if total == 0 { write!(f, "0s") } else { Ok(()) }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_they_are_written() {
        for (text, millis) in [
            ("9m30s", 570_000),
            ("-8s", -8_000),
            ("1.5s", 1_500),
            ("250ms", 250),
            ("1h", 3_600_000),
        ] {
            assert_eq!(text.parse::<Span>().map(Span::millis), Ok(millis), "{text}");
        }
        assert_eq!(Span(570_000).to_string(), "9m30s");
        assert_eq!(Span(-1_500).to_string(), "-1s500ms");
    }

    #[test]
    fn junk_is_refused_with_examples() {
        for text in ["", "-", "9", "9 m", "9x", "1.2.3s", "25h", "m"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
