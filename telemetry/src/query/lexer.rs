//! Text to tokens with byte offsets, for LogQL and TraceQL. The dialect decides what a name may hold;
//! neither grammar is known here.

use super::quantity::{parse_bytes, parse_duration_ns};
use crate::error::QueryError;

/// Bytes of the longest query text; a longer one is refused. Loki's default limit is 5,120.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;

/// Which characters make a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Names are labels: letters, digits, `_`.
    LogQl,
    /// Names are attributes: also `.`, `-`, `:`, `/`, quoted parts, and a leading dot.
    TraceQl,
}

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name or keyword.
    Name(String),
    /// A string literal, without quotes, escapes resolved.
    Text(String),
    /// A plain number.
    Number(f64),
    /// A duration, nanoseconds.
    DurationNs(i64),
    /// A size, bytes.
    Bytes(f64),
    /// An operator or bracket.
    Op(&'static str),
}

/// A token and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned {
    /// The token.
    pub token: Token,
    /// Byte offset of its first byte.
    pub start: usize,
    /// Byte offset after its last byte.
    pub end: usize,
}

/// All operators of both languages, longer ones before their prefixes.
const OPERATORS: &[&str] = &[
    "!>>", "!<<", "&>>", "&<<", "|=", "|~", "|>", "||", "&&", "&>", "&<", "&~", "!=", "!~", "!>",
    "!<", "=~", "==", ">=", ">>", "<=", "<<", "=", ">", "<", "~", "|", "!", "{", "}", "(", ")",
    "[", "]", ",", "+", "-", "*", "/", "%", "^", "@",
];

/// Splits `text` into tokens. `#` begins a comment that ends with its line.
///
/// # Errors
/// [`QueryError::Syntax`] at the first byte that begins no token, and for a string that is not
/// closed; [`QueryError::Limit`] when the text is too long.
pub fn lex(text: &str, dialect: Dialect) -> Result<Vec<Spanned>, QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(QueryError::Limit(format!(
            "the query has {} bytes, the limit is {QUERY_BYTES_MAX}: make it shorter",
            text.len()
        )));
    }
    let mut lexer = Lexer {
        text,
        at: 0,
        dialect,
    };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank();
        let start = lexer.at;
        let Some(token) = lexer.token()? else {
            return Ok(tokens);
        };
        let end = lexer.at;
        tokens.push(Spanned { token, start, end });
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    dialect: Dialect,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Consumes and returns the longest prefix of characters that fit.
    fn take(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn skip_blank(&mut self) {
        loop {
            self.take(char::is_whitespace);
            if !self.rest().starts_with('#') {
                return;
            }
            self.take(|c| c != '\n');
        }
    }

    fn token(&mut self) -> Result<Option<Token>, QueryError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        let digit = |c: char| c.is_ascii_digit();
        if first == '"' || first == '`' {
            return self.string(first).map(|text| Some(Token::Text(text)));
        }
        if digit(first) || (first == '.' && rest[1..].starts_with(digit)) {
            return self.quantity().map(Some);
        }
        let dotted = first == '.' && self.dialect == Dialect::TraceQl;
        if first.is_ascii_alphabetic() || first == '_' || dotted {
            return self.name().map(|name| Some(Token::Name(name)));
        }
        for operator in OPERATORS.iter().copied() {
            if rest.starts_with(operator) {
                self.at += operator.len();
                return Ok(Some(Token::Op(operator)));
            }
        }
        Err(QueryError::Syntax {
            position: self.at,
            found: format!("{first:?}"),
            expected: "a name, a string, a number or an operator".into(),
        })
    }

    fn name(&mut self) -> Result<String, QueryError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if self.dialect == Dialect::LogQl {
            return Ok(self.take(plain).to_owned());
        }
        let part = |c: char| plain(c) || matches!(c, '.' | '-' | ':' | '/');
        let mut name = self.take(part).to_owned();
        // quoted parts hold what a bare name cannot: span."user name"
        while name.ends_with('.') && self.rest().starts_with('"') {
            name.push_str(&self.string('"')?);
            name.push_str(self.take(part));
        }
        Ok(name)
    }

    /// `12`, `1.5`, `1e-3`, `1h30m`, `10KB`.
    fn quantity(&mut self) -> Result<Token, QueryError> {
        let start = self.at;
        let wordy = |c: char| c.is_alphanumeric() || c == '.' || c == '_';
        self.take(wordy);
        let so_far = &self.text[start..self.at];
        let mantissa = so_far.strip_suffix(['e', 'E']);
        if mantissa.is_some_and(|text| text.parse::<f64>().is_ok())
            && self.rest().starts_with(['+', '-'])
        {
            self.at += 1;
            self.take(wordy);
        }
        let written = &self.text[start..self.at];
        if let Ok(number) = written.parse() {
            return Ok(Token::Number(number));
        }
        if let Some(duration_ns) = parse_duration_ns(written) {
            return Ok(Token::DurationNs(duration_ns));
        }
        parse_bytes(written)
            .map(Token::Bytes)
            .ok_or_else(|| QueryError::Syntax {
                position: start,
                found: format!("`{written}`"),
                expected: "a number, a duration such as 1.5s or a size such as 10KB".into(),
            })
    }

    /// `"…"` with Go's escapes, or `` `…` `` without any.
    fn string(&mut self, quote: char) -> Result<String, QueryError> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices();
        chars.next();
        while let Some((offset, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at = start + offset + 1;
                    return Ok(text);
                }
                '\\' if quote == '"' => text.push(escape(&mut chars, start + offset)?),
                c => text.push(c),
            }
        }
        Err(QueryError::Syntax {
            position: start,
            found: "a string that is not closed".into(),
            expected: format!("{quote} at its end"),
        })
    }
}

/// The character that an escape stands for; the backslash at `position` is already consumed.
fn escape(chars: &mut std::str::CharIndices<'_>, position: usize) -> Result<char, QueryError> {
    let c = match chars.next().map(|(_, c)| c) {
        Some('n') => Some('\n'),
        Some('t') => Some('\t'),
        Some('r') => Some('\r'),
        Some('b') => Some('\u{8}'),
        Some('f') => Some('\u{c}'),
        Some('v') => Some('\u{b}'),
        Some('a') => Some('\u{7}'),
        Some(c @ ('\\' | '"' | '\'' | '`')) => Some(c),
        Some('x') => hex_escape(chars, 2),
        Some('u') => hex_escape(chars, 4),
        Some('U') => hex_escape(chars, 8),
        _ => None,
    };
    c.ok_or_else(|| QueryError::Syntax {
        position,
        found: "an unknown escape".into(),
        expected: r#"one of \n \t \r \\ \" \xHH \uHHHH; in `backquotes` nothing is escaped"#.into(),
    })
}

fn hex_escape(chars: &mut std::str::CharIndices<'_>, digits: usize) -> Option<char> {
    let mut code: u32 = 0;
    for _ in 0..digits {
        code = code.checked_mul(16)? + chars.next()?.1.to_digit(16)?;
    }
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str, dialect: Dialect) -> Vec<Token> {
        let spanned = lex(text, dialect).unwrap();
        spanned.into_iter().map(|spanned| spanned.token).collect()
    }

    #[test]
    fn longer_operators_win_and_comments_vanish() {
        assert_eq!(
            tokens("|= |~ | != # all\n>=", Dialect::LogQl),
            ["|=", "|~", "|", "!=", ">="].map(Token::Op)
        );
    }

    #[test]
    fn quantities_are_numbers_durations_or_sizes() {
        assert_eq!(
            tokens("1.5 .5 1e-3 1e3 1h30m 10KB", Dialect::LogQl),
            [
                Token::Number(1.5),
                Token::Number(0.5),
                Token::Number(0.001),
                Token::Number(1000.0),
                Token::DurationNs(5_400_000_000_000),
                Token::Bytes(10_000.0),
            ]
        );
        assert_eq!(
            lex("a > 5xx", Dialect::LogQl).unwrap_err().position(),
            Some(4)
        );
    }

    #[test]
    fn strings_resolve_escapes_unless_backquoted() {
        assert_eq!(
            tokens(r#""a\"\né\x41" `\d+`"#, Dialect::LogQl),
            [
                Token::Text("a\"\né\u{41}".into()),
                Token::Text(r"\d+".into())
            ]
        );
        for bad in [
            r#""open"#,
            r#""\q""#,
            r#""\u12""#,
            r#""\UFFFFFFFF""#,
            "\"\\",
        ] {
            assert!(lex(bad, Dialect::LogQl).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_of_traces_hold_dots_and_quoted_parts() {
        assert_eq!(
            tokens(r#"span.http.status-code .a span."b c".d"#, Dialect::TraceQl),
            ["span.http.status-code", ".a", "span.b c.d"].map(|name| Token::Name(name.into()))
        );
        assert!(lex("a.b", Dialect::LogQl).is_err());
    }
}
