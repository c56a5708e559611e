//! The stream selector of a query. Knows no lines.

use super::ast::LogExpr;
use crate::error::QueryError;
use crate::query::TextMatcher;

/// A compiled stream selector.
#[derive(Debug)]
pub struct Selector {
    matchers: Vec<(String, TextMatcher)>,
}

impl Selector {
    /// Compiles the matchers of a log expression.
    ///
    /// # Errors
    /// [`QueryError`] for regular expressions that do not compile.
    pub fn new(log: &LogExpr) -> Result<Self, QueryError> {
        let compile = |matcher: &super::ast::Matcher| {
            let compiled = TextMatcher::new(matcher.op, &matcher.value, matcher.position)?;
            Ok((matcher.name.clone(), compiled))
        };
        let matchers = log.matchers.iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { matchers })
    }

    /// Whether streams of `service` may be selected. Labels that no stream has count as empty.
    #[must_use]
    pub fn selects_service(&self, service: &str) -> bool {
        self.matchers
            .iter()
            .all(|(name, matcher)| match name.as_str() {
                "service" | "service_name" => matcher.matches(service),
                "level" => true,
                _ => matcher.matches(""),
            })
    }

    /// Whether streams of a level may be selected.
    #[must_use]
    pub fn selects_level(&self, level: &str) -> bool {
        let mut levels = self.matchers.iter().filter(|(name, _)| name == "level");
        levels.all(|(_, matcher)| matcher.matches(level))
    }
}
