//! Service level objectives: a spec file in, the recording rules of its error budgets and burn rates out, and their figures.
//! Knows no scrape, no HTTP and no service by name.
//!
//! ```text
//! spec file ─ read ─► Spec ─ generate ─► rule file ─► the rule engine ─► slo:… series ─ figures ─► what stands where
//! ```
//!
//! A spec file is one of Sloth's (`version: prometheus/v1`), with its alert windows in the same file, under `windows`.
//! The recorded series have Sloth's names and labels, so that dashboards and habits fit.
//!
//! **What an error budget is.** The events of the last period (the total), times the share that may fail. The period slides;
//! a store that is younger than a period has fewer events, so that the budget of its first minutes is small and
//! a few failures use it up. A burn rate of 1 uses a budget up within just a period, in which it is given anew. Multi-window burn
//! rates are those of the Google SRE workbook, chapter 5: a pair burns when the budget burns faster than the pair's factor over a
//! long window (so that it matters) and over a short one (so that it still goes on).

mod figures;
mod generate;
mod query;
mod raw;
mod read;
mod spec;
mod windows;

pub use figures::{Burn, Figures, PairState, figures};
pub use read::read;
pub(crate) use spec::check_ids;
pub use spec::{AlertPart, Alerting, Intervals, Objective, Policy, Spec};
pub use windows::{Pair, Severity, Speed, Windows};

#[cfg(test)]
mod tests;
