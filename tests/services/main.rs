//! Services as processes of their own, driven over their control socket as a lab does: what happens
//! to a whole process, what it tells of itself, and what happens between it and a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod collector;
mod database_server;
mod process;
mod wear;
