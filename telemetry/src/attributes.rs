//! Typed attributes and the interner that lets equal strings share one allocation. Used by logs and
//! traces alike; knows neither.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};

/// A shared, immutable string.
pub type Text = Arc<str>;

/// How many distinct strings an [`Interner`] holds. At the limit it forgets all of them: strings in
/// use live on in their records, later equal ones are merely stored a second time.
pub const INTERNER_STRINGS: usize = 65_536;

/// Bytes of the longest string worth interning; longer ones (statements, messages) seldom repeat
/// exactly and would only fill the interner.
pub const INTERNER_STRING_BYTES: usize = 256;

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    Str(Text),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// Truth.
    Bool(bool),
    /// An array, map or byte string, kept as JSON text.
    Json(Text),
}

impl Value {
    /// The value as text, as a label or a JSON string shows it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Str(text) | Self::Json(text) => Cow::Borrowed(text),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(number.to_string()),
            Self::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        }
    }

    /// Heap bytes that this value accounts for; shared text counts in full.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Str(text) | Self::Json(text) => text.len(),
            _ => 0,
        }
    }
}

/// A named value.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The name, as the emitter wrote it for spans, as a label (`a_b` for `a.b`) for logs.
    pub key: Text,
    /// The value.
    pub value: Value,
}

impl Attribute {
    /// Bytes that it accounts for; shared text counts in full.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.key.len() + self.value.heap_bytes()
    }
}

/// Finds the value of `key` among `attributes`.
#[must_use]
pub fn find<'a>(attributes: &'a [Attribute], key: &str) -> Option<&'a Value> {
    attributes
        .iter()
        .find(|attribute| &*attribute.key == key)
        .map(|attribute| &attribute.value)
}

/// Turns an attribute name into a label name: everything but ASCII letters, digits and `_` becomes
/// `_`, and a leading digit gets one in front (Prometheus' and Loki's rule).
#[must_use]
pub fn label_name(name: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let digit_first = name.starts_with(|c: char| c.is_ascii_digit());
    if !digit_first && name.chars().all(fits) {
        return Cow::Borrowed(name);
    }
    let mut label = String::with_capacity(name.len() + 1);
    if digit_first {
        label.push('_');
    }
    label.extend(name.chars().map(|c| if fits(c) { c } else { '_' }));
    Cow::Owned(label)
}

/// Shares equal strings.
#[derive(Debug, Default)]
pub struct Interner {
    strings: HashSet<Text>,
}

impl Interner {
    /// The shared form of `text`.
    pub fn text(&mut self, text: &str) -> Text {
        if text.len() > INTERNER_STRING_BYTES {
            return Text::from(text);
        }
        if let Some(shared) = self.strings.get(text) {
            return shared.clone();
        }
        if self.strings.len() >= INTERNER_STRINGS {
            self.strings.clear();
        }
        let shared = Text::from(text);
        self.strings.insert(shared.clone());
        shared
    }

    /// The typed form of an OTLP value; an absent value is empty text.
    pub fn value(&mut self, value: Option<&AnyValue>) -> Value {
        match value.and_then(|value| value.value.as_ref()) {
            None => Value::Str(self.text("")),
            Some(any_value::Value::StringValue(text)) => Value::Str(self.text(text)),
            Some(any_value::Value::BoolValue(truth)) => Value::Bool(*truth),
            Some(any_value::Value::IntValue(number)) => Value::Int(*number),
            Some(any_value::Value::DoubleValue(number)) => Value::Float(*number),
            Some(other) => Value::Json(Text::from(json(other).to_string())),
        }
    }

    /// The typed form of a list of OTLP attributes, names as written.
    pub fn attributes(&mut self, list: &[KeyValue]) -> Vec<Attribute> {
        list.iter()
            .map(|pair| Attribute {
                key: self.text(&pair.key),
                value: self.value(pair.value.as_ref()),
            })
            .collect()
    }
}

/// An OTLP value as plain JSON; bytes become lower-case hexadecimal text.
#[must_use]
pub fn json(value: &any_value::Value) -> serde_json::Value {
    let inner = |value: Option<&AnyValue>| {
        value
            .and_then(|value| value.value.as_ref())
            .map_or(serde_json::Value::Null, json)
    };
    match value {
        any_value::Value::StringValue(text) => serde_json::Value::from(text.as_str()),
        any_value::Value::BoolValue(truth) => serde_json::Value::from(*truth),
        any_value::Value::IntValue(number) => serde_json::Value::from(*number),
        any_value::Value::DoubleValue(number) => serde_json::Value::from(*number),
        any_value::Value::ArrayValue(array) => array
            .values
            .iter()
            .map(|value| inner(Some(value)))
            .collect(),
        any_value::Value::KvlistValue(map) => map
            .values
            .iter()
            .map(|pair| (pair.key.clone(), inner(pair.value.as_ref())))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        any_value::Value::BytesValue(bytes) => serde_json::Value::from(hex(bytes)),
        any_value::Value::StringValueStrindex(index) => serde_json::Value::from(*index),
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Reads exactly `N` bytes of hexadecimal, either case; `None` when it is anything else.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_share_one_allocation() {
        let mut interner = Interner::default();
        let (one, two) = (interner.text("checkout"), interner.text("checkout"));
        assert!(Arc::ptr_eq(&one, &two));
        assert!(!Arc::ptr_eq(&one, &interner.text("pricing")));
    }

    #[test]
    fn the_interner_forgets_rather_than_grows() {
        let mut interner = Interner::default();
        for number in 0..=INTERNER_STRINGS {
            interner.text(&number.to_string());
        }
        assert!(interner.strings.len() <= INTERNER_STRINGS);
    }

    #[test]
    fn label_names_hold_only_letters_digits_and_underscores() {
        assert_eq!(label_name("http.route-x"), "http_route_x");
        assert_eq!(label_name("5xx"), "_5xx");
        assert_eq!(label_name("plain_1"), "plain_1");
    }

    #[test]
    fn hexadecimal_survives_a_round_trip_and_junk_is_refused() {
        let id = [0, 1, 0xab, 0xff];
        assert_eq!(unhex::<4>(&hex(&id)), Some(id));
        assert_eq!(unhex::<4>("0001ABFF"), Some(id));
        assert_eq!(unhex::<4>("0001abf"), None);
        assert_eq!(unhex::<4>("0001abfé"), None);
        assert_eq!(unhex::<4>("0001ab+1"), None);
    }
}
