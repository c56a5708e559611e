//! The four ways to match text: `=`, `!=`, `=~`, `!~`.

use regex::Regex;

use crate::error::QueryError;

/// Bytes that one compiled regular expression may take; a hostile one is refused with an error.
const REGEX_BYTES_MAX: usize = 1024 * 1024;

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// The operator written as `text`, if it is one.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Some(match text {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "=~" => Self::Regex,
            "!~" => Self::NotRegex,
            _ => return None,
        })
    }
}

/// A compiled comparison of text with a constant.
#[derive(Debug, Clone)]
pub struct TextMatcher {
    op: MatchOp,
    text: String,
    regex: Option<Regex>,
}

impl TextMatcher {
    /// Compiles a matcher. Regular expressions match the whole text, as in Prometheus and Loki.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] at `position` when the regular expression does not compile.
    pub fn new(op: MatchOp, text: &str, position: usize) -> Result<Self, QueryError> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => {
                Some(compile_regex(&format!("^(?s:{text})$"), text, position)?)
            }
        };
        Ok(Self {
            op,
            text: text.to_owned(),
            regex,
        })
    }

    /// Whether `text` passes.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let regex_matches = || {
            self.regex
                .as_ref()
                .is_some_and(|regex| regex.is_match(text))
        };
        match self.op {
            MatchOp::Equal => self.text == text,
            MatchOp::NotEqual => self.text != text,
            MatchOp::Regex => regex_matches(),
            MatchOp::NotRegex => !regex_matches(),
        }
    }

    /// The text that must be equalled, for a plain `=`.
    #[must_use]
    pub fn equal_to(&self) -> Option<&str> {
        (self.op == MatchOp::Equal).then_some(&*self.text)
    }
}

/// Compiles `pattern` within the size limit; `written` is what the person typed, for the message.
pub(crate) fn compile_regex(
    pattern: &str,
    written: &str,
    position: usize,
) -> Result<Regex, QueryError> {
    // checked alone first, so that `)(` cannot close the anchoring group, and the message fits the text
    build_regex(written)
        .and_then(|_| build_regex(pattern))
        .map_err(|error| QueryError::Invalid {
            position,
            message: format!("regular expression {written:?}: {error}"),
        })
}

/// Compiles `pattern` within the size limit; the error is its gist in one line.
pub(crate) fn build_regex(pattern: &str) -> Result<Regex, String> {
    regex::RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| last_line(&error))
}

/// The gist of a regex error: its last line without the drawing above it.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines()
        .last()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(op: MatchOp, constant: &str, text: &str) -> bool {
        TextMatcher::new(op, constant, 0).unwrap().matches(text)
    }

    #[test]
    fn every_operator_has_its_opposite() {
        assert!(matches(MatchOp::Equal, "a", "a") && !matches(MatchOp::Equal, "a", "b"));
        assert!(matches(MatchOp::NotEqual, "a", "b") && !matches(MatchOp::NotEqual, "a", "a"));
        assert!(matches(MatchOp::Regex, "a|b", "b") && !matches(MatchOp::Regex, "a|b", "ab"));
        assert!(matches(MatchOp::NotRegex, "a.*", "b") && !matches(MatchOp::NotRegex, "a.*", "ab"));
    }

    #[test]
    fn a_regular_expression_cannot_escape_its_anchors() {
        assert!(TextMatcher::new(MatchOp::Regex, "a)|(b", 7).is_err());
        let error = TextMatcher::new(MatchOp::Regex, "(", 7).unwrap_err();
        assert_eq!(error.position(), Some(7));
        assert!(error.to_string().contains("unclosed group"), "{error}");
        assert!(TextMatcher::new(MatchOp::Regex, "(a{1000}){1000}", 0).is_err());
    }
}
