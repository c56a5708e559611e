//! `${name}` and `$name` within values, by what configuration and secrets hold. Pure.

use serde_json::{Map, Value};

use super::values;

/// Where names are looked up: configuration first, then each group of secrets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    pub configuration: &'a Map<String, Value>,
    pub secrets: &'a Map<String, Value>,
}

impl<'a> Names<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        let secret = || {
            self.secrets
                .values()
                .filter_map(Value::as_object)
                .find_map(|group| group.get(name))
        };
        self.configuration.get(name).or_else(secret)
    }
}

/// The value with every name put in that is known; what is not known stays as it is.
pub(super) fn substitute(value: &Value, names: Names<'_>) -> Value {
    match value {
        Value::String(text) => template(text, names),
        Value::Array(list) => list.iter().map(|value| substitute(value, names)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), substitute(value, names)))
            .collect(),
        other => other.clone(),
    }
}

/// One text: `${name}` alone becomes the value in its own kind.
fn template(text: &str, names: Names<'_>) -> Value {
    if let Some(name) = text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        && name_length(name) == name.len()
        && let Some(value) = names.get(name)
    {
        return value.clone();
    }
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.strip_prefix('{') {
            Some(inner) => {
                let length = name_length(inner);
                let closed = length > 0 && inner[length..].starts_with('}');
                (closed.then(|| &inner[..length]), length + 2)
            }
            None => {
                let length = name_length(after);
                ((length > 0).then(|| &after[..length]), length)
            }
        };
        let found = name.and_then(|name| names.get(name));
        rest = match (found, after.strip_prefix('$')) {
            (Some(value), _) => {
                filled.push_str(&values::text(value));
                &after[length..]
            }
            // written twice it stands for itself
            (None, Some(beyond)) => {
                filled.push('$');
                beyond
            }
            (None, None) => {
                filled.push('$');
                after
            }
        };
    }
    filled.push_str(rest);
    Value::String(filled)
}

/// Bytes of the name that a text begins with: a letter or `_`, then digits, too.
fn name_length(text: &str) -> usize {
    let within = |(at, c): (usize, char)| {
        c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit())
    };
    text.char_indices()
        .find(|&each| !within(each))
        .map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filled(value: &Value) -> Value {
        let configuration = json!({"port": 80, "host": "db", "list": [1, 2], "on": true});
        let secrets = json!({"k8s": {"token": "s3", "host": "other"}, "plain": "x"});
        substitute(
            value,
            Names {
                configuration: configuration.as_object().unwrap(),
                secrets: secrets.as_object().unwrap(),
            },
        )
    }

    #[test]
    fn a_name_alone_keeps_its_kind_and_within_a_text_is_written_out() {
        for (text, value) in [
            ("${port}", json!(80)),
            ("${list}", json!([1, 2])),
            ("http://${host}:$port/", json!("http://db:80/")),
            ("$port", json!("80")),
            ("${on}!", json!("True!")),
            ("${token}", json!("s3")),
            ("a$token", json!("as3")),
        ] {
            assert_eq!(filled(&json!(text)), value, "{text}");
        }
    }

    #[test]
    fn what_is_no_name_stays() {
        for (text, same) in [
            ("${nobody}", "${nobody}"),
            ("$nobody $", "$nobody $"),
            ("$$port", "$port"),
            ("$.a[?(@.b)]", "$.a[?(@.b)]"),
            ("${port", "${port"),
            ("${ port }", "${ port }"),
            ("${}", "${}"),
            ("5$ ä$ö", "5$ ä$ö"),
            ("^ok$", "^ok$"),
        ] {
            assert_eq!(filled(&json!(text)), json!(same), "{text}");
        }
    }

    #[test]
    fn trees_are_walked_and_keys_are_not() {
        assert_eq!(
            filled(&json!({"${port}": ["${port}", {"a": "$host"}, 7]})),
            json!({"${port}": [80, {"a": "db"}, 7]})
        );
    }
}
