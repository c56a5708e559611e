//! TraceQL as text: what a person types who knows no query language becomes conditions, and a query is narrowed by
//! another condition. Knows no evaluation: the lab parses what is sent.

use serde::Deserialize;

use super::loki::quoted;
use super::words::escape_regex;

/// Where an attribute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Built into spans: name, kind, status, statusMessage.
    Intrinsic,
    /// On the resource.
    Resource,
    /// On the span.
    Span,
}

/// Whether a text is the id of a trace.
#[must_use]
pub fn is_trace_id(typed: &str) -> bool {
    typed.len() == 32 && typed.chars().all(|c| c.is_ascii_hexdigit())
}

/// TraceQL of what was typed: TraceQL stays; `error`, `>500ms`, `<2s`, names of services and other words become conditions.
#[must_use]
pub fn of_typed(typed: &str, services: &[String]) -> String {
    let typed = typed.trim();
    if typed.starts_with('{') || typed.starts_with('(') {
        return typed.to_owned();
    }
    if is_trace_id(typed) {
        return format!("{{ trace:id = {} }}", quoted(typed));
    }
    let conditions: Vec<String> = typed
        .split_whitespace()
        .map(|word| match word {
            "error" | "errors" | "failed" => "status = error".to_owned(),
            w if w.starts_with(['>', '<']) && w[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                format!("duration {} {}", &w[..1], &w[1..])
            }
            w if services.iter().any(|s| s == w) => {
                format!("resource.service.name = {}", quoted(w))
            }
            w => {
                let holds = quoted(&format!("(?i).*{}.*", escape_regex(w)));
                format!("(name =~ {holds} || resource.service.name =~ {holds})")
            }
        })
        .collect();
    if conditions.is_empty() {
        "{ }".to_owned()
    } else {
        format!("{{ {} }}", conditions.join(" && "))
    }
}

/// Whether a query finds every trace.
#[must_use]
pub fn is_all(query: &str) -> bool {
    query
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|inside| inside.trim().is_empty())
}

/// The query, of which each trace must also have a span for which this condition holds.
#[must_use]
pub fn and_also(query: &str, condition: &str) -> String {
    if is_all(query) {
        return format!("{{ {condition} }}");
    }
    let (spans, stages) = query.split_at(pipeline(query));
    let spans = match spans.trim_end() {
        one if one.matches('{').count() == 1 => one.to_owned(),
        several => format!("({several})"),
    };
    let stages = if stages.is_empty() { "" } else { " " }.to_owned() + stages;
    format!("{spans} && {{ {condition} }}{stages}")
}

/// Byte of the `|` that begins the pipeline, outside quotes and braces; the end where there is none.
fn pipeline(query: &str) -> usize {
    let (mut quote, mut escaped, mut depth) = (None, false, 0_usize);
    let bytes = query.as_bytes();
    for (at, byte) in query.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quote == Some(b'"') => escaped = true,
            b'"' | b'`' if quote.is_none() => quote = Some(byte),
            _ if quote == Some(byte) => quote = None,
            _ if quote.is_some() => {}
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'|' if depth == 0 => {
                let neighbour = |i: Option<usize>| i.and_then(|i| bytes.get(i)) == Some(&b'|');
                if !neighbour(at.checked_sub(1)) && !neighbour(Some(at + 1)) {
                    return at;
                }
            }
            _ => {}
        }
    }
    query.len()
}

/// The name of a field.
#[must_use]
pub fn field(scope: Scope, key: &str) -> String {
    let prefix = match scope {
        Scope::Intrinsic => return key.to_owned(),
        Scope::Resource => "resource.",
        Scope::Span => "span.",
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    match !key.is_empty() && key.chars().all(plain) {
        true => format!("{prefix}{key}"),
        false => format!("{prefix}{}", quoted(key)),
    }
}

/// The condition that a field has a value, or that it has another one. Whether an attribute is a text or a number is not
/// known of its text, so that both are asked for.
#[must_use]
pub fn condition(scope: Scope, key: &str, value: &str, keep: bool) -> String {
    let (name, is) = (field(scope, key), if keep { "=" } else { "!=" });
    if scope == Scope::Intrinsic && matches!(key, "status" | "kind") {
        return format!("{name} {is} {value}");
    }
    let text = format!("{name} {is} {}", quoted(value));
    let number = value.parse::<f64>().is_ok_and(f64::is_finite);
    let literal = value.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && value
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '-' | '.'));
    let typed =
        (scope != Scope::Intrinsic && number && literal) || matches!(value, "true" | "false");
    match (typed, keep) {
        (false, true) => text,
        (false, false) => format!("{name} != nil && {text}"),
        (true, true) => format!("({text} || {name} = {value})"),
        (true, false) => format!("{name} != nil && {text} && {name} != {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_become_conditions() {
        let services = ["checkout".to_owned()];
        assert_eq!(
            of_typed("checkout error >500ms", &services),
            "{ resource.service.name = \"checkout\" && status = error && duration > 500ms }"
        );
        assert_eq!(of_typed("", &services), "{ }");
        assert_eq!(
            of_typed("{ status = error }", &services),
            "{ status = error }"
        );
        assert_eq!(
            of_typed("items", &services),
            "{ (name =~ \"(?i).*items.*\" || resource.service.name =~ \"(?i).*items.*\") }"
        );
    }

    #[test]
    fn a_query_is_narrowed_before_its_pipeline() {
        for (query, narrowed) in [
            ("{ }", "{ status = error }"),
            ("{ name = \"a\" }", "{ name = \"a\" } && { status = error }"),
            (
                "{ name = \"a|b\" } | count() > 2",
                "{ name = \"a|b\" } && { status = error } | count() > 2",
            ),
            (
                "{ .a = 1 } || { .b = `}|` }",
                "({ .a = 1 } || { .b = `}|` }) && { status = error }",
            ),
        ] {
            assert_eq!(and_also(query, "status = error"), narrowed);
        }
    }

    #[test]
    fn a_value_is_asked_for_as_text_and_as_number() {
        let span = |value: &str, keep| condition(Scope::Span, "a.b", value, keep);
        assert_eq!(span("x\"y", true), r#"span.a.b = "x\"y""#);
        assert_eq!(span("500", true), r#"(span.a.b = "500" || span.a.b = 500)"#);
        assert_eq!(span("x", false), r#"span.a.b != nil && span.a.b != "x""#);
        for text in ["inf", "NaN", "1e5", "-"] {
            assert_eq!(span(text, true), format!("span.a.b = \"{text}\""));
        }
        assert_eq!(
            condition(Scope::Intrinsic, "kind", "server", true),
            "kind = server"
        );
        assert_eq!(
            condition(Scope::Resource, "a b", "x", true),
            r#"resource."a b" = "x""#
        );
    }
}
