//! Expressions of numbers: range aggregations, aggregations over series, operators.

use super::super::ast::{
    Binary, BinaryOp, Grouping, LogExpr, MetricExpr, RangeAggregation, RangeOp, VectorAggregation,
    VectorOp,
};
use super::pipeline;
use crate::error::QueryError;
use crate::query::{Compare, Cursor, Token};

/// Functions of LogQL that are known and refused by name.
pub(super) const UNSUPPORTED_FUNCTIONS: [&str; 4] =
    ["label_replace", "rate_counter", "approx_topk", "quantile"];

/// A whole expression.
pub(super) fn expression(cursor: &mut Cursor<'_>) -> Result<MetricExpr, QueryError> {
    binary(cursor, 0)
}

/// Precedence climbing: comparisons bind loosest, `^` tightest and to the right.
fn binary(cursor: &mut Cursor<'_>, loosest: u8) -> Result<MetricExpr, QueryError> {
    cursor.enter()?;
    let mut left = operand(cursor)?;
    loop {
        if let Some(word @ ("and" | "or" | "unless")) = cursor.peek_name() {
            return Err(Cursor::unsupported(
                cursor.position(),
                &format!("the set operator `{word}`"),
            ));
        }
        let Some((op, binds)) = cursor.peek_op().and_then(operator) else {
            break;
        };
        if binds < loosest {
            break;
        }
        cursor.advance();
        let returns_bool = cursor.take_word("bool");
        if let Some(word @ ("on" | "ignoring" | "group_left" | "group_right")) = cursor.peek_name()
        {
            return Err(Cursor::unsupported(
                cursor.position(),
                &format!(
                    "`{word}`; series pair up by equal labels, so aggregate both sides by the same ones"
                ),
            ));
        }
        let right_loosest = if op == BinaryOp::Power {
            binds
        } else {
            binds + 1
        };
        let right = binary(cursor, right_loosest)?;
        left = MetricExpr::Binary(Box::new(Binary {
            op,
            returns_bool,
            left,
            right,
        }));
    }
    cursor.leave();
    Ok(left)
}

fn operator(text: &str) -> Option<(BinaryOp, u8)> {
    Some(match text {
        "+" => (BinaryOp::Add, 1),
        "-" => (BinaryOp::Subtract, 1),
        "*" => (BinaryOp::Multiply, 2),
        "/" => (BinaryOp::Divide, 2),
        "%" => (BinaryOp::Modulo, 2),
        "^" => (BinaryOp::Power, 3),
        "=" => return None,
        other => (BinaryOp::Compare(Compare::of(other)?), 0),
    })
}

fn operand(cursor: &mut Cursor<'_>) -> Result<MetricExpr, QueryError> {
    let position = cursor.position();
    match cursor.peek() {
        Some(Token::Op("(")) => {
            cursor.advance();
            let inner = expression(cursor)?;
            cursor.expect_op(")")?;
            Ok(inner)
        }
        Some(Token::Number(_) | Token::Op("-")) => {
            cursor.expect_number("a number").map(MetricExpr::Number)
        }
        Some(Token::Name(name)) => function(cursor, name, position),
        _ => Err(cursor.unexpected(
            "a selector such as {service=\"…\"}, a function such as rate(…), or a number",
        )),
    }
}

fn function(
    cursor: &mut Cursor<'_>,
    name: &str,
    position: usize,
) -> Result<MetricExpr, QueryError> {
    if name == "vector" {
        cursor.advance();
        cursor.expect_op("(")?;
        let number = cursor.expect_number("a number")?;
        cursor.expect_op(")")?;
        return Ok(MetricExpr::Number(number));
    }
    if let Some((_, op, needs_unwrap)) = RangeOp::ALL.iter().find(|(other, ..)| *other == name) {
        cursor.advance();
        let range = range_aggregation(cursor, *op)?;
        if *needs_unwrap && range.log.unwrap.is_none() {
            return Err(QueryError::Invalid {
                position,
                message: format!("{name} needs a number: end its pipeline with `| unwrap label`"),
            });
        }
        return Ok(MetricExpr::Range(Box::new(range)));
    }
    if let Some((_, op)) = VectorOp::ALL.iter().find(|(other, _)| *other == name) {
        cursor.advance();
        let vector = vector_aggregation(cursor, *op)?;
        return Ok(MetricExpr::Vector(Box::new(vector)));
    }
    if UNSUPPORTED_FUNCTIONS.contains(&name) {
        return Err(Cursor::unsupported(
            position,
            &format!("the function `{name}`"),
        ));
    }
    let mut known: Vec<_> = RangeOp::ALL.iter().map(|(name, ..)| *name).collect();
    known.extend(VectorOp::ALL.iter().map(|(name, _)| *name));
    Err(cursor.unexpected(&format!(
        "a selector `{{…}}` or one of {}",
        known.join(", ")
    )))
}

/// `({…} | … [5m] offset 1h) by (x)`
fn range_aggregation(cursor: &mut Cursor<'_>, op: RangeOp) -> Result<RangeAggregation, QueryError> {
    cursor.expect_op("(")?;
    let mut parameter = 0.0;
    if op == RangeOp::QuantileOverTime {
        parameter = cursor.expect_number("the quantile, such as 0.95")?;
        cursor.expect_op(",")?;
    }
    let mut log = LogExpr {
        matchers: pipeline::selector(cursor)?,
        stages: Vec::new(),
        unwrap: None,
        after_unwrap: Vec::new(),
    };
    let mut window = window(cursor)?;
    pipeline::stages(cursor, &mut log)?;
    if window.is_none() {
        window = self::window(cursor)?;
    }
    let Some((range_ns, offset_ns)) = window else {
        return Err(cursor.unexpected("the window, such as [5m]"));
    };
    cursor.expect_op(")")?;
    Ok(RangeAggregation {
        op,
        parameter,
        log,
        range_ns,
        offset_ns,
        grouping: grouping(cursor)?,
    })
}

/// `[5m] offset 1h`: range and offset.
fn window(cursor: &mut Cursor<'_>) -> Result<Option<(i64, i64)>, QueryError> {
    if !cursor.take_op("[") {
        return Ok(None);
    }
    let position = cursor.position();
    let range_ns = cursor.expect_duration_ns()?;
    if range_ns <= 0 {
        return Err(QueryError::Invalid {
            position,
            message: "a window must be longer than nothing".into(),
        });
    }
    cursor.expect_op("]")?;
    let mut offset_ns = 0;
    if cursor.take_word("offset") {
        let back = cursor.take_op("-");
        offset_ns = cursor.expect_duration_ns()? * if back { -1 } else { 1 };
    }
    Ok(Some((range_ns, offset_ns)))
}

fn vector_aggregation(
    cursor: &mut Cursor<'_>,
    op: VectorOp,
) -> Result<VectorAggregation, QueryError> {
    let mut grouping = grouping(cursor)?;
    cursor.expect_op("(")?;
    let mut k = 0;
    if matches!(op, VectorOp::Topk | VectorOp::Bottomk) {
        let position = cursor.position();
        let number = cursor.expect_number("how many series to keep")?;
        if number < 1.0 || number.fract() != 0.0 || number > f64::from(u16::MAX) {
            return Err(QueryError::Invalid {
                position,
                message: format!("{number} is not a number of series: give a whole number from 1"),
            });
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let whole = number as usize;
        k = whole;
        cursor.expect_op(",")?;
    }
    let inner = expression(cursor)?;
    cursor.expect_op(")")?;
    if grouping.is_none() {
        grouping = self::grouping(cursor)?;
    }
    Ok(VectorAggregation {
        op,
        k,
        inner,
        grouping,
    })
}

/// `by (a, b)`, `without (a)`
fn grouping(cursor: &mut Cursor<'_>) -> Result<Option<Grouping>, QueryError> {
    let without = match cursor.peek_name() {
        Some("by") => false,
        Some("without") => true,
        _ => return Ok(None),
    };
    cursor.advance();
    cursor.expect_op("(")?;
    let mut labels = Vec::new();
    while !cursor.at_op(")") {
        labels.push(cursor.expect_name("a label name or `)`")?.to_owned());
        if !cursor.take_op(",") {
            break;
        }
    }
    cursor.expect_op(")")?;
    Ok(Some(Grouping { without, labels }))
}
