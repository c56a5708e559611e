//! LogQL text to tree: log expressions here and in `pipeline`, numbers in `metric`. Errors say where,
//! what was found and what was expected. Knows no evaluation.

mod metric;
mod pipeline;

use super::ast::{LogExpr, Query, RangeOp, VectorOp};
use crate::error::QueryError;
use crate::query::{Cursor, Dialect, Token, lex};

/// Parses a LogQL query.
///
/// # Errors
/// [`QueryError`] with the byte offset of the first thing that is wrong or not supported.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let tokens = lex(text, Dialect::LogQl)?;
    let mut cursor = Cursor::new(&tokens, text.len());
    let query = if cursor.at_op("{") {
        Query::Log(parse_log(&mut cursor)?)
    } else {
        Query::Metric(metric::expression(&mut cursor)?)
    };
    if let Query::Log(LogExpr {
        unwrap: Some(unwrap),
        ..
    }) = &query
    {
        return Err(QueryError::Invalid {
            position: text.find("unwrap").unwrap_or(0),
            message: format!(
                "`unwrap {}` makes numbers: put it into a range aggregation such as sum_over_time(… [1m])",
                unwrap.label
            ),
        });
    }
    cursor.expect_end(match &query {
        Query::Log(_) => "`|`, a line filter such as |= \"text\", or the end of the query",
        Query::Metric(_) => "an operator or the end of the query",
    })?;
    Ok(query)
}

/// Whether `text` looks like LogQL, rather than like words to search for: it begins with a selector, a
/// number, a parenthesis, or a function of LogQL that is applied to something.
#[must_use]
pub fn is_logql(text: &str) -> bool {
    let before = |error: QueryError| lex(text.get(..error.position()?)?, Dialect::LogQl).ok();
    let (tokens, whole) = match lex(text, Dialect::LogQl) {
        Ok(tokens) => (tokens, true),
        // what stands before a mistake tells too
        Err(error) => match before(error) {
            Some(tokens) => (tokens, false),
            None => return text.trim_start().starts_with('{'),
        },
    };
    let cursor = Cursor::new(&tokens, text.len());
    match cursor.peek() {
        Some(Token::Op("{")) => true,
        Some(Token::Op("(")) => whole,
        Some(Token::Number(_)) => whole && matches!(cursor.peek_at(1), Some(Token::Op(_))),
        Some(Token::Name(name)) => {
            let function = RangeOp::ALL.iter().any(|(other, ..)| other == name)
                || VectorOp::ALL.iter().any(|(other, _)| other == name)
                || metric::UNSUPPORTED_FUNCTIONS.contains(&name.as_str())
                || name == "vector";
            function
                && match cursor.peek_at(1) {
                    Some(Token::Op("(")) => true,
                    Some(Token::Name(word)) => {
                        (word == "by" || word == "without")
                            && matches!(cursor.peek_at(2), Some(Token::Op("(")))
                    }
                    _ => false,
                }
        }
        _ => false,
    }
}

fn parse_log(cursor: &mut Cursor<'_>) -> Result<LogExpr, QueryError> {
    let mut log = LogExpr {
        matchers: pipeline::selector(cursor)?,
        stages: Vec::new(),
        unwrap: None,
        after_unwrap: Vec::new(),
    };
    pipeline::stages(cursor, &mut log)?;
    Ok(log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::ast::{Grouping, LabelFilter, MetricExpr, Stage};

    fn log(text: &str) -> LogExpr {
        match parse(text).unwrap() {
            Query::Log(log) => log,
            Query::Metric(_) => panic!("{text} is a metric query"),
        }
    }

    fn error(text: &str) -> (usize, String) {
        let error = parse(text).unwrap_err();
        (error.position().unwrap_or(usize::MAX), error.to_string())
    }

    #[test]
    fn a_pipeline_keeps_its_order() {
        let log = log(
            r#"{service="a", level=~"warn|error"} |= "x" or "y" !~ "z" | json | b > 5 and (c="d" or e=~"f")"#,
        );
        assert_eq!(log.matchers.len(), 2);
        assert!(
            matches!(&log.stages[0], Stage::Line { alternatives, .. } if alternatives.len() == 2)
        );
        assert!(matches!(
            &log.stages[1],
            Stage::Line {
                regex: true,
                negate: true,
                ..
            }
        ));
        assert!(matches!(&log.stages[2], Stage::Json(wanted) if wanted.is_empty()));
        assert!(matches!(&log.stages[3], Stage::Label(LabelFilter::And(..))));
    }

    #[test]
    fn grouping_stands_before_or_after_what_it_groups() {
        let before = parse(r#"sum by (service) (rate({level="error"}[1m]))"#).unwrap();
        let after = parse(r#"sum(rate({level="error"}[1m])) by (service)"#).unwrap();
        let grouping = Grouping {
            without: false,
            labels: vec!["service".into()],
        };
        for query in [before, after] {
            let Query::Metric(MetricExpr::Vector(vector)) = query else {
                panic!("not an aggregation");
            };
            assert_eq!(vector.grouping, Some(grouping.clone()));
        }
    }

    #[test]
    fn the_range_stands_after_the_selector_or_after_the_pipeline() {
        for query in [
            r#"rate({service="a"} |= "b" [1m])"#,
            r#"rate({service="a"}[1m] |= "b")"#,
        ] {
            let Query::Metric(MetricExpr::Range(range)) = parse(query).unwrap() else {
                panic!("not a range aggregation");
            };
            assert_eq!(
                (range.log.stages.len(), range.range_ns),
                (1, 60_000_000_000)
            );
        }
    }

    #[test]
    fn errors_say_where_and_what_was_expected() {
        assert_eq!(error("{service=}").0, 9);
        assert!(
            error("{service=}").1.contains("expected a string"),
            "{:?}",
            error("{service=}")
        );
        assert_eq!(error(r#"{service="a"} |= "#).0, 17);
        assert_eq!(error(r#"{service="a"} nonsense"#).0, 14);
        assert_eq!(error(r#"{service="a""#).0, 12);
        assert_eq!(error(r#"rate({service="a"})"#).0, 18);
        assert_eq!(error(r#"sum_over_time({service="a"}[1m])"#).0, 0);
        assert_eq!(error(r#"{service="a"} | unwrap x"#).0, 16);
        assert_eq!(error("").0, 0);
        assert_eq!(error("{}").0, 0);
        assert_eq!(error(r#"{service=~".*"}"#).0, 0);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (query, position, name) in [
            (r#"{service="a"} |> "<_> x""#, 14, "|>"),
            (r#"{service="a"} | unpack"#, 16, "unpack"),
            (
                r#"label_replace(rate({service="a"}[1m]),"a","b","c","d")"#,
                0,
                "label_replace",
            ),
            (r#"{service="a"} |= ip("10.0.0.0/8")"#, 17, "ip"),
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
        let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
        assert!(matches!(parse(&deep), Err(QueryError::Limit(_))));
        let deep = format!(r#"{{a="b"}} | {}c="d""#, "(".repeat(5000));
        assert!(matches!(parse(&deep), Err(QueryError::Limit(_))));
        let deep = "sum(".repeat(3000);
        assert!(matches!(parse(&deep), Err(QueryError::Limit(_))));
        let wide = format!("1{}", "^1".repeat(3000));
        assert!(matches!(parse(&wide), Err(QueryError::Limit(_))));
    }

    #[test]
    fn bare_words_are_not_logql_and_queries_are() {
        for query in [
            "{a=\"b\"}",
            "sum(rate({a=\"b\"}[1m]))",
            "sum by (x) (y)",
            "{oops",
            "vector(1)",
            r#"rate({service=~".+"}[9999999999h])"#,
        ] {
            assert!(is_logql(query), "{query}");
        }
        for words in [
            "timeout",
            "rate limited",
            "sum",
            "connection refused (111)",
            "\"a b\"",
            "it's",
        ] {
            assert!(!is_logql(words), "{words}");
        }
    }
}
