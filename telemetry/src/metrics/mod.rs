//! Metrics: the store, and the handle through which the rest of the program scrapes, appends, asks and serves. Knows no log and no trace.

pub mod catalog;
pub mod chunk;
pub mod exemplars;
mod handle;
pub mod labels;
mod otlp;
mod recording;
mod series;
pub mod store;

pub use chunk::Point;
pub use handle::{Metrics, MetricsConfig, Sample, Series};
pub use labels::Labels;
pub use recording::METRICS_FILE;
pub use store::{Budget, Stats, Store};
