//! The room's keeper: the server of a drill, its score, storage, reports and verification.
//!
//! It owns lab and telemetry of a drill and is the only room that knows both; it draws nothing.

pub mod debrief;
pub mod desk;
pub mod drill;
pub mod history;
pub mod notebook;
pub mod players;
pub mod refusal;
pub mod report;
pub mod score;
pub mod server;
pub mod shop;
pub mod sight;
mod telling;
pub mod verify;
