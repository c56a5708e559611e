//! Labels out of a line's text: JSON and logfmt. Knows no queries.

use crate::attributes::label_name;

/// Labels taken from one line at most; more are ignored.
pub(super) const FIELDS_MAX: usize = 256;

/// Flattens a JSON object into `(a_b, value)` pairs; arrays are left out, as in Loki. `None` when the
/// text is not a JSON object.
pub fn json(text: &str) -> Option<Vec<(String, String)>> {
    let serde_json::Value::Object(object) = serde_json::from_str(text).ok()? else {
        return None;
    };
    let mut fields = Vec::new();
    flatten(&object, "", &mut fields);
    Some(fields)
}

fn flatten(
    object: &serde_json::Map<String, serde_json::Value>,
    prefix: &str,
    fields: &mut Vec<(String, String)>,
) {
    for (key, value) in object {
        let name = format!("{prefix}{}", label_name(key));
        match value {
            serde_json::Value::Object(inner) => flatten(inner, &format!("{name}_"), fields),
            serde_json::Value::Array(_) | serde_json::Value::Null => {}
            _ if fields.len() >= FIELDS_MAX => return,
            value => fields.push((name, scalar(value))),
        }
    }
}

/// The value at a path such as `a.b[0]["c"]` of a JSON text, as text; `None` when the text is not
/// JSON, empty when nothing is there.
pub fn json_path(text: &str, path: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    let mut value = &document;
    let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
    for step in steps {
        let step = step.trim_matches('"');
        let next = match value {
            serde_json::Value::Array(array) => {
                step.parse().ok().and_then(|at: usize| array.get(at))
            }
            other => other.get(step),
        };
        let Some(next) = next else {
            return Some(String::new());
        };
        value = next;
    }
    Some(scalar(value))
}

fn scalar(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The `key=value` pairs of a line as labels; values may be in double quotes with escapes. Words
/// without `=` are skipped.
pub fn logfmt(text: &str) -> Vec<(String, String)> {
    let labelled = |(key, value): (String, String)| (label_name(&key).into_owned(), value);
    logfmt_pairs(text).into_iter().map(labelled).collect()
}

/// The same with names as written.
pub fn logfmt_pairs(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() && fields.len() < FIELDS_MAX {
        let key_end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let key = &rest[..key_end];
        rest = &rest[key_end..];
        let Some(after) = rest.strip_prefix('=') else {
            rest = rest.trim_start();
            continue;
        };
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted),
            None => {
                let end = after.find(char::is_whitespace).unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        if !key.is_empty() {
            fields.push((key.to_owned(), value));
        }
        rest = after.trim_start();
    }
    fields
}

/// The text up to the closing quote, and what follows it.
fn quoted_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, other)) => value.push(other),
                None => {}
            },
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
        fields
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect()
    }

    #[test]
    fn json_objects_flatten_with_underscores() {
        let fields = json(r#"{"a":1,"b":{"c.d":"x","e":[1]},"f":true,"g":null}"#).unwrap();
        assert_eq!(pairs(&fields), [("a", "1"), ("b_c_d", "x"), ("f", "true")]);
        assert!(json("[1]").is_none() && json("{").is_none());
    }

    #[test]
    fn json_paths_reach_into_objects_and_arrays() {
        let text = r#"{"a":{"b":[{"c":"x"}]}}"#;
        assert_eq!(json_path(text, "a.b[0].c").as_deref(), Some("x"));
        assert_eq!(json_path(text, r#"a["b"][0]["c"]"#).as_deref(), Some("x"));
        assert_eq!(json_path(text, "a.z").as_deref(), Some(""));
        assert_eq!(json_path("junk", "a"), None);
    }

    #[test]
    fn logfmt_reads_quotes_and_skips_words() {
        let fields = logfmt(r#"word a=1 b.c="x \"y\" z" d= e="open"#);
        assert_eq!(
            pairs(&fields),
            [("a", "1"), ("b_c", "x \"y\" z"), ("d", ""), ("e", "open")]
        );
    }
}
