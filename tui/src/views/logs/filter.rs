//! Filter for and filter out: turns the query into one that keeps or drops a value.

use super::patterns;
use super::state::refresh;
use crate::app::App;
use crate::client::Asker;
use crate::client::loki::quoted;

/// The LogQL that also asks for (or excludes) a value; labels of streams go into the selector, fields behind it.
#[must_use]
pub fn with_filter(logql: &str, key: &str, value: &str, keep: bool) -> String {
    let operator = if keep { "=" } else { "!=" };
    let condition = format!("{key}{operator}{}", quoted(value));
    let in_selector = matches!(key, "service" | "level" | "service_name");
    let Some(close) = selector_end(logql) else {
        return logql.to_owned();
    };
    if logql.contains(&condition) {
        return logql.to_owned();
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

/// The selector of a service, where its name is all that was typed; in quotes, and beside other words, it is searched
/// as text, which finds the service's lines too.
#[must_use]
pub fn of_service(typed: &str, services: &[String]) -> Option<String> {
    let named = services.iter().find(|s| s.as_str() == typed.trim())?;
    Some(format!("{{service={}}}", quoted(named)))
}

/// What is to be run for what was typed; a service's name becomes its selector, which is said.
pub fn typed(app: &mut App, text: &str) -> String {
    match of_service(text, &app.services()) {
        Some(query) => {
            let named = text.trim();
            app.say(format!(
                "lines of service {named}; {named:?} in quotes is searched as text"
            ));
            query
        }
        None => text.to_owned(),
    }
}

/// Byte of the brace that closes the selector, past quoted braces.
pub(super) fn selector_end(logql: &str) -> Option<usize> {
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
    if patterns::are_open(app) {
        return patterns::narrow(app, keep);
    }
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
    let query = with_filter(&app.views.logs.base(), &key, &value, keep);
    app.remember();
    app.views.logs.leave_context();
    app.views.logs.query.set(&query);
    app.views.logs.query.commit();
    refresh(app, Asker::Person);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = r#"{service=~".+"}"#;

    #[test]
    fn a_service_narrows_the_selector_and_a_field_goes_behind_it() {
        assert_eq!(
            with_filter(ALL, "service", "checkout", true),
            r#"{service="checkout"}"#
        );
        assert_eq!(
            with_filter(r#"{service="a"} |= "x}""#, "level", "error", false),
            r#"{service="a", level!="error"} |= "x}""#
        );
        assert_eq!(
            with_filter(ALL, "order_id", "o-7", true),
            r#"{service=~".+"} | order_id="o-7""#
        );
    }

    #[test]
    fn the_name_of_a_service_alone_selects_its_lines() {
        let services = ["orders".to_owned(), "worker".to_owned()];
        assert_eq!(
            of_service(" orders ", &services).as_deref(),
            Some(r#"{service="orders"}"#)
        );
        for other in [
            "order",
            "\"orders\"",
            "!orders",
            "{service=\"orders\"}",
            "timeout orders",
        ] {
            assert_eq!(of_service(other, &services), None, "{other}");
        }
    }

    #[test]
    fn the_same_filter_is_not_added_twice() {
        let once = with_filter(ALL, "order_id", "7", true);
        assert_eq!(with_filter(&once, "order_id", "7", true), once);
    }
}
