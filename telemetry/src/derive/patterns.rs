//! Log patterns: lines that differ only in their values, as one template with a count, and which of them
//! are new since a moment. Knows no HTTP.
//!
//! The method is Drain (He et al., ICWS 2017): lines of one stream are told apart by their number of tokens
//! and their first two words, then go to the most similar template, whose differing words become `<*>`.
//! Words with a digit are values from the start, and punctuation stands for itself, so that `a=1` and `a=2`
//! are alike.

mod over_time;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use super::{Cut, most};
use crate::error::QueryError;
use crate::logs::{Plan, Segment};

pub use over_time::{PatternCounts, pattern_counts};

/// Templates that are kept at most; lines that fit none of them are counted apart.
pub const TEMPLATES_MAX: usize = 5_000;

/// Tokens of a line that are looked at; what follows is one value.
const TOKENS_MAX: usize = 96;

/// Bytes of a line that are looked at, and shown of a sample.
const LINE_BYTES_MAX: usize = 4096;

/// Share of a template's words that a line must have to belong to it: Drain's threshold for short lines.
const SIMILAR: f64 = 0.5;

/// First words that are told apart among lines of equal length (Drain's `maxChild`); a further one is a value.
const FIRST_WORDS_MAX: usize = 100;

/// What stands for a value.
pub const VALUE: &str = "<*>";

/// Characters that are tokens of their own.
const PUNCTUATION: &[char] = &[
    '=', ',', ';', ':', '"', '\'', '(', ')', '[', ']', '{', '}', '<', '>', '|',
];

/// The patterns of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Patterns {
    /// Begin of the window, ns.
    pub start_ns: i64,
    /// End of the window, ns.
    pub end_ns: i64,
    /// What is new is told since this moment, ns.
    pub since_ns: Option<i64>,
    /// Lines that were looked at.
    pub lines: u64,
    /// Those before `since_ns`. Where there are none, nothing can be said to be new.
    pub lines_before: u64,
    /// Lines that fit none of the templates that there was room for.
    pub unmatched: u64,
    /// Patterns: what is new first, then by count.
    pub patterns: Vec<Pattern>,
    /// Limits that were met.
    pub limits: Vec<Cut>,
}

/// How often a pattern comes since a moment, beside before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pattern {
    /// Service that wrote them.
    pub service: String,
    /// Their level.
    pub level: &'static str,
    /// Their text, `<*>` for what differs.
    pub template: String,
    /// How many there are.
    pub count: u64,
    /// Their share of the lines, 0 to 1.
    pub share: f64,
    /// How many came before `since_ns`; all where it is not given.
    pub before: u64,
    /// How many came since.
    pub after: u64,
    /// `None` where `since_ns` is not given or there is nothing before it to compare with.
    pub novelty: Option<Novelty>,
    /// Lines per second since, as a multiple of before; `None` where one of the two is not known.
    pub change: Option<f64>,
    /// Time of the first, ns.
    pub first_ns: i64,
    /// Time of the last, ns.
    pub last_ns: i64,
    /// The first line that was seen.
    pub sample: String,
    /// LogQL that finds such lines.
    pub query: String,
}

/// The patterns of the lines that `plan` finds in `start_ns..end_ns`, at most `limit` of them.
///
/// # Errors
/// [`QueryError::Limit`] when it takes too long.
pub fn patterns(
    segments: &[Arc<Segment>],
    plan: &Plan,
    (start_ns, end_ns): (i64, i64),
    since_ns: Option<i64>,
    limit: usize,
) -> Result<Patterns, QueryError> {
    let mut miner = Miner::default();
    plan.each(segments, (start_ns, end_ns), |entry| {
        let (row, line) = (&entry.row, &entry.line);
        let ts_ns = row.ts_ns();
        let is_after = since_ns.is_some_and(|since_ns| ts_ns >= since_ns);
        let stream = miner.stream(&row.origin().service, row.level().name());
        miner.add(stream, line, ts_ns, is_after);
    })?;
    let lines_before = miner.lines - miner.after;
    let lengths = since_ns.map(|since_ns| {
        let length = |from: i64, to: i64| to.saturating_sub(from).max(0) as f64;
        (length(start_ns, since_ns), length(since_ns, end_ns))
    });
    let mut limits = Vec::new();
    if miner.unmatched > 0 {
        let lines = usize::try_from(miner.lines).unwrap_or(usize::MAX);
        let unmatched = usize::try_from(miner.unmatched).unwrap_or(usize::MAX);
        limits.push(Cut::new("matched lines", lines - unmatched, lines));
    }
    let lengths = lengths.filter(|_| lines_before > 0);
    let mut patterns: Vec<Pattern> = miner
        .templates
        .iter()
        .map(|template| template.pattern(&miner, lengths))
        .collect();
    patterns.sort_by(|a, b| {
        let rank = |pattern: &Pattern| {
            let known = pattern.novelty != Some(Novelty::New);
            (known, std::cmp::Reverse(pattern.count), pattern.first_ns)
        };
        (rank(a), &a.template).cmp(&(rank(b), &b.template))
    });
    most(&mut patterns, limit, "patterns", &mut limits);
    Ok(Patterns {
        start_ns,
        end_ns,
        since_ns,
        lines: miner.lines,
        lines_before,
        unmatched: miner.unmatched,
        patterns,
        limits,
    })
}

/// A word or a mark, and whether white space stands before it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Token<'a> {
    text: &'a str,
    spaced: bool,
}

impl Token<'_> {
    fn is_mark(&self) -> bool {
        self.text.starts_with(PUNCTUATION)
    }

    fn is_value(&self) -> bool {
        self.text == VALUE
    }
}

/// Lines are told apart by this before they are compared.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bucket {
    stream: usize,
    tokens: usize,
    words: [String; 2],
}

#[derive(Default)]
struct Miner {
    streams: Vec<(String, &'static str)>,
    stream_of: HashMap<String, Vec<(&'static str, usize)>>,
    /// First words of each stream and number of tokens, so that they stay few.
    first_words: HashMap<(usize, usize, usize), HashSet<String>>,
    buckets: HashMap<Bucket, Vec<usize>>,
    templates: Vec<Template>,
    lines: u64,
    after: u64,
    unmatched: u64,
}

struct Template {
    stream: usize,
    /// `None` for a value; with whether white space stands before.
    tokens: Vec<(Option<String>, bool)>,
    count: u64,
    after: u64,
    first_ns: i64,
    last_ns: i64,
    sample: String,
}

impl Miner {
    fn stream(&mut self, service: &str, level: &'static str) -> usize {
        let levels = self.stream_of.get(service);
        let known = levels.and_then(|levels| levels.iter().find(|(other, _)| *other == level));
        if let Some((_, stream)) = known {
            return *stream;
        }
        let stream = self.streams.len();
        self.streams.push((service.to_owned(), level));
        let levels = self.stream_of.entry(service.to_owned()).or_default();
        levels.push((level, stream));
        stream
    }

    /// Takes a line; returns the number of its template, if there was room for one.
    fn add(&mut self, stream: usize, line: &str, ts_ns: i64, is_after: bool) -> Option<usize> {
        self.lines += 1;
        self.after += u64::from(is_after);
        let tokens = tokens(line);
        let bucket = self.bucket(stream, &tokens);
        let known = self.buckets.get(&bucket).map_or(&[][..], Vec::as_slice);
        let likest = known
            .iter()
            .map(|&at| (self.templates[at].similarity(&tokens), at))
            .filter(|(similarity, _)| *similarity >= SIMILAR)
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let at = match likest {
            Some((_, at)) => at,
            None if self.templates.len() >= TEMPLATES_MAX => {
                self.unmatched += 1;
                return None;
            }
            None => {
                self.templates
                    .push(Template::new(stream, &tokens, line, ts_ns));
                let at = self.templates.len() - 1;
                self.buckets.entry(bucket).or_default().push(at);
                at
            }
        };
        self.templates[at].take(&tokens, ts_ns, is_after);
        Some(at)
    }

    fn bucket(&mut self, stream: usize, tokens: &[Token<'_>]) -> Bucket {
        let mut words = tokens.iter().filter(|token| !token.is_mark());
        let words = [0, 1].map(|at| {
            let word = words.next().map_or("", |token| token.text);
            let known = self
                .first_words
                .entry((stream, tokens.len(), at))
                .or_default();
            if known.contains(word) {
                return word.to_owned();
            }
            if known.len() >= FIRST_WORDS_MAX {
                return VALUE.to_owned();
            }
            known.insert(word.to_owned());
            word.to_owned()
        });
        Bucket {
            stream,
            tokens: tokens.len(),
            words,
        }
    }
}

impl Template {
    fn new(stream: usize, tokens: &[Token<'_>], line: &str, ts_ns: i64) -> Self {
        let own = |token: &Token<'_>| (!token.is_value()).then(|| token.text.to_owned());
        Self {
            stream,
            tokens: tokens
                .iter()
                .map(|token| (own(token), token.spaced))
                .collect(),
            count: 0,
            after: 0,
            first_ns: ts_ns,
            last_ns: ts_ns,
            sample: cut(line).to_owned(),
        }
    }

    /// Share of the words that a line has in common with it; 0 where the marks differ. Values are alike.
    fn similarity(&self, tokens: &[Token<'_>]) -> f64 {
        let (mut words, mut same) = (0, 0);
        for ((own, _), token) in self.tokens.iter().zip(tokens) {
            let equal = own
                .as_deref()
                .map_or(token.is_value(), |own| own == token.text);
            if token.is_mark()
                || own
                    .as_deref()
                    .is_some_and(|own| own.starts_with(PUNCTUATION))
            {
                if !equal {
                    return 0.0;
                }
                continue;
            }
            words += 1;
            same += usize::from(equal);
        }
        if words == 0 {
            1.0
        } else {
            same as f64 / words as f64
        }
    }

    fn take(&mut self, tokens: &[Token<'_>], ts_ns: i64, is_after: bool) {
        for ((own, _), token) in self.tokens.iter_mut().zip(tokens) {
            if own.as_deref().is_some_and(|own| own != token.text) {
                *own = None;
            }
        }
        self.count += 1;
        self.after += u64::from(is_after);
        self.first_ns = self.first_ns.min(ts_ns);
        self.last_ns = self.last_ns.max(ts_ns);
    }

    /// `lengths` of the times before and since, ns, where they are to be compared.
    fn pattern(&self, miner: &Miner, lengths: Option<(f64, f64)>) -> Pattern {
        let (service, level) = &miner.streams[self.stream];
        let before = self.count - self.after;
        let novelty = lengths.map(|_| match (before, self.after) {
            (0, _) => Novelty::New,
            (_, 0) => Novelty::Gone,
            _ => Novelty::Known,
        });
        let change = lengths
            .filter(|(a, b)| before > 0 && *a > 0.0 && *b > 0.0)
            .map(|(a, b)| (self.after as f64 / b) / (before as f64 / a));
        let mut template = String::new();
        // values beside each other are one
        let mut pattern = String::from(r"(?s)^\s*");
        let mut after_value = false;
        for (text, spaced) in &self.tokens {
            if *spaced {
                template.push(' ');
                pattern.push_str(r"\s+");
            }
            match text {
                Some(text) => {
                    template.push_str(text);
                    pattern.push_str(&regex::escape(text));
                }
                None if after_value && !spaced => {}
                None => {
                    template.push_str(VALUE);
                    pattern.push_str(".+?");
                }
            }
            after_value = text.is_none();
        }
        // of a longer line the end was not looked at
        if self.sample.len() < LINE_BYTES_MAX - char::MAX_LEN_UTF8 {
            pattern.push_str(r"\s*$");
        }
        let literal = |text: &str| serde_json::Value::from(text).to_string();
        Pattern {
            service: service.clone(),
            level,
            template,
            count: self.count,
            share: self.count as f64 / miner.lines as f64,
            before,
            after: self.after,
            novelty,
            change,
            first_ns: self.first_ns,
            last_ns: self.last_ns,
            sample: self.sample.clone(),
            query: format!(
                "{{service={}, level={}}} |~ {}",
                literal(service),
                literal(level),
                literal(&pattern)
            ),
        }
    }
}

/// The tokens of a line; words that hold a digit are values.
fn tokens(line: &str) -> Vec<Token<'_>> {
    let line = cut(line);
    let mut tokens = Vec::new();
    let mut rest = line;
    loop {
        let text = rest.trim_start();
        let spaced = text.len() < rest.len() && !tokens.is_empty();
        if text.is_empty() {
            return tokens;
        }
        if tokens.len() + 1 == TOKENS_MAX {
            tokens.push(Token {
                text: VALUE,
                spaced,
            });
            return tokens;
        }
        let ends = |c: char| c.is_whitespace() || PUNCTUATION.contains(&c);
        // a mark is one byte
        let end = match text.find(ends) {
            Some(0) => 1,
            Some(end) => end,
            None => text.len(),
        };
        let (word, after) = text.split_at(end);
        let value = word.contains(|c: char| c.is_ascii_digit());
        tokens.push(Token {
            text: if value { VALUE } else { word },
            spaced,
        });
        rest = after;
    }
}

fn cut(line: &str) -> &str {
    &line[..line.floor_char_boundary(LINE_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::fixture::{batch, record};
    use crate::logs::{Direction, LOG_BYTES, LogStore, plan_lines};

    const ALL_TIME: (i64, i64) = (0, 1_000_000_000_000);

    fn store(lines: &[(&str, u64, &str)]) -> LogStore {
        let store = LogStore::new(LOG_BYTES);
        for (service, second, line) in lines {
            store.append(&batch(service, vec![record(*second, line)]));
        }
        store
    }

    fn mine(store: &LogStore, since_s: Option<i64>) -> Patterns {
        let plan = plan_lines("{service=~\".+\"}").unwrap();
        let since_ns = since_s.map(|s| s * 1_000_000_000);
        patterns(&store.snapshot(), &plan, ALL_TIME, since_ns, 100).unwrap()
    }

    fn shop() -> LogStore {
        let mut lines = vec![("shop", 500, "order cancelled by customer")];
        let texts: Vec<String> = (0..20)
            .map(|n| format!("order {n} placed for customer=c{n} in {}.5ms", n * 7))
            .collect();
        for (text, second) in texts.iter().zip(1..) {
            lines.push(("shop", second * 40, text));
        }
        lines.push(("stock", 700, "lock wait timeout on table items"));
        lines.push(("stock", 710, "lock wait timeout on table prices"));
        lines.push(("shop", 100, "cache warmed"));
        store(&lines)
    }

    #[test]
    fn lines_that_differ_in_values_are_one_template_with_a_count() {
        let found = mine(&shop(), None);
        let told: Vec<_> = found
            .patterns
            .iter()
            .map(|pattern| (&*pattern.service, &*pattern.template, pattern.count))
            .collect();
        assert_eq!(
            told,
            [
                ("shop", "order <*> placed for customer=<*> in <*>", 20),
                ("stock", "lock wait timeout on table <*>", 2),
                ("shop", "cache warmed", 1),
                ("shop", "order cancelled by customer", 1),
            ]
        );
        assert_eq!((found.lines, found.unmatched), (24, 0));
        let first = &found.patterns[0];
        assert_eq!((first.novelty, first.level), (None, "info"));
        assert_eq!(
            (first.first_ns, first.last_ns),
            (40_000_000_000, 800_000_000_000)
        );
        assert!((first.share - 20.0 / 24.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_new_since_a_moment_comes_first() {
        let found = mine(&shop(), Some(600));
        let told: Vec<_> = found
            .patterns
            .iter()
            .map(|pattern| (&*pattern.template, pattern.novelty, pattern.after))
            .collect();
        assert_eq!(
            told,
            [
                ("lock wait timeout on table <*>", Some(Novelty::New), 2),
                (
                    "order <*> placed for customer=<*> in <*>",
                    Some(Novelty::Known),
                    6
                ),
                ("cache warmed", Some(Novelty::Gone), 0),
                ("order cancelled by customer", Some(Novelty::Gone), 0),
            ]
        );
        // 14 in 600 s before, 6 in 400 s since
        let change = found.patterns[1].change.unwrap();
        assert!((change - (6.0 / 400.0) / (14.0 / 600.0)).abs() < 1e-12);
        let nothing_before = mine(&shop(), Some(0));
        assert_eq!(nothing_before.lines_before, 0);
        assert!(nothing_before.patterns.iter().all(|p| p.novelty.is_none()));
    }

    #[test]
    fn the_query_of_a_pattern_finds_its_lines() {
        let store = shop();
        for pattern in mine(&store, None).patterns {
            let plan = plan_lines(&pattern.query).unwrap();
            let lines = plan.lines(&store.snapshot(), ALL_TIME, 100, Direction::Forward);
            assert_eq!(
                lines.unwrap().len() as u64,
                pattern.count,
                "{}",
                pattern.query
            );
        }
    }

    #[test]
    fn lines_of_other_words_or_marks_stay_apart() {
        let found = mine(
            &store(&[
                ("a", 1, "order placed"),
                ("a", 2, "order shipped"),
                ("a", 3, "took=5ms"),
                ("a", 4, "took:5ms"),
                ("a", 5, ""),
                ("a", 6, "  "),
            ]),
            None,
        );
        let templates: Vec<_> = found.patterns.iter().map(|p| &*p.template).collect();
        assert_eq!(
            templates,
            ["", "order placed", "order shipped", "took=<*>", "took:<*>"]
        );
    }

    #[test]
    fn many_first_words_become_values() {
        let texts: Vec<String> = (0..400)
            .map(|n| {
                let letters: String = [n / 26 % 26, n % 26]
                    .map(|d| char::from(b'a' + d as u8))
                    .into_iter()
                    .collect();
                format!("{letters} logged in")
            })
            .collect();
        let lines: Vec<_> = texts.iter().map(|text| ("a", 1, text.as_str())).collect();
        let found = mine(&store(&lines), None);
        assert_eq!(found.patterns[0].template, "<*> logged in");
        assert_eq!(found.patterns[0].count, 300);
        assert_eq!(found.limits[0].what, "patterns");
    }

    #[test]
    fn endless_lines_and_endless_templates_are_bounded() {
        let store = LogStore::new(LOG_BYTES);
        let long = "word ".repeat(100_000);
        let mut records = vec![record(1, &long), record(1, &"é".repeat(5_000))];
        let letter = |n: usize| char::from(b'a' + (n % 26) as u8);
        for n in 0..6_000_usize {
            let word: String = [n, n / 26, n / 676].map(letter).into_iter().collect();
            // each of its own length, first words and marks: nothing is alike
            let line = format!("x{word} {word}x {}", "=".repeat(n % 60));
            records.push(record(2, &line.replace("xa", &word)));
        }
        store.append(&batch("a", records));
        let found = mine(&store, None);
        assert!(
            found
                .patterns
                .iter()
                .all(|p| p.template.len() <= 2 * LINE_BYTES_MAX)
        );
        assert_eq!(found.lines, 6_002);
        let told: u64 = found.patterns.iter().map(|p| p.count).sum();
        assert!(told <= found.lines && !found.limits.is_empty());
    }
}
