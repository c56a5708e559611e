//! Line filters: one line at a time, and all lines of a segment at once by a single search over the
//! text in which they stand one after the other. Both give the same rows. Knows no labels.

use std::sync::atomic::{AtomicBool, Ordering};

use memchr::memmem::Finder;
use regex::Regex;

use super::segment::Bodies;
use crate::error::QueryError;
use crate::query::compile_regex;
use crate::row_set::RowSet;

/// A search over everything pays where it may find at least one of so many rows that it goes over;
/// where fewer are still of interest, each is looked at by itself.
const ROWS_PER_CANDIDATE: usize = 8;

/// Matches of a regular expression that may reach over the end of a line, in one segment, before the
/// segment is searched line by line: each of them makes the search begin again, and an expression such
/// as `a[^b]*` could read the whole segment each time.
const CROSSINGS_MAX: usize = 16;

/// Bytes of a text that is worth looking for before an expression that requires it: shorter ones stand
/// in most lines.
const REQUIRED_BYTES_MIN: usize = 3;

/// `|= "a" or "b"` and its like, compiled.
#[derive(Debug)]
pub struct LineFilter {
    negate: bool,
    alternatives: Vec<Alternative>,
}

#[derive(Debug)]
enum Alternative {
    Text(Box<Finder<'static>>),
    Regex(Box<Expression>),
}

#[derive(Debug)]
struct Expression {
    regex: Regex,
    /// Whether it means the same in the middle of a longer text as on its line alone.
    anywhere: bool,
    /// Texts that stand in everything that it matches, the longest first.
    required: Vec<Finder<'static>>,
    /// Whether most lines were seen to have all of them, so that looking for them is in vain.
    are_common: AtomicBool,
}

impl Expression {
    fn new(pattern: &str, position: usize) -> Result<Self, QueryError> {
        let required = required(pattern);
        Ok(Self {
            regex: compile_regex(pattern, pattern, position)?,
            anywhere: !is_anchored(pattern),
            required: required
                .iter()
                .map(|text| Finder::new(text).into_owned())
                .collect(),
            are_common: AtomicBool::new(false),
        })
    }

    /// Adds the rows of `from..to` in whose bodies this is found.
    fn find(&self, bodies: Bodies<'_>, (from, to): (usize, usize), found: &mut RowSet) {
        if !self.required.is_empty() && !self.are_common.load(Ordering::Relaxed) {
            let mut likely = RowSet::none(bodies.rows());
            likely.insert_range(from, to);
            for finder in &self.required {
                let is_in = |line: &str| finder.find(line.as_bytes()).is_some();
                keep(bodies, &mut likely, is_in, |bounds, found| {
                    find_text(finder, bodies, bounds, found);
                });
            }
            if likely.count() <= (to - from) / 2 {
                likely.retain(|row| self.regex.is_match(bodies.body(row)));
                found.unite(&likely);
                return;
            }
            self.are_common.store(true, Ordering::Relaxed);
        }
        let done = if self.anywhere {
            find_regex(&self.regex, bodies, (from, to), found)
        } else {
            from
        };
        for row in done..to {
            if self.regex.is_match(bodies.body(row)) {
                found.insert(row);
            }
        }
    }
}

impl LineFilter {
    /// Compiles a filter: a line passes if one of `alternatives` (text and byte offset in the query) is
    /// found in it or, with `negate`, if none is.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] for a regular expression that does not compile.
    pub fn new(
        regex: bool,
        negate: bool,
        alternatives: &[(String, usize)],
    ) -> Result<Self, QueryError> {
        let compile = |(text, position): &(String, usize)| {
            Ok(if regex {
                Alternative::Regex(Box::new(Expression::new(text, *position)?))
            } else {
                Alternative::Text(Box::new(Finder::new(text).into_owned()))
            })
        };
        Ok(Self {
            negate,
            alternatives: alternatives.iter().map(compile).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a line passes.
    #[must_use]
    pub fn passes(&self, line: &str) -> bool {
        let mut alternatives = self.alternatives.iter();
        alternatives.any(|alternative| alternative.is_in(line)) != self.negate
    }

    /// Takes the rows out of `rows` whose lines do not pass.
    pub fn narrow(&self, bodies: Bodies<'_>, rows: &mut RowSet) {
        if self.negate {
            let mut found = rows.clone();
            self.keep_found(bodies, &mut found);
            rows.subtract(&found);
        } else {
            self.keep_found(bodies, rows);
        }
    }

    /// Takes the rows out of `rows` in which no alternative is found.
    fn keep_found(&self, bodies: Bodies<'_>, rows: &mut RowSet) {
        let is_in = |line: &str| {
            let mut alternatives = self.alternatives.iter();
            alternatives.any(|alternative| alternative.is_in(line))
        };
        keep(bodies, rows, is_in, |bounds, found| {
            for alternative in &self.alternatives {
                alternative.find(bodies, bounds, found);
            }
        });
    }
}

/// Keeps the rows in which something is found: by `is_in` one by one where they are few, else by `find`
/// among all rows from the first to the last of them.
fn keep(
    bodies: Bodies<'_>,
    rows: &mut RowSet,
    is_in: impl Fn(&str) -> bool,
    find: impl Fn((usize, usize), &mut RowSet),
) {
    let Some((from, to)) = rows.bounds() else {
        return;
    };
    if rows.count() * ROWS_PER_CANDIDATE < to - from {
        rows.retain(|row| is_in(bodies.body(row)));
        return;
    }
    let mut found = RowSet::none(bodies.rows());
    find((from, to), &mut found);
    rows.intersect(&found);
}

impl Alternative {
    fn is_in(&self, line: &str) -> bool {
        match self {
            Self::Text(finder) => finder.find(line.as_bytes()).is_some(),
            Self::Regex(expression) => expression.regex.is_match(line),
        }
    }

    /// Adds the rows of `from..to` in whose bodies this is found.
    fn find(&self, bodies: Bodies<'_>, bounds: (usize, usize), found: &mut RowSet) {
        match self {
            Self::Text(finder) => find_text(finder, bodies, bounds, found),
            Self::Regex(expression) => expression.find(bodies, bounds, found),
        }
    }
}

fn find_text(
    finder: &Finder<'_>,
    bodies: Bodies<'_>,
    (mut row, to): (usize, usize),
    found: &mut RowSet,
) {
    if finder.needle().is_empty() {
        return found.insert_range(row, to);
    }
    let text = &bodies.text().as_bytes()[..bodies.end(to - 1)];
    let mut at = bodies.start(row);
    while let Some(hit) = finder.find(&text[at..]) {
        let hit = at + hit;
        row = bodies.row_at(hit, row);
        if hit + finder.needle().len() <= bodies.end(row) {
            found.insert(row);
            row += 1;
            if row == to {
                return;
            }
            at = bodies.start(row);
        } else {
            // it reaches into the next line, so it is in neither
            at = hit + 1;
        }
    }
}

/// Searches rows `row..to` with one regular expression; returns the row from which on it gave up.
///
/// The first match at or after the begin of a row tells of all rows up to the one in which it begins:
/// those before have none, as it would have been found first. Where it ends in the same row, that row
/// has one. Where it reaches further, only that row's own text can tell.
fn find_regex(
    regex: &Regex,
    bodies: Bodies<'_>,
    (mut row, to): (usize, usize),
    found: &mut RowSet,
) -> usize {
    let text = &bodies.text()[..bodies.end(to - 1)];
    let mut crossings = 0;
    while row < to {
        let Some(hit) = regex.find_at(text, bodies.start(row)) else {
            return to;
        };
        row = bodies.row_at(hit.start(), row);
        if hit.end() <= bodies.end(row) {
            found.insert(row);
        } else {
            if regex.is_match(bodies.body(row)) {
                found.insert(row);
            }
            crossings += 1;
            if crossings > CROSSINGS_MAX {
                return row + 1;
            }
        }
        row += 1;
    }
    to
}

/// Whether a regular expression may ask where its text begins or ends, which is another place in the
/// text of a segment than on the line alone. Word borders do not ask: a line's end is no word, as the
/// line feed after it. Says yes too often rather than too seldom; a class such as `[^"]` is known.
fn is_anchored(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    let negates_a_class = |at: usize| {
        let opens = at > 0 && bytes[at - 1] == b'[';
        let escapes = bytes[..at.saturating_sub(1)].iter().rev();
        opens && escapes.take_while(|byte| **byte == b'\\').count() % 2 == 0
    };
    let caret = |(at, byte): (usize, &u8)| *byte == b'^' && !negates_a_class(at);
    bytes.contains(&b'$')
        || bytes.iter().enumerate().any(caret)
        || pattern.contains("\\A")
        || pattern.contains("\\z")
}

/// Texts that stand in everything that a regular expression matches, the longest first. Only plain
/// expressions are understood; of those with groups or alternatives none is known.
fn required(pattern: &str) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        let Some(text) = texts.last_mut() else {
            return Vec::new();
        };
        match c {
            '\\' => match rest.next() {
                // the borders of a word
                Some('<' | '>') => {}
                Some(c) if c.is_ascii_punctuation() => {
                    text.push(c);
                    continue;
                }
                Some('d' | 'D' | 'w' | 'W' | 's' | 'S' | 'b' | 'B') => {}
                _ => return Vec::new(),
            },
            '[' => {
                let Some((class, after)) = rest.as_str().split_once(']') else {
                    return Vec::new();
                };
                let odd = |c: char| matches!(c, '[' | '\\');
                if class.trim_start_matches('^').is_empty() || class.contains(odd) {
                    return Vec::new();
                }
                rest = after.chars();
            }
            // what stands before need not be there
            '*' | '?' => _ = text.pop(),
            '{' => {
                let Some((_, after)) = rest.as_str().split_once('}') else {
                    return Vec::new();
                };
                text.pop();
                rest = after.chars();
            }
            '(' | ')' | '|' => return Vec::new(),
            '+' | '.' | '^' | '$' => {}
            c => {
                text.push(c);
                continue;
            }
        }
        texts.push(String::new());
    }
    texts.retain(|text| text.len() >= REQUIRED_BYTES_MIN);
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logs::fixture::{batch, record};
    use crate::logs::{LOG_BYTES, LogStore};

    /// Bodies with everything that could be mistaken for the border of a line.
    fn bodies() -> impl Strategy<Value = Vec<String>> {
        let part = prop::sample::select(vec![
            "a", "b", "abc", "foo", "bar", "é", " ", "\n", "\r\n", "\r", "\0", "^", "$", "[", "\\",
            "x1", "_", "\u{2028}", "\n\n",
        ]);
        let body = prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat());
        prop::collection::vec(body, 1..90)
    }

    fn pattern() -> impl Strategy<Value = String> {
        let atom = prop::sample::select(vec![
            "a",
            "b",
            "abc",
            "foo",
            "bar",
            "é",
            ".",
            "(?s:.)",
            "[^a]",
            "[^b]*",
            "\\n",
            "\\r",
            "\\s",
            "\\S",
            "\\w",
            "\\W",
            "\\b",
            "\\B",
            "\\<",
            "\\>",
            "<",
            "^",
            "$",
            "(?m:^)",
            "(?m:$)",
            "(?mR:$)",
            "\\A",
            "\\z",
            "\\x00",
            "\\x0a",
            "\\^",
            "\\$",
            "\\[",
            "[$^]",
            "[[:^alpha:]]",
            "(?i:FOO)",
            "(foo|ba)",
            "foo|bar",
            "\\p{L}",
            "\\b{start}",
            "\\b{end-half}",
            " ",
            "(?:)",
            "\\d",
            "[]a]",
            "[a\\]]",
            "_",
        ]);
        let often = prop::sample::select(vec![
            "", "", "", "*", "+", "?", "{2}", "{0}", "{0,2}", "*?", "+?",
        ]);
        let item = (atom, often).prop_map(|(atom, often)| format!("{atom}{often}"));
        let flags = prop::sample::select(vec![
            "", "", "", "(?i)", "(?m)", "(?s)", "(?ms)", "(?mR)", "(?x)", "(?U)", "(?x) # [",
        ]);
        (flags, prop::collection::vec(item, 0..5))
            .prop_map(|(flags, items)| flags.to_owned() + &items.concat())
    }

    fn text() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec!["a", "b", "foo", "\n", "\r", "\0", "é", "", " "]);
        prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]

        #[test]
        fn all_lines_at_once_pass_as_one_by_one(
            bodies in bodies(),
            regex in any::<bool>(),
            negate in any::<bool>(),
            patterns in prop::collection::vec((pattern(), text()), 1..3),
            keep_one_in in 1_usize..12,
        ) {
            let alternatives: Vec<(String, usize)> = patterns
                .into_iter()
                .map(|(pattern, text)| (if regex { pattern } else { text }, 0))
                .collect();
            // an odd pattern, such as \b+, may be none
            let Ok(filter) = LineFilter::new(regex, negate, &alternatives) else {
                return Ok(());
            };
            let store = LogStore::new(LOG_BYTES);
            store.append(&batch("a", bodies.iter().map(|body| record(1, body)).collect()));
            let segment = &store.snapshot()[0];
            for (row, body) in bodies.iter().enumerate() {
                prop_assert_eq!(segment.bodies().body(row), body);
            }
            let mut rows = RowSet::all(bodies.len());
            rows.retain(|row| row % keep_one_in == 0);
            let by_hand = |line: &str| {
                let found = alternatives.iter().any(|(text, _)| match regex {
                    true => Regex::new(text).unwrap().is_match(line),
                    false => line.contains(text.as_str()),
                });
                found != negate
            };
            let expected: Vec<usize> = rows.iter().filter(|row| by_hand(&bodies[*row])).collect();
            filter.narrow(segment.bodies(), &mut rows);
            prop_assert_eq!(rows.iter().collect::<Vec<_>>(), expected, "{:?}", alternatives);
        }
    }

    #[test]
    fn an_expression_that_reads_on_and_on_is_given_up_and_still_right() {
        let store = LogStore::new(LOG_BYTES);
        let line = |n: u64| if n.is_multiple_of(3) { "a b" } else { "a" };
        store.append(&batch(
            "a",
            (0..1_000).map(|n| record(1, line(n))).collect(),
        ));
        let segment = &store.snapshot()[0];
        let filter = LineFilter::new(true, false, &[("a[^b]*b".to_owned(), 0)]).unwrap();
        let mut rows = RowSet::all(1_000);
        filter.narrow(segment.bodies(), &mut rows);
        assert!(rows.iter().eq((0..1_000).step_by(3)));
    }

    #[test]
    fn what_an_expression_requires_is_known_where_it_is_plain() {
        for (pattern, expected) in [
            ("payments.*attempt", &["payments", "attempt"][..]),
            ("timeout$", &["timeout"]),
            (r"took=\d+ms \[x\]", &["ms [x]", "took="]),
            ("colou?rs", &["colo"]),
            ("ab+cde", &["cde"]),
            ("abc{0,3}def", &["def"]),
            ("[a-z]+_id", &["_id"]),
            ("[^]abc]def", &[]),
            ("foo|bar", &[]),
            ("(foo)", &[]),
            ("(?i)foo", &[]),
            (r"\x66oobar", &[]),
            (r"\pLfoo", &[]),
            ("", &[]),
        ] {
            assert_eq!(required(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn anchors_are_seen() {
        for pattern in [
            "^a", "a$", "(?m)^a", r"\^[a]^", r"\[^a", r"\Aa", r"a\z", "(^a)",
        ] {
            assert!(is_anchored(pattern), "{pattern}");
        }
        for pattern in ["a", "[^a]", r"\\[^a]", r"\ba\b", "(?i)a.*[^\"]"] {
            assert!(!is_anchored(pattern), "{pattern}");
        }
    }
}
