//! More than any screen holds, and worse than anybody writes: many services with long names, figures of every size, texts
//! without end, wide letters, control codes. Answers of the lab while it overflows.

use api::{Alert, Change, ChangeKind};
use serde_json::{Value, json};

use super::fixture::{self, Lab, NOW_MS, PAGE_MS, TRACE};

/// Letters of two cells, a mark that combines, a control code, a line end.
const ODD: &str = "注文履歴 e\u{301}tat \u{1b}[31mred\u{1b}[0m\nnext";

/// The name of a service.
pub fn service(i: usize) -> String {
    match i % 4 {
        0 => format!("checkout-orchestrator-eu-west-{i}"),
        1 => format!("注文履歴サービス-{i}"),
        2 => format!("payments.provider.gateway.{i}"),
        _ => format!("svc{i}"),
    }
}

fn words(n: usize) -> String {
    const WORDS: [&str; 8] = [
        "the",
        "95th",
        "percentile",
        "of",
        "GET /orders/{customer}",
        "above",
        ODD,
        "objective",
    ];
    let all: Vec<&str> = WORDS.iter().copied().cycle().take(n).collect();
    all.join(" ")
}

/// A lab of that kind.
pub fn lab() -> Lab {
    let mut lab = fixture::lab();
    lab.flooded = true;
    let drill = &mut lab.drill;
    let like = drill.services[0].clone();
    drill.services = (0..40)
        .map(|i| api::ServiceView {
            name: service(i),
            instance: format!("{}-1", service(i)),
            ..like.clone()
        })
        .collect();
    let alert = drill.alerts[0].clone();
    drill.alerts = (0..14)
        .map(|i| Alert {
            name: format!("HistoryOfLoyalCustomersTakesSeconds{i}"),
            service: Some(service(i)),
            summary: words(30),
            value: 12_345_678.9 * i as f64,
            ..alert.clone()
        })
        .collect();
    if let Some(page) = &mut drill.page {
        page.title = words(25);
        page.text = words(90);
    }
    drill.brief.situation = words(200);
    lab.changes = (0..40)
        .map(|i| Change {
            id: format!("c{i}"),
            at_ms: PAGE_MS - 1_000_000 + i * 25_000,
            kind: ChangeKind::Deploy,
            service: Some(service(i as usize)),
            title: words(20),
            details: words(100),
            author: "dana".to_owned(),
        })
        .collect();
    lab
}

/// Thirty series from a ten-millionth to a trillion, one of them without a number in it.
pub fn series(query: &str, start: f64, end: f64, step: f64) -> Vec<Value> {
    let share = query.contains("status=~") || query.contains("cpu");
    let most = match query.contains("quantile") {
        true => 1e5,
        false => 1e12,
    };
    let one = |i: usize| {
        let mut values = Vec::new();
        let mut at = start;
        while at <= end {
            let value = match i {
                3 => "NaN".to_owned(),
                _ => {
                    let wave = ((at / 60.0) + i as f64).sin() + 1.5;
                    let value = wave * most * 10_f64.powi(-(i as i32));
                    if share { value.min(1.0) } else { value }.to_string()
                }
            };
            values.push(json!([at, value]));
            at += step;
        }
        json!({"metric":{"job":"shop","service":service(i),"instance":format!("{}-1", service(i)),"route":"/customers/{id}/orders/{order}/lines/{line}","said":ODD},"values":values})
    };
    (0..30).map(one).collect()
}

/// Counts of lines a bin, in millions.
pub fn counts(start: i64, end: i64) -> Vec<Value> {
    let row = |level: &str, each: i64| {
        let values: Vec<Value> = (0..60)
            .map(|i| {
                let at = start / 1_000_000_000 + i * (end - start) / 60_000_000_000;
                json!([at as f64, (each * (1 + i % 9)).to_string()])
            })
            .collect();
        json!({"metric":{"level":level},"values":values})
    };
    vec![
        row("debug", 7_000_000),
        row("info", 90_000),
        row("warn", 800),
        row("error", 1),
        row("fatal", 1),
    ]
}

/// Lines that end nowhere.
pub fn streams(start: i64, end: i64) -> Vec<Value> {
    const LEVELS: [&str; 6] = ["info", "debug", "warn", "error", "fatal", "unheard-of"];
    let one = |i: i64| {
        let at = (NOW_MS - (60 - i) * 1400) * 1_000_000;
        let mut labels = json!({"service":service(i as usize % 40),"level":LEVELS[i as usize % 6],"trace_id":TRACE});
        for n in 0..8 {
            labels[format!("a_field_with_a_long_name_{n}")] = json!(words(3 + n));
        }
        let line = format!("{} #{i}", words(4 + i as usize % 20));
        (
            at,
            json!({"stream":labels,"values":[[at.to_string(),line]]}),
        )
    };
    let all = (0..60).map(one).filter(|(at, _)| (start..end).contains(at));
    all.map(|(_, stream)| stream).collect()
}

/// Traces from less than a millisecond to hours.
pub fn traces() -> Vec<Value> {
    let one = |i: usize| {
        let id = if i == 0 {
            TRACE.to_owned()
        } else {
            format!("{i:032x}")
        };
        let ms = 10_f64.powf(i as f64 % 8.0) / 10.0;
        let name = format!("POST /customers/{{id}}/orders/{{order}}/lines {ODD} {i}");
        json!({"traceID":id,"rootServiceName":service(i % 40),"rootTraceName":name,"startTimeUnixNano":((NOW_MS - i as i64 * 221) * 1_000_000).to_string(),
            "durationMs":ms,"rootReceived":i % 7 != 3,"spanSets":[{"matched":3,"spans":[]}],"serviceStats":{service(i % 40):{"spanCount":3,"errorCount":u32::from(i % 5 == 4)}}})
    };
    (0..200).map(one).collect()
}

/// A trace in which each span calls the next, sixty deep, with attributes without end.
pub fn batches() -> Vec<Value> {
    let base = NOW_MS * 1_000_000;
    let span = |i: i64| {
        let id = |n: i64| format!("{n:016x}");
        let attributes: Vec<Value> = (0..8)
            .map(|n| json!({"key":format!("an.attribute.with.a.long.name.{n}"),"value":{"stringValue":words(2 + n)}}))
            .collect();
        json!({"traceId":TRACE,"spanId":id(i + 1),"parentSpanId":if i == 0 { String::new() } else { id(i) },"name":format!("{} {i}", words(9)),"kind":2,
            "startTimeUnixNano":(base + i * 1_000_000).to_string(),"endTimeUnixNano":(base + (7_200_000 - i) * 1_000_000).to_string(),
            "attributes":attributes,"status":{"code":if i % 2 == 0 { 2 } else { 0 },"message":words(12)}})
    };
    (0..60)
        .map(|i| json!({"resource":{"attributes":[{"key":"service.name","value":{"stringValue":service(i as usize % 40)}}]},"scopeSpans":[{"scope":{"name":"shop"},"spans":[span(i)]}]}))
        .collect()
}
