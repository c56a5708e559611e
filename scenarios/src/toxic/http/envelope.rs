//! Envelope: a JSON answer comes wrapped in an object, as after a release that changed the schema and
//! told nobody. What is not JSON passes unchanged.

use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{Change, Mechanism, Moment, RequestHead, Verdict};

/// Wraps the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpEnvelope {
    /// The field that holds what used to be the answer, 1 to 256 bytes.
    #[serde(default = "data")]
    pub field: String,
}

fn data() -> String {
    "data".into()
}

impl Mechanism for HttpEnvelope {
    const KIND: &'static str = "http_envelope";
    const DEFINITION: &'static str = "A JSON answer comes wrapped in an object";
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[(
        "field",
        "the field that holds it, 1 to 256 bytes; `data` if absent",
    )];

    fn check(&self) -> Result<(), String> {
        if !(1..=256).contains(&self.field.len()) {
            return Err(format!(
                "`field` has 1 to 256 bytes, not {}",
                self.field.len()
            ));
        }
        Ok(())
    }

    fn decide(&self, _: &RequestHead, _: &mut Moment<'_>) -> Verdict {
        Verdict::Change(Change::Envelope {
            field: self.field.clone(),
        })
    }
}

/// The body wrapped; nothing when it is not JSON.
pub(super) fn wrap(json: bool, field: &str, body: &[u8]) -> Option<Vec<u8>> {
    if !json || serde_json::from_slice::<IgnoredAny>(body).is_err() {
        return None;
    }
    let mut wrapped = b"{".to_vec();
    serde_json::to_writer(&mut wrapped, field).ok()?;
    wrapped.push(b':');
    wrapped.extend_from_slice(body);
    wrapped.push(b'}');
    Some(wrapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_wrapped_and_the_rest_is_left() {
        let wrapped = wrap(true, "a\"b", b" [1.50] \n").unwrap();
        assert_eq!(wrapped, b"{\"a\\\"b\": [1.50] \n}");
        assert!(serde_json::from_slice::<IgnoredAny>(&wrapped).is_ok());
        assert_eq!(wrap(true, "a", b"[1"), None);
        assert_eq!(wrap(true, "a", b""), None);
        assert_eq!(wrap(false, "a", b"[1]"), None);
    }
}
