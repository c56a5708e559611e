//! Alerts: standard Prometheus rule files, evaluated by the store's own PromQL. Knows no scrape, no webhook, no trainee.

mod engine;
pub mod format;
mod live;
pub mod notify;
mod rules;
mod state;
mod template;
pub mod unit;
mod yaml;

pub use engine::{Engine, RuleInfo, Transition, Tune, TuneError};
pub use rules::{Problem, RulesError, check};
pub use state::{Alert, State};
