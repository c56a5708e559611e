//! Malformed body: the answer comes whole and its length is right, and what it says cannot be read.
//! JSON loses its last bracket, other text gets a byte that no UTF-8 has.

use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{Change, Mechanism, Moment, RequestHead, Verdict};

/// Breaks the answer's body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpMalformedBody {}

impl Mechanism for HttpMalformedBody {
    const KIND: &'static str = "http_malformed_body";
    const DEFINITION: &'static str =
        "The answer comes whole and cannot be read: JSON without its end, text that is no UTF-8";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[];

    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    fn decide(&self, _: &RequestHead, _: &mut Moment<'_>) -> Verdict {
        Verdict::Change(Change::Malform)
    }
}

/// The body broken; nothing when there is nothing to break.
pub(super) fn malform(json: bool, body: &[u8]) -> Option<Vec<u8>> {
    if body.is_empty() {
        return None;
    }
    let mut broken = body.to_vec();
    if !json {
        // never part of UTF-8
        broken[body.len() / 2] = 0xff;
        return Some(broken);
    }
    if let Some(last) = body.iter().rposition(|byte| b"}]".contains(byte)) {
        broken[last] = b',';
    }
    // a bracket within a text was not the document's end, and a number has none
    if serde_json::from_slice::<IgnoredAny>(&broken).is_ok() {
        broken.push(b'{');
    }
    Some(broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_is_never_json_afterwards_and_text_never_text() {
        for body in [
            r#"{"a":1}"#,
            "[1]",
            "7",
            r#""a }""#,
            "{}",
            " null ",
            "[{}] \n",
        ] {
            let broken = malform(true, body.as_bytes()).unwrap();
            assert!(
                serde_json::from_slice::<IgnoredAny>(&broken).is_err(),
                "{body}"
            );
        }
        let broken = malform(true, br#"{"a":1}"#).unwrap();
        assert_eq!(broken, br#"{"a":1,"#);
        assert!(std::str::from_utf8(&malform(false, b"hello").unwrap()).is_err());
        assert_eq!(malform(true, b""), None);
    }

    proptest! {
        #[test]
        fn any_body_is_broken(body in proptest::collection::vec(any::<u8>(), 1..40)) {
            prop_assert!(serde_json::from_slice::<IgnoredAny>(&malform(true, &body).unwrap()).is_err());
            prop_assert!(std::str::from_utf8(&malform(false, &body).unwrap()).is_err());
        }
    }
}
