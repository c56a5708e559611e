//! Receiving OTLP: logs, traces and metrics over HTTP (`POST /v1/{logs,traces,metrics}`, protobuf and JSON) and over
//! gRPC; plain, gzip or zstd. Knows no queries.

mod admission;
pub mod grpc;
mod intake;
mod json;
mod otlp_http;
mod receiver;
mod restamp;
mod shape;
mod signal;
pub(crate) mod status;
#[cfg(test)]
mod tests;

pub use admission::{BODY_BYTES_MAX, HELD_BYTES_MAX};
pub use intake::{Intake, MetricsSink};
pub use otlp_http::router;
pub use receiver::Receiver;
pub use shape::ELEMENTS_MAX;
pub use signal::{Batch, ExportResponse, PartialSuccess, Signal};
