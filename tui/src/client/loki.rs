//! Loki's HTTP API, as much as the glass uses: lines of a window, counts by severity, label names.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Asker, Client, prometheus};
use crate::Failure;
use crate::time::Window;

/// How bad a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Severity {
    /// `trace` or `debug`.
    Debug,
    /// `info`, or not said.
    #[default]
    Info,
    /// `warn`.
    Warn,
    /// `error` or worse.
    Error,
}

impl Severity {
    /// From the `level` label of a stream.
    #[must_use]
    pub fn of(level: &str) -> Self {
        match level.to_ascii_lowercase().as_str() {
            "error" | "err" | "fatal" | "critical" | "panic" => Self::Error,
            "warn" | "warning" => Self::Warn,
            "debug" | "trace" => Self::Debug,
            _ => Self::Info,
        }
    }

    /// One letter, so that meaning does not rest on colour.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Error => "E",
            Self::Warn => "W",
            Self::Info => "I",
            Self::Debug => "D",
        }
    }
}

/// One log line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogLine {
    /// Drill time, nanoseconds.
    pub ts_ns: i64,
    /// Severity.
    pub severity: Severity,
    /// Service.
    pub service: String,
    /// Its text, exactly as stored.
    pub line: String,
    /// All labels and structured metadata.
    pub fields: BTreeMap<String, String>,
}

impl LogLine {
    /// Drill time in milliseconds.
    #[must_use]
    pub fn at_ms(&self) -> i64 {
        self.ts_ns.div_euclid(1_000_000)
    }

    /// The trace it belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.fields
            .get("trace_id")
            .map(String::as_str)
            .filter(|id| !id.is_empty())
    }

    /// The span it belongs to.
    #[must_use]
    pub fn span_id(&self) -> Option<&str> {
        self.fields
            .get("span_id")
            .map(String::as_str)
            .filter(|id| !id.is_empty())
    }
}

/// Which lines are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// LogQL, or bare words.
    pub query: String,
    /// Begin, inclusive, nanoseconds of drill time.
    pub start_ns: i64,
    /// End, exclusive, nanoseconds of drill time.
    pub end_ns: i64,
    /// At most so many.
    pub limit: usize,
    /// The newest of them, or else the oldest.
    pub newest: bool,
}

impl Lines {
    /// The newest lines of a window.
    #[must_use]
    pub fn newest(query: String, window: Window, limit: usize) -> Self {
        let (start_ns, end_ns) = (window.start_ms * NS_PER_MS, window.end_ms * NS_PER_MS);
        Self {
            query,
            start_ns,
            end_ns,
            limit,
            newest: true,
        }
    }

    /// The window that was asked for.
    #[must_use]
    pub fn window(&self) -> Window {
        Window {
            start_ms: self.start_ns / NS_PER_MS,
            end_ms: self.end_ns / NS_PER_MS,
        }
    }
}

/// Nanoseconds of a millisecond.
const NS_PER_MS: i64 = 1_000_000;

/// Lines counted per step, by severity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// The window, and the width of a bin in milliseconds.
    pub start_ms: i64,
    /// Width of a bin.
    pub step_ms: i64,
    /// Counts by severity, one per bin.
    pub counts: BTreeMap<Severity, Vec<f64>>,
}

impl Histogram {
    /// Counts lines that are at hand.
    #[must_use]
    pub fn of_lines(lines: &[LogLine], window: Window, bins: usize) -> Self {
        let step_ms = window.step_s(bins) * 1000;
        let mut histogram = Self::empty(window, step_ms);
        for line in lines {
            histogram.add(line.severity, line.at_ms(), 1.0);
        }
        histogram
    }

    fn empty(window: Window, step_ms: i64) -> Self {
        Self {
            start_ms: window.start_ms,
            step_ms,
            counts: BTreeMap::new(),
        }
    }

    fn add(&mut self, severity: Severity, at_ms: i64, count: f64) {
        /// More bins than any screen is wide; what falls beyond is not drawn.
        const BINS: i64 = 2_000;
        let bin = (at_ms - self.start_ms).div_euclid(self.step_ms.max(1));
        if (0..BINS).contains(&bin) && count.is_finite() {
            let bins = self.counts.entry(severity).or_default();
            let bin = bin as usize;
            if bins.len() <= bin {
                bins.resize(bin + 1, 0.0);
            }
            bins[bin] += count;
        }
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct Streams {
    result: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    stream: BTreeMap<String, String>,
    values: Vec<Entry>,
}

/// Timestamp, line and, from some servers, structured metadata.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Plain(String, String),
    WithMetadata(String, String, serde_json::Value),
}

#[derive(Deserialize)]
struct Matrix {
    result: Vec<MatrixRow>,
}

#[derive(Deserialize)]
struct MatrixRow {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

fn lines(streams: Streams) -> Vec<LogLine> {
    let mut out = Vec::new();
    for stream in streams.result {
        let labels = stream.stream;
        for entry in stream.values {
            let (ts, line, extra) = match entry {
                Entry::Plain(ts, line) => (ts, line, None),
                Entry::WithMetadata(ts, line, extra) => (ts, line, Some(extra)),
            };
            let mut fields = labels.clone();
            if let Some(map) = extra.as_ref().and_then(|e| e.as_object()) {
                fields.extend(
                    map.iter()
                        .filter_map(|(k, v)| v.as_str().map(|v| (k.clone(), v.to_owned()))),
                );
            }
            let label = |names: [&str; 3]| {
                names
                    .iter()
                    .find_map(|n| fields.get(*n))
                    .cloned()
                    .unwrap_or_default()
            };
            out.push(LogLine {
                ts_ns: ts.parse().unwrap_or_default(),
                severity: Severity::of(&label(["level", "detected_level", "severity"])),
                service: label(["service", "service_name", "job"]),
                line,
                fields,
            });
        }
    }
    out.sort_by_key(|line| line.ts_ns);
    out
}

/// A string literal of LogQL, PromQL or TraceQL.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl Client {
    /// Lines of a stretch of time, oldest first.
    ///
    /// # Errors
    /// As [`Client::drill`]; a query that does not parse carries its position.
    pub async fn loki_lines(&self, asked: &Lines, asker: Asker) -> Result<Vec<LogLine>, Failure> {
        let direction = if asked.newest { "backward" } else { "forward" };
        let parameters = [
            ("query", asked.query.clone()),
            ("start", asked.start_ns.to_string()),
            ("end", asked.end_ns.to_string()),
            ("limit", asked.limit.to_string()),
            ("direction", direction.to_owned()),
        ];
        let path = "loki/api/v1/query_range";
        let envelope: Envelope<serde_json::Value> = self.query(path, &parameters, asker).await?;
        serde_json::from_value(envelope.data).map(lines).map_err(|error| {
            let said = format!("the answer holds no log lines ({error}); a query that counts belongs into Metrics");
            Failure { status: Some(200), ..Failure::lost(said) }
        })
    }

    /// Counts by severity over a window, for the same query.
    ///
    /// # Errors
    /// As [`Client::drill`].
    pub async fn loki_histogram(
        &self,
        query: &str,
        window: Window,
        step_s: i64,
    ) -> Result<Histogram, Failure> {
        let parameters = [
            (
                "query",
                format!("sum by (level) (count_over_time({query} [{step_s}s]))"),
            ),
            ("start", (window.start_ms * 1_000_000).to_string()),
            ("end", (window.end_ms * 1_000_000).to_string()),
            ("step", step_s.to_string()),
        ];
        let envelope: Envelope<Matrix> = self
            .query("loki/api/v1/query_range", &parameters, Asker::Screen)
            .await?;
        let mut histogram = Histogram::empty(window, step_s * 1000);
        for row in envelope.data.result {
            let severity = Severity::of(row.metric.get("level").map_or("", String::as_str));
            for (t, v) in row.values {
                // a point counts the step that ends at it
                histogram.add(
                    severity,
                    prometheus::millis(t) - step_s * 500,
                    prometheus::value(&v),
                );
            }
        }
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_become_lines_in_order_of_time() {
        let text = r#"{"result":[
            {"stream":{"service":"b","level":"error","trace_id":"t1"},"values":[["2000000","late"]]},
            {"stream":{"service":"a","level":"info"},"values":[["1000000","early",{"order":"7"}]]}]}"#;
        let all = lines(serde_json::from_str(text).unwrap());
        assert_eq!(
            all.iter().map(|l| l.line.as_str()).collect::<Vec<_>>(),
            ["early", "late"]
        );
        assert_eq!(all[0].fields["order"], "7");
        assert_eq!(
            (all[1].severity, all[1].trace_id()),
            (Severity::Error, Some("t1"))
        );
    }

    #[test]
    fn a_histogram_counts_what_is_at_hand() {
        let line = |ts_ms: i64, severity| LogLine {
            ts_ns: ts_ms * 1_000_000,
            severity,
            ..LogLine::default()
        };
        let window = Window {
            start_ms: 0,
            end_ms: 10_000,
        };
        let histogram = Histogram::of_lines(
            &[
                line(500, Severity::Info),
                line(9_500, Severity::Error),
                line(9_600, Severity::Error),
            ],
            window,
            10,
        );
        assert_eq!(histogram.counts[&Severity::Error][9], 2.0);
        assert_eq!(histogram.counts[&Severity::Info][0], 1.0);
    }
}
