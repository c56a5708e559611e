//! The commented scenario that `drill scenarios new` writes. It is a whole scenario that loads and
//! runs as it stands; the loader also borrows its sections where a broken file lacks one.

/// Slug of the template, replaced by the author's own.
const SLUG: &str = "my-scenario";

/// The template as it stands.
pub const TEMPLATE: &str = include_str!("template.yaml");

/// Text of a new scenario called `slug`.
#[must_use]
pub fn new_scenario(slug: &str) -> String {
    TEMPLATE.replace(SLUG, slug)
}

/// One top-level section of the template, with its comments left out where they stand before it.
pub(crate) fn section(key: &str) -> Option<&'static str> {
    crate::load::section(TEMPLATE, key).map(|at| &TEMPLATE[at])
}
