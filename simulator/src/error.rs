//! What can go wrong with a lab.

use std::{io, path::PathBuf};

/// Why a lab cannot start, or does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The folder for the services' databases cannot be created.
    #[error(
        "cannot create the folder {path} for the services' databases; set TMPDIR to a place that can be written to"
    )]
    Scratch {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A port, a socket or a thread of the lab itself cannot be had.
    #[error("cannot open {what}")]
    Open {
        /// What.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A service's process cannot be started.
    #[error("cannot start a process for {service} from {executable}")]
    Spawn {
        /// Service.
        service: String,
        /// What was to be executed.
        executable: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A service ended before it was ready.
    #[error("{service} did not start: {reason}{}", last_words(.stderr))]
    DiedInStart {
        /// Service.
        service: String,
        /// How it ended, or why it said that it cannot start.
        reason: String,
        /// The last lines it wrote to standard error.
        stderr: Vec<String>,
    },
    /// A service is not ready in time.
    #[error("{service} was not ready within {seconds} s{}; is the machine busy?", last_words(.stderr))]
    NotReady {
        /// Service.
        service: String,
        /// How long the lab waited.
        seconds: u64,
        /// The last lines it wrote to standard error.
        stderr: Vec<String>,
    },
    /// A service refused a setting; it goes on as it was.
    #[error("{service} refused the settings: {reason}")]
    Refused {
        /// Service.
        service: String,
        /// Why.
        reason: String,
    },
    /// A service does not answer on its control socket.
    #[error("{service} does not answer on its control socket")]
    Silent {
        /// Service.
        service: String,
    },
    /// An effect names a service that this scenario does not run.
    #[error("{service} does not run in this scenario")]
    NoService {
        /// Service.
        service: String,
    },
    /// An effect names a link that this scenario does not have.
    #[error("there is no link from {from} to {to} in this scenario")]
    NoLink {
        /// Caller.
        from: String,
        /// Called.
        to: String,
    },
    /// The database of a service is no process of its own here.
    #[error(
        "the database of {service} is a file here, there is no connection to act on; aim slow-database at {service}, or run the drill with DRILL_DATABASE_URL"
    )]
    NoDatabaseLink {
        /// Service.
        service: String,
    },
    /// A mechanism does not act as an effect asks it to.
    #[error("{0}")]
    Unfit(String),
    /// An alert rule cannot be changed.
    #[error("the alert {alert} cannot be changed: {reason}")]
    Alert {
        /// Rule.
        alert: String,
        /// Why.
        reason: String,
    },
    /// A release that was tried beside the one in force is gone.
    #[error("the new release of {service} is gone: something else changed {service} meanwhile")]
    NotStaged {
        /// Service.
        service: String,
    },
    /// A proof runs already.
    #[error("a proof is running; wait until it has ended")]
    ProofRuns,
    /// A release is being rolled out in steps, and two releases cannot be proven at once.
    #[error("a release is being rolled out in steps, and two releases cannot be proven at once")]
    RollsOut,
    /// The lab is being shut down.
    #[error("the lab is shut down")]
    Down,
}

fn last_words(stderr: &[String]) -> String {
    if stderr.is_empty() {
        return String::new();
    }
    format!("; its last words:\n  {}", stderr.join("\n  "))
}
