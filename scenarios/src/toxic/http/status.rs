//! Status: the caller gets an error instead of the callee's answer, on a connection that stays.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answer, Mechanism, Moment, RequestHead, Verdict, error_status, matching::is_token};

/// Answers instead of the callee.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpStatus {
    /// 200 to 599.
    #[serde(default = "unavailable")]
    pub status: u16,
    /// Body of the answer, at most 64 KiB; without one, the status' standard phrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Further fields, at most 32; those of framing are not among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// Longest body of an answer of our own, bytes.
const MOST_BODY_BYTES: usize = 64 * 1024;
/// Fields that say where the answer ends; ours to set.
const FRAMING: [&str; 4] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
];

pub(super) const fn unavailable() -> u16 {
    503
}

impl Mechanism for HttpStatus {
    const KIND: &'static str = "http_status";
    const DEFINITION: &'static str =
        "The caller gets an error instead of the callee's answer, on a connection that stays";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[
        ("status", "200 to 599; 503 if absent"),
        (
            "body",
            "text of the answer, at most 64 KiB; the status' phrase if absent",
        ),
        ("headers", "further fields, name to value"),
    ];

    fn check(&self) -> Result<(), String> {
        error_status(self.status)?;
        let body = self.body.as_ref().map_or(0, String::len);
        if body > MOST_BODY_BYTES {
            return Err(format!(
                "`body` has at most {MOST_BODY_BYTES} bytes, not {body}"
            ));
        }
        if body > 0 && matches!(self.status, 204 | 304) {
            return Err(format!("`body` must be empty with status {}", self.status));
        }
        if self.headers.len() > 32 {
            return Err(format!(
                "`headers` are at most 32, not {}",
                self.headers.len()
            ));
        }
        for (name, value) in &self.headers {
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(format!("`headers` has a bad name `{name}`"));
            }
            if FRAMING.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(format!("`headers` may not set `{name}`: the proxy does"));
            }
            if value.len() > 4_096 || value.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
                return Err(format!("`headers` has a bad value for `{name}`"));
            }
        }
        Ok(())
    }

    fn decide(&self, _: &RequestHead, _: &mut Moment<'_>) -> Verdict {
        Verdict::Respond(Answer {
            status: self.status,
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            body: self.body.clone(),
        })
    }
}
