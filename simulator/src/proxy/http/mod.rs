//! The HTTP/1.x-aware path of the proxy.
//!
//! ```text
//! callee     the callee's end of a connection: its socket, and a session once an HTTP toxic is there
//! session    one connection: up (requests), down (answers), copy (requests sent again)
//! state      what the toxics of a link remember and draw;  plan: what they decided together
//! frame      streams of messages, read without changing or holding them;  head: heads
//! message    what the proxy writes itself
//! ```
//! What toxics decide is in [`scenarios::toxic::http`]. It knows neither roles nor scenarios.

mod callee;
mod copy;
mod down;
pub mod frame;
pub mod head;
mod message;
mod plan;
mod session;
mod state;
mod up;

pub(super) use callee::Callee;
pub use state::Counts;
pub(super) use state::HttpState;

#[cfg(test)]
mod tests;
