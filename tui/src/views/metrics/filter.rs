//! Filter for and filter out by the labels of the selected series: the expression asks for them in each of its selectors.
//! Labels that all series share tell nothing apart and are not offered.

use std::collections::BTreeSet;

use super::promql::{is_name, is_word};
use super::state;
use crate::app::App;
use crate::app::menu::{Choice, Item, Menu};
use crate::app::overlay::Overlay;
use crate::client::Asker;
use crate::client::loki::quoted;
use crate::client::prometheus::Series;
use crate::views::ViewId;

/// The expression whose selectors also ask for (or exclude) a value of a label; none where it has no selector.
#[must_use]
pub fn with_matcher(promql: &str, label: &str, value: &str, keep: bool) -> Option<String> {
    let operator = if keep { "=" } else { "!=" };
    let matcher = format!("{label}{operator}{}", quoted(value));
    let mut out = String::with_capacity(promql.len() + matcher.len() + 4);
    let mut from = 0;
    for selector in selectors(promql) {
        let (at, add) = match selector {
            Selector::Bare(end) => (end, format!("{{{matcher}}}")),
            Selector::Braced(open) => {
                let inside = promql[open..].trim_start();
                match inside {
                    inside if has(inside, &matcher) => continue,
                    inside if inside.starts_with('}') => (open, matcher.clone()),
                    _ => (open, format!("{matcher}, ")),
                }
            }
        };
        out.push_str(&promql[from..at]);
        out.push_str(&add);
        from = at;
    }
    out.push_str(&promql[from..]);
    let any = from > 0 || promql.contains(&matcher);
    any.then_some(out)
}

/// Whether one of the matchers that a text begins with is this one.
fn has(inside: &str, matcher: &str) -> bool {
    let end = past(inside, '}');
    let matchers = &inside[..end];
    matchers.match_indices(matcher).any(|(at, _)| {
        let before = matchers[..at].trim_end();
        before.is_empty() || before.ends_with(',')
    })
}

/// Where a matcher can be put.
#[derive(Debug, PartialEq, Eq)]
enum Selector {
    /// Behind a name without braces.
    Bare(usize),
    /// Behind the brace that opens.
    Braced(usize),
}

/// The selectors of an expression, from left to right.
fn selectors(promql: &str) -> Vec<Selector> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = promql[at..].chars().next() {
        let rest = &promql[at..];
        at += match c {
            '"' | '\'' | '`' => quote_end(rest, c),
            '[' => past(rest, ']'),
            '{' => {
                out.push(Selector::Braced(at + 1));
                past(rest, '}')
            }
            // numbers and lengths of time, whose letters are no names
            c if c.is_ascii_digit() => run(rest, |c| c.is_ascii_alphanumeric() || c == '.'),
            c if c.is_ascii_alphabetic() || matches!(c, '_' | ':') => {
                let name = run(rest, is_name);
                name + behind_name(&rest[..name], &rest[name..], at + name, &mut out)
            }
            c => c.len_utf8(),
        };
    }
    out
}

/// Bytes behind a name that belong to it; a name that is a metric's is a selector.
fn behind_name(name: &str, rest: &str, at: usize, out: &mut Vec<Selector>) -> usize {
    let spaces = rest.len() - rest.trim_start().len();
    let next = &rest[spaces..];
    if is_word(name) {
        // the labels that a grouping names are no metrics
        return match next.starts_with('(') {
            true => spaces + past(next, ')'),
            false => 0,
        };
    }
    let following = &next[..run(next, |c| c.is_ascii_alphanumeric())];
    let grouped = matches!(following, "by" | "without");
    if next.starts_with('(') || grouped {
        return 0;
    }
    if next.starts_with('{') {
        out.push(Selector::Braced(at + spaces + 1));
        return spaces + past(next, '}');
    }
    out.push(Selector::Bare(at));
    0
}

/// Bytes of the characters that a text begins with.
fn run(text: &str, of: impl Fn(char) -> bool) -> usize {
    text.find(|c| !of(c)).unwrap_or(text.len())
}

/// Bytes to behind the end of the string that a text begins with.
fn quote_end(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let mut inside = text.char_indices().skip(1);
    let end = inside.find(|(_, c)| {
        let closes = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped && quote != '`';
        closes
    });
    end.map_or(text.len(), |(at, c)| at + c.len_utf8())
}

/// Bytes to behind the bracket that closes, past strings.
fn past(text: &str, closing: char) -> usize {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        at += match c {
            '"' | '\'' | '`' => quote_end(&text[at..], c),
            c => c.len_utf8(),
        };
        if c == closing {
            return at;
        }
    }
    text.len()
}

/// The labels that all series have with one value; none where a series stands alone.
#[must_use]
pub fn shared(series: &[Series]) -> BTreeSet<String> {
    let Some((first, others)) = series.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return BTreeSet::new();
    };
    let of_all = |(key, value): &(&String, &String)| {
        others.iter().all(|s| s.labels.get(*key) == Some(*value))
    };
    let labels = first.labels.iter().filter(of_all);
    labels.map(|(key, _)| key.clone()).collect()
}

/// The labels of a series by which it can be told from the others; all of its labels where it stands alone.
fn telling(series: &[Series], of: &Series) -> Vec<(String, String)> {
    let shared = shared(series);
    let tells = |(key, _): &(&String, &String)| *key != "__name__" && !shared.contains(*key);
    let labels = of.labels.iter().filter(tells);
    labels.map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Whether a series is selected that has a label to filter by.
#[must_use]
pub fn has_label(app: &App) -> bool {
    let of = state::selected(app);
    of.is_some_and(|of| !telling(&app.views.metrics.series, of).is_empty())
}

/// `=`, `!`: filters for or out by the label that tells the selected series from the others; of several one is chosen.
pub fn filter(app: &mut App, keep: bool) {
    let Some(of) = state::selected(app) else {
        return app.say("no series is selected; = and ! filter by the labels of one");
    };
    let promql = app.views.metrics.query.good.clone();
    let word = if keep { "=" } else { "is not" };
    let narrowed = |(key, value): (String, String)| {
        let query = with_matcher(&promql, &key, &value, keep)?;
        Some((format!("{key} {word} {value}"), query))
    };
    let labels = telling(&app.views.metrics.series, of);
    let mut found: Vec<(String, String)> = labels.into_iter().filter_map(narrowed).collect();
    app.remember();
    match found.len() {
        0 => app.say("this series has no label that tells it from the others"),
        1 => run_instead(app, &found.remove(0).1),
        _ => {
            let item = |(label, query)| Item {
                label,
                about: String::new(),
                choice: Choice::Query(ViewId::Metrics, query),
            };
            let title = match keep {
                true => "Only series whose",
                false => "No series whose",
            };
            let items = found.into_iter().map(item).collect();
            app.overlay = Some(Overlay::Menu(Menu::new(title, items)));
        }
    }
}

fn run_instead(app: &mut App, query: &str) {
    app.views.metrics.query.set(query);
    app.views.metrics.query.commit();
    state::refresh(app, Asker::Person);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::golden;

    fn only(promql: &str) -> Option<String> {
        with_matcher(promql, "service", "a", true)
    }

    #[test]
    fn each_selector_asks_for_the_value_and_nothing_else_changes() {
        for (promql, wanted) in [
            ("up", r#"up{service="a"}"#),
            ("up{}", r#"up{service="a"}"#),
            (r#"up{x="}"} > 2"#, r#"up{service="a", x="}"} > 2"#),
            (
                "sum by (service) (rate(x_total[30s])) / sum without(le)(y)",
                r#"sum by (service) (rate(x_total{service="a"}[30s])) / sum without(le)(y{service="a"})"#,
            ),
            (
                "sum(rate(x[1m] offset 5m)) by (service)",
                r#"sum(rate(x{service="a"}[1m] offset 5m)) by (service)"#,
            ),
            (
                "a * on(pool) group_left b OR c unless d",
                r#"a{service="a"} * on(pool) group_left b{service="a"} OR c{service="a"} unless d{service="a"}"#,
            ),
            (
                r#"{__name__="up"} == bool 1e3"#,
                r#"{service="a", __name__="up"} == bool 1e3"#,
            ),
            (
                r#"label_replace(up, "x", "$1", 'y', "(.*)")"#,
                r#"label_replace(up{service="a"}, "x", "$1", 'y', "(.*)")"#,
            ),
        ] {
            assert_eq!(only(promql).as_deref(), Some(wanted));
        }
        for promql in ["1 + 2", "Inf - NaN", "time()", "vector(1)", "", "\"", "é"] {
            assert_eq!(only(promql), None, "{promql}");
        }
    }

    #[test]
    fn the_same_matcher_is_not_added_twice_and_values_are_quoted() {
        let once = only(golden::P95).expect("it has a selector");
        assert_eq!(only(&once).as_ref(), Some(&once));
        let other = r#"up{my_service="a"}"#;
        assert_eq!(
            only(other).as_deref(),
            Some(r#"up{service="a", my_service="a"}"#)
        );
        assert_eq!(
            with_matcher("up", "x", "say \"hi\" \\", false).as_deref(),
            Some(r#"up{x!="say \"hi\" \\"}"#)
        );
    }

    #[test]
    fn labels_that_all_series_share_tell_nothing() {
        let series = |service: &str| Series {
            labels: [("job", "shop"), ("service", service)]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
            points: Vec::new(),
        };
        let two = [series("a"), series("b")];
        let owned = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        assert_eq!(telling(&two, &two[1]), [owned("service", "b")]);
        assert_eq!(telling(&two[..1], &two[0]).len(), 2);
    }
}
