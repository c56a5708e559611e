//! Metrics: the store, and the handle through which the rest of the program scrapes, appends, asks and serves. Knows no log and no trace.

pub mod catalog;
pub mod chunk;
pub mod exemplars;
mod handle;
pub mod labels;
mod otlp;
mod packed;
mod recording;
mod selected;
mod series;
pub mod store;

pub use chunk::{Columns, Point};
pub use handle::{Metrics, MetricsConfig, Sample, Series};
pub use labels::Labels;
pub use recording::METRICS_FILE;
pub(crate) use selected::Reader;
pub use selected::Selected;
pub use store::{Budget, Pending, Stats, Store};

#[cfg(test)]
#[path = "tests/model.rs"]
mod model_tests;
