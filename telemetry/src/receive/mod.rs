//! Receiving OTLP: `POST /v1/logs`, `/v1/traces`, `/v1/metrics`, protobuf and JSON, plain or gzip.
//! Knows no queries.

mod intake;
mod otlp;

pub use intake::{Intake, MetricsSink};
pub use otlp::{BODY_BYTES_MAX, router};
