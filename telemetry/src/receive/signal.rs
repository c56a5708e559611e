//! The three signals of OTLP: where each is sent over HTTP and gRPC, and a decoded batch of any of them.
//! Knows neither transport nor store.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// A signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Log records.
    Logs,
    /// Spans.
    Traces,
    /// Data points.
    Metrics,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Logs, Self::Traces, Self::Metrics];

    /// Path under an OTLP/HTTP endpoint.
    #[must_use]
    pub const fn http_path(self) -> &'static str {
        match self {
            Self::Logs => "/v1/logs",
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
        }
    }

    /// Path of the gRPC method.
    #[must_use]
    pub const fn grpc_path(self) -> &'static str {
        match self {
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }

    /// Its name, as in `otelcol`: `logs`, `traces`, `metrics`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }

    /// The member of a JSON answer that counts what was refused.
    pub(super) const fn rejected_member(self) -> &'static str {
        match self {
            Self::Logs => "rejectedLogRecords",
            Self::Traces => "rejectedSpans",
            Self::Metrics => "rejectedDataPoints",
        }
    }
}

/// A decoded export request.
#[derive(Debug, Clone, PartialEq)]
pub enum Batch {
    /// Of log records.
    Logs(ExportLogsServiceRequest),
    /// Of spans.
    Traces(ExportTraceServiceRequest),
    /// Of data points.
    Metrics(ExportMetricsServiceRequest),
}

impl Batch {
    /// Which signal it is of.
    #[must_use]
    pub const fn signal(&self) -> Signal {
        match self {
            Self::Logs(_) => Signal::Logs,
            Self::Traces(_) => Signal::Traces,
            Self::Metrics(_) => Signal::Metrics,
        }
    }

    /// Reads protobuf.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(signal: Signal, body: Bytes) -> Result<Self, prost::DecodeError> {
        Ok(match signal {
            Signal::Logs => Self::Logs(Message::decode(body)?),
            Signal::Traces => Self::Traces(Message::decode(body)?),
            Signal::Metrics => Self::Metrics(Message::decode(body)?),
        })
    }
}

/// The answer to any export: the three response messages have the same fields under the same numbers.
#[derive(Clone, PartialEq, Message)]
pub struct ExportResponse {
    /// Unset when everything was taken.
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

/// What was refused of an export, though the rest was taken.
#[derive(Clone, PartialEq, Message)]
pub struct PartialSuccess {
    /// Log records, spans or data points refused.
    #[prost(int64, tag = "1")]
    pub rejected: i64,
    /// Why, and what to do; with nothing refused, a warning.
    #[prost(string, tag = "2")]
    pub message: String,
}
