//! What can go wrong for a caller of this crate: a query that cannot be answered and a store or
//! recording that cannot be used. Knows nothing of HTTP; `api` maps these to the clients' shapes.

use std::path::PathBuf;

/// Why a query (LogQL, TraceQL, PromQL) was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text is not in the language.
    #[error("parse error at byte {position}: found {found}, expected {expected}")]
    Syntax {
        /// Byte offset of the offending text in the query.
        position: usize,
        /// What stands there.
        found: String,
        /// What would have been accepted.
        expected: String,
    },
    /// The text is in the language, but this engine does not evaluate it.
    #[error("not supported at byte {position}: {what}")]
    Unsupported {
        /// Byte offset of the unsupported construct.
        position: usize,
        /// Its name, and what to use instead where there is something.
        what: String,
    },
    /// The text parses, but has no meaning, such as a regular expression that does not compile.
    #[error("invalid at byte {position}: {message}")]
    Invalid {
        /// Byte offset of the construct.
        position: usize,
        /// What is wrong with it.
        message: String,
    },
    /// The query met a limit; the message names the limit and the remedy.
    #[error("{0}")]
    Limit(String),
    /// The query failed while it was evaluated.
    #[error("{0}")]
    Execution(String),
}

impl QueryError {
    /// Byte offset in the query text that the error is about, where there is one.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::Syntax { position, .. }
            | Self::Unsupported { position, .. }
            | Self::Invalid { position, .. } => Some(*position),
            Self::Limit(_) | Self::Execution(_) => None,
        }
    }
}

/// Why a recording could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The operating system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// `create`, `read`, `write`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A frame is not what the collector's file format says.
    #[error("{} is not a telemetry recording: {message} at byte {offset}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Byte offset of the frame in the file.
        offset: u64,
        /// What is wrong with it.
        message: String,
    },
}
