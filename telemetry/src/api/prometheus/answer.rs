//! Answers as Prometheus writes them. Those of queries are written straight into the body: a range has thousands of points, and a
//! tree of JSON values for them costs more than the query. Knows no request.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::metrics::{Labels, Point};
use crate::promql::{Answer, format_value};

/// Labels as an object.
pub(super) fn metric(labels: &Labels) -> Value {
    let pairs = labels
        .iter()
        .map(|(name, value)| (name.to_owned(), value.into()));
    Value::Object(pairs.collect())
}

/// A time, ms, as seconds.
pub(super) fn seconds(ms: i64) -> Value {
    if ms % 1000 == 0 {
        json!(ms / 1000)
    } else {
        json!(ms as f64 / 1000.0)
    }
}

/// The body of a query's answer; a scalar or a text is of `at_ms`.
pub(super) fn render(answer: &Answer, at_ms: i64) -> String {
    let mut body = String::from(r#"{"status":"success","data":{"resultType":"#);
    match answer {
        // a scalar's value is written without an exponent, as Prometheus does
        Answer::Scalar(value) => {
            body.push_str(r#""scalar","result":["#);
            push_seconds(&mut body, at_ms);
            body.push_str(",\"");
            body.push_str(&format_value(*value));
            body.push_str("\"]");
        }
        Answer::Text(text) => {
            body.push_str(r#""string","result":["#);
            push_seconds(&mut body, at_ms);
            body.push(',');
            body.push_str(&json!(text).to_string());
            body.push(']');
        }
        Answer::Vector(found) => {
            body.push_str(r#""vector","result":["#);
            for (at, (labels, value)) in found.iter().enumerate() {
                push_metric(&mut body, at, labels);
                body.push_str(r#","value":"#);
                push_pair(&mut body, at_ms, *value);
                body.push('}');
            }
            body.push(']');
        }
        Answer::Matrix(found) => {
            body.push_str(r#""matrix","result":["#);
            for (at, (labels, points)) in found.iter().enumerate() {
                push_metric(&mut body, at, labels);
                push_values(&mut body, points);
            }
            body.push(']');
        }
    }
    body.push_str("}}");
    body
}

fn push_metric(body: &mut String, at: usize, labels: &Labels) {
    if at > 0 {
        body.push(',');
    }
    body.push_str(r#"{"metric":"#);
    body.push_str(&metric(labels).to_string());
}

fn push_values(body: &mut String, points: &[Point]) {
    // a time of ten digits and a value of as many as doubles often have
    const POINT_BYTES: usize = 34;
    body.reserve(points.len() * POINT_BYTES);
    body.push_str(r#","values":["#);
    for (at, point) in points.iter().enumerate() {
        if at > 0 {
            body.push(',');
        }
        push_pair(body, point.t_ms, point.value);
    }
    body.push_str("]}");
}

fn push_pair(body: &mut String, t_ms: i64, value: f64) {
    body.push('[');
    push_seconds(body, t_ms);
    body.push_str(",\"");
    push_value(body, value);
    body.push_str("\"]");
}

fn push_seconds(body: &mut String, ms: i64) {
    if ms % 1000 == 0 {
        push_integer(body, ms / 1000);
    } else {
        body.push_str(&seconds(ms).to_string());
    }
}

/// A sample's value as Prometheus' API writes it: as [`format_value`], with an exponent below 1e-6 and from 1e21 on.
fn push_value(body: &mut String, value: f64) {
    let size = value.abs();
    if size < 1e15 && value.fract() == 0.0 && !(value == 0.0 && value.is_sign_negative()) {
        push_integer(body, value as i64);
        return;
    }
    if (1e-6..1e21).contains(&size) {
        // the shortest digits that read back the same, as `format_value` has them, without a text between
        let _ = write!(body, "{value}");
        return;
    }
    if size == 0.0 || !value.is_finite() {
        body.push_str(&format_value(value));
        return;
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |exponent| ('-', exponent));
    let _ = write!(body, "{digits}e{sign}{exponent:0>2}");
}

fn push_integer(body: &mut String, number: i64) {
    // the digits of 64 bits and a sign
    let (mut digits, mut at, mut rest) = ([b'0'; 20], 20, number.unsigned_abs());
    while at == 20 || rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if number < 0 {
        body.push('-');
    }
    body.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_body_is_json_that_says_what_was_found(
            raw in prop::collection::vec((-9_000_000_000_000_000_i64..9_000_000_000_000_000, any::<u64>()), 1..20),
            name in ".*",
        ) {
            let labels = Labels::from_pairs([("a", name.as_str()), ("b", "\"\\\n")]);
            let points: Vec<Point> = raw.iter().map(|(t_ms, bits)| Point { t_ms: *t_ms, value: f64::from_bits(*bits) }).collect();
            let body = render(&Answer::Matrix(vec![(labels.clone(), points.clone()), (Labels::empty(), Vec::new())]), 0);
            let read: Value = serde_json::from_str(&body).unwrap();
            let values = read["data"]["result"][0]["values"].as_array().unwrap();
            prop_assert_eq!(&read["data"]["result"][0]["metric"], &metric(&labels));
            prop_assert_eq!(&read["data"]["result"][1]["values"], &json!([]));
            prop_assert_eq!(values.len(), points.len());
            for (pair, point) in values.iter().zip(&points) {
                prop_assert_eq!(&pair[0], &seconds(point.t_ms));
                let back: f64 = pair[1].as_str().unwrap().parse().unwrap();
                prop_assert!(back == point.value || (back.is_nan() && point.value.is_nan()), "{pair} {point:?}");
            }
        }
    }

    #[test]
    fn values_are_written_as_go_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (-12.0, "-12"),
            (999_999_999_999_999.0, "999999999999999"),
            (1e15, "1000000000000000"),
            (1e21, "1e+21"),
            (0.1, "0.1"),
            (1e-6, "0.000001"),
            (1.5e-7, "1.5e-07"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            let mut body = String::new();
            push_value(&mut body, value);
            assert_eq!(body, text);
        }
    }
}
