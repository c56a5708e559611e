//! Regular expressions as Prometheus reads them: Go's syntax (RE2) put into that of the regex crate. Knows no query.
//!
//! Where the two disagree, Go's reading is kept: `\d`, `\w`, `\s`, `\b` are ASCII, a `{` that opens no repetition is a
//! brace, `[` and `&&` in a class are themselves, `\Q…\E` quotes, repetitions do not stack and count to a thousand.

use regex::Regex;

use crate::query::build_regex;

/// Go's limit of a counted repetition.
const REPEAT_MAX: u32 = 1_000;

/// Compiles `pattern` so that it must match a whole text.
///
/// # Errors
/// What is wrong with the pattern, in words.
pub(super) fn anchored(pattern: &str) -> Result<Regex, String> {
    build_regex(&format!("^(?:{})$", translate(pattern)?))
}

/// The pattern in the regex crate's syntax; compiles alone, so that `)(` cannot close a group around it.
///
/// # Errors
/// What is wrong with the pattern, in words.
pub(super) fn checked(pattern: &str) -> Result<String, String> {
    let translated = translate(pattern)?;
    build_regex(&translated)?;
    Ok(translated)
}

fn translate(pattern: &str) -> Result<String, String> {
    let mut translation = Translation {
        rest: pattern,
        text: String::with_capacity(pattern.len()),
    };
    translation.run()?;
    Ok(translation.text)
}

struct Translation<'a> {
    rest: &'a str,
    text: String,
}

impl Translation<'_> {
    fn run(&mut self) -> Result<(), String> {
        // whether the last piece was a repetition, after which only `?` may stand
        let mut repeated = false;
        while let Some(c) = self.take() {
            let mut repeats = false;
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '{' => match self.counted()? {
                    Some(length) => {
                        repeats = true;
                        self.text.push('{');
                        self.copy(length);
                    }
                    None => self.text.push_str("\\{"),
                },
                '*' | '+' | '?' => {
                    repeats = true;
                    self.text.push(c);
                }
                other => self.text.push(other),
            }
            if repeats && repeated {
                return Err("invalid nested repetition operator".into());
            }
            repeated = repeats;
            if repeats && self.rest.starts_with('?') {
                self.copy(1);
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn copy(&mut self, bytes: usize) {
        self.text.push_str(&self.rest[..bytes]);
        self.rest = &self.rest[bytes..];
    }

    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let c = self
            .take()
            .ok_or("trailing backslash at end of expression")?;
        let set = match c.to_ascii_lowercase() {
            'd' => "0-9",
            'w' => "0-9A-Za-z_",
            's' => "\\t\\n\\f\\r ",
            _ => "",
        };
        match c {
            'd' | 'w' | 's' if in_class => self.text.push_str(set),
            'd' | 'w' | 's' => self.text.push_str(&format!("[{set}]")),
            'D' | 'W' | 'S' => self.text.push_str(&format!("[^{set}]")),
            'b' if !in_class => self.text.push_str("(?-u:\\b)"),
            'Q' if !in_class => {
                let end = self.rest.find("\\E").unwrap_or(self.rest.len());
                self.text.push_str(&regex::escape(&self.rest[..end]));
                self.rest = self.rest[end..].strip_prefix("\\E").unwrap_or("");
            }
            // these are boundaries of words in the regex crate
            '<' | '>' => self.text.push(c),
            other => {
                self.text.push('\\');
                self.text.push(other);
            }
        }
        Ok(())
    }

    /// From after `[` to the closing bracket.
    fn class(&mut self) -> Result<(), String> {
        self.text.push('[');
        if self.rest.starts_with('^') {
            self.copy(1);
        }
        if self.rest.starts_with(']') {
            self.rest = &self.rest[1..];
            self.text.push_str("\\]");
        }
        loop {
            match self.take().ok_or("missing closing ]")? {
                ']' => {
                    self.text.push(']');
                    return Ok(());
                }
                '\\' => self.escape(true)?,
                '[' => match self.rest.find(":]") {
                    Some(end) if self.rest.starts_with(':') => {
                        self.text.push('[');
                        self.copy(end + 2);
                    }
                    _ => self.text.push_str("\\["),
                },
                c @ ('&' | '~') => {
                    self.text.push('\\');
                    self.text.push(c);
                }
                other => self.text.push(other),
            }
        }
    }

    /// The length of `2}`, `2,}` or `2,3}` after a brace, when that is what follows.
    fn counted(&self) -> Result<Option<usize>, String> {
        let Some(end) = self.rest.find('}') else {
            return Ok(None);
        };
        let (least, most) = self.rest[..end]
            .split_once(',')
            .unwrap_or((&self.rest[..end], ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if least.is_empty() || !digits(least) || !digits(most) {
            return Ok(None);
        }
        let small =
            |text: &str| text.is_empty() || text.parse().is_ok_and(|n: u32| n <= REPEAT_MAX);
        if small(least) && small(most) {
            Ok(Some(end + 1))
        } else {
            Err(format!("invalid repeat count: the limit is {REPEAT_MAX}"))
        }
    }
}

/// Fills `template` with the groups of a match as Go's `Regexp.Expand` does: `$1`, `$name`, `${name}`, `$$`; a name is as
/// long as it can be, and of letters of any script; a group that is not there is empty.
pub(super) fn expand(template: &str, captures: &regex::Captures<'_>) -> String {
    let (mut text, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            text.push('$');
            rest = after;
        } else if let Some((name, after)) = reference(rest) {
            let number = name
                .parse::<usize>()
                .ok()
                .filter(|_| (name == "0" || !name.starts_with('0')) && !name.starts_with('+'));
            let group = match number {
                Some(number) => captures.get(number),
                None => captures.name(name),
            };
            text.push_str(group.map_or("", |group| group.as_str()));
            rest = after;
        } else {
            text.push('$');
        }
    }
    text + rest
}

/// A group's name after `$`, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{');
    let named = inner.unwrap_or(text);
    let end = named
        .find(|c: char| !(c.is_alphabetic() || c.is_numeric() || c == '_'))
        .unwrap_or(named.len());
    let (name, after) = named.split_at(end);
    let after = if inner.is_some() {
        after.strip_prefix('}')?
    } else {
        after
    };
    (!name.is_empty()).then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_ascii_and_braces_mean_what_they_mean_in_go() {
        for (pattern, text, matches) in [
            (r"\d+", "42", true),
            (r"\d", "٣", false),
            (r"[\d-]+", "4-2", true),
            (r"\W", "é", true),
            (r"\bé", "é", false),
            ("a{b}", "a{b}", true),
            ("a{2}", "aa", true),
            ("a{2,}", "aaa", true),
            ("a{,2}", "a{,2}", true),
            ("[a&&b]+", "a&b", true),
            ("[[a]+", "[a", true),
            ("[]a]+", "]a", true),
            ("[^]a]", "b", true),
            ("[[:digit:]]", "7", true),
            (r"\Qa.b\E+", "a.bb", true),
            (r"\<a\>", "<a>", true),
            ("a.b", "a\nb", false),
            ("a*?", "", true),
            ("", "", true),
        ] {
            let found = anchored(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(found.is_match(text), matches, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in [
            "a)|(b",
            "(",
            "*",
            "a**",
            "a{2}{3}",
            "a{1001}",
            "[a",
            "[z-a]",
            "a\\",
            "(?<n",
            "(a{1000}){1000}",
        ] {
            assert!(checked(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn references_are_expanded_as_go_does() {
        let expression = anchored("(?P<first>a)(b)").unwrap();
        let captures = expression.captures("ab").unwrap();
        for (template, text) in [
            ("$1-$2", "a-b"),
            ("${1}0", "a0"),
            ("$10", ""),
            ("$first$$", "a$"),
            ("$firstx", ""),
            ("$é", ""),
            ("${1", "${1"),
            ("a$", "a$"),
            ("$-", "$-"),
            ("$01", ""),
            ("$0", "ab"),
        ] {
            assert_eq!(expand(template, &captures), text, "{template}");
        }
    }
}
