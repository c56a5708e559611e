//! Conditions on the labels of a line, and the label that becomes a number. Knows no line beyond the
//! entry that it is given.

use super::ast::{Conversion, LabelFilter, LogExpr, Quantity, Unwrap};
use super::pipeline::{ERROR_LABEL, Entry};
use crate::attributes::unhex;
use crate::error::QueryError;
use crate::query::{Compare, TextMatcher, parse_bytes, parse_duration_ns};
use crate::time::TraceId;

/// A compiled label filter.
#[derive(Debug)]
pub enum Filter {
    /// Both pass.
    And(Box<Filter>, Box<Filter>),
    /// One passes.
    Or(Box<Filter>, Box<Filter>),
    /// A label and what it must be.
    Text(String, TextMatcher),
    /// A label and what it is compared with.
    Quantity(String, Compare, Quantity),
}

impl Filter {
    /// Compiles a label filter.
    ///
    /// # Errors
    /// [`QueryError`] for regular expressions that do not compile.
    pub fn new(filter: &LabelFilter) -> Result<Self, QueryError> {
        Ok(match filter {
            LabelFilter::And(left, right) => {
                Self::And(Box::new(Self::new(left)?), Box::new(Self::new(right)?))
            }
            LabelFilter::Or(left, right) => {
                Self::Or(Box::new(Self::new(left)?), Box::new(Self::new(right)?))
            }
            LabelFilter::Text(matcher) => {
                let compiled = TextMatcher::new(matcher.op, &matcher.value, matcher.position)?;
                Self::Text(matcher.name.clone(), compiled)
            }
            LabelFilter::Quantity { name, op, value } => Self::Quantity(name.clone(), *op, *value),
        })
    }

    /// The trace that a passing line must belong to.
    #[must_use]
    pub fn trace(&self) -> Option<TraceId> {
        match self {
            Self::And(left, right) => left.trace().or_else(|| right.trace()),
            Self::Text(name, matcher) if name == "trace_id" => {
                // ids are stored in lower case; other spellings equal nothing, and find nothing
                matcher
                    .equal_to()
                    .filter(|text| !text.is_empty())
                    .map(|text| unhex(text).unwrap_or([0; 16]))
            }
            _ => None,
        }
    }

    /// Calls `ask` with the name of every label that it looks at.
    pub fn asks(&self, ask: &mut impl FnMut(&str)) {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.asks(ask);
                right.asks(ask);
            }
            Self::Text(name, _) | Self::Quantity(name, ..) => ask(name),
        }
    }

    /// Whether a line passes; a label that is no quantity where one is wanted sets the error label.
    pub fn passes(&self, entry: &mut Entry<'_>) -> bool {
        match self {
            Self::And(left, right) => left.passes(entry) && right.passes(entry),
            Self::Or(left, right) => left.passes(entry) || right.passes(entry),
            Self::Text(name, matcher) => matcher.matches(&entry.label(name).unwrap_or_default()),
            Self::Quantity(name, op, quantity) => {
                let Some(text) = entry.label(name) else {
                    return false;
                };
                let (value, constant) = match quantity {
                    Quantity::Number(constant) => (text.parse().ok(), constant),
                    Quantity::DurationNs(constant) => {
                        (parse_duration_ns(&text).map(|ns| ns as f64), constant)
                    }
                    Quantity::Bytes(constant) => {
                        (parse_bytes(&text).or_else(|| text.parse().ok()), constant)
                    }
                };
                match value {
                    Some(value) => op.holds(&value, constant),
                    None => {
                        entry.set(ERROR_LABEL, "LabelFilterErr".into());
                        true
                    }
                }
            }
        }
    }
}

/// A compiled `unwrap` with the label filters after it.
#[derive(Debug)]
pub struct Sampler {
    unwrap: Unwrap,
    after: Vec<Filter>,
}

impl Sampler {
    /// Compiles the `unwrap` of a log expression, if it has one.
    ///
    /// # Errors
    /// [`QueryError`] for regular expressions that do not compile.
    pub fn new(log: &LogExpr) -> Result<Option<Self>, QueryError> {
        let Some(unwrap) = log.unwrap.clone() else {
            return Ok(None);
        };
        let after = log
            .after_unwrap
            .iter()
            .map(Filter::new)
            .collect::<Result<_, _>>()?;
        Ok(Some(Self { unwrap, after }))
    }

    /// The label that becomes the value.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.unwrap.label
    }

    /// Calls `ask` with the name of every label that it looks at.
    pub fn asks(&self, ask: &mut impl FnMut(&str)) {
        ask(&self.unwrap.label);
        self.after.iter().for_each(|filter| filter.asks(ask));
    }

    /// The sample of an entry. `None` when it has no such label or a filter drops it; a label that is
    /// no number sets the error label.
    pub fn sample(&self, entry: &mut Entry<'_>) -> Option<f64> {
        let text = entry.label(&self.unwrap.label)?.into_owned();
        let value = match self.unwrap.conversion {
            Conversion::Number => text.parse().ok(),
            Conversion::Seconds => parse_duration_ns(&text).map(|ns| ns as f64 / 1e9),
            Conversion::Bytes => parse_bytes(&text).or_else(|| text.parse().ok()),
        };
        if value.is_none() {
            entry.set(ERROR_LABEL, "SampleExtractionErr".into());
        }
        let passes = self.after.iter().all(|filter| filter.passes(entry));
        passes.then(|| value.unwrap_or_default())
    }
}
