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

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use telemetry::Telemetry;

use crate::script::{Answer, Language, failed_as};
use crate::{attribute, text};

const TRACEQL: Language = Language {
    folder: "traceql",
    append,
    ask,
};

const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];
const STATUSES: [&str; 3] = ["unset", "ok", "error"];

fn value(written: &str) -> Value {
    match (written, written.parse::<i64>(), written.parse::<f64>()) {
        ("true" | "false", ..) => Value::BoolValue(written == "true"),
        (_, Ok(whole), _) => Value::IntValue(whole),
        (.., Ok(number)) => Value::DoubleValue(number),
        _ => text(written.trim_matches('"')),
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
            .map(|(key, written)| attribute(key, value(written)))
            .collect(),
        ..Span::default()
    };
    telemetry
        .intake()
        .trace_store()
        .append(&ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource {
                    attributes: vec![
                        attribute("service.name", text(service)),
                        attribute("region", text("eu")),
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

fn ask(telemetry: &Telemetry, word: &str, query: &str, block: &[&str]) -> Answer {
    Some(match word {
        "find" => find(telemetry, query).and_then(|found| {
            if found == block {
                Ok(())
            } else {
                Err(format!("expected {block:?}\n   found {found:?}"))
            }
        }),
        "fail" => {
            let error = telemetry.search_traces(query, 0, i64::MAX, 10).err();
            failed_as(error, query, block)
        }
        _ => return None,
    })
}

#[test]
fn every_script_holds() {
    TRACEQL.holds(80);
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
        assert_eq!(
            TRACEQL.run("test", &format!("{load}{wrong}")).1.len(),
            1,
            "{wrong}"
        );
    }
}

#[test]
fn every_word_of_the_grammar_stands_in_a_script() {
    let grammar = include_str!("../../src/traces/traceql.ebnf");
    let words = TRACEQL.words(grammar, |c| c.is_ascii_alphabetic() || ".:".contains(c));
    for (name, _) in telemetry::traces::ast::Intrinsic::ALL {
        assert!(words.contains(name), "the grammar does not know {name}");
    }
}
