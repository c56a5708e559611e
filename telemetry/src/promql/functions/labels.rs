//! Functions that change labels.

use promql_parser::parser::{Call, Expr};

use super::{Column, Evaluator, QueryError, Value, merge_equal};
use crate::metrics::labels::Labels;
use crate::promql::aggregate::is_label_name;
use crate::promql::go_regex;

fn text(call: &Call, index: usize) -> Result<&str, QueryError> {
    fn literal(expr: &Expr) -> Option<&str> {
        match expr {
            Expr::StringLiteral(text) => Some(&text.val),
            Expr::Paren(paren) => literal(&paren.expr),
            _ => None,
        }
    }
    let found = call.args.args.get(index).and_then(|arg| literal(arg));
    found.ok_or_else(|| {
        QueryError::Execution(format!(
            "argument {} of {}() must be a string",
            index + 1,
            call.func.name
        ))
    })
}

fn relabel(
    evaluator: &Evaluator<'_>,
    call: &Call,
    of: impl Fn(&Labels) -> Labels,
) -> Result<Value, QueryError> {
    let columns = evaluator.vector(&call.args.args[0])?;
    let relabelled = columns.into_iter().map(|column| Column {
        labels: of(&column.labels),
        cells: column.cells,
    });
    Ok(Value::Vector(merge_equal(relabelled.collect())?))
}

/// `label_replace(v, dst, replacement, src, regex)`: the expression is anchored; without a match the element stays as it is.
pub(super) fn replace(evaluator: &Evaluator<'_>, call: &Call) -> Result<Value, QueryError> {
    let (target, replacement, source, pattern) = (
        text(call, 1)?,
        text(call, 2)?,
        text(call, 3)?,
        text(call, 4)?,
    );
    let expression = go_regex::anchored(pattern).map_err(|error| {
        QueryError::Execution(format!(
            "invalid regular expression in label_replace(): {pattern}: {error}"
        ))
    })?;
    check_name(target, "label_replace")?;
    relabel(evaluator, call, |labels| {
        let Some(captures) = expression.captures(labels.get(source).unwrap_or("")) else {
            return labels.clone();
        };
        labels.with(target, &go_regex::expand(replacement, &captures))
    })
}

/// `label_join(v, dst, separator, src…)`.
pub(super) fn join(evaluator: &Evaluator<'_>, call: &Call) -> Result<Value, QueryError> {
    let (target, separator) = (text(call, 1)?, text(call, 2)?);
    let sources: Vec<&str> = (3..call.args.len())
        .map(|index| text(call, index))
        .collect::<Result<_, _>>()?;
    for name in sources.iter().chain([&target]) {
        check_name(name, "label_join")?;
    }
    relabel(evaluator, call, |labels| {
        let values: Vec<&str> = sources
            .iter()
            .map(|name| labels.get(name).unwrap_or(""))
            .collect();
        labels.with(target, &values.join(separator))
    })
}

fn check_name(name: &str, function: &str) -> Result<(), QueryError> {
    if is_label_name(name) {
        Ok(())
    } else {
        Err(QueryError::Execution(format!(
            "invalid label name in {function}(): {name:?}"
        )))
    }
}
