//! Exit codes that mean something, and how an error is told: what, then what to do.

use std::{io::Write as _, process::ExitCode};

/// Everything went as asked.
pub const OK: u8 = 0;
/// It ran and the answer is no: a claim failed, a check found problems.
pub const NO: u8 = 1;
/// The command line or a file is wrong; nothing was started.
pub const USAGE: u8 = 2;
/// The world refused: a port, a folder, a process.
pub const FAILED: u8 = 3;
/// Ended by Ctrl-C or SIGTERM, after everything was put in order (128 + SIGINT).
pub const INTERRUPTED: u8 = 130;

/// A command's failure.
#[derive(Debug)]
pub struct Failure {
    /// One of the codes above.
    pub code: u8,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Failure {
    /// A wrong command line or file.
    pub fn usage(message: impl std::fmt::Display, remedy: impl std::fmt::Display) -> Self {
        Self {
            code: USAGE,
            message: message.to_string(),
            remedy: Some(remedy.to_string()),
        }
    }

    /// The world refused.
    pub fn failed(message: impl std::fmt::Display) -> Self {
        Self {
            code: FAILED,
            message: message.to_string(),
            remedy: None,
        }
    }

    /// Adds what to do.
    pub fn remedy(mut self, remedy: impl std::fmt::Display) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }

    /// This one and another that was found at the same time; the worse code counts.
    pub fn and(self, other: Self) -> Self {
        let remedy = match (self.remedy, other.remedy) {
            (Some(one), Some(two)) => Some(format!("{one}\n  and: {two}")),
            (one, two) => one.or(two),
        };
        Self {
            code: self.code.max(other.code),
            message: format!("{}\n  and: {}", self.message, other.message),
            remedy,
        }
    }

    /// Tells it on standard error, as text or as one JSON object.
    pub fn tell(&self, json: bool) -> ExitCode {
        let said = if json {
            serde_json::json!({ "error": self.message, "remedy": self.remedy }).to_string()
        } else {
            let remedy = self
                .remedy
                .iter()
                .map(|remedy| format!("\n  try: {remedy}"));
            format!("error: {}{}", self.message, remedy.collect::<String>())
        };
        // where standard error is closed nobody reads it, and the code tells
        let _ = writeln!(std::io::stderr(), "{said}");
        ExitCode::from(self.code)
    }
}

/// What clap has to say: help and version on standard output with 0, a mistake on standard error with 2.
pub fn usage(error: &clap::Error) -> ExitCode {
    let code = if error.use_stderr() { USAGE } else { OK };
    // A closed pipe (`drill --help | head -1`) is no reason to complain.
    let _ = error.print();
    ExitCode::from(code)
}
