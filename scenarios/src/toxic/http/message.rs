//! The head of an HTTP/1.x message as decisions see it: start line and headers, nothing of the body.
//! It knows neither bytes on the wire nor how a message is framed.

/// Header fields in the order of the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// Adds one at the end; a name may come several times.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.push((name.into(), value.into()));
    }

    /// All values of a header, in order; case of the name does not matter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The first value of a header.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Whether a header that is a list of tokens (`connection`, `expect`) names this one.
    #[must_use]
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Name and value of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}

/// Head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// As sent; methods are case-sensitive.
    pub method: String,
    /// As sent: `/path?query`, `http://host/path`, `host:port` or `*`.
    pub target: String,
    /// The version's second number: 0 or 1.
    pub minor: u8,
    /// Its fields.
    pub headers: Headers,
}

impl RequestHead {
    /// Path without query; of a target in absolute form, without scheme and host.
    #[must_use]
    pub fn path(&self) -> &str {
        let after_host = self
            .target
            .split_once("://")
            .filter(|(scheme, _)| !scheme.contains('/'))
            .map_or(self.target.as_str(), |(_, rest)| {
                rest.find('/').map_or("/", |slash| &rest[slash..])
            });
        after_host.split(['?', '#']).next().unwrap_or_default()
    }
}

/// Head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// 100 to 999.
    pub status: u16,
    /// The version's second number: 0 or 1.
    pub minor: u8,
    /// Its fields.
    pub headers: Headers,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str) -> RequestHead {
        RequestHead {
            method: "GET".into(),
            target: target.into(),
            minor: 1,
            headers: Headers::default(),
        }
    }

    #[test]
    fn a_path_has_neither_query_nor_host() {
        assert_eq!(request("/a/b?c=/d").path(), "/a/b");
        assert_eq!(request("http://host:80/a?b").path(), "/a");
        assert_eq!(request("http://host").path(), "/");
        assert_eq!(request("/go?to=http://x/y").path(), "/go");
        assert_eq!(request("/go/http://x/y").path(), "/go/http://x/y");
        assert_eq!(request("*").path(), "*");
    }

    #[test]
    fn names_of_headers_and_tokens_ignore_case() {
        let mut headers = Headers::default();
        headers.push("Connection", "keep-alive, Upgrade");
        assert!(headers.lists("connection", "upgrade"));
        assert!(!headers.lists("connection", "close"));
        assert_eq!(headers.get("CONNECTION"), Some(&b"keep-alive, Upgrade"[..]));
        assert_eq!(headers.get("host"), None);
    }
}
