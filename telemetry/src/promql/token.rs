//! A light scan of PromQL text into tokens with byte offsets. The grammar is promql-parser's; this scan serves what
//! that parser does not offer: limits before parsing, and the place of an error.

/// What a token is, as far as placing an error needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Identifier,
    Number,
    Text,
    Operator,
    Open,
    Close,
    Comma,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub at: usize,
}

/// Splits a query into tokens; never fails: an unterminated string runs to the end.
pub(super) fn scan(query: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    // within brackets a colon parts range and step, elsewhere it belongs to a name
    let mut ranged = false;
    while let Some(first) = query[at..].chars().next() {
        let rest = &query[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        if first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (kind, length) = match first {
            '"' | '\'' | '`' => (Kind::Text, text_length(rest, first)),
            ':' if ranged => (Kind::Operator, 1),
            'a'..='z' | 'A'..='Z' | '_' | ':' => (
                Kind::Identifier,
                run(rest, |c| c.is_ascii_alphanumeric() || c == '_' || c == ':'),
            ),
            '0'..='9' | '.' => (Kind::Number, number_length(rest)),
            '(' | '[' | '{' => (Kind::Open, 1),
            ')' | ']' | '}' => (Kind::Close, 1),
            ',' => (Kind::Comma, 1),
            '+' | '-' | '*' | '/' | '%' | '^' | '=' | '!' | '<' | '>' | '~' | '@' => {
                (Kind::Operator, operator_length(rest))
            }
            other => (Kind::Unknown, other.len_utf8()),
        };
        ranged = first == '[' || (ranged && first != ']');
        tokens.push(Token {
            kind,
            text: &rest[..length],
            at,
        });
        at += length;
    }
    tokens
}

fn run(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|c| !accept(c)).unwrap_or(text.len())
}

fn number_length(text: &str) -> usize {
    let length = run(text, |c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
    let exponent =
        text[..length].ends_with(['e', 'E']) && !text.starts_with("0x") && !text.starts_with("0X");
    if exponent && text[length..].starts_with(['+', '-']) {
        return length + 1 + run(&text[length + 1..], |c| c.is_ascii_digit());
    }
    length
}

fn text_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn operator_length(text: &str) -> usize {
    let two = ["==", "!=", ">=", "<=", "=~", "!~"];
    if two.iter().any(|op| text.starts_with(op)) {
        2
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_parts_within_brackets_only() {
        let texts = |query| scan(query).iter().map(|t| t.text).collect::<Vec<_>>();
        assert_eq!(
            texts("a:b[5m:1e9] :c"),
            ["a:b", "[", "5m", ":", "1e9", "]", ":c"]
        );
    }

    #[test]
    fn tokens_carry_their_byte_offsets() {
        let tokens = scan("sum(a{x=\"é)\"}[5m]) > 1e-3 # end");
        let found: Vec<(&str, usize)> = tokens.iter().map(|t| (t.text, t.at)).collect();
        assert_eq!(
            found,
            [
                ("sum", 0),
                ("(", 3),
                ("a", 4),
                ("{", 5),
                ("x", 6),
                ("=", 7),
                ("\"é)\"", 8),
                ("}", 13),
                ("[", 14),
                ("5m", 15),
                ("]", 17),
                (")", 18),
                (">", 20),
                ("1e-3", 22)
            ]
        );
    }
}
