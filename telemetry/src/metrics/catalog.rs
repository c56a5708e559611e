//! What is known of metric families: type, help and unit. Bounded. Knows no samples.

use std::collections::BTreeMap;

use parking_lot::RwLock;

/// Families remembered; further ones are left out, their samples are not.
const FAMILIES_MAX: usize = 10_000;

/// Metadata of one metric family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `counter`, `gauge`, `histogram`, `summary`, `untyped`…
    pub kind: String,
    /// The help text.
    pub help: String,
    /// The unit, often empty.
    pub unit: String,
}

/// Metadata by family.
#[derive(Debug, Default)]
pub struct Catalog {
    families: RwLock<BTreeMap<String, Metadata>>,
}

impl Catalog {
    /// Changes what is known of a family, if there is room for it.
    pub fn note(&self, family: &str, change: impl FnOnce(&mut Metadata)) {
        let mut families = self.families.write();
        if let Some(known) = families.get_mut(family) {
            change(known);
        } else if families.len() < FAMILIES_MAX {
            change(families.entry(family.to_owned()).or_default());
        }
    }

    /// What is known of a family.
    #[must_use]
    pub fn get(&self, family: &str) -> Option<Metadata> {
        self.families.read().get(family).cloned()
    }

    /// All families, sorted by name.
    #[must_use]
    pub fn all(&self) -> Vec<(String, Metadata)> {
        self.families
            .read()
            .iter()
            .map(|(name, known)| (name.clone(), known.clone()))
            .collect()
    }

    /// Whether a series' name belongs to a counter: the family itself, or a histogram's or summary's parts.
    #[must_use]
    pub fn is_counter(&self, name: &str) -> bool {
        let families = self.families.read();
        let part = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix));
        let kind = |family: &str| families.get(family).map(|known| known.kind.as_str());
        kind(name) == Some("counter")
            || matches!(part.and_then(kind), Some("histogram" | "summary"))
    }
}
