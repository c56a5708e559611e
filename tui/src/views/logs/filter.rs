//! Filter for and filter out: turns the query into one that keeps or drops a value.

use super::state::refresh;
use crate::app::App;
use crate::client::Asker;
use crate::client::loki::{as_logql, quoted};

/// The query that also asks for (or excludes) a value; labels of streams go into the selector, fields behind it.
#[must_use]
pub fn with_filter(query: &str, key: &str, value: &str, keep: bool) -> String {
    let logql = as_logql(query);
    let operator = if keep { "=" } else { "!=" };
    let condition = format!("{key}{operator}{}", quoted(value));
    let in_selector = matches!(key, "service" | "level" | "service_name");
    let Some(close) = selector_end(&logql) else {
        return logql;
    };
    if logql.contains(&condition) {
        return logql;
    }
    if !in_selector {
        return format!("{logql} | {condition}");
    }
    let inside = logql[1..close].trim();
    let kept = if inside == "service=~\".+\"" && key == "service" && keep {
        String::new()
    } else {
        inside.to_owned()
    };
    let comma = if kept.is_empty() { "" } else { ", " };
    format!("{{{kept}{comma}{condition}{}", &logql[close..])
}

/// The LogQL of bare words of which one names a service exactly, and that service: a service is no part of its lines' text.
/// Nothing where a word is quoted, where words are excluded, and where two services are named.
#[must_use]
pub fn of_services(typed: &str, services: &[String]) -> Option<(String, String)> {
    if typed.contains(['"', '{']) || typed.starts_with('!') {
        return None;
    }
    let is_service = |word: &&str| services.iter().any(|s| s == word);
    let (named, rest): (Vec<&str>, Vec<&str>) = typed.split_whitespace().partition(is_service);
    let [service] = named[..] else { return None };
    let query = with_filter(&rest.join(" "), "service", service, true);
    Some((query, service.to_owned()))
}

/// Byte of the brace that closes the selector, past quoted braces.
fn selector_end(logql: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    logql.char_indices().find_map(|(i, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(i),
            _ => {}
        }
        None
    })
}

/// `=`, `!`: filters for or out by the selected field, or by the selected line's service when the lines are in focus.
pub fn filter(app: &mut App, keep: bool) {
    let logs = &app.views.logs;
    let fields = logs.fields();
    let chosen = if logs.in_fields {
        fields.get(logs.field.of(fields.len()))
    } else {
        fields.iter().find(|(k, _)| k == "service")
    };
    let Some((key, value)) = chosen.cloned() else {
        return app.say("Tab goes to the fields; = and ! filter by the selected one");
    };
    let query = with_filter(&app.views.logs.query.ran, &key, &value, keep);
    app.remember();
    app.views.logs.leave_context();
    app.views.logs.query.set(&query);
    app.views.logs.query.commit();
    refresh(app, Asker::Person);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_narrows_the_selector_and_a_field_goes_behind_it() {
        assert_eq!(
            with_filter("", "service", "checkout", true),
            r#"{service="checkout"}"#
        );
        assert_eq!(
            with_filter(r#"{service="a"} |= "x}""#, "level", "error", false),
            r#"{service="a", level!="error"} |= "x}""#
        );
        assert_eq!(
            with_filter("timeout", "order_id", "o-7", true),
            r#"{service=~".+"} |~ "(?i)timeout" | order_id="o-7""#
        );
    }

    #[test]
    fn a_bare_word_that_names_a_service_selects_its_lines() {
        let services = ["orders".to_owned(), "worker".to_owned()];
        let query = |typed| of_services(typed, &services).map(|(query, _)| query);
        assert_eq!(query("orders").as_deref(), Some(r#"{service="orders"}"#));
        assert_eq!(
            query("timeout orders").as_deref(),
            Some(r#"{service="orders"} |~ "(?i)timeout""#)
        );
        for other in [
            "order",
            "\"orders\"",
            "!orders",
            "{service=\"orders\"}",
            "orders worker",
        ] {
            assert_eq!(query(other), None, "{other}");
        }
    }

    #[test]
    fn the_same_filter_is_not_added_twice() {
        let once = with_filter("", "order_id", "7", true);
        assert_eq!(with_filter(&once, "order_id", "7", true), once);
    }
}
