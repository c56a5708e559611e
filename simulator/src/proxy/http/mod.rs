//! The HTTP/1.x-aware path of the proxy.
//!
//! `head` and `frame` read streams of messages without changing or holding them.

pub mod frame;
pub mod head;
