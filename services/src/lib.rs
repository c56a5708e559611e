//! The shop: one HTTP service per role, healthy and faulty, instrumented as production services
//! are. Every role is one process of the same binary; what it is and whom it calls arrives over its
//! control socket.
//!
//! It knows settings, never scenarios: what a setting is for, what is expected of it and when it
//! changes is said elsewhere.

mod breaker;
mod chance;
mod clock;
mod connections;
mod control;
mod credential;
mod database;
mod error;
mod goods;
mod harm;
mod health;
mod hop;
mod idempotency;
mod money;
mod names;
mod pace;
mod peer;
mod problem;
mod process;
mod retry;
mod roles;
mod route;
mod serve;
mod service;
mod settings;
mod signals;
mod slots;
mod wire;

pub use error::ServiceError;
pub use process::run;
