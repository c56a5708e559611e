//! What a mechanism can be given: parameters with unit, bounds and default, and the values that were
//! given. It knows no mechanism.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::nearest::nearest;

/// What values a parameter takes, and the one it has unless told otherwise.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Kind {
    /// A whole number.
    Whole {
        /// Least.
        least: u64,
        /// Most.
        most: u64,
        /// Unless told otherwise.
        default: u64,
    },
    /// A whole number of either sign.
    Signed {
        /// Least.
        least: i64,
        /// Most.
        most: i64,
        /// Unless told otherwise.
        default: i64,
    },
    /// A number.
    Number {
        /// Least.
        least: f64,
        /// Most.
        most: f64,
        /// Unless told otherwise.
        default: f64,
    },
    /// One of these words; the first unless told otherwise.
    Choice {
        /// The words.
        words: &'static [&'static str],
    },
    /// A text without control characters; empty unless told otherwise.
    Text {
        /// Characters at most.
        longest: usize,
        /// Unless told otherwise.
        default: &'static str,
    },
}

/// Something that a mechanism can be given.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Parameter {
    /// Id, with its unit last, as in `delay_ms`.
    pub id: &'static str,
    /// Unit in words: `ms`, `bytes`, `share`; empty where it has none.
    pub unit: &'static str,
    /// Bounds and default.
    #[serde(flatten)]
    pub kind: Kind,
    /// One line.
    pub definition: &'static str,
    /// The harmless value that a ramp begins at; none when the parameter does not grow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramps_from: Option<f64>,
}

impl Parameter {
    /// A whole number.
    #[must_use]
    pub const fn whole(
        id: &'static str,
        unit: &'static str,
        bounds: [u64; 2],
        default: u64,
        definition: &'static str,
    ) -> Self {
        let [least, most] = bounds;
        Self::of(
            id,
            unit,
            Kind::Whole {
                least,
                most,
                default,
            },
            definition,
        )
    }

    /// A whole number of either sign.
    #[must_use]
    pub const fn signed(
        id: &'static str,
        unit: &'static str,
        bounds: [i64; 2],
        default: i64,
        definition: &'static str,
    ) -> Self {
        let [least, most] = bounds;
        Self::of(
            id,
            unit,
            Kind::Signed {
                least,
                most,
                default,
            },
            definition,
        )
    }

    /// A number.
    #[must_use]
    pub const fn number(
        id: &'static str,
        unit: &'static str,
        bounds: [f64; 2],
        default: f64,
        definition: &'static str,
    ) -> Self {
        let [least, most] = bounds;
        Self::of(
            id,
            unit,
            Kind::Number {
                least,
                most,
                default,
            },
            definition,
        )
    }

    /// A share, 0 to 1.
    #[must_use]
    pub const fn share(id: &'static str, default: f64, definition: &'static str) -> Self {
        Self::number(id, "share, 0 to 1", [0.0, 1.0], default, definition)
    }

    /// One of some words.
    #[must_use]
    pub const fn choice(
        id: &'static str,
        words: &'static [&'static str],
        definition: &'static str,
    ) -> Self {
        Self::of(id, "", Kind::Choice { words }, definition)
    }

    /// A text of at most 200 characters.
    #[must_use]
    pub const fn text(id: &'static str, default: &'static str, definition: &'static str) -> Self {
        Self::of(
            id,
            "",
            Kind::Text {
                longest: 200,
                default,
            },
            definition,
        )
    }

    /// The same, growing from a harmless value when chaos is ramped up.
    #[must_use]
    pub const fn from(mut self, harmless: f64) -> Self {
        self.ramps_from = Some(harmless);
        self
    }

    const fn of(
        id: &'static str,
        unit: &'static str,
        kind: Kind,
        definition: &'static str,
    ) -> Self {
        Self {
            id,
            unit,
            kind,
            definition,
            ramps_from: None,
        }
    }

    /// Its value unless told otherwise.
    #[must_use]
    pub fn default(&self) -> Value {
        match self.kind {
            Kind::Whole { default, .. } => default.into(),
            Kind::Signed { default, .. } => default.into(),
            Kind::Number { default, .. } => default.into(),
            Kind::Choice { words } => words[0].into(),
            Kind::Text { default, .. } => default.into(),
        }
    }

    /// What it takes, in words.
    #[must_use]
    pub fn bounds(&self) -> String {
        let unit = if self.unit.is_empty() || self.unit.starts_with("share") {
            String::new()
        } else {
            format!(" {}", self.unit)
        };
        match self.kind {
            Kind::Whole { least, most, .. } => format!("a whole number, {least} to {most}{unit}"),
            Kind::Signed { least, most, .. } => format!("a whole number, {least} to {most}{unit}"),
            Kind::Number { least, most, .. } => format!("a number, {least} to {most}{unit}"),
            Kind::Choice { words } => format!("one of {}", words.join(", ")),
            Kind::Text { longest, .. } => format!("a text of at most {longest} characters"),
        }
    }

    /// The value, if it is one that this takes. A text is read as a number where a number is wanted: a command line has
    /// nothing else.
    fn take(&self, given: &Value) -> Option<Value> {
        let read = match (given, self.kind) {
            (
                Value::String(text),
                Kind::Whole { .. } | Kind::Signed { .. } | Kind::Number { .. },
            ) => serde_json::from_str(text.trim()).ok()?,
            (given, _) => given.clone(),
        };
        let fits = match self.kind {
            Kind::Whole { least, most, .. } => {
                read.as_u64().is_some_and(|n| (least..=most).contains(&n))
            }
            Kind::Signed { least, most, .. } => {
                read.as_i64().is_some_and(|n| (least..=most).contains(&n))
            }
            Kind::Number { least, most, .. } => {
                read.as_f64().is_some_and(|n| (least..=most).contains(&n))
            }
            Kind::Choice { words } => read.as_str().is_some_and(|word| words.contains(&word)),
            Kind::Text { longest, .. } => read.as_str().is_some_and(|text| {
                text.chars().count() <= longest && !text.chars().any(char::is_control)
            }),
        };
        fits.then_some(read)
    }
}

/// Why a value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The mechanism has no such parameter.
    #[error("`{id}` is no parameter of {mechanism}{}", those_it_has(.known, .nearest))]
    Unknown {
        /// What was given.
        id: String,
        /// Mechanism.
        mechanism: &'static str,
        /// Those it has.
        known: Vec<&'static str>,
        /// The most similar one, if any is.
        nearest: Option<&'static str>,
    },
    /// The value is none that the parameter takes.
    #[error("`{id}` is {given}, but must be {bounds}")]
    OutOfBounds {
        /// Parameter.
        id: &'static str,
        /// What was given, cut.
        given: String,
        /// What it takes.
        bounds: String,
    },
}

fn those_it_has(known: &[&'static str], nearest: &Option<&'static str>) -> String {
    match (nearest, known) {
        (Some(near), _) => format!("; did you mean `{near}`"),
        (None, []) => "; it has none".to_owned(),
        (None, known) => format!("; it has {}", known.join(", ")),
    }
}

/// A value for each parameter of a mechanism, within bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Those given, over the defaults.
    ///
    /// # Errors
    /// Every value that cannot be used.
    pub fn read(
        mechanism: &'static str,
        parameters: &'static [Parameter],
        given: &Map<String, Value>,
    ) -> Result<Self, Vec<ValueError>> {
        let mut values: BTreeMap<_, _> = parameters
            .iter()
            .map(|one| (one.id, one.default()))
            .collect();
        let mut problems = Vec::new();
        for (id, value) in given {
            match parameters.iter().find(|one| one.id == id) {
                None => problems.push(ValueError::Unknown {
                    id: id.chars().take(LONGEST_SHOWN).collect(),
                    mechanism,
                    known: parameters.iter().map(|one| one.id).collect(),
                    nearest: nearest(id, parameters.iter().map(|one| one.id)),
                }),
                Some(parameter) => match parameter.take(value) {
                    Some(value) => {
                        values.insert(parameter.id, value);
                    }
                    None => problems.push(ValueError::OutOfBounds {
                        id: parameter.id,
                        given: value.to_string().chars().take(LONGEST_SHOWN).collect(),
                        bounds: parameter.bounds(),
                    }),
                },
            }
        }
        if problems.is_empty() {
            Ok(Self(values))
        } else {
            Err(problems)
        }
    }

    /// As they are so far into a ramp: `share` 0 is harmless, 1 is the whole. What does not grow is there from the start.
    #[must_use]
    pub fn ramped(&self, parameters: &[Parameter], share: f64) -> Self {
        let mut values = self.clone();
        for parameter in parameters {
            let (Some(from), Some(value)) = (parameter.ramps_from, values.0.get_mut(parameter.id))
            else {
                continue;
            };
            let Some(whole) = value.as_f64() else {
                continue;
            };
            let now = from + (whole - from) * share.clamp(0.0, 1.0);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // within the bounds of the parameter, which are far below 2^53
            let grown: Value = match parameter.kind {
                Kind::Whole { least, .. } => (now.round().max(0.0) as u64).max(least).into(),
                Kind::Signed { .. } => (now.round() as i64).into(),
                _ => now.into(),
            };
            *value = grown;
        }
        values
    }

    /// A whole number.
    ///
    /// # Panics
    /// When the mechanism declares no such parameter.
    #[must_use]
    pub fn whole(&self, id: &str) -> u64 {
        self.declared(id).as_u64().expect("read as a whole number")
    }

    /// A whole number of either sign.
    ///
    /// # Panics
    /// When the mechanism declares no such parameter.
    #[must_use]
    pub fn signed(&self, id: &str) -> i64 {
        self.declared(id).as_i64().expect("read as a whole number")
    }

    /// A number.
    ///
    /// # Panics
    /// When the mechanism declares no such parameter.
    #[must_use]
    pub fn number(&self, id: &str) -> f64 {
        self.declared(id).as_f64().expect("read as a number")
    }

    /// A word or a text.
    ///
    /// # Panics
    /// When the mechanism declares no such parameter.
    #[must_use]
    pub fn word(&self, id: &str) -> &str {
        self.declared(id).as_str().expect("read as a text")
    }

    /// All of them, as JSON.
    #[must_use]
    pub fn json(&self) -> Map<String, Value> {
        self.0
            .iter()
            .map(|(id, value)| ((*id).to_owned(), value.clone()))
            .collect()
    }

    fn declared(&self, id: &str) -> &Value {
        self.0
            .get(id)
            .unwrap_or_else(|| panic!("the mechanism declares no parameter `{id}`"))
    }
}

/// Characters of a foreign text that a message repeats.
const LONGEST_SHOWN: usize = 60;

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Values as somebody gave them, not read yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Given(pub Map<String, Value>);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PARAMETERS: &[Parameter] = &[
        Parameter::whole("delay_ms", "ms", [10, 1_000], 300, "a delay").from(0.0),
        Parameter::share("share", 0.5, "a share"),
        Parameter::choice("direction", &["both", "up"], "where"),
    ];

    fn read(given: Value) -> Result<Values, Vec<ValueError>> {
        let Value::Object(given) = given else {
            panic!("an object")
        };
        Values::read("latency", PARAMETERS, &given)
    }

    #[test]
    fn what_is_not_given_has_its_default_and_texts_are_read_as_numbers() {
        let values = read(json!({ "delay_ms": "40" })).unwrap();
        assert_eq!(values.whole("delay_ms"), 40);
        assert!((values.number("share") - 0.5).abs() < 1e-9);
        assert_eq!(values.word("direction"), "both");
    }

    #[test]
    fn every_value_that_cannot_be_used_is_told_with_what_would_do() {
        let problems = read(json!({
            "delay": 1, "delay_ms": 5, "share": 1.5, "direction": "sideways"
        }))
        .unwrap_err();
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "`delay` is no parameter of latency; did you mean `delay_ms`",
                "`delay_ms` is 5, but must be a whole number, 10 to 1000 ms",
                "`direction` is \"sideways\", but must be one of both, up",
                "`share` is 1.5, but must be a number, 0 to 1",
            ]
        );
        assert!(read(json!({ "share": "NaN" })).is_err());
        assert!(read(json!({ "delay_ms": -1 })).is_err());
        assert!(read(json!({ "delay_ms": null })).is_err());
    }

    #[test]
    fn a_ramp_grows_what_can_grow_and_nothing_else() {
        let values = read(json!({ "delay_ms": 200, "share": 0.8 })).unwrap();
        let half = values.ramped(PARAMETERS, 0.5);
        assert_eq!(half.whole("delay_ms"), 100);
        assert!((half.number("share") - 0.8).abs() < 1e-9);
        assert_eq!(values.ramped(PARAMETERS, 0.0).whole("delay_ms"), 10);
        assert_eq!(values.ramped(PARAMETERS, 1.0), values);
    }
}
