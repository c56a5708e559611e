//! The journal: everything that happened in a drill, in order, append-only and hash-chained.
//!
//! It knows no scores and no scenarios. While a drill runs, its file tells the truth lane as well:
//! who opens it before the end spoils the drill for themselves, as with the answers at the back of a book.

mod chain;
mod event;
mod read;
mod write;

pub(crate) use chain::hex;
pub use chain::{BrokenChain, verify_chain};
pub use event::{Entry, Event, InvariantResult};
pub use read::{Recorded, read};
pub use write::Journal;

/// Name of the file in a drill folder.
pub const JOURNAL_FILE: &str = "journal.jsonl";

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
