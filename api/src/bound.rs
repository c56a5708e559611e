//! The bound in an alert's expression, told apart from what is bounded.

/// The words that join a condition to another one, which only says when the first counts.
const JOINING: [&str; 2] = ["and", "unless"];

/// An expression without the comparison at its end, so that its chart shows the values that are within bounds, too; and that
/// comparison. Of conditions that are joined, as in `p95 > 2 and requests > 10`, the first is what is watched.
#[must_use]
pub fn split_bound(promql: &str) -> (String, Option<(&'static str, f64)>) {
    let query = promql.trim();
    let watched = first_condition(query).trim();
    let cut = [">=", "<=", "==", "!=", ">", "<"]
        .into_iter()
        .find_map(|operator| {
            let (before, after) = watched.rsplit_once(operator)?;
            let bound = after.trim().parse::<f64>().ok()?;
            Some((before.trim().to_owned(), Some((operator, bound))))
        });
    cut.unwrap_or_else(|| (query.to_owned(), None))
}

/// What stands before the first joining word that is in no bracket and no quotes.
fn first_condition(query: &str) -> &str {
    let (mut depth, mut quote, mut word) = (0_usize, None, 0);
    for (at, c) in query.char_indices() {
        if !(c.is_alphanumeric() || c == '_') {
            let said = &query[word..at];
            let joins = JOINING.iter().any(|join| join.eq_ignore_ascii_case(said));
            if joins && depth == 0 && quote.is_none() {
                return &query[..word];
            }
            word = at + c.len_utf8();
        }
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'' | '`', None) => quote = Some(c),
            ('(' | '{' | '[', None) => depth += 1,
            (')' | '}' | ']', None) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_of_an_alert_is_taken_off_and_nothing_else() {
        for (promql, query, bound) in [
            ("rate(a[1m]) > 2", "rate(a[1m])", Some((">", 2.0))),
            ("a / b >= 0.5", "a / b", Some((">=", 0.5))),
            ("a{x!=\"y\"} > b", "a{x!=\"y\"} > b", None),
            ("absent(up)", "absent(up)", None),
            (
                "p(a{x=\"land and sea\"}) > 2\n  and sum(b) > 10",
                "p(a{x=\"land and sea\"})",
                Some((">", 2.0)),
            ),
            ("a < 0.1 unless on () b == 1", "a", Some(("<", 0.1))),
            ("max(a and b) > 3", "max(a and b)", Some((">", 3.0))),
            ("a and b", "a and b", None),
            ("", "", None),
        ] {
            assert_eq!(split_bound(promql), (query.to_owned(), bound), "{promql}");
        }
    }
}
