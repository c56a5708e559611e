//! What Grafana's Logs Drilldown asks before it shows a line: which labels and fields there are and how many values they have,
//! and patterns over time. Fields and labels are answered bare, patterns within `data`, as Loki does.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::{answer, query_text, step_ns, stream_selector, streams_of, window};
use crate::api::parameters::Parameters;
use crate::api::refusal::{self, Refusal};
use crate::derive;
use crate::facade::Telemetry;
use crate::logs::ast::Query;
use crate::logs::{Direction, LogLine, Plan, STEPS_MAX, fields, parse};
use crate::query::{parse_bytes, parse_duration_ns};

/// Lines in which fields are looked for where no `line_limit` is given, as in Loki; and at most.
const LINES_DEFAULT: usize = 100;
const LINES_MAX: usize = 5000;
/// Fields, or values of one, where no `limit` is given, as in Loki; and at most.
const FIELDS_DEFAULT: usize = 1000;
const FIELDS_MAX: usize = 5000;
/// Patterns of an answer: the most frequent.
const PATTERNS_MAX: usize = 300;
/// The shortest step of patterns, as in Loki.
const PATTERN_STEP_NS: i64 = 10_000_000_000;
/// Labels of streams; what else a line has are fields.
const STREAM_LABELS: [&str; 3] = ["service", "service_name", "level"];

/// The labels of streams, and how many values each has.
pub(super) async fn labels(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    refusal::answer(move || {
        let selector = parameters.get("query").map(str::to_owned);
        let streams = streams_of(&telemetry, &parameters, selector.as_deref())?;
        let services: BTreeSet<&str> = streams.keys().map(|(service, _)| &**service).collect();
        let levels: BTreeSet<&str> = streams.keys().map(|(_, level)| &**level).collect();
        let of = |label: &str| {
            if label == "level" {
                levels.len()
            } else {
                services.len()
            }
        };
        let found = STREAM_LABELS.iter().map(|label| (label, of(label)));
        let found = found.filter(|(_, cardinality)| *cardinality > 0);
        let labels: Vec<Value> = found
            .map(|(label, cardinality)| json!({"label": label, "cardinality": cardinality}))
            .collect();
        Ok(json!({ "detectedLabels": labels }))
    })
    .await
}

/// The fields of the newest lines: their type, how many values each has, and how they were read from the line.
pub(super) async fn fields(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    refusal::answer(move || {
        let (found, limit) = detect(&telemetry, &parameters, None)?;
        if found.is_empty() {
            return Ok(json!({ "fields": [] }));
        }
        let one = |(label, field): (String, Field)| {
            let parsers: Vec<_> = field.parsers.into_iter().collect();
            // what came beside the line was read by none
            let parsers = (!parsers.is_empty()).then_some(parsers);
            json!({
                "label": label,
                "type": field.kind,
                "cardinality": field.values.len(),
                "parsers": parsers,
            })
        };
        let fields: Vec<Value> = found.into_iter().map(one).collect();
        Ok(json!({ "fields": fields, "limit": limit }))
    })
    .await
}

/// The values of one field in the newest lines.
pub(super) async fn field_values(
    State(telemetry): State<Telemetry>,
    Path(name): Path<String>,
    parameters: Parameters,
) -> Response {
    refusal::answer(move || {
        let (mut found, limit) = detect(&telemetry, &parameters, Some(&name))?;
        let values = found.remove(&name).map(|field| field.values);
        let values: Vec<_> = values.unwrap_or_default().into_iter().take(limit).collect();
        Ok(json!({ "values": values, "limit": limit }))
    })
    .await
}

/// How often each pattern comes in each step: `[seconds, count]`.
pub(super) async fn patterns(
    State(telemetry): State<Telemetry>,
    parameters: Parameters,
) -> Response {
    answer(move || {
        let selector = parameters.get("query").filter(|text| !text.is_empty());
        let selector =
            selector.ok_or_else(|| "query is missing: give a stream selector".to_owned())?;
        let plan = Plan::new(&stream_selector(selector)?)?;
        let (start_ns, end_ns) = window(&telemetry, &parameters)?;
        let step_ns = step_ns(&parameters, start_ns, end_ns)?.max(PATTERN_STEP_NS);
        let steps = end_ns.saturating_sub(start_ns) / step_ns;
        if usize::try_from(steps).is_ok_and(|steps| steps >= STEPS_MAX) {
            return Err(format!("more than {STEPS_MAX} steps: widen the step").into());
        }
        let segments = telemetry.intake().log_store().snapshot();
        let mut found = derive::pattern_counts(&segments, &plan, (start_ns, end_ns), step_ns)?;
        found.sort_by_key(|pattern| std::cmp::Reverse(pattern.steps.values().sum::<u64>()));
        found.truncate(PATTERNS_MAX);
        let one = |pattern: derive::PatternCounts| {
            let at =
                |step: i64| start_ns.saturating_add(step.saturating_mul(step_ns)) / 1_000_000_000;
            let samples = pattern
                .steps
                .iter()
                .map(|(step, count)| json!([at(*step), count]));
            let samples: Vec<Value> = samples.collect();
            // what Loki writes for a value
            let template = pattern.template.replace(derive::patterns::VALUE, "<_>");
            json!({"pattern": template, "level": pattern.level, "samples": samples})
        };
        Ok(found.into_iter().map(one).collect())
    })
    .await
}

/// A field of lines.
struct Field {
    kind: &'static str,
    values: BTreeSet<String>,
    parsers: BTreeSet<&'static str>,
}

/// The fields of the newest lines of a query, or just one of them; at most `limit`, which is returned too.
fn detect(
    telemetry: &Telemetry,
    parameters: &Parameters,
    only: Option<&str>,
) -> Result<(BTreeMap<String, Field>, usize), Refusal> {
    let Query::Log(log) = parse(&query_text(parameters)?)? else {
        return Err("fields are those of lines: give a query of lines"
            .to_owned()
            .into());
    };
    let window = window(telemetry, parameters)?;
    let lines_max = parameters.number("line_limit", LINES_DEFAULT, LINES_MAX)?;
    let limit = parameters.number("limit", FIELDS_DEFAULT, FIELDS_MAX)?;
    let segments = telemetry.intake().log_store().snapshot();
    let lines = Plan::new(&log)?.lines(&segments, window, lines_max, Direction::Backward)?;
    let mut found: BTreeMap<String, Field> = BTreeMap::new();
    for line in lines {
        for (name, value, parser) in of_line(line) {
            let full = found.len() >= limit && !found.contains_key(&name);
            if full || only.is_some_and(|only| only != name) {
                continue;
            }
            let field = found.entry(name).or_insert_with(|| Field {
                kind: kind(&value),
                values: BTreeSet::new(),
                parsers: BTreeSet::new(),
            });
            field.parsers.extend(parser);
            field.values.insert(value);
        }
    }
    Ok((found, limit))
}

/// Names, values, and how they are read: those that a line has beside its text or by the query, and those within the text.
fn of_line(line: LogLine) -> impl Iterator<Item = (String, String, Option<&'static str>)> {
    let (within, parser) = match fields::json(&line.line) {
        Some(json) => (json, "json"),
        None => (fields::logfmt(&line.line), "logfmt"),
    };
    let within = within.into_iter().map(move |(name, value)| {
        // as parsers in a query call what a stream's label stands before
        let taken = STREAM_LABELS.contains(&&*name);
        let name = if taken {
            format!("{name}_extracted")
        } else {
            name
        };
        (name, value, Some(parser))
    });
    let beside = line.labels.into_iter();
    let beside =
        beside.filter(|(name, _)| !STREAM_LABELS.contains(&&**name) && !name.starts_with("__"));
    beside
        .map(|(name, value)| (name, value, None))
        .chain(within)
}

/// What a value is, in Loki's words and order.
fn kind(value: &str) -> &'static str {
    let boolean = || {
        let word = value.to_ascii_lowercase();
        matches!(&*word, "true" | "t" | "false" | "f")
    };
    if value.parse::<i64>().is_ok() {
        "int"
    } else if value.parse::<f64>().is_ok() {
        "float"
    } else if boolean() {
        "boolean"
    } else if parse_duration_ns(value).is_some() {
        "duration"
    } else if parse_bytes(value).is_some() {
        "bytes"
    } else {
        "string"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_first_kind_that_it_can_be() {
        for (value, expected) in [
            ("7", "int"),
            ("-7", "int"),
            ("7.5", "float"),
            ("1e3", "float"),
            ("true", "boolean"),
            ("False", "boolean"),
            ("1m30s", "duration"),
            ("0.5ms", "duration"),
            ("10KB", "bytes"),
            ("5MiB", "bytes"),
            ("", "string"),
            ("GET", "string"),
            ("10.0.0.7", "string"),
        ] {
            assert_eq!(kind(value), expected, "{value}");
        }
    }
}
