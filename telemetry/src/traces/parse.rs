//! TraceQL text to tree. As in Tempo, `&&` and `||` have the same precedence and group from the left;
//! structural operators bind tighter. Knows no evaluation.

use super::ast::{
    Aggregate, Field, FieldExpr, Intrinsic, Literal, Operand, Query, Scope, SpansetExpr, SpansetOp,
    Stage,
};
use super::span::{Kind, Status};
use crate::error::QueryError;
use crate::query::{Compare, Cursor, Dialect, MatchOp, TextMatcher, Token, lex};

/// Parses a TraceQL query.
///
/// # Errors
/// [`QueryError`] with the byte offset of the first thing that is wrong or not supported.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let tokens = lex(text, Dialect::TraceQl)?;
    let mut cursor = Cursor::new(&tokens, text.len());
    let spans = spanset(&mut cursor)?;
    let mut stages = Vec::new();
    while cursor.take_op("|") {
        stages.push(stage(&mut cursor)?);
    }
    cursor.expect_end(
        "`|`, an operator between span sets (&& || > >> < << ~), or the end of the query",
    )?;
    Ok(Query { spans, stages })
}

fn spanset(cursor: &mut Cursor<'_>) -> Result<SpansetExpr, QueryError> {
    cursor.enter()?;
    let mut left = structural(cursor)?;
    loop {
        let op = match cursor.peek_op() {
            Some("&&") => SpansetOp::And,
            Some("||") => SpansetOp::Or,
            _ => break,
        };
        cursor.advance();
        left = SpansetExpr::Operation(op, Box::new(left), Box::new(structural(cursor)?));
    }
    cursor.leave();
    Ok(left)
}

fn structural(cursor: &mut Cursor<'_>) -> Result<SpansetExpr, QueryError> {
    let mut left = spanset_operand(cursor)?;
    loop {
        let op = match cursor.peek_op() {
            Some(">") => SpansetOp::Child,
            Some(">>") => SpansetOp::Descendant,
            Some("<") => SpansetOp::Parent,
            Some("<<") => SpansetOp::Ancestor,
            Some("~") => SpansetOp::Sibling,
            Some(
                op @ ("!>" | "!>>" | "!<" | "!<<" | "!~" | "&>" | "&>>" | "&<" | "&<<" | "&~"),
            ) => {
                let what = format!("the structural operator {op}; there are > >> < << ~");
                return Err(Cursor::unsupported(cursor.position(), &what));
            }
            _ => return Ok(left),
        };
        cursor.advance();
        left = SpansetExpr::Operation(op, Box::new(left), Box::new(spanset_operand(cursor)?));
    }
}

fn spanset_operand(cursor: &mut Cursor<'_>) -> Result<SpansetExpr, QueryError> {
    if cursor.take_op("(") {
        let inner = spanset(cursor)?;
        if cursor.at_op("|") {
            return Err(Cursor::unsupported(
                cursor.position(),
                "a pipeline within parentheses",
            ));
        }
        cursor.expect_op(")")?;
        return Ok(inner);
    }
    Ok(SpansetExpr::Filter(braces(cursor)?))
}

/// `{ … }`
fn braces(cursor: &mut Cursor<'_>) -> Result<FieldExpr, QueryError> {
    if !cursor.take_op("{") {
        return Err(cursor.unexpected("a span set such as { name = \"…\" }"));
    }
    if cursor.take_op("}") {
        return Ok(FieldExpr::Constant(true));
    }
    let filter = condition(cursor)?;
    if !cursor.take_op("}") {
        return Err(cursor.unexpected("`&&`, `||` or `}`"));
    }
    Ok(filter)
}

fn condition(cursor: &mut Cursor<'_>) -> Result<FieldExpr, QueryError> {
    cursor.enter()?;
    let mut left = comparison(cursor)?;
    loop {
        let and = match cursor.peek_op() {
            Some("&&") => true,
            Some("||") => false,
            _ => break,
        };
        cursor.advance();
        let sides = (Box::new(left), Box::new(comparison(cursor)?));
        left = if and {
            FieldExpr::And(sides.0, sides.1)
        } else {
            FieldExpr::Or(sides.0, sides.1)
        };
    }
    cursor.leave();
    Ok(left)
}

fn comparison(cursor: &mut Cursor<'_>) -> Result<FieldExpr, QueryError> {
    if cursor.take_op("!") {
        cursor.enter()?;
        let inner = comparison(cursor)?;
        cursor.leave();
        return Ok(FieldExpr::Not(Box::new(inner)));
    }
    if cursor.take_op("(") {
        let inner = condition(cursor)?;
        cursor.expect_op(")")?;
        return Ok(inner);
    }
    let position = cursor.position();
    let left = operand(cursor)?;
    let op = cursor.peek_op().unwrap_or_default();
    if matches!(op, "+" | "-" | "*" | "/" | "%" | "^") {
        return Err(Cursor::unsupported(
            cursor.position(),
            &format!("arithmetic ({op})"),
        ));
    }
    if let Some(text_op) =
        MatchOp::of(op).filter(|op| matches!(op, MatchOp::Regex | MatchOp::NotRegex))
    {
        cursor.advance();
        let position = cursor.position();
        let text = cursor.expect_text("a regular expression in quotes")?;
        return Ok(FieldExpr::Text(
            left,
            TextMatcher::new(text_op, text, position)?,
        ));
    }
    if let Some(compare) = Compare::of(op) {
        cursor.advance();
        let right = operand(cursor)?;
        return Ok(FieldExpr::Compare(left, compare, right));
    }
    match left {
        Operand::Literal(Literal::Bool(truth)) => Ok(FieldExpr::Constant(truth)),
        Operand::Field(field @ Field::Attribute(..)) if matches!(op, "}" | "&&" | "||" | ")") => {
            Ok(FieldExpr::Truth(field))
        }
        Operand::Literal(_) if matches!(op, "}" | "&&" | "||" | ")") => Err(QueryError::Invalid {
            position,
            message: "a constant alone says nothing of a span: compare it with a field".into(),
        }),
        _ => Err(cursor.unexpected("a comparison: = != > >= < <= =~ !~")),
    }
}

fn operand(cursor: &mut Cursor<'_>) -> Result<Operand, QueryError> {
    const EXPECTED: &str = "a field (name, status, kind, duration, span.x, resource.x, .x, …), a string, a number, a duration, true, false or nil";
    let literal = match cursor.peek() {
        Some(Token::Text(text)) => Literal::Text(text.clone()),
        Some(Token::DurationNs(duration_ns)) => Literal::Number(*duration_ns as f64),
        Some(Token::Number(_) | Token::Op("-")) => {
            let number = cursor.expect_number("a number")?;
            return Ok(Operand::Literal(Literal::Number(number)));
        }
        Some(Token::Name(name)) => match constant(name) {
            Some(literal) => literal,
            None => return field(cursor).map(Operand::Field),
        },
        _ => return Err(cursor.unexpected(EXPECTED)),
    };
    cursor.advance();
    Ok(Operand::Literal(literal))
}

/// Words that are constants.
fn constant(name: &str) -> Option<Literal> {
    match name {
        "true" => return Some(Literal::Bool(true)),
        "false" => return Some(Literal::Bool(false)),
        "nil" => return Some(Literal::Nil),
        _ => {}
    }
    let status = Status::ALL.into_iter().find(|status| status.name() == name);
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    status.map(Literal::Status).or(kind.map(Literal::Kind))
}

fn field(cursor: &mut Cursor<'_>) -> Result<Field, QueryError> {
    let position = cursor.position();
    let name = cursor.expect_name("a field such as duration or span.x")?;
    if let Some((_, intrinsic)) = Intrinsic::ALL.iter().find(|(other, _)| *other == name) {
        return Ok(Field::Intrinsic(*intrinsic));
    }
    let scoped = [
        ("span.", Scope::Span),
        ("resource.", Scope::Resource),
        (".", Scope::Any),
    ];
    for (prefix, scope) in scoped {
        if let Some(rest) = name.strip_prefix(prefix).filter(|rest| !rest.is_empty()) {
            return Ok(Field::Attribute(scope, rest.to_owned()));
        }
    }
    let unsupported_scopes = [
        "parent.",
        "event.",
        "event:",
        "link.",
        "link:",
        "instrumentation.",
        "instrumentation:",
    ];
    let unsupported = unsupported_scopes
        .iter()
        .any(|scope| name.starts_with(scope))
        || name.starts_with("nestedSet")
        || matches!(name, "childCount" | "parent" | "span:childCount");
    if unsupported {
        return Err(Cursor::unsupported(
            position,
            &format!("the field `{name}`"),
        ));
    }
    Err(QueryError::Syntax {
        position,
        found: format!("`{name}`"),
        expected: format!(
            "an intrinsic (name, status, statusMessage, kind, duration, traceDuration, rootName, rootServiceName) or an attribute such as .{name}, span.{name} or resource.{name}"
        ),
    })
}

fn stage(cursor: &mut Cursor<'_>) -> Result<Stage, QueryError> {
    if cursor.at_op("{") {
        return Ok(Stage::Filter(braces(cursor)?));
    }
    let position = cursor.position();
    let name = cursor.expect_name(
        "a stage: { … }, count(), sum(…), avg(…), min(…), max(…), by(…), select(…), coalesce()",
    )?;
    let aggregate = match name {
        "count" => Aggregate::Count,
        "sum" => Aggregate::Sum,
        "avg" => Aggregate::Avg,
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        "by" => {
            cursor.expect_op("(")?;
            let field = field(cursor)?;
            cursor.expect_op(")")?;
            return Ok(Stage::By(field));
        }
        "select" => {
            cursor.expect_op("(")?;
            let mut fields = vec![field(cursor)?];
            while cursor.take_op(",") {
                fields.push(field(cursor)?);
            }
            cursor.expect_op(")")?;
            return Ok(Stage::Select(fields));
        }
        "coalesce" => {
            cursor.expect_op("(")?;
            cursor.expect_op(")")?;
            return Ok(Stage::Coalesce);
        }
        other => {
            return Err(Cursor::unsupported(
                position,
                &format!("the stage `{other}`"),
            ));
        }
    };
    cursor.expect_op("(")?;
    let field = if aggregate == Aggregate::Count {
        None
    } else {
        Some(field(cursor)?)
    };
    cursor.expect_op(")")?;
    let Some(op) = cursor.peek_op().and_then(Compare::of) else {
        return Err(cursor.unexpected("a comparison such as > 3"));
    };
    cursor.advance();
    let value = match cursor.peek() {
        Some(Token::DurationNs(_)) => cursor.expect_duration_ns()? as f64,
        _ => cursor.expect_number("a number or a duration")?,
    };
    Ok(Stage::Scalar {
        aggregate,
        field,
        op,
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> (usize, String) {
        let error = parse(text).unwrap_err();
        (error.position().unwrap_or(usize::MAX), error.to_string())
    }

    #[test]
    fn structure_binds_tighter_than_and_and_or() {
        let query = parse("{} && {} > {} || {}").unwrap();
        let SpansetExpr::Operation(SpansetOp::Or, left, _) = query.spans else {
            panic!("|| is not outermost");
        };
        let SpansetExpr::Operation(SpansetOp::And, _, right) = *left else {
            panic!("&& is not next");
        };
        assert!(matches!(
            *right,
            SpansetExpr::Operation(SpansetOp::Child, ..)
        ));
    }

    #[test]
    fn errors_say_where_and_what_was_expected() {
        assert_eq!(error("").0, 0);
        assert_eq!(error("{ name = }").0, 9);
        assert_eq!(error("{ name = \"a\"").0, 12);
        assert_eq!(error("{ foo = 1 }").0, 2);
        assert!(error("{ foo = 1 }").1.contains("span.foo"));
        assert_eq!(error("{} | count()").0, 12);
        assert_eq!(error("{} {}").0, 3);
        assert_eq!(error("{ 5 }").0, 2);
        assert_eq!(error("{ name =~ \"(\" }").0, 10);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (query, position, name) in [
            ("{} !>> {}", 3, "!>>"),
            ("{ event:name = \"x\" }", 2, "event:name"),
            ("{ .a + 1 > 2 }", 5, "arithmetic"),
            ("{} | rate()", 5, "rate"),
            ("({} | count() > 1) && {}", 4, "pipeline"),
        ] {
            let (at, message) = error(query);
            assert_eq!(at, position, "{message}");
            assert!(
                message.contains("not supported") && message.contains(name),
                "{message}"
            );
        }
    }

    #[test]
    fn hostile_nesting_is_an_error_and_not_a_stack_overflow() {
        for deep in [
            "(".repeat(9000),
            format!("{{{}", "!".repeat(9000)),
            format!("{{{}", "(".repeat(9000)),
        ] {
            assert!(matches!(parse(&deep), Err(QueryError::Limit(_))));
        }
    }
}
