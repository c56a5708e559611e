//! What is to be done with a request and its answer. It knows what, not how.

use std::{sync::Arc, time::Duration};

use super::{envelope, malformed_body, rewrite_body};

/// What happens to one request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// The request goes up so much later; those behind it on its connection wait.
    Delay(Duration),
    /// The request goes up once another one of the link has gone up, or after so long.
    Hold(Duration),
    /// The caller gets this answer; the callee is not asked.
    Respond(Answer),
    /// The caller gets these bytes, a whole answer; the callee is not asked.
    Replay(Arc<[u8]>),
    /// The answer passes, and is kept under the request's target when it is one that can be served again.
    Keep,
    /// The answer's body is changed.
    Change(Change),
    /// The answer ends after so many bytes of its body, though it declared more, and the connection with it.
    Truncate(u64),
    /// The callee answers, the caller gets nothing, and the connection is closed so much later.
    Lose(Duration),
    /// The request is sent a second time, on a connection of its own, and that answer thrown away.
    Duplicate,
}

/// An answer of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 599.
    pub status: u16,
    /// Fields beside those of framing, which the proxy adds.
    pub headers: Vec<(String, String)>,
    /// None is the status' standard phrase.
    pub body: Option<String>,
}

/// A change of an answer's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// JSON or text that cannot be read any more.
    Malform,
    /// Every `find` becomes `replace`.
    Replace {
        /// Not empty.
        find: String,
        /// May be empty.
        replace: String,
    },
    /// JSON under a field of a new object.
    Envelope {
        /// The field's name.
        field: String,
    },
}

impl Change {
    /// The body changed, nothing when it stays as it is. `content_type` is the header's value.
    #[must_use]
    pub fn apply(&self, content_type: Option<&[u8]>, body: &[u8]) -> Option<Vec<u8>> {
        let json = content_type.is_some_and(is_json);
        match self {
            Self::Malform => malformed_body::malform(json, body),
            Self::Replace { find, replace } => {
                rewrite_body::replace(body, find.as_bytes(), replace.as_bytes())
            }
            Self::Envelope { field } => envelope::wrap(json, field, body),
        }
    }
}

/// `application/json`, and media types that end in `+json`.
fn is_json(content_type: &[u8]) -> bool {
    let media_type = content_type
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii()
        .to_ascii_lowercase();
    media_type == b"application/json" || media_type.ends_with(b"+json")
}
