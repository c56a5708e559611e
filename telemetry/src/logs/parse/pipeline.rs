//! Stream selectors and the stages of a pipeline.

use super::super::ast::{
    Conversion, LabelFilter, LabelSource, LogExpr, Matcher, Quantity, Stage, Unwrap,
};
use crate::error::QueryError;
use crate::query::{Compare, Cursor, MatchOp, TextMatcher, Token};

/// `{a="b", c=~"d"}`
pub(super) fn selector(cursor: &mut Cursor<'_>) -> Result<Vec<Matcher>, QueryError> {
    let start = cursor.position();
    cursor.expect_op("{")?;
    let mut matchers = Vec::new();
    while !cursor.at_op("}") {
        matchers.push(matcher(cursor)?);
        if !cursor.take_op(",") {
            break;
        }
    }
    if !cursor.take_op("}") {
        return Err(cursor.unexpected("`,` or `}`"));
    }
    let mut selects = false;
    for matcher in &matchers {
        let positive = matches!(matcher.op, MatchOp::Equal | MatchOp::Regex);
        let compiled = TextMatcher::new(matcher.op, &matcher.value, matcher.position)?;
        selects |= positive && !compiled.matches("");
    }
    if selects {
        return Ok(matchers);
    }
    Err(QueryError::Invalid {
        position: start,
        message: "a selector needs at least one = or =~ that does not match everything, \
                  such as {service=~\".+\"}"
            .into(),
    })
}

fn matcher(cursor: &mut Cursor<'_>) -> Result<Matcher, QueryError> {
    let name = cursor.expect_name("a label name or `}`")?.to_owned();
    let op = cursor
        .peek_op()
        .and_then(MatchOp::of)
        .ok_or_else(|| cursor.unexpected("one of = != =~ !~"))?;
    cursor.advance();
    let position = cursor.position();
    let value = cursor.expect_text("a string in quotes")?.to_owned();
    Ok(Matcher {
        name,
        op,
        value,
        position,
    })
}

/// Everything after the selector that belongs to the pipeline.
pub(super) fn stages(cursor: &mut Cursor<'_>, log: &mut LogExpr) -> Result<(), QueryError> {
    loop {
        let position = cursor.position();
        match cursor.peek_op() {
            Some(op @ ("|=" | "!=" | "|~" | "!~")) => log.stages.push(line_filter(cursor, op)?),
            Some(op @ ("|>" | "!>")) => {
                return Err(Cursor::unsupported(
                    position,
                    &format!("the pattern filter {op}; use |~ with a regular expression"),
                ));
            }
            Some("|") => {
                cursor.advance();
                stage(cursor, log)?;
            }
            _ => return Ok(()),
        }
    }
}

fn line_filter(cursor: &mut Cursor<'_>, op: &str) -> Result<Stage, QueryError> {
    cursor.advance();
    let mut alternatives = Vec::new();
    loop {
        let position = cursor.position();
        if cursor.peek_name() == Some("ip") {
            return Err(Cursor::unsupported(
                position,
                "ip() filters; use |~ with a regular expression",
            ));
        }
        let text = cursor.expect_text("a string in quotes")?;
        alternatives.push((text.to_owned(), position));
        if !cursor.take_word("or") {
            break;
        }
    }
    Ok(Stage::Line {
        regex: op.ends_with('~'),
        negate: op.starts_with('!'),
        alternatives,
    })
}

fn stage(cursor: &mut Cursor<'_>, log: &mut LogExpr) -> Result<(), QueryError> {
    let position = cursor.position();
    // a name followed by a comparison is a label, even if it reads like a stage
    let keyword = match (cursor.peek(), cursor.peek_at(1)) {
        (
            Some(Token::Name(_)),
            Some(Token::Op("=" | "==" | "!=" | "=~" | "!~" | ">" | ">=" | "<" | "<=")),
        ) => "",
        (Some(Token::Name(name)), _) => name.as_str(),
        _ => "",
    };
    if log.unwrap.is_some() && !keyword.is_empty() {
        return Err(cursor.unexpected("a label filter, the only stage that may follow unwrap"));
    }
    let stage = match keyword {
        "json" => extraction(cursor, Stage::Json)?,
        "logfmt" => extraction(cursor, Stage::Logfmt)?,
        "pattern" | "regexp" | "line_format" => {
            cursor.advance();
            let position = cursor.position();
            let text = cursor.expect_text("a string in quotes")?.to_owned();
            match keyword {
                "pattern" => Stage::Pattern(text, position),
                "regexp" => Stage::Regexp(text, position),
                _ => Stage::LineFormat(text, position),
            }
        }
        "label_format" => label_format(cursor)?,
        "drop" => Stage::Drop(names(cursor)?),
        "keep" => Stage::Keep(names(cursor)?),
        "unwrap" => {
            log.unwrap = Some(unwrap(cursor)?);
            return Ok(());
        }
        "unpack" | "decolorize" | "distinct" => {
            return Err(Cursor::unsupported(
                position,
                &format!("the stage `{keyword}`"),
            ));
        }
        _ => {
            let filter = label_filter(cursor)?;
            if log.unwrap.is_some() {
                log.after_unwrap.push(filter);
                return Ok(());
            }
            Stage::Label(filter)
        }
    };
    log.stages.push(stage);
    Ok(())
}

/// `json`, `json a="b.c", d`
fn extraction(
    cursor: &mut Cursor<'_>,
    stage: fn(Vec<(String, String)>) -> Stage,
) -> Result<Stage, QueryError> {
    cursor.advance();
    if cursor.at_op("-") {
        return Err(Cursor::unsupported(
            cursor.position(),
            "flags such as --strict",
        ));
    }
    let mut wanted = Vec::new();
    while let Some(name) = cursor.peek_name() {
        cursor.advance();
        let path = if cursor.take_op("=") {
            cursor.expect_text("a path in quotes")?
        } else {
            name
        };
        wanted.push((name.to_owned(), path.to_owned()));
        if !cursor.take_op(",") {
            break;
        }
    }
    Ok(stage(wanted))
}

/// `label_format a=b, c="{{.d}}"`
fn label_format(cursor: &mut Cursor<'_>) -> Result<Stage, QueryError> {
    cursor.advance();
    let mut renames = Vec::new();
    loop {
        let name = cursor.expect_name("a label name")?.to_owned();
        cursor.expect_op("=")?;
        let position = cursor.position();
        let source = match cursor.peek_name() {
            Some(label) => {
                cursor.advance();
                LabelSource::Label(label.to_owned())
            }
            None => {
                let text = cursor.expect_text("a label name or a template in quotes")?;
                LabelSource::Template(text.to_owned(), position)
            }
        };
        renames.push((name, source));
        if !cursor.take_op(",") {
            return Ok(Stage::LabelFormat(renames));
        }
    }
}

/// `drop a, b`
fn names(cursor: &mut Cursor<'_>) -> Result<Vec<String>, QueryError> {
    cursor.advance();
    let mut names = Vec::new();
    loop {
        names.push(cursor.expect_name("a label name")?.to_owned());
        if matches!(cursor.peek_op(), Some("=" | "!=" | "=~" | "!~")) {
            return Err(Cursor::unsupported(
                cursor.position(),
                "conditions in drop and keep",
            ));
        }
        if !cursor.take_op(",") {
            return Ok(names);
        }
    }
}

/// `unwrap x`, `unwrap duration(x)`
fn unwrap(cursor: &mut Cursor<'_>) -> Result<Unwrap, QueryError> {
    cursor.advance();
    let position = cursor.position();
    let name = cursor.expect_name("a label name")?;
    if !cursor.take_op("(") {
        return Ok(Unwrap {
            label: name.to_owned(),
            conversion: Conversion::Number,
        });
    }
    let conversion = match name {
        "duration" | "duration_seconds" => Conversion::Seconds,
        "bytes" => Conversion::Bytes,
        other => {
            return Err(Cursor::unsupported(
                position,
                &format!(
                    "the conversion `{other}`; there are duration(), duration_seconds() and bytes()"
                ),
            ));
        }
    };
    let label = cursor.expect_name("a label name")?.to_owned();
    cursor.expect_op(")")?;
    Ok(Unwrap { label, conversion })
}

/// `a="b" and c>5 or (…)`; `or` binds loosest, as in Loki.
fn label_filter(cursor: &mut Cursor<'_>) -> Result<LabelFilter, QueryError> {
    cursor.enter()?;
    let mut left = conjunction(cursor)?;
    while cursor.take_word("or") {
        left = LabelFilter::Or(Box::new(left), Box::new(conjunction(cursor)?));
    }
    cursor.leave();
    Ok(left)
}

fn conjunction(cursor: &mut Cursor<'_>) -> Result<LabelFilter, QueryError> {
    let mut left = condition(cursor)?;
    while cursor.take_word("and") || cursor.take_op(",") {
        left = LabelFilter::And(Box::new(left), Box::new(condition(cursor)?));
    }
    Ok(left)
}

fn condition(cursor: &mut Cursor<'_>) -> Result<LabelFilter, QueryError> {
    if cursor.take_op("(") {
        let inner = label_filter(cursor)?;
        cursor.expect_op(")")?;
        return Ok(inner);
    }
    let name = cursor
        .expect_name("a stage (json, logfmt, regexp, line_format, label_format, drop, keep, unwrap) or a label filter")?
        .to_owned();
    let op = cursor.peek_op().unwrap_or_default();
    let (text_op, compare) = (MatchOp::of(op), Compare::of(op));
    if text_op.is_none() && compare.is_none() {
        return Err(cursor.unexpected("a comparison: = != =~ !~ > >= < <="));
    }
    cursor.advance();
    let position = cursor.position();
    if let (Some(op), Some(Token::Text(value))) = (text_op, cursor.peek()) {
        cursor.advance();
        let value = value.clone();
        // compiled here so that a broken expression is reported by the parser
        TextMatcher::new(op, &value, position)?;
        return Ok(LabelFilter::Text(Matcher {
            name,
            op,
            value,
            position,
        }));
    }
    let Some(op) = compare else {
        return Err(cursor.unexpected("a string in quotes"));
    };
    let value = match cursor.peek() {
        Some(Token::DurationNs(duration_ns)) => Quantity::DurationNs(*duration_ns as f64),
        Some(Token::Bytes(bytes)) => Quantity::Bytes(*bytes),
        Some(Token::Name(word)) if word == "ip" => {
            return Err(Cursor::unsupported(
                position,
                "ip() filters; use =~ with a regular expression",
            ));
        }
        _ => {
            let number = cursor.expect_number("a string, a number, a duration or a size")?;
            return Ok(LabelFilter::Quantity {
                name,
                op,
                value: Quantity::Number(number),
            });
        }
    };
    cursor.advance();
    Ok(LabelFilter::Quantity { name, op, value })
}
