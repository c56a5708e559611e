//! Runs the TraceQL scripts of `tests/traceql`: load spans, ask, compare.
//!
//! ```text
//! load                                      spans, one a line: trace, span, parent (- none), service, kind, begin and
//!   1 a - cart server 0 100 ok GET /cart    end in ms, status, name; further fields of the span after a |, which are
//!   1 b a cart client 1 9 error get | n=5   numbers, true, false, or text without spaces
//! find { kind = client }                    traces, newest first; of each its sets of spans, with what they were split by
//!   1: b
//! fail { name = }                           an error: its place and a part of its text
//!   9 a string
//! clear                                     forgets all spans
//! ```

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use telemetry::time::WallTime;
use telemetry::{Telemetry, TelemetryConfig};

const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];
const STATUSES: [&str; 3] = ["unset", "ok", "error"];

fn fresh() -> Telemetry {
    Telemetry::new(TelemetryConfig::default(), Arc::new(WallTime))
}

fn field(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn value(text: &str) -> Value {
    match (text, text.parse::<i64>(), text.parse::<f64>()) {
        ("true" | "false", ..) => Value::BoolValue(text == "true"),
        (_, Ok(whole), _) => Value::IntValue(whole),
        (.., Ok(number)) => Value::DoubleValue(number),
        _ => Value::StringValue(text.trim_matches('"').to_owned()),
    }
}

/// The id of a span that scripts call by one letter.
fn id(letter: &str) -> Vec<u8> {
    match letter {
        "-" => Vec::new(),
        letter => [&[0; 7], letter.as_bytes()].concat(),
    }
}

fn place(words: &[&str], word: &str) -> i32 {
    let at = words.iter().position(|other| *other == word);
    at.unwrap_or_else(|| panic!("{word:?} is none of {words:?}")) as i32
}

fn append(telemetry: &Telemetry, line: &str) {
    let (head, fields) = line.split_once(" | ").unwrap_or((line, ""));
    let words: Vec<&str> = head.splitn(9, ' ').collect();
    let [trace, span, parent, service, kind, begin, end, status, name] = words[..] else {
        panic!("{line:?} is no span");
    };
    let ns = |text: &str| text.parse::<u64>().expect("milliseconds") * 1_000_000;
    let span = Span {
        trace_id: trace
            .parse::<u128>()
            .expect("a number")
            .to_be_bytes()
            .to_vec(),
        span_id: id(span),
        parent_span_id: id(parent),
        name: name.to_owned(),
        kind: place(&KINDS, kind),
        start_time_unix_nano: 1_000_000_000 + ns(begin),
        end_time_unix_nano: 1_000_000_000 + ns(end),
        status: Some(Status {
            code: place(&STATUSES, status),
            message: format!("{status}!"),
        }),
        attributes: fields
            .split(' ')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, text)| field(key, value(text)))
            .collect(),
        ..Span::default()
    };
    let text = |text: &str| Value::StringValue(text.to_owned());
    telemetry
        .intake()
        .trace_store()
        .append(&ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource {
                    attributes: vec![
                        field("service.name", text(service)),
                        field("region", text("eu")),
                    ],
                    ..Resource::default()
                }),
                scope_spans: vec![ScopeSpans {
                    spans: vec![span],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        });
}

fn find(telemetry: &Telemetry, query: &str) -> Result<Vec<String>, String> {
    let hits = telemetry
        .search_traces(query, 0, i64::MAX, 100)
        .map_err(|e| e.to_string())?;
    let set = |set: &telemetry::traces::SpanSet| {
        let letters = set
            .spans
            .iter()
            .map(|span| char::from(span.span_id[7]).to_string());
        let mut words: Vec<String> = letters.collect();
        words.extend(
            set.groups
                .iter()
                .map(|(name, value)| format!("({name} = {value})")),
        );
        words.join(" ")
    };
    let hit = |hit: &telemetry::traces::TraceHit| {
        let sets: Vec<String> = hit.sets.iter().map(set).collect();
        format!("{}: {}", u128::from_be_bytes(hit.trace.id), sets.join("; "))
    };
    Ok(hits.iter().map(hit).collect())
}

fn fails(telemetry: &Telemetry, query: &str, expected: &[&str]) -> Result<(), String> {
    let [expected] = expected else {
        panic!("one line says how {query} fails")
    };
    let (place, part) = expected
        .split_once(' ')
        .expect("a place and a part of the text");
    let Err(error) = telemetry.search_traces(query, 0, i64::MAX, 10) else {
        return Err("no error".to_owned());
    };
    let position = error.position().map_or("-".to_owned(), |at| at.to_string());
    let right = position == place && error.to_string().contains(part);
    if right {
        Ok(())
    } else {
        Err(format!(
            "expected {place} {part:?}\n   found {position} {error}"
        ))
    }
}

/// Runs one script; returns how many questions it asks, and which answers are wrong.
fn run(file: &str, script: &str) -> (usize, Vec<String>) {
    let (mut telemetry, mut asked, mut failures) = (fresh(), 0, Vec::new());
    let mut lines = script.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut block = Vec::new();
        while let Some((_, inner)) = lines.next_if(|(_, inner)| inner.starts_with("  ")) {
            block.push(&inner[2..]);
        }
        let (verb, query) = line.split_once(' ').unwrap_or((line, ""));
        let result = match verb {
            "clear" => {
                telemetry = fresh();
                continue;
            }
            "load" => {
                block.iter().for_each(|line| append(&telemetry, line));
                continue;
            }
            "find" => find(&telemetry, query).and_then(|found| {
                if found == block {
                    Ok(())
                } else {
                    Err(format!("expected {block:?}\n   found {found:?}"))
                }
            }),
            "fail" => fails(&telemetry, query, &block),
            other => panic!("{file}:{}: unknown word {other:?}", number + 1),
        };
        asked += 1;
        if let Err(why) = result {
            failures.push(format!("{file}:{}: {line}\n   {why}", number + 1));
        }
    }
    (asked, failures)
}

fn scripts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traceql");
    let mut scripts: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    scripts.sort();
    scripts
}

#[test]
fn every_script_holds() {
    let (mut asked, mut failures) = (0, Vec::new());
    for (name, script) in scripts() {
        let (count, wrong) = run(&name, &script);
        asked += count;
        failures.extend(wrong);
    }
    assert!(
        failures.is_empty(),
        "{} of {asked} are wrong:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(asked > 80, "only {asked} questions were asked");
}

#[test]
fn a_wrong_expectation_is_noticed() {
    let load = "load\n  1 a - cart server 0 10 ok GET\n";
    for wrong in [
        "find {}\n",
        "find {}\n  1: b\n",
        "find {}\n  2: a\n",
        "fail {}\n  0 any\n",
        "fail { name = }\n  8 a\n",
    ] {
        assert_eq!(run("test", &format!("{load}{wrong}")).1.len(), 1, "{wrong}");
    }
}

/// The words in quotes of the grammar file: whoever adds one adds a script.
#[test]
fn every_word_of_the_grammar_stands_in_a_script() {
    let grammar = include_str!("../src/traces/traceql.ebnf");
    let all: String = scripts().into_iter().map(|(_, script)| script).collect();
    let words = grammar.split('"').skip(1).step_by(2).filter(|word| {
        word.len() > 1
            && word
                .chars()
                .all(|c| c.is_ascii_alphabetic() || ".:".contains(c))
    });
    let words: std::collections::BTreeSet<&str> = words.collect();
    assert!(words.len() > 40, "{words:?}");
    let missing: Vec<_> = words.iter().filter(|word| !all.contains(**word)).collect();
    assert!(missing.is_empty(), "no script says {missing:?}");
    for (name, _) in telemetry::traces::ast::Intrinsic::ALL {
        assert!(words.contains(name), "the grammar does not know {name}");
    }
}
