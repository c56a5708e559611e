//! When two answers of the API are the same: type, labels, times, values to 1e-9, order where there is one, kind of error.

use std::collections::BTreeMap;

use serde_json::Value;

/// What an answer's values may differ by, relative.
const TOLERANCE: f64 = 1e-9;

/// How answers are compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// The order counts: that of a range query's series always, that of an instant query's where `sort` or `topk` gave it.
    pub ordered: bool,
    /// What lies nearer to zero is zero: where sums cancel out, one order of adding leaves a last digit and another none.
    pub zero: f64,
}

/// How our answer differs from Prometheus'; `Ok` with the number of values compared when it does not.
pub fn compare(theirs: &(u16, Value), ours: &(u16, Value), rules: Rules) -> Result<usize, String> {
    if theirs.1["status"] != "success" || ours.1["status"] != "success" {
        return refusals(theirs, ours).map(|()| 0);
    }
    let (theirs, ours) = (&theirs.1["data"], &ours.1["data"]);
    let kind = theirs["resultType"].as_str().unwrap();
    if theirs["resultType"] != ours["resultType"] {
        return Err(format!("{kind} expected, found {}", ours["resultType"]));
    }
    let (theirs, ours) = (&theirs["result"], &ours["result"]);
    match kind {
        "scalar" => point(theirs, ours, rules).map(|()| 1),
        "string" if theirs == ours => Ok(1),
        "string" => Err(format!("{theirs} expected, found {ours}")),
        _ => series(theirs.as_array().unwrap(), ours.as_array().unwrap(), rules),
    }
}

/// Both must refuse, for the same reason and by the same status. Where Prometheus names a place, ours does.
fn refusals(theirs: &(u16, Value), ours: &(u16, Value)) -> Result<(), String> {
    let text = |answer: &(u16, Value)| {
        if answer.1["status"] == "success" {
            format!("success: {}", cut(&answer.1["data"]))
        } else {
            format!(
                "{} {}: {}",
                answer.0, answer.1["errorType"], answer.1["error"]
            )
        }
    };
    let both = || format!("expected {}\n      found {}", text(theirs), text(ours));
    if (theirs.0, &theirs.1["errorType"]) != (ours.0, &ours.1["errorType"])
        || ours.1["status"] == "success"
    {
        return Err(both());
    }
    let placed = theirs.1["error"].as_str().unwrap().contains("parse error:");
    if placed && !ours.1["position"].is_u64() {
        return Err(format!("no position: {}", both()));
    }
    Ok(())
}

fn series(theirs: &[Value], ours: &[Value], rules: Rules) -> Result<usize, String> {
    let (wanted, found) = (keys(theirs), keys(ours));
    let sorted = |keys: &[String]| {
        let mut keys = keys.to_vec();
        keys.sort();
        keys
    };
    if sorted(&wanted) != sorted(&found) {
        let missing: Vec<_> = wanted.iter().filter(|k| !found.contains(k)).collect();
        let extra: Vec<_> = found.iter().filter(|k| !wanted.contains(k)).collect();
        return Err(format!(
            "{} series expected, found {}; missing {}, too many {}",
            wanted.len(),
            found.len(),
            cut(&serde_json::json!(missing)),
            cut(&serde_json::json!(extra))
        ));
    }
    if rules.ordered && wanted != found {
        return Err(format!("the order {wanted:?} expected, found {found:?}"));
    }
    let by_key: BTreeMap<&String, &Value> = found.iter().zip(ours).collect();
    let mut count = 0;
    for (key, theirs) in wanted.iter().zip(theirs) {
        count +=
            one(theirs, by_key[key], rules).map_err(|difference| format!("{key}: {difference}"))?;
    }
    Ok(count)
}

fn keys(series: &[Value]) -> Vec<String> {
    series.iter().map(|one| one["metric"].to_string()).collect()
}

/// One series of a vector or matrix.
fn one(theirs: &Value, ours: &Value, rules: Rules) -> Result<usize, String> {
    if theirs["value"].is_array() {
        return point(&theirs["value"], &ours["value"], rules).map(|()| 1);
    }
    let (theirs, ours) = (
        theirs["values"].as_array().unwrap(),
        ours["values"].as_array().ok_or("no values")?,
    );
    for at in 0..theirs.len().max(ours.len()) {
        let (theirs, ours) = (
            theirs.get(at).unwrap_or(&Value::Null),
            ours.get(at).unwrap_or(&Value::Null),
        );
        if theirs.is_null() || ours.is_null() {
            return Err(format!("point {at}: {theirs} expected, found {ours}"));
        }
        point(theirs, ours, rules).map_err(|difference| format!("point {at}: {difference}"))?;
    }
    Ok(theirs.len())
}

/// A pair of time and value.
fn point(theirs: &Value, ours: &Value, rules: Rules) -> Result<(), String> {
    let differ = || Err(format!("{theirs} expected, found {ours}"));
    if theirs[0].as_f64() != ours[0].as_f64() {
        return differ();
    }
    let (Some(left), Some(right)) = (theirs[1].as_str(), ours[1].as_str()) else {
        return differ();
    };
    let (Ok(a), Ok(b)) = (left.parse::<f64>(), right.parse::<f64>()) else {
        return differ();
    };
    // the same number is written in the same form; its last digit may be either of two that are equally near
    let exact = a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let form = |text: &str| (text.len(), text.contains('e'));
    if (exact && form(left) == form(right)) || (!exact && close(a, b, rules.zero)) {
        return Ok(());
    }
    differ()
}

fn close(a: f64, b: f64, zero: f64) -> bool {
    let size = a.abs().max(b.abs());
    size.is_finite() && ((a - b).abs() <= TOLERANCE * size || size < zero)
}

/// The beginning of a long value.
fn cut(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn vector(samples: &[(&str, f64, &str)]) -> (u16, Value) {
        let result: Vec<Value> = samples
            .iter()
            .map(|(name, t, v)| json!({ "metric": { "a": name }, "value": [t, v] }))
            .collect();
        (
            200,
            json!({ "status": "success", "data": { "resultType": "vector", "result": result } }),
        )
    }

    #[test]
    fn equal_answers_are_equal_and_every_kind_of_difference_is_found() {
        let theirs = vector(&[("x", 1.5, "1"), ("y", 1.5, "NaN")]);
        let same = |ours: &[_], ordered| {
            let rules = Rules { ordered, zero: 0.0 };
            compare(&theirs, &vector(ours), rules)
        };
        assert_eq!(
            same(&[("y", 1.5, "NaN"), ("x", 1.5, "1.0000000001")], false),
            Ok(2)
        );
        assert!(same(&[("y", 1.5, "NaN"), ("x", 1.5, "1")], true).is_err());
        for ours in [
            [("x", 1.5, "1"), ("y", 1.5, "0")],
            [("x", 1.5, "1.00000001"), ("y", 1.5, "NaN")],
            [("x", 1.5, "1e0"), ("y", 1.5, "NaN")],
            [("x", 1.0, "1"), ("y", 1.5, "NaN")],
            [("x", 1.5, "1"), ("z", 1.5, "NaN")],
            [("x", 1.5, "-1"), ("y", 1.5, "NaN")],
        ] {
            assert!(same(&ours, false).is_err(), "{ours:?}");
        }
        assert!(compare(&theirs, &vector(&[("x", 1.5, "1")]), Rules::default()).is_err());
    }

    #[test]
    fn a_refusal_must_be_of_the_same_kind_and_placed() {
        let refusal = |status: u16, kind: &str, error: &str, position: Value| {
            (
                status,
                json!({ "status": "error", "errorType": kind, "error": error, "position": position }),
            )
        };
        let theirs = refusal(400, "bad_data", "1:2: parse error: no", Value::Null);
        let verdict = |ours| compare(&theirs, &ours, Rules::default()).is_ok();
        assert!(verdict(refusal(400, "bad_data", "other words", json!(1))));
        assert!(!verdict(refusal(400, "bad_data", "", Value::Null)));
        assert!(!verdict(refusal(422, "execution", "", json!(1))));
        assert!(!verdict(vector(&[])));
    }
}
