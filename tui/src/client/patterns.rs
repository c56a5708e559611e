//! Log patterns as the lab derives them: lines that differ only in their values, as one template with a count, and which
//! of them are new since a moment. Knows no drawing.

use serde::Deserialize;

use super::derived::Cut;
use super::loki::Severity;
use super::{Asker, Client};
use crate::Failure;
use crate::time::Window;

/// Patterns that are asked for at most: the new ones come first, then the frequent.
const MOST: usize = 500;

/// The patterns of a window.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Patterns {
    /// What is new is told since this moment, nanoseconds of drill time.
    pub since_ns: Option<i64>,
    /// Lines that were looked at.
    pub lines: u64,
    /// Those before that moment; where there are none, nothing can be said to be new.
    pub lines_before: u64,
    /// What is new first, then by count.
    pub patterns: Vec<Pattern>,
    /// Limits that were met.
    #[serde(default)]
    pub limits: Vec<Cut>,
    /// From when on the lab still has every line, where the window begins before, nanoseconds.
    #[serde(default)]
    pub evicted_before_ns: Option<i64>,
}

/// How often a pattern comes since a moment, beside before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Novelty {
    /// It did not come before.
    New,
    /// It came before and since.
    Known,
    /// It has not come since.
    Gone,
}

/// Lines that are alike.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Pattern {
    /// Service that wrote them.
    pub service: String,
    /// Their level, as in `error`.
    pub level: String,
    /// Their text, `<*>` for what differs.
    pub template: String,
    /// How many there are.
    pub count: u64,
    /// Their share of the lines, 0 to 1.
    pub share: f64,
    /// How many came before the moment.
    pub before: u64,
    /// How many came since.
    pub after: u64,
    /// Nothing where nothing before is known.
    pub novelty: Option<Novelty>,
    /// Lines per second since, as a multiple of before.
    pub change: Option<f64>,
    /// Time of the first, nanoseconds of drill time.
    pub first_ns: i64,
    /// Time of the last.
    pub last_ns: i64,
    /// The first line that was seen.
    pub sample: String,
    /// LogQL that finds such lines: a selector, then a line filter.
    pub query: String,
}

impl Pattern {
    /// How bad its lines are.
    #[must_use]
    pub fn severity(&self) -> Severity {
        Severity::of(&self.level)
    }

    /// Whether another is the same one, read later: its template may have grown more values since.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let words = self.template == other.template || self.sample == other.sample;
        self.service == other.service && self.level == other.level && words
    }

    /// What has become of it since the moment, in a word.
    #[must_use]
    pub fn mark(&self) -> &'static str {
        match self.novelty {
            Some(Novelty::New) => "new",
            Some(Novelty::Gone) => "gone",
            Some(Novelty::Known) | None => "",
        }
    }

    /// How its rate has changed since the moment, as in `↑ ×3.2`; empty where that is not known.
    #[must_use]
    pub fn trend(&self) -> String {
        /// A rate that is within a fifth of what it was counts as the same.
        const SAME: f64 = 0.2;
        match self.change.filter(|_| self.after > 0) {
            None => String::new(),
            Some(times) if times > 1.0 + SAME => format!("↑ ×{}", crate::text::number(times)),
            Some(times) if times < 1.0 - SAME => format!("↓ ×{}", crate::text::number(times)),
            Some(_) => "same".to_owned(),
        }
    }
}

impl Client {
    /// The patterns of the lines that a query finds in a window, with what is new since a moment in milliseconds.
    ///
    /// # Errors
    /// As [`Client::drill`]; a query that does not parse carries its position.
    pub async fn patterns(
        &self,
        query: &str,
        window: Window,
        since_ms: i64,
        asker: Asker,
    ) -> Result<Patterns, Failure> {
        let ns = |ms: i64| (ms * 1_000_000).to_string();
        let parameters = [
            ("query", query.to_owned()),
            ("start", ns(window.start_ms)),
            ("end", ns(window.end_ms)),
            ("since", ns(since_ms)),
            ("limit", MOST.to_string()),
        ];
        self.query("derived/patterns", &parameters, asker).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(novelty: &str, change: Option<f64>) -> Pattern {
        let text = serde_json::json!({
            "service": "a", "level": "warn", "template": "took <*>", "count": 5, "share": 0.5, "before": 1, "after": 4,
            "novelty": novelty, "change": change, "first_ns": 1, "last_ns": 2, "sample": "took 3", "query": "{}",
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn what_has_become_of_a_pattern_is_a_word_and_a_multiple() {
        assert_eq!(pattern("new", None).mark(), "new");
        assert_eq!(pattern("gone", Some(0.0)).mark(), "gone");
        for (times, said) in [
            (3.2, "↑ ×3.20"),
            (0.5, "↓ ×0.5"),
            (1.1, "same"),
            (0.9, "same"),
        ] {
            assert_eq!(pattern("known", Some(times)).trend(), said);
        }
        assert_eq!(pattern("new", None).trend(), "");
        assert_eq!(pattern("known", None).severity(), Severity::Warn);
    }

    #[test]
    fn a_pattern_whose_template_has_grown_a_value_is_the_same() {
        let (one, mut later) = (pattern("known", None), pattern("known", None));
        later.template = "<*> <*>".to_owned();
        assert!(one.is(&later));
        later.service = "b".to_owned();
        assert!(!one.is(&later));
    }
}
