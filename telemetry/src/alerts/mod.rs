//! Alerts: standard Prometheus rule files, evaluated by the store's own PromQL. Knows no scrape, no webhook, no trainee.

mod engine;
pub mod format;
mod live;
pub mod notify;
pub(crate) mod rules;
mod state;
pub(crate) mod template;
pub mod unit;
pub(crate) mod yaml;

pub use engine::{Engine, RuleInfo, Transition, Tune, TuneError};
pub use rules::{FILE_BYTES_MAX, FileError, Problem, RulesError, check};
pub use state::{Alert, State};
