//! Attributes of toxics: their bounds, and how they come from and go to the wire. It knows no toxic in particular.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{KINDS, ToxicKind, http};
use crate::nearest::nearest;

/// A day in milliseconds: the longest time that a toxic may be told to wait.
pub(super) const DAY_MS: u64 = 86_400_000;

/// A whole number that says how strong a toxic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// Name on the wire.
    pub name: &'static str,
    /// Unit, as in `ms`.
    pub unit: &'static str,
    /// Largest value; the smallest is zero.
    pub most: u64,
    /// What it says, one line.
    pub meaning: &'static str,
}

/// Why a text is not a toxic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToxicError {
    /// There is no such type.
    #[error("unknown toxic type `{kind}`{}; there are: {}", did_you_mean(.nearest), kinds())]
    UnknownKind {
        /// What was given.
        kind: String,
        /// The most similar one there is, if any is similar.
        nearest: Option<&'static str>,
    },
    /// The type has no such attribute.
    #[error("{kind} has no attribute `{attribute}`{}; it has: {}", did_you_mean(.nearest), attributes(.kind))]
    UnknownAttribute {
        /// Type.
        kind: &'static str,
        /// What was given.
        attribute: String,
        /// The most similar one there is, if any is similar.
        nearest: Option<&'static str>,
    },
    /// A value is too large or negative.
    #[error("{kind}: `{attribute}` must be 0 to {most} {unit}, not {given}")]
    OutOfBounds {
        /// Type.
        kind: &'static str,
        /// Attribute.
        attribute: &'static str,
        /// Largest value.
        most: u64,
        /// Its unit.
        unit: &'static str,
        /// What was given, as JSON.
        given: String,
    },
    /// A value, or the attributes as a whole, are of the wrong sort.
    #[error("{kind}: {reason}")]
    Malformed {
        /// Type.
        kind: &'static str,
        /// Why.
        reason: String,
    },
}

impl ToxicError {
    pub(super) fn unknown_kind(kind: &str) -> Self {
        Self::UnknownKind {
            kind: shortened(kind),
            nearest: nearest(kind, all_kinds()),
        }
    }
}

fn did_you_mean(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |near| format!(", did you mean `{near}`"))
}

/// Names of all types, of bytes and of HTTP.
fn all_kinds() -> impl Iterator<Item = &'static str> {
    let http = http::KINDS.iter().map(|kind| kind.name);
    KINDS.iter().map(|kind| kind.name).chain(http)
}

fn kinds() -> String {
    all_kinds().collect::<Vec<_>>().join(", ")
}

fn attributes(kind: &str) -> String {
    let kind = KINDS.iter().find(|one| one.name == kind);
    let names: Vec<_> = kind
        .iter()
        .flat_map(|kind| kind.attributes)
        .map(|attribute| attribute.name)
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// What a stranger sent, short enough to be shown.
fn shortened(text: &str) -> String {
    /// Characters shown; longer than any name of ours.
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

/// A toxic of this sort from its attributes, over those of `now` if it exists already.
pub(super) fn parse<K: ToxicKind>(attributes: Value, now: Option<&K>) -> Result<K, ToxicError> {
    let malformed = |reason: String| ToxicError::Malformed {
        kind: K::KIND,
        reason,
    };
    let given = match attributes {
        Value::Null => Map::new(),
        Value::Object(given) => given,
        other => {
            return Err(malformed(format!(
                "attributes must be an object, not {}",
                shortened(&other.to_string())
            )));
        }
    };
    let mut merged = match now.map(wire) {
        Some(Value::Object(now)) => now,
        _ => Map::new(),
    };
    for (name, value) in given {
        check::<K>(&name, &value)?;
        if !value.is_null() {
            merged.insert(name, value);
        }
    }
    serde_json::from_value(Value::Object(merged)).map_err(|error| malformed(error.to_string()))
}

/// Whether the type has the attribute, and the value lies within its bounds.
fn check<K: ToxicKind>(name: &str, value: &Value) -> Result<(), ToxicError> {
    let Some(attribute) = K::ATTRIBUTES.iter().find(|one| one.name == name) else {
        return Err(ToxicError::UnknownAttribute {
            kind: K::KIND,
            attribute: shortened(name),
            nearest: nearest(name, K::ATTRIBUTES.iter().map(|one| one.name)),
        });
    };
    if value.is_null() || value.as_u64().is_some_and(|value| value <= attribute.most) {
        return Ok(());
    }
    if !value.is_number() {
        return Err(ToxicError::Malformed {
            kind: K::KIND,
            reason: format!(
                "`{name}` must be a whole number of {}, not {}",
                attribute.unit,
                shortened(&value.to_string())
            ),
        });
    }
    Err(ToxicError::OutOfBounds {
        kind: K::KIND,
        attribute: attribute.name,
        most: attribute.most,
        unit: attribute.unit,
        given: shortened(&value.to_string()),
    })
}

/// The attributes as on the wire.
pub(super) fn wire<K: ToxicKind>(toxic: &K) -> Value {
    serde_json::to_value(toxic).expect("a struct of numbers is JSON")
}
