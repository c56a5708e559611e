//! PromQL beside a real Prometheus: the same bytes in both, the same questions to both, the same answers.
//!
//! ```text
//! history (one text) ─► promtool ─► blocks ─► Prometheus ─┐
//!         └────────► our exposition parser ─► our store ──┤  expressions.txt and generated ones,
//! live target ─► scraped by Prometheus ───────────────────┤  instant and range, over HTTP ─► compare
//!    └─ the same pages at the same times ─► our scraper ──┘
//! ```
//!
//! Prometheus is that of Debian 12 (2.42). What differs on purpose stands in `expressions.txt` with its reason.

#![allow(clippy::unwrap_used, reason = "what a test cannot go on without")]

mod chance;
mod compare;
mod expressions;
mod generate;
mod history;
mod http;
mod live;
mod parameters;
mod prometheus;
mod tools;

use std::sync::Arc;

use telemetry::metrics::{Metrics, MetricsConfig};
use telemetry::scrape::exposition::{Entry, Format, Lines, parse_series};
use telemetry::time::WallTime;

use compare::{Rules, compare};
use expressions::Case;
use http::Api;
use prometheus::Prometheus;

/// A span of range queries: start, end, step, each as the API takes it.
type Span = (String, String, String);

/// Our store with the history in it.
fn our_history(text: &str) -> Metrics {
    let metrics = Metrics::new(MetricsConfig::default(), Arc::new(WallTime));
    for entry in Lines::new(text, Format::OpenMetrics) {
        let Entry::Sample(sample) = entry.unwrap() else {
            continue;
        };
        let labels = parse_series(sample.series, sample.position).unwrap();
        let pairs: Vec<(&str, &str)> = labels
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert!(metrics.append(&pairs, sample.t_ms.unwrap(), sample.value));
    }
    metrics
}

/// Both servers, and what was found different between them.
struct Duel {
    theirs: Api,
    ours: Api,
    asked: usize,
    values: usize,
    refused: usize,
    differences: Vec<String>,
}

impl Duel {
    fn new(theirs: Api, ours: Api) -> Self {
        Self {
            theirs,
            ours,
            asked: 0,
            values: 0,
            refused: 0,
            differences: Vec::new(),
        }
    }

    /// Asks both an expression at each time and over each span.
    async fn ask(&mut self, case: &Case, times: &[String], spans: &[Span]) {
        let before = self.differences.len();
        let query = case.expression.as_str();
        for time in times {
            self.one(case, "query", &[("query", query), ("time", time)])
                .await;
        }
        for (start, end, step) in spans {
            let form = [
                ("query", query),
                ("start", start),
                ("end", end),
                ("step", step),
            ];
            self.one(case, "query_range", &form).await;
        }
        if case.differs {
            let found = self.differences.len() > before;
            self.differences.truncate(before);
            if !found {
                self.differences
                    .push(format!("{query}\n      no longer differs: unmark it"));
            }
        }
    }

    async fn one(&mut self, case: &Case, path: &str, form: &[(&str, &str)]) {
        let (theirs, ours) = tokio::join!(self.theirs.ask(path, form), self.ours.ask(path, form));
        self.asked += 1;
        let refused = theirs.0 != 200;
        self.refused += usize::from(refused);
        let verdict = if case.mutated && its_own(&theirs.1, &case.expression) {
            Ok(0)
        } else if case.refused && !refused {
            Err("Prometheus was to refuse this, and answered".to_owned())
        } else {
            let rules = Rules {
                ordered: case.sorted || path == "query_range",
                zero: case.zero,
            };
            compare(&theirs, &ours, rules)
        };
        match verdict {
            Ok(values) => self.values += values,
            Err(difference) => self
                .differences
                .push(format!("{path} {form:?}\n      {difference}")),
        }
    }

    fn end(self, least_values: usize) {
        assert!(
            self.differences.is_empty(),
            "{} of {} answers differ:\n{}",
            self.differences.len(),
            self.asked,
            self.differences.join("\n")
        );
        println!(
            "{} answers the same, {} values and {} refusals in them",
            self.asked, self.values, self.refused
        );
        assert!(
            self.values > least_values,
            "only {} values were compared: the expressions select nothing",
            self.values
        );
    }
}

/// Whether Prometheus 2.42 refused what Prometheus 3 and ours read (durations as numbers, numbers as durations, quoted
/// names), or failed over a constant in parentheses.
fn its_own(theirs: &serde_json::Value, query: &str) -> bool {
    let message = theirs["error"].as_str().unwrap_or_default();
    let known = [
        "unexpected duration",
        "missing unit character in duration",
        "in offset, expected duration",
        "unexpected string",
        "in StepInvariantExpr evaluation",
        "unexpected number of samples",
    ];
    let duration = |argument: &str| {
        let unit = argument.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit());
        unit.len() < argument.trim_start().len() && unit.starts_with(['y', 'w', 'd', 'h', 'm', 's'])
    };
    known.iter().any(|part| message.contains(part))
        || (message.contains("trailing commas") && query.split(',').skip(1).any(duration))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs prometheus and promtool"]
async fn history_is_answered_as_prometheus_answers() {
    let text = history::openmetrics();
    let peer = Prometheus::of_history(&text);
    let ours = http::serve(our_history(&text).router()).await;
    let mut duel = Duel::new(Api::new(peer.address), Api::new(ours));
    let at = |seconds: f64| (history::START_S as f64 + seconds).to_string();
    // amid the data, between two samples, in a hole, a lookback after what ended early, just past the end
    let times = [3600.0, 5437.25, 3990.0, 3285.0, 10_920.0].map(at);
    let spans = [
        (at(-120.0), at(10_920.0), "173".to_owned()),
        (at(3595.5), at(3640.0), "3.5s".to_owned()),
    ];
    let listed = expressions::listed(include_str!("expressions.txt"));
    assert!(listed.len() >= 300, "only {} expressions", listed.len());
    for case in &listed {
        duel.ask(case, &times, &spans).await;
    }
    for case in generate::expressions(500) {
        duel.ask(&case, &times[..2], &spans[..1]).await;
    }
    for case in generate::mutations(&listed, 3_000) {
        duel.ask(&case, &times[..1], &[]).await;
    }
    duel.end(100_000);
}
