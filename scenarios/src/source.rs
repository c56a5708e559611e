//! A scenario file and the rule files beside it, as text. What they mean is the loader's business.

use std::{collections::BTreeMap, sync::Arc};

use miette::NamedSource;

/// Texts of a scenario and of all rule files it may name.
#[derive(Debug, Clone)]
pub struct Source {
    pub(crate) named: Arc<NamedSource<String>>,
    pub(crate) rules: BTreeMap<String, String>,
}

impl Source {
    /// `name` is the path that problems are reported under; `rules` are rule files by name.
    #[must_use]
    pub fn new(name: &str, text: String, rules: BTreeMap<String, String>) -> Self {
        Self {
            named: Arc::new(NamedSource::new(name, text).with_language("yaml")),
            rules,
        }
    }

    /// The path that problems are reported under.
    #[must_use]
    pub fn name(&self) -> &str {
        self.named.name()
    }

    /// The scenario's text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.named.inner()
    }
}
