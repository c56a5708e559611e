//! Values as the Toolkit's language sees them: what is equal, in order, true, and how a value reads in a text. Pure.

use std::cmp::Ordering;

use serde_json::Value;

/// A number, where it is one: truth counts as 0 or 1 there.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

/// Whether two values are equal: `200` and `200.0` are, and so are `true` and `1`.
pub(super) fn equal(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Array(one), Value::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| equal(one, two))
        }
        (Value::Object(one), Value::Object(two)) => {
            one.len() == two.len()
                && one
                    .iter()
                    .all(|(key, value)| two.get(key).is_some_and(|other| equal(value, other)))
        }
        _ => match (one.as_i64(), two.as_i64()) {
            (Some(one), Some(two)) => one == two,
            _ => match (number(one), number(two)) {
                #[allow(clippy::float_cmp)] // it is the question
                (Some(one), Some(two)) => one == two,
                _ => one == two,
            },
        },
    }
}

/// Which is more; none where that makes no sense, as between a text and a number.
pub(super) fn order(one: &Value, two: &Value) -> Option<Ordering> {
    match (one, two) {
        (Value::String(one), Value::String(two)) => Some(one.cmp(two)),
        (Value::Array(one), Value::Array(two)) => {
            for (one, two) in one.iter().zip(two) {
                if !equal(one, two) {
                    return order(one, two);
                }
            }
            Some(one.len().cmp(&two.len()))
        }
        _ => number(one)?.partial_cmp(&number(two)?),
    }
}

/// Whether a value counts as true.
pub(super) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => number(value) != Some(0.0),
    }
}

/// A value within a text.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => shown(other),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => {
            let quote = if text.contains('\'') && !text.contains('"') {
                '"'
            } else {
                '\''
            };
            let mut shown = String::from(quote);
            for c in text.chars() {
                match c {
                    '\n' => shown.push_str("\\n"),
                    '\r' => shown.push_str("\\r"),
                    '\t' => shown.push_str("\\t"),
                    c if c == quote || c == '\\' => shown.extend(['\\', c]),
                    c => shown.push(c),
                }
            }
            shown.push(quote);
            shown
        }
        Value::Array(list) => {
            let parts: Vec<_> = list.iter().map(shown).collect();
            format!("[{}]", parts.join(", "))
        }
        Value::Object(map) => {
            let parts: Vec<_> = map
                .iter()
                .map(|(key, value)| {
                    format!("{}: {}", shown(&Value::String(key.clone())), shown(value))
                })
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_truth_are_equal_across_their_kinds_and_texts_are_not() {
        assert!(equal(&json!(200), &json!(200.0)));
        assert!(equal(&json!(true), &json!(1)));
        assert!(equal(&json!({"a": [1, false]}), &json!({"a": [1.0, 0]})));
        assert!(!equal(&json!("200"), &json!(200)));
        assert!(!equal(&json!([1]), &json!([1, 2])));
        assert!(!equal(&json!(null), &json!(0)));
        assert!(!equal(
            &json!(9_007_199_254_740_993_i64),
            &json!(9_007_199_254_740_992_i64)
        ));
    }

    #[test]
    fn order_is_within_one_kind() {
        assert_eq!(order(&json!(1), &json!(1.5)), Some(Ordering::Less));
        assert_eq!(order(&json!("b"), &json!("a")), Some(Ordering::Greater));
        assert_eq!(order(&json!([1, 2]), &json!([1])), Some(Ordering::Greater));
        assert_eq!(order(&json!("1"), &json!(1)), None);
        assert_eq!(order(&json!(null), &json!(1)), None);
    }

    #[test]
    fn values_read_as_the_toolkit_writes_them() {
        for (value, shown) in [
            (json!("a 'b'"), "a 'b'"),
            (json!(true), "True"),
            (json!(null), "None"),
            (json!(1.0), "1.0"),
            (
                json!([1, "it's", {"a": "x\n"}]),
                "[1, \"it's\", {'a': 'x\\n'}]",
            ),
        ] {
            assert_eq!(text(&value), shown);
        }
    }

    #[test]
    fn nothing_and_emptiness_are_not_true() {
        for value in [
            json!(null),
            json!(""),
            json!([]),
            json!({}),
            json!(0),
            json!(false),
        ] {
            assert!(!truth(&value), "{value}");
        }
        for value in [json!("0"), json!([0]), json!({"status": 500}), json!(0.1)] {
            assert!(truth(&value), "{value}");
        }
    }
}
