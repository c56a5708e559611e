//! One log line in words: which of its fields say most, and the line as text and as JSON. Pure.

use crate::client::loki::LogLine;
use crate::text::{escape, head, number, width};

/// Fields that say what came of a request, in the order in which one looks for them.
const TELLING: [&str; 16] = [
    "error",
    "reason",
    "status",
    "status_code",
    "http_response_status_code",
    "http_status_code",
    "route",
    "http_route",
    "duration_ms",
    "duration",
    "elapsed_ms",
    "took_ms",
    "method",
    "http_request_method",
    "path",
    "url_path",
];
/// Fields that every line has, or that name what wrote it: they tell no lines apart.
const EVERYWHERE: [&str; 11] = [
    "service",
    "level",
    "trace_id",
    "span_id",
    "service_name",
    "detected_level",
    "scope",
    "service_instance_id",
    "service_version",
    "correlation_id",
    "instance",
];

/// Cells of a value that are shown behind a text: who wants more reads it among the fields.
const SHOWN_CELLS: usize = 1_000;

/// The fields in the order in which they say most: service and level, what came of it, what else is its own, and at the
/// end ids and what names the writer.
#[must_use]
pub fn fields(line: &LogLine) -> Vec<(String, String)> {
    let place = |key: &str| {
        let of = |names: &[&str]| names.iter().position(|name| *name == key);
        match (key, of(&TELLING), of(&EVERYWHERE)) {
            ("service" | "level", _, Some(at)) => (0, at),
            (_, Some(at), _) => (1, at),
            (_, None, None) => (2, 0),
            (_, None, Some(at)) => (3, at),
        }
    };
    let mut fields: Vec<_> = line.fields.clone().into_iter().collect();
    fields.sort_by(|(a, _), (b, _)| (place(a), a).cmp(&(place(b), b)));
    fields
}

/// The fields that tell lines of the same text apart, behind the text; those that every line has are left to the pane.
#[must_use]
pub fn own_fields(line: &LogLine) -> String {
    let own = fields(line)
        .into_iter()
        .filter(|(key, value)| !EVERYWHERE.contains(&key.as_str()) && !value.is_empty());
    // figures as they are measured have more digits than a line has room for
    let shown = |value: &str| match value.parse::<f64>() {
        Ok(figure) if value.contains('.') => number(figure),
        _ => escape(head(value, SHOWN_CELLS)).into_owned(),
    };
    own.map(|(key, value)| format!("  {key}={}", shown(&value)))
        .collect()
}

/// A text without its first cells, and how many of these it did not have.
#[must_use]
pub fn skip(text: &str, cells: usize) -> (String, usize) {
    let mut left = cells;
    let mut chars = text.char_indices();
    let from = chars.find_map(|(at, c)| {
        let wide = width(c.encode_utf8(&mut [0; 4]));
        // what joins the character before goes with it
        let stays = left == 0 && wide > 0;
        left = left.saturating_sub(wide);
        stays.then_some(at)
    });
    match from {
        Some(from) => (text[from..].to_owned(), 0),
        None => (String::new(), left),
    }
}

/// A text without its first cells, with a mark where some are left out.
#[must_use]
pub fn moved(text: &str, cells: usize) -> String {
    match cells {
        0 => text.to_owned(),
        _ => format!("‹{}", skip(text, cells).0),
    }
}

/// The next step of a text that is moved to the left or back, as far as the longest of some texts has cells.
#[must_use]
pub fn step(aside: usize, right: bool, longest: usize) -> usize {
    /// Cells of a step.
    const STEP: usize = 16;
    match right {
        false => aside.saturating_sub(STEP),
        true if aside + STEP < longest => aside + STEP,
        true => aside,
    }
}

/// A line as one JSON object.
#[must_use]
pub fn as_json(line: &LogLine) -> String {
    serde_json::json!({
        "time": crate::time::clock_millis(line.at_ms()),
        "ts_ns": line.ts_ns.to_string(),
        "severity": line.severity.letter(),
        "service": line.service,
        "message": line.line,
        "fields": line.fields,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_skipped_and_what_a_text_lacks_is_told() {
        let cut = |text: &str, cells| {
            let (rest, left) = skip(text, cells);
            format!("{rest}|{left}")
        };
        assert_eq!(cut("abc", 0), "abc|0");
        assert_eq!(cut("abc", 2), "c|0");
        assert_eq!(cut("abc", 5), "|2");
        assert_eq!(cut("", 3), "|3");
        // a wide character is not halved, and a combining one stays with its letter
        assert_eq!(cut("漢字", 1), "字|0");
        assert_eq!(cut("e\u{301}x", 1), "x|0");
    }

    #[test]
    fn what_came_of_a_request_stands_before_what_else_is_known_and_ids_come_last() {
        let keys = [
            "customer",
            "duration_ms",
            "level",
            "method",
            "route",
            "service",
            "span_id",
            "status",
            "trace_id",
        ];
        let line = LogLine {
            fields: keys
                .iter()
                .map(|k| ((*k).to_owned(), "1.50001".to_owned()))
                .collect(),
            ..LogLine::default()
        };
        let order: Vec<String> = fields(&line).into_iter().map(|(k, _)| k).collect();
        assert_eq!(
            order,
            [
                "service",
                "level",
                "status",
                "route",
                "duration_ms",
                "method",
                "customer",
                "trace_id",
                "span_id"
            ]
        );
        assert_eq!(
            own_fields(&line),
            "  status=1.50  route=1.50  duration_ms=1.50  method=1.50  customer=1.50"
        );
    }
}
