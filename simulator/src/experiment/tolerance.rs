//! Tolerances: whether they are well-formed, and whether a value is within one. Pure, but for a tolerance that is a probe itself,
//! which is the hypothesis' business.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Problem, jsonpath::Path, pattern::Pattern, values};

/// What is wrong with a tolerance; a probe's own problems are looked for elsewhere.
pub(super) fn check(tolerance: &Value, place: &str, problems: &mut Vec<Problem>) {
    let mut problem = |message: String| {
        problems.push(Problem {
            place: place.to_owned(),
            message,
        });
    };
    match tolerance {
        Value::Bool(_) | Value::String(_) | Value::Array(_) => {}
        Value::Number(number) if !number.is_f64() => {}
        Value::Object(map) => match map.get("type").and_then(Value::as_str) {
            Some("probe") => {}
            Some("regex") => match map.get("pattern") {
                None => problem("hypothesis regex probe tolerance must have a `pattern` key".into()),
                Some(Value::String(pattern)) => {
                    // a name in it is known only later
                    if let Err(why) = Pattern::new(pattern)
                        && !pattern.contains("${")
                    {
                        problem(format!(
                            "hypothesis probe tolerance pattern {pattern} seems invalid: {why}"
                        ));
                    }
                }
                Some(other) => problem(format!(
                    "hypothesis probe tolerance pattern {other} has an invalid type"
                )),
            },
            Some("jsonpath") => check_path(map, &mut problem),
            Some("range") => check_range(map, &mut problem),
            other => problem(format!(
                "hypothesis probe tolerance type '{}' is unsupported; there are probe, regex, jsonpath and range",
                other.unwrap_or("None")
            )),
        },
        _ => problem(
            "hypothesis probe tolerance must either be an integer, a string, a boolean or a pair of values for boundaries, \
             or a mapping of type probe, regex, jsonpath or range"
                .to_owned(),
        ),
    }
}

fn check_path(map: &Map<String, Value>, problem: &mut impl FnMut(String)) {
    match map.get("path") {
        None => problem("hypothesis jsonpath probe tolerance must have a `path` key".to_owned()),
        Some(Value::String(path)) if path.trim().is_empty() => {
            problem("hypothesis probe tolerance JSON path cannot be empty".to_owned());
        }
        Some(Value::String(path)) => {
            if let Err(why) = Path::new(path.trim())
                && !path.contains("${")
            {
                problem(format!(
                    "hypothesis probe tolerance JSON path {path} is invalid: {why}"
                ));
            }
        }
        Some(other) => problem(format!(
            "hypothesis probe tolerance JSON path {other} has an invalid type"
        )),
    }
    if let Some(count) = map.get("count")
        && !count.is_null()
        && count.as_u64().is_none()
    {
        problem("the count of a jsonpath tolerance is a whole number".to_owned());
    }
}

fn check_range(map: &Map<String, Value>, problem: &mut impl FnMut(String)) {
    match map.get("range") {
        None => problem("hypothesis range probe tolerance must have a `range` key".to_owned()),
        Some(Value::Array(range)) => match range.as_slice() {
            [low, high] => {
                if values::number(low).is_none() {
                    problem("hypothesis range lower boundary must be a number".to_owned());
                }
                if values::number(high).is_none() {
                    problem("hypothesis range upper boundary must be a number".to_owned());
                }
            }
            _ => problem("hypothesis range sequence must be made of two values".to_owned()),
        },
        Some(_) => problem("hypothesis range must be a sequence".to_owned()),
    }
}

/// Whether a value is within a tolerance, whose names have been put in where names may stand.
///
/// # Errors
/// Why it is not.
pub(super) fn within(tolerance: &Value, value: &Value) -> Result<(), String> {
    match tolerance {
        Value::Bool(_) | Value::String(_) => same(tolerance, value),
        Value::Number(_) => same(tolerance, value.get("status").unwrap_or(value)),
        Value::Array(list) => among(list, value),
        Value::Object(map) => match map.get("type").and_then(Value::as_str) {
            Some("regex") => regex(map, value),
            Some("jsonpath") => jsonpath(map, value),
            Some("range") => range(map, value),
            other => Err(format!("there is no tolerance of type {other:?}")),
        },
        Value::Null => Err("there is no tolerance".to_owned()),
    }
}

fn same(wanted: &Value, found: &Value) -> Result<(), String> {
    if values::equal(wanted, found) {
        Ok(())
    } else {
        Err(format!("{} is not {wanted}", brief(found)))
    }
}

fn among(list: &[Value], value: &Value) -> Result<(), String> {
    let member = |value: &Value| {
        if list.iter().any(|each| values::equal(each, value)) {
            Ok(())
        } else {
            let list = Value::Array(list.to_vec());
            Err(format!("{} is not one of {}", brief(value), brief(&list)))
        }
    };
    if let Some(status) = value.get("status") {
        return member(status);
    }
    match list {
        [low, high] => match (values::order(low, value), values::order(value, high)) {
            (Some(below), Some(above))
                if below != Ordering::Greater && above != Ordering::Greater =>
            {
                Ok(())
            }
            _ => Err(format!("{} is not from {low} to {high}", brief(value))),
        },
        _ => member(value),
    }
}

/// The part of a value that a tolerance looks at; the value as it is, where it has no such part.
fn target<'a>(map: &Map<String, Value>, value: &'a Value) -> &'a Value {
    map.get("target")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
        .and_then(|name| value.get(name))
        .unwrap_or(value)
}

fn regex(map: &Map<String, Value>, value: &Value) -> Result<(), String> {
    let pattern = map.get("pattern").and_then(Value::as_str);
    let pattern = pattern.ok_or("the pattern is no text")?;
    let Value::String(text) = target(map, value) else {
        return Err(format!(
            "a pattern needs a text, not {}",
            brief(target(map, value))
        ));
    };
    if Pattern::new(pattern)?.is_in(text) {
        Ok(())
    } else {
        Err(format!("{pattern} is not in {}", brief(target(map, value))))
    }
}

fn jsonpath(map: &Map<String, Value>, value: &Value) -> Result<(), String> {
    let path = map.get("path").and_then(Value::as_str);
    let path = Path::new(path.ok_or("the path is no text")?.trim())?;
    let value = target(map, value);
    // a text that holds JSON is looked into
    let parsed = value
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let found = path.find(parsed.as_ref().unwrap_or(value));
    let met = match (map.get("expect"), map.get("count")) {
        (Some(Value::Array(wanted)), _) => {
            found.len() == wanted.len()
                && found
                    .iter()
                    .zip(wanted)
                    .all(|(found, wanted)| values::equal(found, wanted))
        }
        (Some(wanted), _) => found.len() == 1 && values::equal(found[0], wanted),
        (None, Some(count)) if !count.is_null() => {
            count.as_u64() == u64::try_from(found.len()).ok()
        }
        (None, _) => !found.is_empty(),
    };
    if met {
        Ok(())
    } else {
        let found = Value::Array(found.into_iter().cloned().collect());
        let wanted = match (map.get("expect"), map.get("count")) {
            (Some(wanted), _) => format!(" but expected {}", brief(wanted)),
            (None, Some(count)) => format!(" but expected {count}"),
            (None, None) => String::new(),
        };
        Err(format!("jsonpath found {}{wanted}", brief(&found)))
    }
}

fn range(map: &Map<String, Value>, value: &Value) -> Result<(), String> {
    let value = target(map, value);
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => values::number(other),
    };
    let number: f64 = number
        .ok_or_else(|| format!("range check expects a number value, not {}", brief(value)))?;
    let bounds = map.get("range").and_then(Value::as_array);
    let bound = |at: usize| bounds.and_then(|list| values::number(list.get(at)?));
    match (bound(0), bound(1)) {
        (Some(low), Some(high)) if (low..=high).contains(&number) => Ok(()),
        (Some(low), Some(high)) => Err(format!("{number} is not from {low} to {high}")),
        _ => Err("the range is not made of two numbers".to_owned()),
    }
}

/// Most characters of a value that are told.
const BRIEF: usize = 160;

fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(BRIEF) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn met(tolerance: &Value, value: &Value) -> bool {
        let mut problems = Vec::new();
        check(tolerance, "t", &mut problems);
        assert_eq!(problems, [], "{tolerance}");
        within(tolerance, value).is_ok()
    }

    #[test]
    fn plain_tolerances_are_equality_or_the_status() {
        let http = json!({"status": 200, "headers": {}, "body": "ok"});
        for (tolerance, value, wanted) in [
            (json!(200), &http, true),
            (json!(404), &http, false),
            (json!(7), &json!(7.0), true),
            (json!(true), &json!(true), true),
            (json!(true), &json!(false), false),
            (json!(true), &http, false),
            (json!("ok"), &json!("ok"), true),
            (json!("ok"), &json!("OK"), false),
            (json!(""), &json!(null), false),
        ] {
            assert_eq!(met(&tolerance, value), wanted, "{tolerance} of {value}");
        }
    }

    #[test]
    fn a_list_is_membership_and_two_are_bounds() {
        let status = |status: i32| json!({"status": status});
        for (tolerance, value, wanted) in [
            (json!([200, 301, 404]), status(301), true),
            // a pair is no range for a status
            (json!([200, 299]), status(250), false),
            (json!([200, 299]), status(299), true),
            (json!([1, 5]), json!(3), true),
            (json!([1, 5]), json!(5.01), false),
            (json!(["a", "c"]), json!("b"), true),
            (json!(["a", "b", "c"]), json!("b"), true),
            (json!(["a", "b", "c"]), json!("d"), false),
            (json!([1, 5]), json!("3"), false),
            (json!([]), json!(1), false),
        ] {
            assert_eq!(met(&tolerance, &value), wanted, "{tolerance} of {value}");
        }
    }

    #[test]
    fn a_regex_is_searched_in_the_target() {
        let process = json!({"status": 0, "stdout": "ready 42\n", "stderr": ""});
        let regex = |pattern: &str, target: Option<&str>| json!({"type": "regex", "pattern": pattern, "target": target});
        assert!(met(&regex(r"^ready \d+$", Some("stdout")), &process));
        assert!(!met(&regex("gone", Some("stdout")), &process));
        assert!(met(&regex("a.c", None), &json!("xabcx")));
        assert!(!met(&regex("a", None), &process), "a mapping is no text");
        assert!(!met(&regex("a", Some("nothing")), &process));
    }

    #[test]
    fn a_jsonpath_has_to_find_count_or_be_as_expected() {
        let http = json!({"status": 200, "body": "{\"names\": [\"a\", \"b\"], \"up\": true}"});
        let path = |more: Value| {
            let mut tolerance = json!({"type": "jsonpath", "target": "body", "path": "$.names[*]"});
            let map = tolerance.as_object_mut().unwrap();
            map.extend(more.as_object().unwrap().clone());
            tolerance
        };
        for (more, wanted) in [
            (json!({}), true),
            (json!({"path": "$.none"}), false),
            (json!({"count": 2}), true),
            (json!({"count": 1}), false),
            (json!({"path": "$.none", "count": 0}), true),
            (json!({"expect": ["a", "b"]}), true),
            (json!({"expect": ["a"]}), false),
            (json!({"path": "$.up", "expect": true}), true),
            (json!({"path": "$.up", "expect": [true]}), true),
            (json!({"path": "$.up", "expect": null}), false),
            // expect counts, not the count
            (json!({"count": 9, "expect": ["a", "b"]}), true),
        ] {
            assert_eq!(met(&path(more.clone()), &http), wanted, "{more}");
        }
        let whole = json!({"type": "jsonpath", "path": "$.status", "expect": 200});
        assert!(met(&whole, &http), "without a target it is the whole");
    }

    #[test]
    fn a_range_takes_numbers_and_texts_that_are_one() {
        let range = json!({"type": "range", "range": [1, 2.5], "target": "stdout"});
        for (value, wanted) in [
            (json!({"stdout": "2.5\n"}), true),
            (json!({"stdout": "0.9"}), false),
            (json!({"stdout": "many"}), false),
            (json!({"stdout": "NaN"}), false),
            (json!(1), true),
            (json!({"status": 2}), false),
            (json!(null), false),
        ] {
            assert_eq!(met(&range, &value), wanted, "{value}");
        }
    }

    #[test]
    fn what_is_no_tolerance_is_told() {
        for (tolerance, part) in [
            (json!(1.5), "must either be"),
            (json!(null), "must either be"),
            (json!({}), "type 'None' is unsupported"),
            (json!({"type": "magic"}), "type 'magic' is unsupported"),
            (json!({"type": "regex"}), "must have a `pattern`"),
            (json!({"type": "regex", "pattern": "("}), "seems invalid"),
            (json!({"type": "regex", "pattern": 1}), "invalid type"),
            (json!({"type": "jsonpath"}), "must have a `path`"),
            (json!({"type": "jsonpath", "path": " "}), "cannot be empty"),
            (json!({"type": "jsonpath", "path": "$["}), "is invalid"),
            (
                json!({"type": "jsonpath", "path": "$.a", "count": "1"}),
                "whole number",
            ),
            (json!({"type": "range"}), "must have a `range`"),
            (json!({"type": "range", "range": 1}), "must be a sequence"),
            (json!({"type": "range", "range": [1]}), "two values"),
            (
                json!({"type": "range", "range": ["1", 2]}),
                "lower boundary",
            ),
        ] {
            let mut problems = Vec::new();
            check(&tolerance, "here", &mut problems);
            assert_eq!(problems.len(), 1, "{tolerance}");
            let said = problems[0].to_string();
            assert!(said.starts_with("here: ") && said.contains(part), "{said}");
        }
    }
}
