//! What is changed in a query's text before it is parsed, and the way back from a place in the result to the original:
//! Grafana's variables, and what Prometheus reads in another way than the parser. Knows no tree.

use std::time::Duration;

use super::go_regex;
use super::source::Variables;
use super::token::{Kind, Token, scan};
use crate::error::QueryError;

/// A text made from another one by replacing parts of it.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    pub text: String,
    /// For each replacement, in order: offset in the text after it, and how many bytes the text is longer by then.
    shifts: Vec<(usize, isize)>,
}

impl Rewritten {
    fn replace(&mut self, old: &str, new: &str) {
        self.text.push_str(new);
        let longer = self.shifts.last().map_or(0, |(_, longer)| *longer);
        let longer = longer + new.len() as isize - old.len() as isize;
        self.shifts.push((self.text.len(), longer));
    }

    /// The offset in the original of an offset in the text.
    pub fn original(&self, position: usize) -> usize {
        let longer = self
            .shifts
            .iter()
            .rev()
            .find(|(from, _)| position >= *from)
            .map_or(0, |(_, longer)| *longer);
        position.saturating_add_signed(-longer)
    }
}

/// Fills in the variables.
pub(super) fn variables(query: &str, variables: &Variables) -> Rewritten {
    let mut filled = Rewritten::default();
    let rate = (variables.step + variables.scrape_interval).max(variables.scrape_interval * 4);
    let millis = |d: Duration| format!("{}ms", d.as_millis().max(1));
    let values = [
        ("__rate_interval", millis(rate)),
        (
            "__interval_ms",
            variables.step.as_millis().max(1).to_string(),
        ),
        ("__interval", millis(variables.step)),
        ("__range_ms", variables.range.as_millis().max(1).to_string()),
        ("__range_s", variables.range.as_secs().max(1).to_string()),
        ("__range", millis(variables.range)),
    ];
    let mut rest = query;
    'scan: while let Some(at) = rest.find('$') {
        filled.text.push_str(&rest[..at]);
        rest = &rest[at..];
        for (name, value) in &values {
            let found = [format!("${{{name}}}"), format!("${name}")]
                .into_iter()
                .find(|form| rest.starts_with(form.as_str()));
            if let Some(form) = found {
                filled.replace(&form, value);
                rest = &rest[form.len()..];
                continue 'scan;
            }
        }
        filled.text.push('$');
        rest = &rest[1..];
    }
    filled.text.push_str(rest);
    filled
}

/// Puts strings, regular expressions and names into the forms that the parser reads: raw strings and escapes resolved as
/// Go resolves them, regular expressions checked and translated, numbers, `holt_winters` under its present name.
///
/// # Errors
/// [`QueryError::Invalid`] at the string whose escapes or expression are wrong.
pub(super) fn literals(query: &str) -> Result<Rewritten, QueryError> {
    let tokens = scan(query);
    let mut rewritten = Rewritten::default();
    let mut copied = 0;
    for (index, token) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).map(|i| tokens[i].text);
        let after = tokens.get(index + 1).map(|t| t.text);
        let new = match token.kind {
            Kind::Text => literal(token, matches!(before, Some("=~" | "!~")))?,
            Kind::Number => decimal(token.text),
            // Prometheus 2's name of the function
            Kind::Identifier if token.text == "holt_winters" && after == Some("(") => {
                Some("double_exponential_smoothing".to_owned())
            }
            _ => None,
        };
        if let Some(new) = new {
            rewritten.text.push_str(&query[copied..token.at]);
            rewritten.replace(token.text, &new);
            copied = token.at + token.text.len();
        }
    }
    rewritten.text.push_str(&query[copied..]);
    Ok(rewritten)
}

/// A number with an exponent is none in octal, whatever its first digit: the point keeps the parser from reading it so.
fn decimal(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let octal = mantissa.starts_with('0') && mantissa.bytes().all(|b| b.is_ascii_digit());
    octal.then(|| format!("{mantissa}.0e{exponent}"))
}

/// What a string must become, if it must; a string without end is left for the check of brackets.
fn literal(token: &Token<'_>, regex: bool) -> Result<Option<String>, QueryError> {
    let invalid = |message: String| QueryError::Invalid {
        position: token.at,
        message,
    };
    let quote = &token.text[..1];
    if token.text.len() < 2 || !token.text.ends_with(quote) {
        return Ok(None);
    }
    let inner = &token.text[1..token.text.len() - 1];
    let mut value = if quote == "`" {
        inner.to_owned()
    } else {
        unescape(inner, quote).map_err(|message| invalid(message.to_owned()))?
    };
    if regex {
        value = go_regex::checked(&value)
            .map_err(|error| invalid(format!("regular expression {value:?}: {error}")))?;
    }
    if value == inner && quote != "`" {
        return Ok(None);
    }
    let escaped = value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    Ok(Some(format!("\"{escaped}\"")))
}

/// Resolves Go's escapes; `\x` and octal ones are bytes, which together may be characters.
fn unescape(inner: &str, quote: &str) -> Result<String, &'static str> {
    if inner.contains('\n') {
        return Err("unterminated quoted string");
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(inner.len()), inner);
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let first = after
            .chars()
            .next()
            .ok_or("escape sequence not terminated")?;
        let simple = match first {
            'a' => 7,
            'b' => 8,
            't' => b'\t',
            'n' => b'\n',
            'v' => 11,
            'f' => 12,
            'r' => b'\r',
            '\\' => b'\\',
            c if quote.starts_with(c) => c as u8,
            _ => 0,
        };
        if simple > 0 {
            bytes.push(simple);
            rest = &after[1..];
            continue;
        }
        let (skip, digits, radix) = match first {
            'x' => (1, 2, 16),
            'u' => (1, 4, 16),
            'U' => (1, 8, 16),
            '0'..='7' => (0, 3, 8),
            _ => return Err("unknown escape sequence"),
        };
        let number = after
            .get(skip..skip + digits)
            .filter(|text| text.chars().all(|c| c.is_digit(radix)))
            .and_then(|text| u32::from_str_radix(text, radix).ok())
            .ok_or("illegal character in escape sequence")?;
        let outside = "escape sequence is an invalid Unicode code point";
        if matches!(first, 'u' | 'U') {
            let c = char::from_u32(number).ok_or(outside)?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            bytes.push(u8::try_from(number).map_err(|_| outside)?);
        }
        rest = &after[skip + digits..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_rewritten_only_where_the_parser_reads_them_otherwise() {
        for (query, text) in [
            ("up{a=\"b\"}", "up{a=\"b\"}"),
            ("up{a='b'}", "up{a='b'}"),
            ("up{a=`b\\s\"`}", "up{a=\"b\\\\s\\\"\"}"),
            ("up{a=\"\\xc3\\xa9\"}", "up{a=\"é\"}"),
            ("up{a=\"\\141\\u00e9\\U0001F980\"}", "up{a=\"aé🦀\"}"),
            ("up{a=~\"\\\\d\"}", "up{a=~\"[0-9]\"}"),
            ("up{a!~`x{`}", "up{a!~\"x\\\\{\"}"),
            ("\"\\xff\"", "\"\u{fffd}\""),
            ("'\\''", "\"'\""),
            (
                "holt_winters(up[1m], 1, 1)",
                "double_exponential_smoothing(up[1m], 1, 1)",
            ),
            ("holt_winters", "holt_winters"),
            (
                "01e-2 + 0E5 + 0x1e5 + 10e1",
                "01.0e-2 + 0.0e5 + 0x1e5 + 10e1",
            ),
            ("\"open", "\"open"),
        ] {
            assert_eq!(literals(query).unwrap().text, text, "{query}");
        }
    }

    #[test]
    fn a_bad_escape_or_expression_is_placed() {
        for (query, position) in [
            ("up{a=\"\\q\"}", 5),
            ("up{a=\"\\'\"}", 5),
            ("up{a=\"\\400\"}", 5),
            ("up{a=\"\\ud800\"}", 5),
            ("up{a=\"\\x4\"}", 5),
            ("up{a=\"\\é\"}", 5),
            ("up{a=\"x\ny\"}", 5),
            ("up{b=\"é\", a=~\"(\"}", 14),
        ] {
            let error = literals(query).unwrap_err();
            assert_eq!(error.position(), Some(position), "{query}: {error}");
        }
    }

    #[test]
    fn a_place_after_replacements_leads_back() {
        let rewritten = literals("a{x=`\\`} + b{y='\\n'} c").unwrap();
        let at = rewritten.text.rfind('c').unwrap();
        assert_eq!(rewritten.original(at), 21);
        assert_eq!(rewritten.original(0), 0);
    }
}
