//! Which requests a toxic happens to: method, path, header, and a share of those. It knows nothing
//! of what happens to them.

use serde_json::{Map, Value};

use super::RequestHead;
use crate::toxic::Toxicity;

/// Which requests. Everything that is set must hold; nothing set is every request.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// `method`: one of these, upper case. On the wire a list, or text with commas.
    pub methods: Vec<String>,
    /// `path`: the path without query, where `*` stands for any run of characters. Without a star it must be equal.
    pub path: Option<String>,
    /// `header`: `name`, which must be there, or `name=value`, which must be equal.
    pub header: Option<HeaderMatch>,
    /// `share`: of the requests that match, 0 to 1; compared with one draw per request.
    pub share: Toxicity,
}

/// A header that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderMatch {
    name: String,
    value: Option<String>,
}

impl Default for Match {
    fn default() -> Self {
        Self {
            methods: Vec::new(),
            path: None,
            header: None,
            share: Toxicity::ALL,
        }
    }
}

/// Longest text of a match, bytes.
const MOST_TEXT_BYTES: usize = 2_048;

impl Match {
    /// Takes its attributes out of those of a toxic.
    pub(super) fn take(attributes: &mut Map<String, Value>) -> Result<Self, String> {
        let mut matching = Self::default();
        match attributes.remove("share") {
            None | Some(Value::Null) => {}
            Some(value) => {
                matching.share = value
                    .as_f64()
                    .and_then(|share| Toxicity::new(share).ok())
                    .ok_or_else(|| format!("`share` is a number from 0 to 1, not `{value}`"))?;
            }
        }
        if let Some(value) = attributes.remove("method") {
            matching.methods = methods(&value)?;
        }
        matching.path = text("path", attributes.remove("path"))?;
        if let Some(path) = matching.path.as_deref()
            && !path.starts_with(['/', '*'])
        {
            return Err(format!("`path` begins with `/` or `*`, not `{path}`"));
        }
        if let Some(header) = text("header", attributes.remove("header"))? {
            matching.header = Some(HeaderMatch::read(&header)?);
        }
        Ok(matching)
    }

    pub(super) fn write(&self) -> Map<String, Value> {
        let mut written = Map::new();
        written.insert("share".into(), self.share.share().into());
        if !self.methods.is_empty() {
            written.insert("method".into(), self.methods.clone().into());
        }
        if let Some(path) = &self.path {
            written.insert("path".into(), path.clone().into());
        }
        if let Some(header) = &self.header {
            written.insert("header".into(), header.write().into());
        }
        written
    }

    /// Whether a request is one of them, chance aside.
    #[must_use]
    pub fn matches(&self, request: &RequestHead) -> bool {
        (self.methods.is_empty() || self.methods.contains(&request.method))
            && self
                .path
                .as_ref()
                .is_none_or(|path| glob(path.as_bytes(), request.path().as_bytes()))
            && self
                .header
                .as_ref()
                .is_none_or(|header| header.matches(request))
    }
}

fn methods(value: &Value) -> Result<Vec<String>, String> {
    let bad = || format!("`method` is a list of methods or text such as `GET,POST`, not `{value}`");
    let names: Vec<&str> = match value {
        Value::Null => Vec::new(),
        Value::String(names) if names.len() <= MOST_TEXT_BYTES => names.split(',').collect(),
        Value::Array(names) if names.len() <= 64 => names
            .iter()
            .map(|name| name.as_str().ok_or_else(bad))
            .collect::<Result<_, _>>()?,
        _ => return Err(bad()),
    };
    let mut methods = Vec::new();
    for name in names {
        let name = name.trim().to_ascii_uppercase();
        if name.is_empty() || name.len() > 24 || !name.bytes().all(is_token) {
            return Err(bad());
        }
        methods.push(name);
    }
    Ok(methods)
}

fn text(name: &str, value: Option<Value>) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() > MOST_TEXT_BYTES => {
            Err(format!("`{name}` has at most {MOST_TEXT_BYTES} bytes"))
        }
        Some(Value::String(text)) => Ok((!text.is_empty()).then_some(text)),
        Some(other) => Err(format!("`{name}` is a text, not `{other}`")),
    }
}

/// Characters of methods and of names of headers (RFC 9110, 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

impl HeaderMatch {
    fn read(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().to_owned())),
            None => (text.trim(), None),
        };
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(format!("`header` is `name` or `name=value`, not `{text}`"));
        }
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }

    fn write(&self) -> String {
        match &self.value {
            Some(value) => format!("{}={value}", self.name),
            None => self.name.clone(),
        }
    }

    fn matches(&self, request: &RequestHead) -> bool {
        request.headers.all(&self.name).any(|value| {
            self.value
                .as_ref()
                .is_none_or(|wanted| value.trim_ascii() == wanted.as_bytes())
        })
    }
}

/// Whether `text` has the shape of `pattern`, where `*` is any run of bytes. Goes back to the last star only, which is enough.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toxic::http::Headers;
    use serde_json::json;

    fn take(value: Value) -> Result<Match, String> {
        let Value::Object(mut attributes) = value else {
            panic!()
        };
        Match::take(&mut attributes)
    }

    fn request() -> RequestHead {
        let mut headers = Headers::default();
        headers.push("X-Tenant", " blue ");
        RequestHead {
            method: "POST".into(),
            target: "/orders/17/items?x=1".into(),
            minor: 1,
            headers,
        }
    }

    #[test]
    fn everything_that_is_set_must_hold() {
        for (attributes, expected) in [
            (json!({}), true),
            (json!({"method": "get, post"}), true),
            (json!({"method": ["GET"]}), false),
            (json!({"path": "/orders/17/items"}), true),
            (json!({"path": "/orders"}), false),
            (json!({"path": "/orders/*"}), true),
            (json!({"path": "*/items"}), true),
            (json!({"path": "/o*/1*s"}), true),
            (json!({"path": "/o*/1*t"}), false),
            (json!({"header": "x-tenant"}), true),
            (json!({"header": "x-tenant=blue"}), true),
            (json!({"header": "x-tenant=red"}), false),
            (json!({"header": "x-other"}), false),
            (
                json!({"method": "POST", "path": "/*", "header": "x-tenant=red"}),
                false,
            ),
        ] {
            let matching = take(attributes.clone()).unwrap();
            assert_eq!(matching.matches(&request()), expected, "{attributes}");
            let again = take(Value::Object(matching.write())).unwrap();
            assert_eq!(again, matching, "{attributes}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        for (attributes, name) in [
            (json!({"share": 1.01}), "share"),
            (json!({"share": -0.1}), "share"),
            (json!({"share": "half"}), "share"),
            (json!({"method": 5}), "method"),
            (json!({"method": ["GE T"]}), "method"),
            (json!({"method": "GET,,POST"}), "method"),
            (json!({"path": "orders"}), "path"),
            (json!({"path": ["/"]}), "path"),
            (json!({"path": "/".repeat(5_000)}), "path"),
            (json!({"header": "=x"}), "header"),
            (json!({"header": "a b"}), "header"),
        ] {
            let problem = take(attributes.clone()).unwrap_err();
            assert!(
                problem.contains(&format!("`{name}`")),
                "{attributes}: {problem}"
            );
        }
    }

    #[test]
    fn stars_match_any_run() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
            ("a", "", false),
            ("*aab", "aaaab", true),
        ] {
            assert_eq!(
                glob(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }
}
