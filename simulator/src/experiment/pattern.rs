//! Regular expressions as the Toolkit's language writes them, on an engine that has no backtracking. Pure.
//!
//! Look-around and back-references are what it cannot have; they are refused with the engine's words.

use regex::{Regex, RegexBuilder};

/// Most memory that a compiled pattern may take, bytes.
const SIZE_MAX: usize = 4 * 1024 * 1024;

/// A pattern that can be searched for.
#[derive(Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        RegexBuilder::new(&translated(pattern))
            .size_limit(SIZE_MAX)
            .build()
            .map(Self)
            .map_err(|error| {
                let said = error.to_string();
                let last = said.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").to_owned()
            })
    }

    /// Whether it is found anywhere; `$` is also before a line feed that ends the text.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
            || text
                .strip_suffix('\n')
                .is_some_and(|text| self.0.is_match(text))
    }
}

/// The same pattern in the engine's words: a brace that counts nothing is itself, `[` within a class is itself, `\Z` is the end.
fn translated(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    let mut before = String::new();
    // how many members of the class have been read; none outside of one
    let mut class: Option<usize> = None;
    while let Some(c) = rest.next() {
        let here = &pattern[before.len()..];
        before.push(c);
        match (c, class) {
            ('\\', _) => {
                let next = rest.next();
                before.extend(next);
                text.push('\\');
                text.extend(match next {
                    Some('Z') if class.is_none() => Some('z'),
                    next => next,
                });
                class = class.map(|members| members + 1);
            }
            ('[', None) => {
                text.push('[');
                class = Some(0);
                if rest.peek() == Some(&'^') {
                    rest.next();
                    before.push('^');
                    text.push('^');
                }
            }
            (']', Some(members)) if members > 0 => {
                text.push(']');
                class = None;
            }
            // they would begin a class within the class, or be set operators when doubled
            ('[' | ']' | '&' | '~', Some(members)) => {
                text.extend(['\\', c]);
                class = Some(members + 1);
            }
            ('{', None) if !counts(here) => text.push_str("\\{"),
            (c, members) => {
                text.push(c);
                class = members.map(|members| members + 1);
            }
        }
    }
    text
}

/// Whether a text begins with a repetition, as in `{2}`, `{2,}` or `{2,5}`.
fn counts(text: &str) -> bool {
    let Some((inner, _)) = text[1..].split_once('}') else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match inner.split_once(',') {
        Some((least, most)) => digits(least) && (most.is_empty() || digits(most)),
        None => digits(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_what_they_find_in_the_toolkit() {
        for (pattern, text, found) in [
            ("ok", "it is ok", true),
            ("^ok$", "ok\n", true),
            ("^ok$", "ok\n\n", false),
            (r"ok\Z", "ok", true),
            (r#"{"status": "ok"}"#, r#"{"status": "ok"}"#, true),
            ("a{2,3}b", "aab", true),
            ("a{2}b", "ab", false),
            ("a{,x}", "a{,x}", true),
            ("[[]", "[", true),
            ("[]a]+", "]a", true),
            ("[^]]", "a", true),
            ("[a&&b]", "&", true),
            (r"(?P<n>\d+)", "x12", true),
            (r"[\]]", "]", true),
            (r"\{", "{", true),
            ("ä{2}", "ää", true),
        ] {
            let pattern_ = Pattern::new(pattern).unwrap();
            assert_eq!(pattern_.is_in(text), found, "{pattern} in {text:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for pattern in ["(", "(?=a)", r"(a)\1", "[", "a{2", "(a{1000}){1000}"] {
            let told = Pattern::new(pattern);
            if pattern == "a{2" {
                assert!(told.unwrap().is_in("a{2"), "a brace alone is itself");
            } else {
                assert!(!told.unwrap_err().is_empty(), "{pattern}");
            }
        }
    }
}
