//! The control socket between supervisor and service: one JSON object a line, both ways, on the
//! child's standard input, which is a Unix socket. When it closes, the service ends: no orphan
//! survives its parent, however the parent died. On Linux the service also asks the kernel to be
//! killed when its parent dies (`services::run` does so first thing).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{setting::Setting, shop::Role};

/// Supervisor to service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// First line: what to be.
    Start(Box<ServiceConfig>),
    /// Settings to change now. Answered by [`Event::Applied`] or [`Event::Refused`].
    Set {
        /// Echoed in the answer.
        id: u64,
        /// The settings, all or none.
        settings: Vec<Setting>,
    },
    /// Settings to have from now on: these over the defaults, everything else at its default. Answered like
    /// [`Command::Set`].
    Replace {
        /// Echoed in the answer.
        id: u64,
        /// All settings that differ from the defaults, all or none.
        settings: Vec<Setting>,
    },
    /// Finish what is in flight, flush telemetry, exit 0.
    Stop,
}

/// Service to supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It listens and its database is open.
    Ready {
        /// Port on 127.0.0.1.
        port: u16,
    },
    /// Settings were applied.
    Applied {
        /// Of the command.
        id: u64,
    },
    /// Settings were refused, nothing was changed.
    Refused {
        /// Of the command.
        id: u64,
        /// Why.
        reason: String,
    },
    /// It cannot start; it exits next.
    Failed {
        /// Why.
        reason: String,
    },
}

/// Everything a service needs to know at start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceConfig {
    /// What to be.
    pub role: Role,
    /// `instance` label, as in `checkout-1`.
    pub instance: String,
    /// Release, as in `4.18.0`.
    pub version: String,
    /// Base URL that OTLP goes to (`/v1/logs` and `/v1/traces` are appended).
    pub otlp_endpoint: String,
    /// Base URLs of the services it calls: each the address of that link's proxy.
    pub peers: BTreeMap<Role, String>,
    /// Its database: a SQLite file path, or a `postgres://` URL with a schema of its own.
    pub database: Option<String>,
    /// Whether to clear the database first: true for the first instance of a role in a lab, false for restarts, releases and
    /// replicas, which share it.
    #[serde(default)]
    pub fresh_database: bool,
    /// Declared round trip of the database link, milliseconds, awaited per query.
    pub database_round_trip_ms: f64,
    /// Share of healthy traces to keep, 0 to 1; traces with errors are always kept.
    pub trace_share: f64,
    /// Seed of this service's own draws.
    pub seed: u64,
    /// Settings that differ from the defaults.
    pub settings: Vec<Setting>,
    /// Threads of its runtime.
    pub runtime_threads: u32,
}
