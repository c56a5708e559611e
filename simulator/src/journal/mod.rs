//! The journal: everything that happened in a drill, in order, append-only and hash-chained.
//!
//! It knows no scores and no scenarios. It tells the truth lane as well, so while a drill runs its lines are sealed: in
//! hexadecimal digits, like the plan ([`crate::folder`]), so that nobody reads the answer by accident. The end opens it.

mod chain;
mod event;
mod read;
mod write;

pub use chain::{BrokenChain, verify_chain};
pub(crate) use chain::{hex, unhex};
pub use event::{Entry, Event, InvariantResult};
pub use read::{Recorded, is_held, read};
pub use write::Journal;

/// The journal of a drill that has ended: one JSON object a line.
pub const JOURNAL_FILE: &str = "journal.jsonl";
/// The journal of a drill that runs, or crashed: the same lines in hexadecimal digits.
pub const SEALED_JOURNAL_FILE: &str = "journal.sealed";

/// Where the journal of a drill folder is: the opened file where there is one, else the sealed one.
#[must_use]
pub fn file_in(folder: &std::path::Path) -> std::path::PathBuf {
    let open = folder.join(JOURNAL_FILE);
    // a crash between opening and removing leaves both, and both whole
    if open.is_file() {
        open
    } else {
        folder.join(SEALED_JOURNAL_FILE)
    }
}

/// Why a journal cannot be created or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be created.
    #[error("cannot create the journal {path}; choose a folder that can be written to")]
    Create {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It cannot be opened for everyone at the end.
    #[error(
        "cannot write the journal {path}; make room on the disk: `drill report` reads the sealed one as well"
    )]
    Unseal {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read the journal {path}")]
    Read {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A whole line is no entry.
    #[error(
        "line {line} of {path} is no journal entry; restore the file from a copy or leave this drill out"
    )]
    Line {
        /// Which file.
        path: std::path::PathBuf,
        /// Counted from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}
