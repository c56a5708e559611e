//! What was seen, and nothing of why: receiver, scraper, store, query languages, public query
//! APIs, alerts, graph. Knows no faults, scenarios or scores; it could serve any system that
//! speaks OTLP and exposes Prometheus metrics.

pub mod alerts;
mod api;
pub mod attributes;
pub mod derive;
mod dictionary;
pub mod error;
mod facade;
pub mod forward;
pub mod graph;
pub mod logs;
pub mod metrics;
pub mod objectives;
pub mod origins;
mod outbound;
mod parallel;
pub mod promql;
pub mod query;
pub mod receive;
pub mod record;
mod row_set;
pub mod scrape;
mod segments;
pub mod time;
pub mod traces;

pub use api::{Origins, OriginsInvalid};
pub use error::{QueryError, RecordError};
pub use facade::{Stats, Telemetry, TelemetryConfig};
