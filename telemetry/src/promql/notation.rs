//! The notation in which rule unit tests and promqltest write series: `up{job="a"} 1 0+10x5 _ stale`. Knows no store.

use promql_parser::label::MatchOp;
use promql_parser::parser::Expr;

use super::{parse_plain, parse_value};
use crate::metrics::chunk::stale_marker;

/// Values that one line may expand to; a longer one is refused.
pub const VALUES_MAX: usize = 1_000_000;

/// Reads a series such as `http_requests_total{job="a"}`; returns its labels, the name under `__name__`, sorted.
///
/// # Errors
/// What is no series: another expression, a matcher other than `=`, a label twice.
pub fn series(text: &str) -> Result<Vec<(String, String)>, String> {
    let text = text.trim();
    if text == "{}" {
        return Ok(Vec::new());
    }
    let expr = parse_plain(text).map_err(|error| format!("`{text}` is no series: {error}"))?;
    let Expr::VectorSelector(selector) = expr else {
        return Err(format!(
            "`{text}` is no series: write name{{label=\"value\"}}"
        ));
    };
    let matchers = super::eval::matchers(&selector);
    if selector.offset.is_some() || selector.at.is_some() {
        return Err(format!("`{text}` is no series: it has an offset or a time"));
    }
    if let Some(matcher) = matchers.iter().find(|m| !matches!(m.op, MatchOp::Equal)) {
        return Err(format!(
            "`{text}` is no series: the label `{}` must be given by `=`",
            matcher.name
        ));
    }
    let mut labels: Vec<(String, String)> =
        matchers.into_iter().map(|m| (m.name, m.value)).collect();
    labels.sort();
    if let Some(twice) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("`{text}` has the label `{}` twice", twice[0].0));
    }
    Ok(labels)
}

/// Expands values such as `1 0+10x5 3x2 _ _x3 stale NaN`: one entry an interval, `None` where there is no sample.
/// `axN` and `a+bxN` stand for N + 1 samples, `_xN` for N gaps.
///
/// # Errors
/// A word that is none of these, or more than [`VALUES_MAX`] values.
pub fn values(text: &str) -> Result<Vec<Option<f64>>, String> {
    let mut all = Vec::new();
    for word in text.split_whitespace() {
        expand(word, &mut all)?;
    }
    Ok(all)
}

fn expand(word: &str, all: &mut Vec<Option<f64>>) -> Result<(), String> {
    let unknown = || {
        format!(
            "`{word}` is no value: write a number, `_`, `stale`, `1x5`, `0+10x5`, `9-1x5` or `_x5`"
        )
    };
    let repeated = word
        .rsplit_once('x')
        .filter(|(_, times)| times.bytes().all(|b| b.is_ascii_digit()));
    let (start, times) = match repeated {
        Some((start, times)) => (start, times.parse::<usize>().map_err(|_| unknown())?),
        None => (word, 0),
    };
    let room = VALUES_MAX.saturating_sub(all.len());
    if times >= room {
        return Err(format!("more than {VALUES_MAX} values in one series"));
    }
    match (start, repeated.is_some()) {
        ("_", true) => all.extend(std::iter::repeat_n(None, times)),
        ("_", false) => all.push(None),
        ("stale", false) => all.push(Some(stale_marker())),
        _ => {
            let (mut value, step) =
                first_and_step(start, repeated.is_some()).ok_or_else(unknown)?;
            for _ in 0..=times {
                all.push(Some(value));
                // added up one by one, as Prometheus does, so that the last digits agree
                value += step;
            }
        }
    }
    Ok(())
}

/// `0+10` is a start and a step; a sign after an `e` belongs to the exponent.
fn first_and_step(text: &str, repeated: bool) -> Option<(f64, f64)> {
    if let Some(value) = parse_value(text) {
        return Some((value, 0.0));
    }
    let bytes = text.as_bytes();
    let signs = (1..bytes.len()).filter(|&at| repeated && matches!(bytes[at], b'+' | b'-'));
    signs
        .filter_map(|at| Some((parse_value(&text[..at])?, parse_value(&text[at..])?)))
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::chunk::is_stale;

    #[test]
    fn values_expand_as_promqltest_expands_them() {
        let some = |list: &[f64]| list.iter().map(|v| Some(*v)).collect::<Vec<_>>();
        assert_eq!(values("1+2x2").unwrap(), some(&[1.0, 3.0, 5.0]));
        assert_eq!(values("-2-1x1 5x1").unwrap(), some(&[-2.0, -3.0, 5.0, 5.0]));
        assert_eq!(values("1e-3+1e-3x1").unwrap(), some(&[0.001, 0.002]));
        assert_eq!(values("0x1").unwrap(), some(&[0.0, 0.0]));
        assert_eq!(values("_ _x2 7").unwrap(), [None, None, None, Some(7.0)]);
        assert_eq!(
            values("Inf -Inf").unwrap(),
            some(&[f64::INFINITY, f64::NEG_INFINITY])
        );
        assert!(values("NaN").unwrap()[0].is_some_and(f64::is_nan));
        assert!(values("stale").unwrap()[0].is_some_and(is_stale));
    }

    #[test]
    fn what_is_no_value_or_too_much_is_refused() {
        for wrong in [
            "one",
            "1y3",
            "1+2",
            "stalex3",
            "1x-1",
            "x3",
            "1x99999999999999999999999",
        ] {
            assert!(values(wrong).is_err(), "{wrong}");
        }
        assert!(values("1x1000000").unwrap_err().contains("1000000"));
        assert!(values("1x999998 1 1 1").is_err());
    }

    #[test]
    fn a_series_has_equal_matchers_only() {
        let pairs = |text: &str| series(text).unwrap();
        assert_eq!(
            pairs(r#"up{job="a", instance="b"}"#),
            [("__name__", "up"), ("instance", "b"), ("job", "a")]
                .map(|(n, v)| (n.into(), v.into()))
        );
        assert!(pairs("{}").is_empty());
        for wrong in [
            "up > 1",
            r#"up{a!="b"}"#,
            "up[5m]",
            "up offset 5m",
            "up{",
            r#"up{a="1",a="2"}"#,
        ] {
            assert!(series(wrong).is_err(), "{wrong}");
        }
    }
}
