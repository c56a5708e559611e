//! The lab: supervisor of child processes, load, chaos proxy, timeline, remedies, proof, journal.
//!
//! It makes things happen and knows the plan. It does not know telemetry: what it needs of it
//! (a measured value, a tuned alert) it asks through [`instruments::Instruments`].

pub mod clock;
mod error;
pub mod experiment;
pub mod folder;
pub mod instruments;
pub mod journal;
pub mod lab;
pub mod load;
mod outward;
pub mod proxy;
pub mod supervisor;
mod wire;

pub use error::LabError;
