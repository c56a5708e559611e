//! What a kept span stands for, as its sampler says: OpenTelemetry's consistent probability sampling
//! (specification, "TraceState: Probability Sampling"). Knows no store.

/// Random bits on which samplers decide.
const BITS: u32 = 56;
/// Hexadecimal digits of a threshold.
const DIGITS: usize = 14;

/// How many spans a kept one stands for, itself included: the reciprocal of the probability that it was
/// kept. A trace state that has no threshold (`ot=th:…`), or none that can be read, stands for itself.
#[must_use]
#[allow(clippy::cast_precision_loss)] // a count that is an estimate
pub fn adjusted_count(trace_state: &str) -> f64 {
    let threshold = threshold(trace_state).unwrap_or(0);
    let all = 1_u64 << BITS;
    all as f64 / (all - threshold) as f64
}

/// The rejection threshold: random values below it were not kept.
fn threshold(trace_state: &str) -> Option<u64> {
    let mut vendors = trace_state.split(',').map(str::trim);
    let ot = vendors.find_map(|vendor| vendor.strip_prefix("ot="))?;
    let digits = ot.split(';').find_map(|pair| pair.strip_prefix("th:"))?;
    let fits = !digits.is_empty() && digits.len() <= DIGITS && !digits.starts_with('+');
    let number = u64::from_str_radix(digits, 16).ok().filter(|_| fits)?;
    Some(number << (4 * (DIGITS - digits.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_tells_how_many_spans_a_kept_one_stands_for() {
        for (state, count) in [
            ("", 1.0),
            ("ot=th:0", 1.0),
            ("ot=th:8", 2.0),
            ("ot=th:c", 4.0),
            ("vendor=th:8, ot=rv:0123456789abcd;th:c", 4.0),
        ] {
            assert_eq!(adjusted_count(state), count, "{state}");
        }
        assert!((adjusted_count("ot=th:e6666666666668") - 10.0).abs() < 1e-9);
        assert_eq!(adjusted_count("ot=th:ffffffffffffff"), 2_f64.powi(56));
    }

    #[test]
    fn what_is_no_threshold_is_no_sampling() {
        for junk in [
            "ot=th:",
            "ot=th:xyz",
            "ot=th:+8",
            "ot=th:012345678901234",
            "ot=p:8",
            "th:8",
            "=,;:",
        ] {
            assert_eq!(adjusted_count(junk), 1.0, "{junk}");
        }
    }
}
