//! What the screen understands of PromQL: what the values of an expression count. It does not check expressions: the lab
//! does.

use crate::widgets::axis::Unit;

/// What the values of an expression count, as far as its names and functions tell.
#[must_use]
pub fn unit(promql: &str) -> Unit {
    unit_of(promql, 0)
}

/// Depth to which expressions are looked into: nobody writes deeper ones, and what was pasted may be anything.
const DEEPEST: usize = 40;

fn unit_of(expression: &str, depth: usize) -> Unit {
    let expression = expression.trim();
    if depth > DEEPEST {
        return Unit::Plain;
    }
    if let Some((left, operator, right)) = split_operator(expression) {
        let (one, two) = (unit_of(left, depth + 1), unit_of(right, depth + 1));
        let number = |text: &str| text.trim().parse::<f64>().is_ok();
        return match operator {
            "/" if number(right) => Unit::Plain,
            "/" if one == two && one != Unit::Plain => Unit::Share,
            // seconds spent by what happened: seconds of each
            "/" if one == Unit::Busy && two == Unit::PerSecond => Unit::Seconds,
            "/" => Unit::Plain,
            "*" if right.trim() == "0" => one,
            "*" | "%" | "^" => Unit::Plain,
            _ if one == Unit::Plain && number(left) => two,
            _ => one,
        };
    }
    if let Some(inside) = expression
        .strip_prefix('(')
        .and_then(|e| e.strip_suffix(')'))
    {
        return unit_of(inside, depth + 1);
    }
    match call(expression) {
        Some((function, arguments)) => unit_of_call(function, &arguments, depth),
        None => unit_of_name(name_of(expression)),
    }
}

fn unit_of_call(function: &str, arguments: &[&str], depth: usize) -> Unit {
    let name = arguments.iter().find_map(|a| metric_in(a)).unwrap_or("");
    match function {
        "rate" | "irate" | "deriv" => match name {
            name if name.contains("cpu_seconds") => Unit::Processors,
            name if name.ends_with("_seconds_total") || name.ends_with("_seconds_sum") => {
                Unit::Busy
            }
            name if name.ends_with("_bytes_total") || name.ends_with("_bytes_sum") => {
                Unit::BytesPerSecond
            }
            _ => Unit::PerSecond,
        },
        "histogram_quantile" => unit_of_name(name.trim_end_matches("_bucket")),
        "count" | "count_values" | "count_over_time" | "changes" | "resets" | "absent" => {
            Unit::Plain
        }
        "increase" => Unit::Plain,
        _ => arguments
            .iter()
            .map(|a| unit_of(a, depth + 1))
            .find(|unit| *unit != Unit::Plain)
            .unwrap_or_default(),
    }
}

fn unit_of_name(name: &str) -> Unit {
    match name {
        name if name.ends_with("_seconds") => Unit::Seconds,
        name if name.ends_with("_bytes") => Unit::Bytes,
        name if name.ends_with("_ratio") => Unit::Share,
        _ => Unit::Plain,
    }
}

/// Whether a name can go on with a character.
#[must_use]
pub fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

/// Whether a name is a word of the language, in any case: no metric is called so.
#[must_use]
pub fn is_word(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "and",
        "or",
        "unless",
        "atan2",
        "offset",
        "bool",
        "inf",
        "nan",
    ];
    WORDS.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// The name that an expression begins with.
fn name_of(expression: &str) -> &str {
    let end = expression.find(|c| !is_name(c)).unwrap_or(expression.len());
    &expression[..end]
}

/// The first name in an expression that is no function, keyword or label: the metric that it is about.
#[must_use]
pub fn metric_in(expression: &str) -> Option<&str> {
    let mut rest = expression;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_') {
        let name = name_of(&rest[start..]);
        let behind = rest[start + name.len()..].trim_start();
        if is_word(name) {
            // the labels that a grouping names are no metrics
            rest = match behind.strip_prefix('(') {
                Some(labels) => labels.split_once(')').map_or("", |(_, after)| after),
                None => behind,
            };
        } else if !behind.starts_with('(') && !matches!(name_of(behind), "by" | "without") {
            return Some(name);
        } else {
            rest = behind;
        }
    }
    None
}

/// A function with its arguments, or an aggregation, grouped before or behind: `sum by (service) (…)`.
fn call(expression: &str) -> Option<(&str, Vec<&str>)> {
    let function = name_of(expression);
    let mut rest = expression[function.len()..].trim_start();
    if function.is_empty() {
        return None;
    }
    for grouping in ["by", "without"] {
        if let Some(behind) = rest.strip_prefix(grouping) {
            rest = behind.split_once(')')?.1.trim_start();
        }
    }
    let inside = rest.strip_prefix('(')?;
    let mut arguments = Vec::new();
    let mut from = 0;
    for (at, c) in outside(inside) {
        match c {
            ',' => {
                arguments.push(&inside[from..at]);
                from = at + 1;
            }
            ')' => {
                arguments.push(&inside[from..at]);
                return Some((function, arguments));
            }
            _ => {}
        }
    }
    None
}

/// The characters of an expression, with their places, that stand in no bracket and no quote; of a bracket the one that
/// closes it, where it was opened before.
fn outside(expression: &str) -> impl Iterator<Item = (usize, char)> {
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    expression.char_indices().filter(move |(_, c)| {
        if let Some(end) = quote {
            if *c == end && !escaped {
                quote = None;
            }
            escaped = *c == '\\' && !escaped;
            return false;
        }
        match c {
            '"' | '\'' | '`' => {
                quote = Some(*c);
                false
            }
            '(' | '[' | '{' => {
                depth += 1;
                false
            }
            ')' | ']' | '}' if depth > 0 => {
                depth -= 1;
                false
            }
            _ => depth == 0,
        }
    })
}

/// The operator that binds least, the last of its kind, with what stands on its sides.
fn split_operator(expression: &str) -> Option<(&str, &str, &str)> {
    const LEVELS: [&[&str]; 6] = [
        &["or"],
        &["and", "unless"],
        &[">=", "<=", "==", "!=", ">", "<"],
        &["+", "-"],
        &["*", "/", "%"],
        &["^"],
    ];
    let free: Vec<usize> = outside(expression).map(|(at, _)| at).collect();
    LEVELS.iter().find_map(|operators| {
        free.iter().rev().find_map(|at| {
            let found = operators
                .iter()
                .find(|o| expression[*at..].starts_with(**o))?;
            let (left, right) = (&expression[..*at], &expression[at + found.len()..]);
            let word = found.starts_with(char::is_alphabetic);
            let apart = !word || (!left.ends_with(is_name) && !right.starts_with(is_name));
            // a sign is no operator: something must stand before it
            (apart && !left.trim().is_empty()).then_some((left, *found, right))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::golden;

    #[test]
    fn units_are_read_off_names_and_functions() {
        for (promql, wanted) in [
            (golden::RATE, Unit::PerSecond),
            (golden::ERRORS, Unit::Share),
            (golden::P95, Unit::Seconds),
            (golden::CPU, Unit::Processors),
            ("process_resident_memory_bytes{service=\"a\"}", Unit::Bytes),
            ("max by (x) (a_seconds) - 2", Unit::Seconds),
            (
                "rate(a_seconds_sum[1m]) / rate(a_seconds_count[1m])",
                Unit::Seconds,
            ),
            (
                "sum(rate(a_total[1m])) by (b) / sum(rate(c_total[1m]))",
                Unit::Share,
            ),
            ("100 * a_ratio", Unit::Plain),
            ("queue_depth{x=\"a / b_seconds\"}", Unit::Plain),
            ("", Unit::Plain),
            ("))) ((( \"", Unit::Plain),
        ] {
            assert_eq!(unit(promql), wanted, "{promql}");
        }
        assert_eq!(unit(&"(".repeat(100_000)), Unit::Plain);
        assert_eq!(
            unit(&format!("{}a{}", "(".repeat(900), ")".repeat(900))),
            Unit::Plain
        );
    }

    #[test]
    fn the_metric_of_an_expression_is_found_behind_functions_and_groupings() {
        for (promql, wanted) in [
            (
                golden::P95,
                Some("http_server_request_duration_seconds_bucket"),
            ),
            ("sum by (service) (x_total)", Some("x_total")),
            ("sum(x_total) by (service)", Some("x_total")),
            ("Inf * x_total ON (service) y", Some("x_total")),
            ("sum(", None),
            ("é{", None),
        ] {
            assert_eq!(metric_in(promql), wanted, "{promql}");
        }
    }
}
