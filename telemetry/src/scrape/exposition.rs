//! The Prometheus text format 0.0.4 and OpenMetrics 1.0, line by line and without copies; what Prometheus itself refuses is
//! refused. Knows no series store, no HTTP.

use crate::promql::{is_metric_name, parse_value};

/// Which of the two formats a body is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text/plain; version=0.0.4`: timestamps are milliseconds.
    Text,
    /// `application/openmetrics-text`: timestamps are seconds, exemplars, `# EOF` at the end.
    OpenMetrics,
}

/// Why a body is not in the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, byte {position}: {message}")]
pub struct ExpositionError {
    /// Byte offset in the body.
    pub position: usize,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// One line of a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry<'a> {
    /// `# TYPE family kind`
    Type(&'a str, &'a str),
    /// `# HELP family text`, escapes not resolved
    Help(&'a str, &'a str),
    /// `# UNIT family unit`
    Unit(&'a str, &'a str),
    /// A sample.
    Sample(Sample<'a>),
}

/// A sample as it stands in the body. The series is kept as text: a scraper that has seen it needs not parse it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// Name and labels as written: `name{a="b"}`.
    pub series: &'a str,
    /// Byte offset of the series in the body.
    pub position: usize,
    /// The value.
    pub value: f64,
    /// Time in milliseconds as the emitter wrote it, if it did.
    pub t_ms: Option<i64>,
    /// What follows `# ` on the line, OpenMetrics only.
    pub exemplar: Option<&'a str>,
}

/// Characters of an exemplar's labels together: OpenMetrics' limit. A longer one is no exemplar.
const EXEMPLAR_LABEL_CHARS_MAX: usize = 128;
/// Types of the text format.
const TEXT_KINDS: [&str; 5] = ["counter", "gauge", "histogram", "summary", "untyped"];
/// Types of OpenMetrics.
const OPEN_KINDS: [&str; 8] = [
    "counter",
    "gauge",
    "histogram",
    "gaugehistogram",
    "summary",
    "info",
    "stateset",
    "unknown",
];

/// An exemplar of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Its labels, most often `trace_id` and `span_id`.
    pub labels: Vec<(String, String)>,
    /// The observed value.
    pub value: f64,
    /// Time in milliseconds as the emitter wrote it, if it did.
    pub t_ms: Option<i64>,
}

/// Reads a body's lines; ends after the first error.
#[derive(Debug)]
pub struct Lines<'a> {
    body: &'a str,
    format: Format,
    at: usize,
    line: usize,
    ended: bool,
}

impl<'a> Lines<'a> {
    /// Begins to read.
    #[must_use]
    pub fn new(body: &'a str, format: Format) -> Self {
        Self {
            body,
            format,
            at: 0,
            line: 0,
            ended: false,
        }
    }

    fn error(&self, position: usize, message: impl Into<String>) -> ExpositionError {
        ExpositionError {
            position,
            line: self.line,
            message: message.into(),
        }
    }

    /// What a line that begins with `#` says; nothing, if it is a comment of the text format.
    fn comment(&self, text: &'a str, at: usize) -> Result<Option<Entry<'a>>, ExpositionError> {
        let mut words = text[1..].trim_start().splitn(3, [' ', '\t']);
        let keyword = words.next().unwrap_or("").trim_end();
        let family = words.next().map(str::trim);
        let rest = words.next().unwrap_or("").trim_end_matches('\r');
        let word = rest.trim();
        match (keyword, family, self.format) {
            ("TYPE" | "HELP" | "UNIT", None | Some(""), _) => {
                Err(self.error(at, format!("expected a metric name after {keyword}")))
            }
            ("TYPE", Some(family), format) => {
                let known = match format {
                    Format::Text => &TEXT_KINDS[..],
                    Format::OpenMetrics => &OPEN_KINDS[..],
                };
                if !known.contains(&word) {
                    return Err(self.error(at, format!("invalid metric type `{word}`")));
                }
                Ok(Some(Entry::Type(family, word)))
            }
            ("HELP", Some(family), _) => Ok(Some(Entry::Help(family, rest))),
            ("UNIT", Some(family), Format::OpenMetrics) => {
                let named = family.strip_suffix(word);
                if !word.is_empty() && !named.is_some_and(|named| named.ends_with('_')) {
                    let message = format!("the unit `{word}` is no suffix of `{family}`");
                    return Err(self.error(at, message));
                }
                Ok(Some(Entry::Unit(family, word)))
            }
            (_, _, Format::OpenMetrics) => Err(self.error(
                at,
                "expected TYPE, HELP, UNIT or EOF: OpenMetrics has no comments",
            )),
            (_, _, Format::Text) => Ok(None),
        }
    }

    fn sample(&self, text: &'a str, position: usize) -> Result<Sample<'a>, ExpositionError> {
        let end =
            series_length(text).map_err(|(at, message)| self.error(position + at, message))?;
        let rest = &text[end..];
        let (numbers, exemplar) = match rest.split_once(" # ") {
            Some((numbers, exemplar)) if self.format == Format::OpenMetrics => {
                (numbers, Some(exemplar.trim()))
            }
            _ => (rest, None),
        };
        let mut words = numbers.split_ascii_whitespace();
        let Some(word) = words.next() else {
            return Err(self.error(position + end, "expected a value after the series"));
        };
        let at = |word: &str| position + (word.as_ptr() as usize - text.as_ptr() as usize);
        let value = parse_value(word)
            .ok_or_else(|| self.error(at(word), format!("expected a number, found `{word}`")))?;
        let t_ms = match words.next() {
            Some(word) => {
                let parsed = timestamp_ms(word, self.format);
                Some(parsed.ok_or_else(|| {
                    self.error(at(word), format!("expected a timestamp, found `{word}`"))
                })?)
            }
            None => None,
        };
        if let Some(word) = words.next() {
            return Err(self.error(
                at(word),
                format!("expected the end of the line, found `{word}`"),
            ));
        }
        Ok(Sample {
            series: text[..end].trim_end(),
            position,
            value,
            t_ms,
            exemplar,
        })
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Entry<'a>, ExpositionError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended && self.at < self.body.len() {
            let start = self.at;
            let rest = &self.body[start..];
            let length = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            self.at = (start + length + 1).min(self.body.len());
            self.line += 1;
            let line = &rest[..length];
            let text = line.trim_start();
            let position = start + (line.len() - text.len());
            let open = self.format == Format::OpenMetrics;
            let found = if open && text.trim_end() == "# EOF" {
                self.ended = true;
                let rest = &self.body[self.at..];
                if rest.is_empty() {
                    return None;
                }
                Err(self.error(self.at, "unexpected data after `# EOF`"))
            } else if text.starts_with('#') {
                self.comment(text, position)
            } else if !text.trim_end().is_empty() {
                self.sample(text, position)
                    .map(|sample| Some(Entry::Sample(sample)))
            } else if open {
                Err(self.error(position, "an empty line, which OpenMetrics has not"))
            } else {
                Ok(None)
            };
            match found {
                Ok(None) => {}
                Ok(Some(entry)) => return Some(Ok(entry)),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        let cut = self.format == Format::OpenMetrics && !self.ended;
        self.ended = true;
        cut.then(|| {
            Err(self.error(
                self.body.len(),
                "the body ends without `# EOF`: it was cut off",
            ))
        })
    }
}

fn timestamp_ms(word: &str, format: Format) -> Option<i64> {
    match format {
        Format::Text => word.parse().ok(),
        Format::OpenMetrics => {
            let seconds = parse_value(word).filter(|s| s.is_finite() && s.abs() < 1e12)?;
            Some((seconds * 1000.0).round() as i64)
        }
    }
}

/// Length of `name{labels}` at the start of a line; braces within quotes do not count.
fn series_length(text: &str) -> Result<usize, (usize, String)> {
    let bytes = text.as_bytes();
    let name = bytes
        .iter()
        .position(|b| b.is_ascii_whitespace() || *b == b'{')
        .unwrap_or(bytes.len());
    let quoted_name = name == 0 && bytes.first() == Some(&b'{');
    if !quoted_name && !is_metric_name(&text[..name]) {
        return Err((
            0,
            format!(
                "expected a metric name, found `{}`",
                text[..name].chars().take(40).collect::<String>()
            ),
        ));
    }
    let brace = name
        + bytes[name..]
            .iter()
            .position(|b| !matches!(b, b' ' | b'\t'))
            .unwrap_or(0);
    if bytes.get(brace) != Some(&b'{') {
        return Ok(name);
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in bytes.iter().enumerate().skip(brace) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return Ok(at + 1),
            _ => {}
        }
    }
    Err((brace, "the labels are not closed by `}`".into()))
}

/// Resolves a series' text into its name (under `__name__`) and labels. `position` is where it stands in the body.
///
/// # Errors
/// The place and what was expected there.
pub fn parse_series(
    series: &str,
    position: usize,
) -> Result<Vec<(String, String)>, ExpositionError> {
    let brace = series.find('{').unwrap_or(series.len());
    let name = series[..brace].trim();
    let mut pairs = Vec::new();
    if !name.is_empty() {
        pairs.push(("__name__".to_owned(), name.to_owned()));
    }
    if brace < series.len() {
        labels(&series[brace..], position + brace, &mut pairs)?;
    }
    let fail = |message: String| {
        Err(ExpositionError {
            position,
            line: 0,
            message,
        })
    };
    if pairs.iter().all(|(name, _)| name != "__name__") {
        return fail("the series has no metric name".into());
    }
    let twice = pairs.iter().enumerate().find(|(at, (name, _))| {
        let before = pairs[..*at].iter();
        before.rev().any(|(other, _)| other == name)
    });
    match twice {
        Some((_, (name, _))) => fail(format!("the label `{name}` is there twice")),
        None => Ok(pairs),
    }
}

/// Reads `{a="b",…}`.
fn labels(
    text: &str,
    position: usize,
    pairs: &mut Vec<(String, String)>,
) -> Result<(), ExpositionError> {
    let fail = |at: usize, message: &str| {
        Err(ExpositionError {
            position: position + at,
            line: 0,
            message: message.into(),
        })
    };
    let mut rest = &text[1..];
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let at = text.len() - rest.len();
        if rest.starts_with('}') {
            return Ok(());
        }
        if let Some(after) = rest.strip_prefix('"') {
            // a quoted name without a value is the metric's own, in the UTF-8 form of the format
            let Some((value, used)) = unquote(after) else {
                return fail(at, "a string without end");
            };
            let next = after[used..].trim_start();
            let Some(after) = next.strip_prefix('=') else {
                pairs.push(("__name__".into(), value));
                rest = next;
                continue;
            };
            rest = push_value(pairs, value, after.trim_start())
                .map_or_else(|| fail(at, "expected a quoted value").map(|()| ""), Ok)?;
            continue;
        }
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let name = &rest[..length];
        let Some(after) = rest[length..].trim_start().strip_prefix('=') else {
            return fail(at, "expected a label name and `=`");
        };
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return fail(at, "expected a label name");
        }
        rest = push_value(pairs, name.to_owned(), after.trim_start()).map_or_else(
            || fail(at + length, "expected a quoted value").map(|()| ""),
            Ok,
        )?;
    }
}

fn push_value<'a>(
    pairs: &mut Vec<(String, String)>,
    name: String,
    text: &'a str,
) -> Option<&'a str> {
    let after = text.strip_prefix('"')?;
    let (value, used) = unquote(after)?;
    pairs.push((name, value));
    Some(&after[used..])
}

/// Reads up to the closing quote; returns the value and how many bytes were used, the quote included.
fn unquote(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, at + 1)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                other @ ('"' | '\\') => value.push(other),
                other => {
                    value.push('\\');
                    value.push(other);
                }
            },
            other => value.push(other),
        }
    }
    None
}

/// Reads an exemplar: `{trace_id="…"} value [timestamp]`; none if its labels are longer than OpenMetrics allows. `position` is
/// where it stands in the body.
///
/// # Errors
/// The place and what was expected there.
pub fn parse_exemplar(text: &str, position: usize) -> Result<Option<Exemplar>, ExpositionError> {
    let fail = |at: usize, message: &str| ExpositionError {
        position: position + at,
        line: 0,
        message: message.into(),
    };
    if !text.starts_with('{') {
        return Err(fail(0, "expected the labels of an exemplar"));
    }
    let close = series_length(text).map_err(|(at, message)| fail(at, &message))?;
    let mut pairs = Vec::new();
    labels(&text[..close], position, &mut pairs)?;
    let mut words = text[close..].split_ascii_whitespace();
    let value = words.next().and_then(parse_value);
    let value = value.ok_or_else(|| fail(close, "expected the value of an exemplar"))?;
    let t_ms = match words.next() {
        None => None,
        Some(word) => Some(
            timestamp_ms(word, Format::OpenMetrics)
                .ok_or_else(|| fail(close, "expected the timestamp of an exemplar"))?,
        ),
    };
    if words.next().is_some() {
        return Err(fail(
            close,
            "expected the end of the line after an exemplar",
        ));
    }
    let chars = |text: &String| text.chars().count();
    let length: usize = pairs.iter().map(|(n, v)| chars(n) + chars(v)).sum();
    Ok((length <= EXEMPLAR_LABEL_CHARS_MAX).then_some(Exemplar {
        labels: pairs,
        value,
        t_ms,
    }))
}

/// Resolves the escapes of a help text.
#[must_use]
pub fn unescape_help(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.as_str().chars().next()) {
            ('\\', Some(next @ ('n' | '\\' | '"'))) => {
                plain.push(if next == 'n' { '\n' } else { next });
                chars.next();
            }
            (other, _) => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn samples(body: &str, format: Format) -> Result<Vec<Sample<'_>>, ExpositionError> {
        let all: Result<Vec<Entry<'_>>, _> = Lines::new(body, format).collect();
        let only = |entry| {
            if let Entry::Sample(sample) = entry {
                Some(sample)
            } else {
                None
            }
        };
        Ok(all?.into_iter().filter_map(only).collect())
    }

    #[test]
    fn the_text_format_gives_series_values_and_timestamps() {
        let body = "# HELP http_requests_total The \\n total\n# TYPE http_requests_total counter\n\
            http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n\n\
            something_weird{problem=\"division by } zero\"} +Inf -3982045\nplain 1.5e-3\n# a comment\nnan NaN";
        let found = samples(body, Format::Text).unwrap();
        assert_eq!(found.len(), 4);
        assert_eq!(
            (found[0].value, found[0].t_ms),
            (1027.0, Some(1_395_066_363_000))
        );
        assert_eq!(
            found[1].series,
            "something_weird{problem=\"division by } zero\"}"
        );
        assert_eq!(
            (found[1].value, found[1].t_ms),
            (f64::INFINITY, Some(-3_982_045))
        );
        assert_eq!((found[2].series, found[2].value), ("plain", 0.0015));
        assert!(found[3].value.is_nan());
        let entries: Vec<_> = Lines::new(body, Format::Text)
            .take(2)
            .map(Result::unwrap)
            .collect();
        assert_eq!(entries[1], Entry::Type("http_requests_total", "counter"));
        assert_eq!(
            entries[0],
            Entry::Help("http_requests_total", "The \\n total")
        );
    }

    #[test]
    fn openmetrics_gives_exemplars_and_seconds() {
        let body = "# TYPE foo_seconds histogram\n# UNIT foo_seconds seconds\nfoo_bucket{le=\"0.1\"} 8 1.5 # {trace_id=\"ab # c\"} 0.067 1520879607.789\nfoo_count 8\n# EOF\n";
        let found = samples(body, Format::OpenMetrics).unwrap();
        assert_eq!((found[0].value, found[0].t_ms), (8.0, Some(1500)));
        let exemplar = parse_exemplar(found[0].exemplar.unwrap(), 0)
            .unwrap()
            .unwrap();
        assert_eq!(
            exemplar.labels,
            [("trace_id".to_owned(), "ab # c".to_owned())]
        );
        assert_eq!(
            (exemplar.value, exemplar.t_ms),
            (0.067, Some(1_520_879_607_789))
        );
    }

    #[test]
    fn labels_are_unescaped() {
        let pairs = parse_series(r#"m{ a="x\"y\\z\n" , b = "é", }"#, 0).unwrap();
        let text: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(text, [("__name__", "m"), ("a", "x\"y\\z\n"), ("b", "é")]);
    }

    #[test]
    fn an_error_names_line_and_byte() {
        for (body, line, position) in [
            ("up 1\nup x\n", 2, 8),
            ("up 1\n9up 1", 2, 5),
            ("up{a=\"b\" 1", 1, 2),
            ("up 1 2 3", 1, 7),
            ("up 1 yesterday", 1, 5),
            ("up", 1, 2),
        ] {
            let error = samples(body, Format::Text).unwrap_err();
            assert_eq!(
                (error.line, error.position),
                (line, position),
                "{body}: {error}"
            );
        }
        assert_eq!(parse_series("up{a=b}", 10).unwrap_err().position, 14);
        assert!(
            samples("up 1\n", Format::OpenMetrics)
                .unwrap_err()
                .message
                .contains("EOF")
        );
    }

    #[test]
    fn what_prometheus_refuses_is_refused() {
        for (format, body, part) in [
            (Format::OpenMetrics, "up 1\n# EOF\nup 2\n", "after `# EOF`"),
            (Format::OpenMetrics, "up 1\n# EOF\n\n", "after `# EOF`"),
            (Format::OpenMetrics, "up 1\n\n# EOF\n", "empty line"),
            (Format::OpenMetrics, "# a comment\n# EOF\n", "no comments"),
            (
                Format::OpenMetrics,
                "# TYPE up untyped\n# EOF\n",
                "`untyped`",
            ),
            (
                Format::OpenMetrics,
                "# UNIT lat_ms seconds\n# EOF\n",
                "no suffix",
            ),
            (
                Format::OpenMetrics,
                "# UNIT seconds seconds\n# EOF\n",
                "no suffix",
            ),
            (Format::Text, "# TYPE up stateset\n", "`stateset`"),
            (Format::Text, "# TYPE\n", "a metric name"),
        ] {
            let error = samples(body, format).unwrap_err();
            assert!(error.message.contains(part), "{body}: {error}");
        }
        // in the text format the end is no more than a comment
        assert_eq!(
            samples("up 1\n# EOF\nup2 1\n", Format::Text).unwrap().len(),
            2
        );
        for series in [
            "up{a=\"1\",a=\"2\"}",
            "up{a.b=\"1\"}",
            "up{a=\"1\"",
            "{a=\"1\"}",
        ] {
            assert!(parse_series(series, 0).is_err(), "{series}");
        }
    }

    #[test]
    fn a_wrong_exemplar_is_an_error_and_a_long_one_is_left_out() {
        for text in [
            "0.5",
            "{a=\"b\"}",
            "{a=\"b\"} x",
            "{a=\"b\"} 1 soon",
            "{a=\"b\"} 1 2 3",
            "{a=b} 1",
        ] {
            assert!(parse_exemplar(text, 0).is_err(), "{text}");
        }
        let of = |length: usize| {
            let text = format!("{{a=\"{}\"}} 1", "é".repeat(length));
            parse_exemplar(&text, 0).unwrap()
        };
        assert!(of(127).is_some());
        assert_eq!(of(128), None);
    }

    #[test]
    fn a_help_text_is_unescaped_once() {
        assert_eq!(unescape_help(r#"a\\n b\n c\" e\x"#), "a\\n b\n c\" e\\x");
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(body in "[a{}=\"\\\\ #\\n1.e,é_-]{0,60}") {
            for format in [Format::Text, Format::OpenMetrics] {
                for entry in Lines::new(&body, format).flatten() {
                    if let Entry::Sample(sample) = entry {
                        let _ = parse_series(sample.series, sample.position);
                        let _ = sample.exemplar.map(|text| parse_exemplar(text, 0));
                    }
                }
            }
        }
    }
}
