//! The pattern of `| pattern "…"`: literals and captures in turn, as in `<ip> - <_> "<method> <path>" <status>`. Knows no line's
//! labels.

use crate::error::QueryError;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    /// What the line must begin with.
    prefix: String,
    /// Each capture with the literal that ends it; empty only at the end of the pattern.
    captures: Vec<(Option<String>, String)>,
}

impl Pattern {
    /// Compiles a pattern, which stands at `position` of the query.
    ///
    /// # Errors
    /// A pattern without a named capture, with two captures side by side, or with a name twice.
    pub fn new(text: &str, position: usize) -> Result<Self, QueryError> {
        let invalid = |message: String| QueryError::Invalid { position, message };
        let (mut prefix, mut rest) = (String::new(), text);
        let mut captures: Vec<(Option<String>, String)> = Vec::new();
        while let Some(first) = rest.chars().next() {
            let Some((name, length)) = capture(rest) else {
                let literal = captures
                    .last_mut()
                    .map_or(&mut prefix, |(_, literal)| literal);
                literal.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            };
            if let Some((_, literal)) = captures.last()
                && literal.is_empty()
            {
                return Err(invalid(format!(
                    "<{name}> follows another capture: put text between them, or nobody knows where the first one ends"
                )));
            }
            let name = (name != "_").then(|| name.to_owned());
            if name.is_some() && captures.iter().any(|(other, _)| *other == name) {
                return Err(invalid(format!(
                    "<{}> stands twice",
                    name.unwrap_or_default()
                )));
            }
            captures.push((name, String::new()));
            rest = &rest[length..];
        }
        if captures.iter().all(|(name, _)| name.is_none()) {
            return Err(invalid(
                "a pattern needs at least one named capture, such as <status>".into(),
            ));
        }
        Ok(Self { prefix, captures })
    }

    /// Names and values of the captures of a line; none when the line does not begin as the pattern does. A capture whose end is
    /// not found goes to the end of the line, and is the last.
    pub fn captures<'a>(&'a self, line: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = line
            .strip_prefix(self.prefix.as_str())
            .filter(|_| !line.is_empty());
        self.captures.iter().filter_map(move |(name, literal)| {
            let text = rest?;
            let end = if literal.is_empty() {
                None
            } else {
                text.find(literal.as_str())
            };
            rest = end.map(|end| &text[end + literal.len()..]);
            Some((name.as_deref()?, &text[..end.unwrap_or(text.len())]))
        })
    }
}

/// The name of the capture that `text` begins with, and the bytes of it with its brackets.
fn capture(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix('<')?;
    let (name, _) = inner.split_once('>')?;
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then_some((name, name.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, line: &str) -> Vec<(String, String)> {
        let pattern = Pattern::new(pattern, 0).unwrap();
        pattern
            .captures(line)
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn captures_are_what_stands_between_literals() {
        let access = r#"<ip> - - [<_>] "<method> <path> <_>" <status> <_>"#;
        let line = r#"10.0.0.7 - - [21/Nov] "GET /cart HTTP/1.1" 200 51"#;
        let expected = pairs(&[
            ("ip", "10.0.0.7"),
            ("method", "GET"),
            ("path", "/cart"),
            ("status", "200"),
        ]);
        assert_eq!(found(access, line), expected);
        assert_eq!(
            found("took=<took>", "took=12ms more"),
            pairs(&[("took", "12ms more")])
        );
        assert_eq!(found("<a>ö<b>", "äöü"), pairs(&[("a", "ä"), ("b", "ü")]));
        assert_eq!(found("<a> <b>", " x"), pairs(&[("a", ""), ("b", "x")]));
    }

    #[test]
    fn a_line_that_begins_otherwise_has_none_and_one_that_ends_early_has_the_first() {
        assert_eq!(found("level=<l> ", "x level=warn "), []);
        assert_eq!(found("<a>", ""), []);
        assert_eq!(
            found("<a>, <b>; <c>", "1, 2"),
            pairs(&[("a", "1"), ("b", "2")])
        );
        assert_eq!(found("<a>, <_>; <c>", "1, 2"), pairs(&[("a", "1")]));
    }

    #[test]
    fn what_is_no_capture_is_a_literal() {
        assert_eq!(found("<1> <a>", "<1> x"), pairs(&[("a", "x")]));
        assert_eq!(found("a < b <c>", "a < b x"), pairs(&[("c", "x")]));
        assert_eq!(found("<<a>>", "<x>"), pairs(&[("a", "x")]));
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused_at_their_place() {
        for (pattern, why) in [
            ("", "named capture"),
            ("text", "named capture"),
            ("<_> <_>", "named capture"),
            ("<a><b>", "<b> follows"),
            ("<a><_>", "<_> follows"),
            ("<a> <a>", "<a> stands twice"),
        ] {
            let error = Pattern::new(pattern, 7).unwrap_err();
            assert_eq!(error.position(), Some(7), "{pattern}");
            assert!(error.to_string().contains(why), "{pattern}: {error}");
        }
    }
}
