//! Numbers for people, as Prometheus' templates print them. Knows no template.

/// C's and Go's `%.{digits}g`: significant digits without trailing zeros, an exponent for the very large and small.
#[must_use]
pub fn significant(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 {
            "+Inf".into()
        } else {
            "-Inf".into()
        };
    }
    if value == 0.0 {
        return "0".into();
    }
    let digits = digits.max(1);
    let scientific = format!("{:.*e}", digits - 1, value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if exponent < -4 || exponent >= digits as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
    let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    trim(&format!("{value:.decimals$}"))
}

const LARGE: [&str; 9] = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
const SMALL: [&str; 9] = ["", "m", "u", "n", "p", "f", "a", "z", "y"];

/// `humanize`: metric prefixes, four significant digits.
#[must_use]
pub fn humanize(value: f64) -> String {
    scaled(value, 1000.0, &LARGE, true)
}

/// `humanize1024`: binary prefixes.
#[must_use]
pub fn humanize_1024(value: f64) -> String {
    const BINARY: [&str; 9] = ["", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
    scaled(value, 1024.0, &BINARY, false)
}

fn scaled(value: f64, base: f64, large: &[&str; 9], small: bool) -> String {
    if value == 0.0 || !value.is_finite() || (value.abs() < 1.0 && !small) {
        return significant(value, 4);
    }
    let (mut value, mut prefix) = (value, 0);
    if value.abs() >= 1.0 {
        while value.abs() >= base && prefix < 8 {
            (value, prefix) = (value / base, prefix + 1);
        }
        return format!("{}{}", significant(value, 4), large[prefix]);
    }
    while value.abs() < 1.0 && prefix < 8 {
        (value, prefix) = (value * 1000.0, prefix + 1);
    }
    format!("{}{}", significant(value, 4), SMALL[prefix])
}

/// `humanizePercentage`: a ratio as a percentage.
#[must_use]
pub fn humanize_percentage(ratio: f64) -> String {
    format!("{}%", significant(ratio * 100.0, 4))
}

/// `humanizeDuration`: seconds as days, hours, minutes and seconds.
#[must_use]
pub fn humanize_duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return significant(seconds, 4);
    }
    if seconds != 0.0 && seconds.abs() < 1.0 {
        return format!("{}s", scaled(seconds, 1000.0, &LARGE, true));
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let whole = seconds.abs() as u64;
    let (days, hours, minutes, rest) = (
        whole / 86_400,
        whole / 3600 % 24,
        whole / 60 % 60,
        whole % 60,
    );
    if days > 0 {
        format!("{sign}{days}d {hours}h {minutes}m {rest}s")
    } else if hours > 0 {
        format!("{sign}{hours}h {minutes}m {rest}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m {rest}s")
    } else {
        format!("{}s", significant(seconds, 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_in_prometheus() {
        for (value, expected) in [
            (0.0, "0"),
            (1.0, "1"),
            (1234.567, "1.235k"),
            (999.99, "1000"),
            (0.0123, "12.3m"),
            (-5_000_000.0, "-5M"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(humanize(value), expected);
        }
        assert_eq!(humanize_1024(1048576.0), "1Mi");
        assert_eq!(humanize_percentage(0.1234567), "12.35%");
        assert_eq!(significant(123456.0, 4), "1.235e+05");
        assert_eq!(significant(0.00001234, 3), "1.23e-05");
    }

    #[test]
    fn durations_look_as_in_prometheus() {
        for (seconds, expected) in [
            (0.0, "0s"),
            (0.001, "1ms"),
            (1.5, "1.5s"),
            (60.0, "1m 0s"),
            (3661.0, "1h 1m 1s"),
            (-90061.0, "-1d 1h 1m 1s"),
        ] {
            assert_eq!(humanize_duration(seconds), expected);
        }
    }
}
