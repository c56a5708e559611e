//! What a webhook is sent: Alertmanager's JSON or Slack's. Translates only.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use bytes::Bytes;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use promql_parser::parser::Expr;
use serde_json::{Value, json};

use super::Shape;
use crate::alerts::format::humanize;
use crate::alerts::state::{Alert, State};
use crate::promql::{self, format_value};

/// Alerts that one Slack message shows; the text says how many more there are.
const SLACK_ATTACHMENTS: usize = 20;

/// What a query in a link must not hold as it is: all but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The body of one message about alerts that began or ceased to fire. `api_url` is the base of the links.
pub(super) fn message(shape: Shape, alerts: &[Alert], api_url: &str) -> Bytes {
    let body = match shape {
        Shape::Generic => generic(alerts, api_url),
        Shape::Slack => slack(alerts, api_url),
    };
    body.to_string().into()
}

/// Version 4 of Alertmanager's webhook (prometheus.io/docs/alerting/latest/configuration, `webhook_config`), with `value` and
/// `threshold` of each alert besides.
fn generic(alerts: &[Alert], api_url: &str) -> Value {
    let firing = alerts.iter().any(is_firing);
    let maps =
        |of: fn(&Alert) -> &[(String, String)]| alerts.iter().map(move |alert| map(of(alert)));
    let names: BTreeMap<&str, String> = match common(maps(|a| &a.labels)).remove("alertname") {
        Some(name) => BTreeMap::from([("alertname", name)]),
        None => BTreeMap::new(),
    };
    json!({
        "version": "4",
        "receiver": "webhook",
        "status": status(firing),
        "groupKey": format!("{{}}:{{alertname={:?}}}", names.get("alertname").map_or("", String::as_str)),
        "groupLabels": names,
        "commonLabels": common(maps(|a| &a.labels)),
        "commonAnnotations": common(maps(|a| &a.annotations)),
        "truncatedAlerts": 0,
        "externalURL": api_url,
        "alerts": alerts.iter().map(|alert| generic_alert(alert, api_url)).collect::<Vec<_>>(),
    })
}

fn generic_alert(alert: &Alert, api_url: &str) -> Value {
    let mut hasher = DefaultHasher::new();
    alert.labels.hash(&mut hasher);
    json!({
        "status": status(is_firing(alert)),
        "labels": map(&alert.labels),
        "annotations": map(&alert.annotations),
        "startsAt": rfc3339(Some(alert.active_since_ns)),
        "endsAt": rfc3339(alert.resolved_at_ns.filter(|_| !is_firing(alert))),
        "generatorURL": query_url(alert, api_url),
        "fingerprint": format!("{:016x}", hasher.finish()),
        "value": alert.value.is_finite().then_some(alert.value),
        "threshold": threshold(&alert.expr),
    })
}

/// An incoming webhook of Slack: a line for notifications, and an attachment an alert.
fn slack(alerts: &[Alert], api_url: &str) -> Value {
    let firing = alerts.iter().filter(|alert| is_firing(alert)).count();
    let line = match alerts {
        [alert] => format!(
            "[{}] {}: {}",
            status(is_firing(alert)).to_uppercase(),
            alert.name,
            title(alert)
        ),
        _ => format!(
            "{firing} alerts fire, {} are resolved",
            alerts.len() - firing
        ),
    };
    let more = alerts.len().saturating_sub(SLACK_ATTACHMENTS);
    let line = if more > 0 {
        format!("{line} ({more} are not shown)")
    } else {
        line
    };
    let attachments: Vec<Value> = alerts
        .iter()
        .take(SLACK_ATTACHMENTS)
        .map(|alert| attachment(alert, api_url))
        .collect();
    json!({ "text": escaped(&line), "attachments": attachments })
}

fn attachment(alert: &Alert, api_url: &str) -> Value {
    let severity = label(alert, "severity").unwrap_or("none");
    let colour = match (is_firing(alert), severity) {
        (false, _) => "good",
        (true, "critical") => "danger",
        (true, _) => "warning",
    };
    let mut fields = vec![("Severity", severity.to_owned())];
    fields.extend(label(alert, "service").map(|service| ("Service", service.to_owned())));
    fields.push(("Value", humanize(alert.value)));
    fields.extend(threshold(&alert.expr).map(|threshold| ("Threshold", threshold)));
    fields.push(("Since", rfc3339(Some(alert.active_since_ns))));
    let fields: Vec<Value> = fields
        .into_iter()
        .map(|(title, value)| json!({ "title": title, "value": escaped(&value), "short": true }))
        .collect();
    let mut links = vec![format!("<{}|Query>", query_url(alert, api_url))];
    // a link is only what looks like one: the text comes from a rule file
    let runbook = annotation(alert, "runbook_url").filter(|url| url.starts_with("http"));
    links.extend(runbook.map(|url| format!("<{}|Runbook>", escaped(&url.replace('|', "%7C")))));
    let description = annotation(alert, "description").unwrap_or_default();
    json!({
        "color": colour,
        "fallback": escaped(title(alert)),
        "title": escaped(&format!("{}: {}", alert.name, title(alert))),
        "text": format!("{}\n{}", escaped(description), links.join("  ")),
        "fields": fields,
        "mrkdwn_in": ["text"],
        "ts": alert.active_since_ns.div_euclid(1_000_000_000),
    })
}

/// What Slack's formatting would take for its own.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn title(alert: &Alert) -> &str {
    annotation(alert, "summary").unwrap_or(&alert.name)
}

fn is_firing(alert: &Alert) -> bool {
    alert.state == State::Firing
}

fn status(firing: bool) -> &'static str {
    if firing { "firing" } else { "resolved" }
}

fn label<'a>(alert: &'a Alert, name: &str) -> Option<&'a str> {
    found(&alert.labels, name)
}

fn annotation<'a>(alert: &'a Alert, name: &str) -> Option<&'a str> {
    found(&alert.annotations, name)
}

fn found<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, value)| value.as_str())
}

fn map(pairs: &[(String, String)]) -> BTreeMap<String, String> {
    pairs.iter().cloned().collect()
}

/// The pairs that all maps have.
fn common(mut maps: impl Iterator<Item = BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let mut common = maps.next().unwrap_or_default();
    for other in maps {
        common.retain(|name, value| other.get(name) == Some(value));
    }
    common
}

/// A time in RFC 3339; Go's zero time where there is none, as Alertmanager has it.
fn rfc3339(ns: Option<i64>) -> String {
    let time = ns.and_then(|ns| Timestamp::from_nanosecond(i128::from(ns)).ok());
    time.map_or_else(
        || "0001-01-01T00:00:00Z".to_owned(),
        |time| time.to_string(),
    )
}

/// Where the alert's expression is answered, at the time since which it holds.
fn query_url(alert: &Alert, api_url: &str) -> String {
    let query = utf8_percent_encode(&alert.expr, RESERVED);
    let time = alert
        .fired_at_ns
        .unwrap_or(alert.active_since_ns)
        .div_euclid(1_000_000_000);
    format!("{api_url}/prometheus/api/v1/query?query={query}&time={time}")
}

/// The comparison that an expression ends in, as `> 0.05`; none where there is no plain number.
fn threshold(expr: &str) -> Option<String> {
    fn of(expr: &Expr) -> Option<String> {
        match expr {
            Expr::Paren(paren) => of(&paren.expr),
            Expr::Binary(binary) if binary.op.is_comparison_operator() => match &*binary.rhs {
                Expr::NumberLiteral(number) => {
                    Some(format!("{} {}", binary.op, format_value(number.val)))
                }
                _ => None,
            },
            // the condition itself stands first: `… > 2 and enough traffic`
            Expr::Binary(binary) if binary.op.is_set_operator() => of(&binary.lhs),
            _ => None,
        }
    }
    of(&promql::parse_plain(expr).ok()?)
}

#[cfg(test)]
mod tests {
    use super::threshold;

    #[test]
    fn the_threshold_is_what_the_condition_compares_with() {
        let cases = [
            ("up == 0", Some("== 0")),
            (
                "(sum(rate(a[1m])) / sum(rate(b[1m])) > 0.05)",
                Some("> 0.05"),
            ),
            ("a > 2 and b > 20", Some("> 2")),
            ("a > b", None),
            ("absent(up)", None),
            ("a >", None),
        ];
        for (expr, expected) in cases {
            assert_eq!(threshold(expr).as_deref(), expected, "{expr}");
        }
    }
}
