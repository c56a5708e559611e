//! From a query's text to a syntax tree: variables filled in, limits kept, errors placed. Knows no data.

use std::collections::HashSet;
use std::time::Duration;

use promql_parser::parser::{self, Expr};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::rewrite;
use super::token::{Kind, Token, scan};
use crate::error::QueryError;

/// Bytes of the longest query; a longer one is refused. Dashboards' longest are a few kilobytes.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;
/// Tokens of the largest query; a larger one is refused, so that chains of operators cannot exhaust the stack.
pub const TOKENS_MAX: usize = 2_000;
/// Depth of the deepest expression that is evaluated; a deeper one is refused.
pub const DEPTH_MAX: usize = 128;
/// Seconds of the longest range or offset: a hundred years.
const DURATION_SECONDS_MAX: f64 = 3_200_000_000.0;

/// Seconds since 1970 of the latest time: beyond it, milliseconds fit no signed 64 bits.
const TIMESTAMP_SECONDS_MAX: f64 = i64::MAX as f64 / 1000.0;

/// What `$__interval` and its kin stand for.
#[derive(Debug, Clone, Copy)]
pub struct Variables {
    /// `$__interval`: the step of the query.
    pub step: Duration,
    /// `$__range`: from start to end of the query.
    pub range: Duration,
    /// The interval at which targets are scraped, of which `$__rate_interval` is at least four.
    pub scrape_interval: Duration,
}

/// Parses a query.
///
/// # Errors
/// [`QueryError::Syntax`], [`QueryError::Invalid`] or [`QueryError::Unsupported`] with the byte offset in `query`, [`QueryError::Limit`].
pub fn parse(query: &str, variables: &Variables) -> Result<Expr, QueryError> {
    check_length(query)?;
    let filled = rewrite::variables(query, variables);
    parse_filled(&filled.text).map_err(|error| moved(error, |position| filled.original(position)))
}

/// An error about another place.
fn moved(mut error: QueryError, to: impl Fn(usize) -> usize) -> QueryError {
    if let QueryError::Syntax { position, .. }
    | QueryError::Unsupported { position, .. }
    | QueryError::Invalid { position, .. } = &mut error
    {
        *position = to(*position);
    }
    error
}

/// Parses a query that no dashboard sends: of a rule, of a test. Variables mean nothing in it.
///
/// # Errors
/// As [`parse`].
pub fn parse_plain(query: &str) -> Result<Expr, QueryError> {
    check_length(query)?;
    if let Some(position) = query.find("$__") {
        return Err(QueryError::Invalid {
            position,
            message: "variables of dashboards mean nothing here".into(),
        });
    }
    parse_filled(query)
}

fn parse_filled(query: &str) -> Result<Expr, QueryError> {
    let plain = rewrite::literals(query)?;
    parse_text(&plain.text).map_err(|error| moved(error, |position| plain.original(position)))
}

fn check_length(query: &str) -> Result<(), QueryError> {
    if query.len() <= QUERY_BYTES_MAX {
        return Ok(());
    }
    Err(QueryError::Limit(format!(
        "the query has {} bytes, the limit is {QUERY_BYTES_MAX}: split it or use a recording rule",
        query.len()
    )))
}

fn parse_text(text: &str) -> Result<Expr, QueryError> {
    let tokens = scan(text);
    if tokens.is_empty() {
        return Err(syntax(text.len(), "nothing", "an expression"));
    }
    if tokens.len() > TOKENS_MAX {
        return Err(QueryError::Limit(format!(
            "the query has {} tokens, the limit is {TOKENS_MAX}",
            tokens.len()
        )));
    }
    check_brackets(text, &tokens)?;
    check_durations(&tokens)?;
    let tree = parser::parse(text).map_err(|message| place(text, &tokens, &message))?;
    check_signs(text, &tokens)?;
    check_tree(&tree, &tokens)?;
    Ok(tree)
}

fn syntax(position: usize, found: &str, expected: &str) -> QueryError {
    QueryError::Syntax {
        position,
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}

fn check_brackets(text: &str, tokens: &[Token<'_>]) -> Result<(), QueryError> {
    let mut open: Vec<Token<'_>> = Vec::new();
    for token in tokens {
        if token.kind == Kind::Open {
            open.push(*token);
            if open.len() > DEPTH_MAX {
                return Err(too_deep());
            }
        } else if token.kind == Kind::Close {
            let fits = open.pop().is_some_and(|o| {
                matches!((o.text, token.text), ("(", ")") | ("[", "]") | ("{", "}"))
            });
            if !fits {
                return Err(syntax(
                    token.at,
                    &format!("`{}`", token.text),
                    "its opening bracket before it",
                ));
            }
        } else if token.kind == Kind::Text
            && (token.text.len() < 2 || !token.text.ends_with(&token.text[..1]))
        {
            return Err(syntax(
                token.at,
                "a string without end",
                &format!("a closing {}", &token.text[..1]),
            ));
        }
    }
    match open.pop() {
        Some(bracket) => Err(syntax(
            text.len(),
            "the end",
            &format!(
                "the bracket that closes `{}` at byte {}",
                bracket.text, bracket.at
            ),
        )),
        None => Ok(()),
    }
}

/// The parser drops a `+` before an operand without a look at its type. `-` has the same place in the grammar and is looked
/// at: what is refused with it is refused.
fn check_signs(text: &str, tokens: &[Token<'_>]) -> Result<(), QueryError> {
    let mut signed = text.to_owned();
    for token in tokens.iter().filter(|t| t.text == "+") {
        signed.replace_range(token.at..=token.at, "-");
    }
    if signed == text {
        return Ok(());
    }
    parser::parse(&signed)
        .map(drop)
        .map_err(|message| place(text, tokens, &message))
}

/// Refuses durations that the parser would not survive (numbers that fit no `Duration`) or would read as zero.
fn check_durations(tokens: &[Token<'_>]) -> Result<(), QueryError> {
    for (index, token) in tokens
        .iter()
        .enumerate()
        .filter(|(_, t)| t.kind == Kind::Number || unbounded(t.text).is_some())
    {
        let before = |back: usize| index.checked_sub(back).map(|i| &tokens[i]);
        let after_sign = before(1).is_some_and(|t| matches!(t.text, "+" | "-"));
        let back = if after_sign { 2 } else { 1 };
        let opener = before(back);
        let pinned = opener.is_some_and(|t| t.text == "@");
        let ranged = opener.is_some_and(|t| matches!(t.text, "[" | ":"));
        // without an operand before it, `offset` is a metric's name
        let modified = before(back + 1)
            .is_some_and(|t| !matches!(t.kind, Kind::Operator | Kind::Open | Kind::Comma));
        let shifted = modified && opener.is_some_and(|t| t.text.eq_ignore_ascii_case("offset"));
        let plain = unbounded(token.text).or_else(|| number(token.text));
        let seconds = plain.or_else(|| duration_seconds(token.text));
        let Some(seconds) = seconds else {
            return Err(syntax(
                token.at,
                &format!("`{}`", token.text),
                "a number or a duration such as 5m or 1h30m",
            ));
        };
        if pinned && seconds >= TIMESTAMP_SECONDS_MAX {
            return Err(QueryError::Invalid {
                position: token.at,
                message: format!("timestamp out of bounds for @ modifier: {}", token.text),
            });
        }
        let in_duration = ranged || shifted || plain.is_none();
        if in_duration && !(0.0..=DURATION_SECONDS_MAX).contains(&seconds) {
            return Err(QueryError::Invalid {
                position: token.at,
                message: format!("the duration {} is out of range", token.text),
            });
        }
        if ranged && (seconds < 0.001 || after_sign) {
            return Err(QueryError::Invalid {
                position: token.at,
                message: "duration must be greater than 0".into(),
            });
        }
    }
    Ok(())
}

/// The numbers that are words.
fn unbounded(text: &str) -> Option<f64> {
    if text.eq_ignore_ascii_case("inf") {
        Some(f64::INFINITY)
    } else {
        text.eq_ignore_ascii_case("nan").then_some(f64::NAN)
    }
}

/// A decimal, octal (`017`) or hexadecimal (`0x1f`) number; the parser's own reader does not survive other texts.
fn number(text: &str) -> Option<f64> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return i64::from_str_radix(digits, 16)
            .ok()
            .filter(|_| !digits.starts_with(['+', '-']))
            .map(|n| n as f64);
    }
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if plain && text.contains(|c: char| c.is_ascii_digit()) {
        // what is too large for a number is no number, as in Go
        text.parse().ok().filter(|n: &f64| n.is_finite())
    } else {
        None
    }
}

/// Seconds of a duration: numbers with a unit each, largest first, such as `1h30m`.
pub(super) fn duration_seconds(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 7] = [
        ("y", 31_536_000.0),
        ("w", 604_800.0),
        ("d", 86_400.0),
        ("h", 3_600.0),
        ("m", 60.0),
        ("s", 1.0),
        ("ms", 0.001),
    ];
    let (mut rest, mut seconds, mut from) = (text, 0.0, 0);
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .filter(|at| *at > 0)?;
        let letters = rest[digits..]
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len() - digits);
        let unit = &rest[digits..digits + letters];
        let at = from + UNITS[from..].iter().position(|(name, _)| *name == unit)?;
        seconds += rest[..digits].parse::<u32>().ok().map(f64::from)? * UNITS[at].1;
        (rest, from) = (&rest[digits + letters..], at + 1);
    }
    Some(seconds)
}

struct Depth {
    now: usize,
    deepest: usize,
    or_matchers: bool,
    fill: bool,
    names: HashSet<&'static str>,
    /// A function that is given another type than it takes; the parser lets some by.
    mistyped: Option<&'static str>,
}

impl ExprVisitor for Depth {
    type Error = QueryError;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, QueryError> {
        self.now += 1;
        self.deepest = self.deepest.max(self.now);
        match expr {
            Expr::VectorSelector(selector) => {
                self.or_matchers |= !selector.matchers.or_matchers.is_empty()
            }
            Expr::MatrixSelector(selector) => {
                self.or_matchers |= !selector.vs.matchers.or_matchers.is_empty()
            }
            Expr::Binary(binary) => {
                let fill = binary.modifier.as_ref().map(|m| &m.fill_values);
                self.fill |= fill.is_some_and(|f| f.lhs.is_some() || f.rhs.is_some());
            }
            Expr::Call(call) => {
                self.names.insert(call.func.name);
                let types = &call.func.arg_types;
                let fits = |(at, arg): (usize, &Expr)| {
                    let expected = types.get(at).or(types.last());
                    expected.is_none_or(|expected| *expected == arg.value_type())
                };
                let mut given = call.args.args.iter().map(AsRef::as_ref).enumerate();
                if !given.all(fits) {
                    self.mistyped = Some(call.func.name);
                }
            }
            _ => {}
        }
        if self.now > DEPTH_MAX {
            Err(too_deep())
        } else {
            Ok(true)
        }
    }

    fn post_visit(&mut self, _expr: &Expr) -> Result<bool, QueryError> {
        self.now -= 1;
        Ok(true)
    }
}

fn too_deep() -> QueryError {
    QueryError::Limit(format!(
        "the query is nested deeper than {DEPTH_MAX} levels"
    ))
}

fn check_tree(tree: &Expr, tokens: &[Token<'_>]) -> Result<(), QueryError> {
    let mut seen = Depth {
        now: 0,
        deepest: 0,
        or_matchers: false,
        fill: false,
        names: HashSet::new(),
        mistyped: None,
    };
    walk_expr(&mut seen, tree)?;
    let at = |text: &str| {
        tokens
            .iter()
            .find(|t| t.text.eq_ignore_ascii_case(text))
            .map_or(0, |t| t.at)
    };
    if let Some(name) = seen.mistyped {
        return Err(QueryError::Invalid {
            position: at(name),
            message: format!("the function {name}() is given an argument of another type"),
        });
    }
    let unsupported = |position, what: String| Err(QueryError::Unsupported { position, what });
    if seen.or_matchers {
        return unsupported(
            at("or"),
            "`or` between label matchers: use =~ with |".into(),
        );
    }
    if seen.fill {
        let fill = tokens
            .iter()
            .find(|t| t.text.to_ascii_lowercase().starts_with("fill"))
            .map_or(0, |t| t.at);
        return unsupported(
            fill,
            "fill modifiers of binary operators: use `or` with a default".into(),
        );
    }
    for name in ["limitk", "limit_ratio"] {
        if tokens
            .windows(2)
            .any(|w| w[0].text.eq_ignore_ascii_case(name) && w[1].text == "(")
        {
            return unsupported(
                at(name),
                format!("the aggregation {name}: use topk or bottomk"),
            );
        }
    }
    match seen
        .names
        .into_iter()
        .find(|name| super::functions::find(name).is_none())
    {
        Some(name) => unsupported(at(name), format!("the function {name}()")),
        None => Ok(()),
    }
}

/// The parser's messages carry no place: finds it by what the message quotes, else by the first pair of tokens that cannot stand together.
fn place(text: &str, tokens: &[Token<'_>], message: &str) -> QueryError {
    if let Some(position) =
        quoted(message).and_then(|name| tokens.iter().find(|t| t.text == name).map(|t| t.at))
    {
        return QueryError::Invalid {
            position,
            message: message.to_owned(),
        };
    }
    let mut previous: Option<&Token<'_>> = None;
    let mut braces = 0_usize;
    for token in tokens {
        braces = if token.text == "{" {
            braces + 1
        } else if token.text == "}" {
            braces.saturating_sub(1)
        } else {
            braces
        };
        let unknown = token.kind == Kind::Unknown;
        let operand = |t: &Token<'_>| {
            matches!(t.kind, Kind::Number | Kind::Text)
                || (t.kind == Kind::Identifier && !is_word_operator(t.text))
        };
        let after_operand = previous.is_some_and(|p| operand(p) || p.kind == Kind::Close);
        let two_operands = braces == 0
            && after_operand
            && operand(token)
            && !previous.is_some_and(|p| is_clause(tokens, p));
        let sign = matches!(token.text, "+" | "-");
        let binary = (token.kind == Kind::Operator && !sign) || token.kind == Kind::Comma;
        let no_left = braces == 0 && binary && !after_operand;
        let empty_close = token.text == ")" && previous.is_some_and(|p| p.kind == Kind::Operator);
        if unknown || two_operands || no_left || empty_close {
            let expected = if two_operands {
                "an operator"
            } else {
                "an expression"
            };
            return syntax(token.at, &format!("`{}`", token.text), expected);
        }
        previous = Some(token);
    }
    match tokens.last() {
        Some(last) if last.kind == Kind::Operator || is_word_operator(last.text) => {
            syntax(text.len(), "the end", "an expression")
        }
        _ => QueryError::Invalid {
            position: 0,
            message: message.to_owned(),
        },
    }
}

fn quoted(message: &str) -> Option<&str> {
    let start = message.find('\'')? + 1;
    Some(&message[start..start + message[start..].find('\'')?])
}

fn is_word_operator(word: &str) -> bool {
    const WORDS: [&str; 14] = [
        "and",
        "or",
        "unless",
        "atan2",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "offset",
        "bool",
        "start",
        "end",
    ];
    WORDS.iter().any(|w| word.eq_ignore_ascii_case(w))
}

/// Whether the bracket closes a `by (…)`-like clause, after which an operand may follow.
fn is_clause(tokens: &[Token<'_>], close: &Token<'_>) -> bool {
    let end = tokens.iter().position(|t| t.at == close.at).unwrap_or(0);
    let open = tokens[..end].iter().rposition(|t| t.text == "(");
    open.and_then(|o| o.checked_sub(1))
        .is_some_and(|o| is_word_operator(tokens[o].text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VARIABLES: Variables = Variables {
        step: Duration::from_secs(15),
        range: Duration::from_secs(3600),
        scrape_interval: Duration::from_secs(5),
    };

    fn error_at(query: &str) -> (Option<usize>, String) {
        let error = parse(query, &VARIABLES).expect_err(query);
        (error.position(), error.to_string())
    }

    #[test]
    fn an_error_names_its_place() {
        for (query, position) in [
            ("sum(up", 6),
            ("sum(up))", 7),
            ("up up", 3),
            ("up + * up", 5),
            ("up +", 4),
            ("rate(up)", 0),
            ("foo(up)", 0),
            ("1 + foo(up)", 4),
            ("up{a=\"b}", 5),
            ("up ; down", 3),
            ("up[0s]", 3),
            ("rate(up[5x])", 8),
            ("up offset 1e300", 10),
            ("up offset -Inf", 11),
            ("up[inf]", 3),
            ("up[5m:NaN]", 6),
            ("up[5m:1e300]", 6),
            ("up[5m:-1m]", 7),
            ("up @ 9e99", 5),
            ("up @ Inf", 5),
            ("1 + log2(Inf)", 4),
            ("up{a=\"1\" or b=\"2\"}", 9),
            ("", 0),
        ] {
            let (found, message) = error_at(query);
            assert_eq!(found, Some(position), "{query}: {message}");
        }
    }

    #[test]
    fn an_unsupported_function_is_named() {
        let (position, message) = error_at("up + info(up)");
        assert_eq!(
            (position, message.as_str()),
            (Some(5), "not supported at byte 5: the function info()")
        );
    }

    #[test]
    fn variables_are_filled_in_and_places_refer_to_the_original() {
        let tree = parse(
            "rate(a[$__rate_interval]) + rate(a[${__interval}]) + rate(a[$__range])",
            &VARIABLES,
        )
        .unwrap();
        assert_eq!(
            tree.to_string(),
            "rate(a[20s]) + rate(a[15s]) + rate(a[1h])"
        );
        assert_eq!(error_at("rate(a[$__rate_interval]) b c").0, Some(26));
    }

    #[test]
    fn hostile_nesting_is_refused_not_followed() {
        for query in [
            "(".repeat(5000),
            "-".repeat(1900) + "up",
            "1".to_owned() + &"+1".repeat(900),
            "a".repeat(20_000),
        ] {
            let error = parse(&query, &VARIABLES).unwrap_err();
            assert!(matches!(error, QueryError::Limit(_)), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(words in prop::collection::vec(prop::sample::select(vec![
            "up", "sum", "rate", "(", ")", "[", "]", "{", "}", "5m", "1e9", "0x1f", "-", "+", "*", "@", "offset", ":", ",", "=", "=~", "!~",
            "\"a\"", "\"(\"", "by", "on", "group_left", "bool", "and", "start()", "end()", "99999999999y", "1e400", "1e300", "NaN", "Inf", "{a=~\"", "{a=~`", "+", "\"\\x\"", "'\\u12'", "`", "é", "$__range", "#",
        ]), 0..14), junk in ".{0,40}") {
            let _ = parse(&words.join(" "), &VARIABLES);
            let _ = parse(&words.concat(), &VARIABLES);
            let _ = parse(&junk, &VARIABLES);
        }
    }
}
