//! Which requests a mechanism of HTTP hits: the parameters `share`, `path` and `method` that such
//! mechanisms have, as a toxic's attributes.

use serde_json::{Value, json};

use super::parameter::Values;

/// Attributes with the share of requests and the match.
pub(super) fn matched(values: &Values, attributes: Value) -> Value {
    let mut attributes = matched_all(values, attributes);
    attributes["share"] = json!(values.number("share"));
    attributes
}

/// Attributes with the match; every request that matches is hit.
pub(super) fn matched_all(values: &Values, mut attributes: Value) -> Value {
    let mut wanted = json!({});
    if !values.word("path").is_empty() {
        wanted["path"] = json!(format!("{}*", values.word("path")));
    }
    if !values.word("method").is_empty() {
        wanted["methods"] = json!([values.word("method")]);
    }
    attributes["match"] = wanted;
    attributes
}
