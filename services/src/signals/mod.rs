//! What a service tells of itself: logs and traces over OTLP, metrics to be scraped.
//!
//! How they are named is the shop's; who receives them is not known here.

mod dated;
mod figures;
mod http_client;
mod keep;
pub mod metrics;
pub mod otlp;
