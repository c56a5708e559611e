//! Label sets: sorted, shared, cheap to clone and to compare. Knows nothing of series or storage.

use std::sync::Arc;

/// The label that carries the metric's name.
pub const METRIC_NAME: &str = "__name__";

/// Labels of a series, its name included; a service of the lab has up to ten.
pub const LABELS_MAX: usize = 64;
/// Bytes of a label's name.
pub const LABEL_NAME_BYTES_MAX: usize = 512;
/// Bytes of a label's value: statements and addresses fit, documents do not.
pub const LABEL_VALUE_BYTES_MAX: usize = 4096;

/// Why a set of labels is not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Too many.
    #[error("{0} labels on one series, the limit is {LABELS_MAX}")]
    TooMany(usize),
    /// A name is too long.
    #[error("a label name of {0} bytes, the limit is {LABEL_NAME_BYTES_MAX}")]
    Name(usize),
    /// A value is too long.
    #[error(
        "the label {name:?} has a value of {bytes} bytes, the limit is {LABEL_VALUE_BYTES_MAX}"
    )]
    Value {
        /// The label.
        name: String,
        /// Its value's length.
        bytes: usize,
    },
}

type Pair = (Arc<str>, Arc<str>);

/// A sorted set of labels without empty values: an empty value is the same as no label, as in Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<[Pair]>);

impl Labels {
    /// The empty set.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::from([]))
    }

    /// Builds a set from pairs in any order; the last of equal names wins, empty values are dropped.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Arc<str>>,
        V: Into<Arc<str>>,
    {
        let mut pairs: Vec<Pair> = pairs
            .into_iter()
            .map(|(n, v)| (n.into(), v.into()))
            .collect();
        pairs.reverse();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, kept| later.0 == kept.0);
        pairs.retain(|(_, value)| !value.is_empty());
        Self(pairs.into())
    }

    /// Whether a series may have these labels, for those that come from outside.
    ///
    /// # Errors
    /// The limit that they are beyond.
    pub fn check(&self) -> Result<(), LabelError> {
        if self.0.len() > LABELS_MAX {
            return Err(LabelError::TooMany(self.0.len()));
        }
        for (name, value) in self.0.iter() {
            if name.len() > LABEL_NAME_BYTES_MAX {
                return Err(LabelError::Name(name.len()));
            }
            if value.len() > LABEL_VALUE_BYTES_MAX {
                let (name, bytes) = (name.to_string(), value.len());
                return Err(LabelError::Value { name, bytes });
            }
        }
        Ok(())
    }

    /// The value of a label, if present.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .binary_search_by(|(n, _)| n.as_ref().cmp(name))
            .ok()
            .map(|at| self.0[at].1.as_ref())
    }

    /// The metric's name, empty when the set has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or("")
    }

    /// All pairs, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_ref(), v.as_ref()))
    }

    /// The shared pairs themselves, for interning.
    pub(crate) fn pairs(&self) -> &[Pair] {
        &self.0
    }

    /// Whether the set has no labels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The set with only the labels that `keep` accepts by name.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        if self.0.iter().all(|(n, _)| keep(n)) {
            return self.clone();
        }
        Self(self.0.iter().filter(|(n, _)| keep(n)).cloned().collect())
    }

    /// The set without the metric's name.
    #[must_use]
    pub fn without_name(&self) -> Self {
        self.filtered(|n| n != METRIC_NAME)
    }

    /// The set with one label set to a value; an empty value removes the label.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let others = self.0.iter().filter(|(n, _)| n.as_ref() != name).cloned();
        let mut pairs: Vec<Pair> = others.collect();
        if !value.is_empty() {
            let at = pairs.partition_point(|(n, _)| n.as_ref() < name);
            pairs.insert(at, (name.into(), value.into()));
        }
        Self(pairs.into())
    }

    /// Owned pairs, for answers that leave the crate.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        self.iter()
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect()
    }
}

impl std::fmt::Display for Labels {
    /// `name{a="b"}`, as Prometheus prints series.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())?;
        let mut rest = self.iter().filter(|(n, _)| *n != METRIC_NAME).peekable();
        if rest.peek().is_none() && !self.name().is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (at, (name, value)) in rest.enumerate() {
            write!(f, "{}{name}={value:?}", if at == 0 { "" } else { ", " })?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_deduplicated_and_never_empty() {
        let labels = Labels::from_pairs([("b", "2"), ("a", "1"), ("c", ""), ("b", "3")]);
        assert_eq!(
            labels.to_pairs(),
            [("a".into(), "1".into()), ("b".into(), "3".into())]
        );
    }

    #[test]
    fn setting_an_empty_value_removes_the_label() {
        let labels = Labels::from_pairs([("__name__", "up"), ("a", "1")]);
        assert_eq!(labels.with("a", "").to_string(), "up");
        assert_eq!(
            labels.with("b", "x\"y").to_string(),
            r#"up{a="1", b="x\"y"}"#
        );
        assert_eq!(labels.without_name().to_string(), r#"{a="1"}"#);
    }
}
