//! Which requests a mechanism of HTTP hits: the parameters `share`, `path` and `method` that such
//! mechanisms have, as a toxic's attributes.

use serde_json::{Value, json};

use super::parameter::Values;

/// Methods that a mechanism can be narrowed to; the first is no narrowing.
pub(super) const METHODS: &[&str] = &[ANY, "GET", "POST", "PUT", "PATCH", "DELETE"];
/// The same for what is about messages, which are posted.
pub(super) const POST_FIRST: &[&str] = &["POST", "PUT", "PATCH", "DELETE", "GET", ANY];
/// Every method.
const ANY: &str = "any";

/// Attributes with the share of requests and the match.
pub(super) fn matched(values: &Values, attributes: Value) -> Value {
    let mut attributes = matched_all(values, attributes);
    attributes["share"] = json!(values.number("share"));
    attributes
}

/// Attributes with the match; every request that matches is hit.
pub(super) fn matched_all(values: &Values, mut attributes: Value) -> Value {
    let path = values.word("path").trim_start_matches('/');
    if !path.is_empty() {
        attributes["path"] = json!(format!("/{path}*"));
    }
    if values.word("method") != ANY {
        attributes["method"] = json!(values.word("method"));
    }
    attributes
}
