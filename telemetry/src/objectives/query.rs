//! A query of an indicator: PromQL with `{{.window}}` where the window goes.

use std::time::Duration;

use promql_parser::parser::value::ValueType;
use promql_parser::parser::{Call, Expr};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::windows::Written;
use crate::promql;

/// PromQL with the window left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// Text before each window, and after the last one.
    parts: Vec<String>,
    /// Whether it says how many a second, else how many within the window.
    pub per_second: bool,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// What is wrong, with what to write instead; offsets are those of the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut probe, mut rest) = (Vec::new(), String::new(), text);
        while let Some(open) = rest.find("{{") {
            let Some(length) = rest[open..].find("}}").map(|close| close + 2) else {
                return Err("`{{` without `}}`".to_owned());
            };
            let (before, placeholder) = (&rest[..open], &rest[open..open + length]);
            let name = placeholder[2..length - 2].trim_matches('-').trim();
            if name != ".window" {
                return Err(format!(
                    "`{placeholder}` means nothing here: only `{{{{.window}}}}` is filled in"
                ));
            }
            let after = rest[open + length..].trim_start();
            if !before.trim_end().ends_with('[') || !after.starts_with([']', ':']) {
                return Err(format!(
                    "`{placeholder}` stands where no range goes: write it in brackets, as in `rate(requests_total[{{{{.window}}}}])`"
                ));
            }
            // a duration of the same length keeps the places of errors
            probe.push_str(before);
            probe.push_str(&format!("{:0>1$}", "5m", length));
            parts.push(before.to_owned());
            rest = &rest[open + length..];
        }
        if parts.is_empty() {
            return Err(
                "it has no window: write `{{.window}}` where the range goes, as in `rate(requests_total[{{.window}}])`"
                    .to_owned(),
            );
        }
        probe.push_str(rest);
        parts.push(rest.to_owned());
        let expr = promql::parse_plain(&probe).map_err(|error| error.to_string())?;
        if expr.value_type() != ValueType::Vector {
            return Err(format!(
                "it must yield an instant vector, not a {}",
                expr.value_type()
            ));
        }
        let per_second = counts(&expr)?;
        Ok(Self { parts, per_second })
    }

    /// The query over a window.
    pub fn over(&self, window: Duration) -> String {
        self.parts
            .join(&Written(window).to_string())
            .trim()
            .to_owned()
    }
}

/// What the functions over windows yield.
#[derive(Default)]
struct Counts {
    per_second: Option<&'static str>,
    within: Option<&'static str>,
}

impl ExprVisitor for Counts {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
        if let Expr::Call(Call { func, args }) = expr
            && args
                .args
                .iter()
                .any(|argument| argument.value_type() == ValueType::Matrix)
        {
            match func.name {
                "rate" | "irate" | "deriv" => self.per_second = Some(func.name),
                name => self.within = Some(name),
            }
        }
        Ok(true)
    }
}

/// Whether an expression counts per second, which tells how many events there are in a window.
fn counts(expr: &Expr) -> Result<bool, String> {
    let mut found = Counts::default();
    match walk_expr(&mut found, expr) {
        Ok(_) => {}
        Err(never) => match never {},
    }
    match (found.per_second, found.within) {
        (Some(one), Some(other)) => Err(format!(
            "`{one}` counts per second and `{other}` does not: use one of them, so that events can be counted"
        )),
        (per_second, _) => Ok(per_second.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_filled_in_wherever_it_stands() {
        let query =
            Query::parse("sum(rate(a[{{.window}}])) - sum(rate(b[{{ .window }}]))\n").unwrap();
        assert!(query.per_second);
        assert_eq!(
            query.over(Duration::from_secs(150)),
            "sum(rate(a[2m30s])) - sum(rate(b[2m30s]))"
        );
        assert!(!Query::parse("increase(a[{{.window}}])").unwrap().per_second);
        assert!(
            !Query::parse("count_over_time(a[{{-.window-}}])")
                .unwrap()
                .per_second
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_in_the_text() {
        for (text, expected) in [
            ("sum(rate(a[5m]))", "no window"),
            ("rate(a[{{.windows}}])", "`{{.windows}}` means nothing"),
            ("rate(a[{{.window])", "without `}}`"),
            (
                "rate(a{b=\"{{.window}}\"}[5m])",
                "stands where no range goes",
            ),
            ("rate(a[{{.window}}]) +", "byte 22"),
            ("nope(a[{{.window}}])", "byte 0"),
            ("a[{{.window}}]", "not a matrix"),
            ("scalar(sum(rate(a[{{.window}}])))", "not a scalar"),
            (
                "rate(a[{{.window}}]) - increase(a[{{.window}}])",
                "use one of them",
            ),
        ] {
            let message = Query::parse(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
