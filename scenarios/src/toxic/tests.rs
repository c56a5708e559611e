//! The wire form of every toxic in the registry, and what a stranger may send.

use super::*;
use serde_json::json;

#[test]
fn every_toxic_comes_back_from_the_wire_as_it_went() {
    for kind in KINDS {
        let attributes: serde_json::Map<_, _> = kind
            .attributes
            .iter()
            .enumerate()
            .map(|(k, attribute)| (attribute.name.to_owned(), json!(k + 7)))
            .collect();
        let toxic = Toxic::from_wire(kind.name, Value::Object(attributes.clone())).unwrap();
        assert_eq!(toxic.kind(), kind.name);
        assert_eq!(toxic.attributes(), Value::Object(attributes));
        assert_eq!(toxic.at_strength(1.0), toxic, "{}", kind.name);
        assert_eq!(toxic.updated(json!({})).unwrap(), toxic);
    }
}

#[test]
fn what_is_missing_is_zero_and_bounds_are_held() {
    for kind in KINDS {
        let bare = Toxic::from_wire(kind.name, Value::Null).unwrap();
        assert_eq!(bare, Toxic::from_wire(kind.name, json!({})).unwrap());
        for attribute in kind.attributes {
            let with = |value: Value| Toxic::from_wire(kind.name, json!({ attribute.name: value }));
            assert_eq!(bare.attributes()[attribute.name], 0);
            assert!(with(json!(attribute.most)).is_ok());
            for wrong in [json!(attribute.most + 1), json!(-1), json!(1.5)] {
                let error = with(wrong.clone()).unwrap_err();
                assert!(
                    matches!(error, ToxicError::OutOfBounds { .. }),
                    "{wrong}: {error}"
                );
            }
            for wrong in [json!("5"), json!([1]), json!({}), json!(true)] {
                let error = with(wrong).unwrap_err();
                assert!(matches!(error, ToxicError::Malformed { .. }), "{error}");
            }
            assert_eq!(with(Value::Null).unwrap(), bare);
        }
    }
}

#[test]
fn an_update_changes_what_it_names_and_keeps_the_rest() {
    let latency = Toxic::from_wire("latency", json!({ "latency": 100, "jitter": 10 })).unwrap();
    let slower = latency
        .updated(json!({ "latency": 900, "jitter": null }))
        .unwrap();
    assert_eq!(slower.attributes(), json!({ "latency": 900, "jitter": 10 }));
    assert!(latency.updated(json!({ "rate": 3 })).is_err());
    assert!(latency.updated(json!(7)).is_err());
}

#[test]
fn errors_say_what_is_wrong_and_what_there_is() {
    let error = Toxic::from_wire("latncy", Value::Null).unwrap_err();
    assert!(
        error.to_string().starts_with(
            "unknown toxic type `latncy`, did you mean `latency`; there are: latency,"
        ),
        "{error}"
    );
    let error = Toxic::from_wire("latency", json!({ "jiter": 1 })).unwrap_err();
    assert_eq!(
        error.to_string(),
        "latency has no attribute `jiter`, did you mean `jitter`; it has: latency, jitter"
    );
    let error = Toxic::from_wire("latency", json!({ "latency": -1 })).unwrap_err();
    assert_eq!(
        error.to_string(),
        "latency: `latency` must be 0 to 86400000 ms, not -1"
    );
    let huge = "x".repeat(1_000_000);
    for error in [
        Toxic::from_wire(&huge, Value::Null).unwrap_err(),
        Toxic::from_wire("latency", json!({ huge.clone(): 1 })).unwrap_err(),
        Toxic::from_wire("latency", json!({ "latency": huge.clone() })).unwrap_err(),
        Toxic::from_wire("latency", json!(huge.clone())).unwrap_err(),
    ] {
        assert!(error.to_string().len() < 400, "{}", error.to_string().len());
    }
}

#[test]
fn only_a_partition_keeps_new_connections_out() {
    for kind in KINDS {
        let toxic = Toxic::from_wire(kind.name, Value::Null).unwrap();
        assert_eq!(toxic.holds_handshake(), kind.name == "partition");
    }
}
