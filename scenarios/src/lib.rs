//! What may happen, and the answer: catalogue, fault vocabulary, loader, seeds, plan.
//!
//! This crate is data and pure functions. It knows neither processes nor HTTP nor terminals; it
//! reads no clock, and touches the disk only to load scenario files.
//!
//! A drill begins with [`catalog::Catalog::plan`].

pub mod catalog;
mod check;
pub mod control;
pub mod draw;
pub mod effect;
pub mod error;
pub mod level;
pub mod load;
pub mod nearest;
pub mod plan;
pub mod problem;
pub mod repeat;
pub mod scenario;
pub mod seed;
pub mod setting;
pub mod shop;
pub mod source;
pub mod span;
pub mod template;
pub mod toxic;
pub mod vocabulary;
