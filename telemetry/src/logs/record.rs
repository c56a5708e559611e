//! A log record as its readers see it, and the two labels of its stream. Knows nothing of storage.

use serde::Serialize;

use crate::time::TraceId;

/// Identifier of a span, 8 bytes, big endian.
pub type SpanId = [u8; 8];

/// Severity, in the words of the `level` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Neither number nor a known text was given.
    Unknown,
    /// OpenTelemetry severities 1 to 4.
    Trace,
    /// 5 to 8.
    Debug,
    /// 9 to 12.
    Info,
    /// 13 to 16.
    Warn,
    /// 17 to 20.
    Error,
    /// 21 to 24.
    Fatal,
}

impl Level {
    /// All levels, mildest first.
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Fatal,
    ];

    /// The level of an OpenTelemetry severity; the text decides where the number is 0.
    #[must_use]
    pub fn of(severity_number: i32, severity_text: &str) -> Self {
        match severity_number {
            1..=4 => Self::Trace,
            5..=8 => Self::Debug,
            9..=12 => Self::Info,
            13..=16 => Self::Warn,
            17..=20 => Self::Error,
            21..=24 => Self::Fatal,
            _ => match severity_text.to_ascii_lowercase().as_str() {
                "trace" => Self::Trace,
                "debug" => Self::Debug,
                "info" | "information" | "notice" => Self::Info,
                "warn" | "warning" => Self::Warn,
                "error" | "err" => Self::Error,
                "fatal" | "critical" | "emergency" => Self::Fatal,
                _ => Self::Unknown,
            },
        }
    }

    /// The label's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// Names and values, sorted by name, names unique.
pub type Labels = Vec<(String, String)>;

/// One line of a query's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogLine {
    /// Nanoseconds since the epoch, store time.
    pub ts_ns: i64,
    /// The message, or what `line_format` made of it.
    pub line: String,
    /// `service`, `level`, structured metadata and extracted labels.
    pub labels: Labels,
}

impl LogLine {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(label, _)| label == name)
            .map(|(_, value)| value.as_str())
    }
}

/// One record on its way into the store, store time already.
#[derive(Debug, Clone)]
pub struct LogRecord<'a> {
    /// Nanoseconds since the epoch.
    pub ts_ns: i64,
    /// Severity.
    pub level: Level,
    /// The message.
    pub body: &'a str,
    /// The trace it belongs to, all zero for none.
    pub trace_id: TraceId,
    /// The span it belongs to, all zero for none.
    pub span_id: SpanId,
}
