//! Numbers with units, as the query languages write them: `1.5s`, `1h30m`, `10KB`, `5MiB`.

/// Nanoseconds of a duration such as `90s`, `1.5ms` or `1h30m`; `None` when the text is none. Units:
/// `ns us µs ms s m h d w y` (a day has 24 hours, a year 365 days, as in Prometheus).
#[must_use]
pub fn parse_duration_ns(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, unit, after) = number_and_unit(rest)?;
        let scale = match unit {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            "d" => 86_400e9,
            "w" => 7.0 * 86_400e9,
            "y" => 365.0 * 86_400e9,
            _ => return None,
        };
        total += number * scale;
        rest = after;
    }
    #[allow(clippy::cast_possible_truncation)]
    (total < i64::MAX as f64).then_some(total.round() as i64)
}

/// Bytes of a size such as `10KB` (decimal) or `5MiB` (binary), either case; `None` when the text is
/// none.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<f64> {
    let (number, unit, rest) = number_and_unit(text)?;
    if !rest.is_empty() {
        return None;
    }
    let scale = match unit.to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0_f64.powi(4),
        _ => return None,
    };
    Some(number * scale)
}

/// Splits `1.5ms30us` into `1.5`, `ms`, `30us`.
fn number_and_unit(text: &str) -> Option<(f64, &str, &str)> {
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let unit_at = text.find(|c| !digits(c)).unwrap_or(text.len());
    let number = text[..unit_at].parse().ok()?;
    let rest = &text[unit_at..];
    let unit_end = rest.find(digits).unwrap_or(rest.len());
    Some((number, &rest[..unit_end], &rest[unit_end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up_their_parts() {
        assert_eq!(parse_duration_ns("1h30m"), Some(5_400_000_000_000));
        assert_eq!(parse_duration_ns("1.5ms"), Some(1_500_000));
        assert_eq!(parse_duration_ns("2d"), Some(172_800_000_000_000));
        for junk in ["", "5", "s", "5x", "5s5", "1..2s", "9999999999y"] {
            assert_eq!(parse_duration_ns(junk), None, "{junk}");
        }
    }

    #[test]
    fn sizes_are_decimal_or_binary() {
        assert_eq!(parse_bytes("10KB"), Some(10_000.0));
        assert_eq!(parse_bytes("1.5kib"), Some(1536.0));
        for junk in ["", "10", "KB", "10KB5", "10x"] {
            assert_eq!(parse_bytes(junk), None, "{junk}");
        }
    }
}
