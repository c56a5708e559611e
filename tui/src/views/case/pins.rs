//! What a pin is called in lists: first what tells it from the others. The lab's text stays whole where there is room.

use std::collections::BTreeMap;

use api::{Pin, PinTarget};

use crate::text;
use crate::time::clock;
use crate::views::metrics::promql;

/// Whether a word is a time of day, `HH:MM:SS`.
fn is_clock(word: &str) -> bool {
    word.len() == 8
        && word.bytes().enumerate().all(|(i, b)| match i {
            2 | 5 => b == b':',
            _ => b.is_ascii_digit(),
        })
}

/// What was pinned, without the time of day that the lab's text begins with: of a value the series and the value with its
/// unit, then the expression; of the rest the lab's text with readable durations.
#[must_use]
pub fn said(pin: &Pin) -> String {
    let (_, text) = parted(pin);
    match &pin.target {
        PinTarget::Metric { query, labels, .. } => text
            .split_once(" = ")
            .and_then(|(value, rest)| Some((value.parse::<f64>().ok()?, rest)))
            .map(|(value, rest)| format!("{} = {rest}", reading(query, labels, value)))
            .unwrap_or_else(|| text.to_owned()),
        PinTarget::Span { .. } => in_seconds(text),
        PinTarget::Log { .. } | PinTarget::Change { .. } => text.to_owned(),
    }
}

/// The time of day that the lab's text begins with, where it does, and the rest.
#[must_use]
pub fn parted(pin: &Pin) -> (Option<&str>, &str) {
    match pin.text.split_once(' ') {
        Some((time, said)) if is_clock(time) => (Some(time), said),
        _ => (None, &pin.text),
    }
}

/// When it happened: as the lab's text says it, or else as its target knows.
#[must_use]
pub fn when(pin: &Pin) -> String {
    let time = parted(pin).0;
    time.map_or_else(|| clock(super::state::pin_time(pin)), str::to_owned)
}

/// A value as a person would say it: whose it is, which quantile, how much, in which unit.
fn reading(query: &str, labels: &BTreeMap<String, String>, value: f64) -> String {
    let own = |k: &&String| !matches!(k.as_str(), "__name__" | "job" | "service");
    let legend = labels.get("service").cloned().into_iter();
    let legend = legend.chain(
        labels
            .iter()
            .filter(|(k, _)| own(k))
            .map(|(k, v)| format!("{k}={v}")),
    );
    let quantile = quantile(query).into_iter();
    let parts: Vec<String> = legend
        .chain(quantile)
        .chain([promql::unit(query).shown(value)])
        .collect();
    parts.join(" ")
}

/// `p95` of a `histogram_quantile(0.95, …`.
fn quantile(query: &str) -> Option<String> {
    let (_, rest) = query.split_once("histogram_quantile(")?;
    let share: f64 = rest.split(',').next()?.trim().parse().ok()?;
    Some(format!("p{}", text::number(share * 100.0)))
}

/// A text with its milliseconds from a second on written in seconds: `3411.2 ms` as `3.41 s`.
fn in_seconds(said: &str) -> String {
    let mut words = said.split(' ').peekable();
    let mut out: Vec<String> = Vec::new();
    while let Some(word) = words.next() {
        let long = word.parse::<f64>().ok().filter(|ms| *ms >= 1_000.0);
        let unit = words.peek().and_then(|unit| unit.strip_prefix("ms"));
        let unit = unit.filter(|behind| !behind.starts_with(char::is_alphanumeric));
        match (long, unit) {
            (Some(ms), Some(behind)) => {
                out.push(format!("{}{behind}", text::seconds(ms / 1_000.0)));
                words.next();
            }
            _ => out.push(word.to_owned()),
        }
    }
    out.join(" ")
}

/// Fields that name the machinery or lead elsewhere: they tell one line from another no better than its time.
const SILENT: [&str; 4] = ["service", "level", "scope", "service_version"];
/// Characters of all fields together; a list cuts them off in any case.
const FIELDS_CHARS: usize = 160;

/// The fields of a log line that speak, for the note of its pin: `customer 33, duration 6.66 s, queries 74`.
#[must_use]
pub fn fields(fields: &BTreeMap<String, String>) -> String {
    let speaks = |k: &str| !SILENT.contains(&k) && !k.ends_with("_id");
    let mut out = String::new();
    for (key, value) in fields.iter().filter(|(k, _)| speaks(k)) {
        let field = match (key.strip_suffix("_ms"), value.parse::<f64>()) {
            (Some(name), Ok(ms)) => format!("{name} {}", text::seconds(ms / 1_000.0)),
            _ => format!("{key} {value}"),
        };
        let comma = if out.is_empty() { "" } else { ", " };
        if out.chars().count() + field.chars().count() > FIELDS_CHARS {
            break;
        }
        out.push_str(comma);
        out.push_str(&field);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn pin(target: PinTarget, text: &str) -> Pin {
        Pin {
            id: 1,
            at_ms: 0,
            target,
            text: text.to_owned(),
            note: String::new(),
        }
    }

    #[test]
    fn a_value_says_whose_it_is_and_how_much_before_its_expression() {
        let rows = [
            (
                "histogram_quantile(0.95, sum by (service, le) (rate(x_seconds_bucket{route=\"/a\"}[30s])))",
                "9.8765",
                "orders p95 9.88 s",
            ),
            (
                "sum by (service) (rate(x_count[30s]))",
                "13.1",
                "orders 13.10/s",
            ),
            (
                "rate(a_total[30s]) / rate(b_total[30s])",
                "0.5",
                "orders 50 %",
            ),
            (
                "rate(process_cpu_seconds_total[30s])",
                "0.25",
                "orders 0.25 cpu",
            ),
            ("up{path=\"/rate(x_bytes\"}", "1", "orders 1"),
            ("lag_seconds", "0.45", "orders 450 ms"),
        ];
        for (query, value, wanted) in rows {
            let target = PinTarget::Metric {
                query: query.to_owned(),
                at_ms: 0,
                labels: labels(&[("service", "orders"), ("job", "shop")]),
            };
            let pin = pin(
                target,
                &format!("03:01:05 {value} = {query} {{service=\"orders\"}}"),
            );
            let said = said(&pin);
            assert!(said.starts_with(&format!("{wanted} = {query}")), "{said}");
        }
    }

    #[test]
    fn milliseconds_from_a_second_on_are_read_as_seconds() {
        assert_eq!(
            in_seconds("orders GET /orders: 3411.2 ms, failed, 999 ms 12 msgs"),
            "orders GET /orders: 3.41 s, failed, 999 ms 12 msgs"
        );
        assert_eq!(in_seconds("took 2000 ms"), "took 2.00 s");
    }

    #[test]
    fn of_a_lines_fields_those_that_speak_are_noted() {
        let all = labels(&[
            ("customer", "33"),
            ("duration_ms", "6658"),
            ("trace_id", "ab"),
            ("service", "orders"),
            ("queries", "74"),
        ]);
        assert_eq!(fields(&all), "customer 33, duration 6.66 s, queries 74");
    }
}
