//! Rewrite body: one text of the answer's body becomes another wherever it stands: a renamed field, a
//! changed unit, a word in another language.

use serde::{Deserialize, Serialize};

use super::{Change, Mechanism, Moment, RequestHead, Verdict};

/// Replaces a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRewriteBody {
    /// What is replaced, 1 to 4,096 bytes, taken literally.
    #[serde(default)]
    pub find: String,
    /// By what, at most 4,096 bytes.
    #[serde(default)]
    pub replace: String,
}

/// Longest text to find, and to put in its place, bytes.
const MOST_TEXT_BYTES: usize = 4_096;
/// Largest body that a replacement may make, bytes; beyond it the body passes unchanged.
const MOST_GROWN_BYTES: usize = 8 * super::MOST_KEPT_BYTES;

impl Mechanism for HttpRewriteBody {
    const KIND: &'static str = "http_rewrite_body";
    const DEFINITION: &'static str = "A text in the answer's body becomes another";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[
        ("find", "what is replaced, 1 to 4096 bytes, literally"),
        ("replace", "by what, at most 4096 bytes"),
    ];

    fn check(&self) -> Result<(), String> {
        if self.find.is_empty() {
            return Err("`find` must not be empty".into());
        }
        for (name, text) in [("find", &self.find), ("replace", &self.replace)] {
            if text.len() > MOST_TEXT_BYTES {
                return Err(format!(
                    "`{name}` has at most {MOST_TEXT_BYTES} bytes, not {}",
                    text.len()
                ));
            }
        }
        Ok(())
    }

    fn decide(&self, _: &RequestHead, _: &mut Moment<'_>) -> Verdict {
        Verdict::Change(Change::Replace {
            find: self.find.clone(),
            replace: self.replace.clone(),
        })
    }
}

/// The body with every `find` replaced; nothing when there is none, or when it would grow too large.
pub(super) fn replace(body: &[u8], find: &[u8], replace: &[u8]) -> Option<Vec<u8>> {
    let mut changed = Vec::with_capacity(body.len());
    let mut rest = body;
    let mut found = false;
    let first = *find.first()?;
    while let Some(at) = rest.iter().position(|byte| *byte == first) {
        changed.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        if let Some(behind) = rest.strip_prefix(find) {
            found = true;
            changed.extend_from_slice(replace);
            rest = behind;
        } else {
            changed.push(first);
            rest = &rest[1..];
        }
        if changed.len() > MOST_GROWN_BYTES {
            return None;
        }
    }
    changed.extend_from_slice(rest);
    found.then_some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn replaces_as_the_standard_library_does(
            body in "[ab]{0,30}", find in "[ab]{1,3}", with in "[abc]{0,4}",
        ) {
            let expected = body.replace(&find, &with);
            let changed = replace(body.as_bytes(), find.as_bytes(), with.as_bytes());
            prop_assert_eq!(changed.is_some(), body.contains(&find));
            prop_assert_eq!(changed.unwrap_or_else(|| body.into_bytes()), expected.into_bytes());
        }
    }

    #[test]
    fn a_body_that_would_grow_beyond_its_bound_stays() {
        let body = vec![b'a'; super::super::MOST_KEPT_BYTES];
        assert_eq!(replace(&body, b"a", &[b'b'; MOST_TEXT_BYTES]), None);
    }
}
