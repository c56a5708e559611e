//! Why a scenario cannot be used.

use std::path::PathBuf;

use miette::Diagnostic;

use crate::problem::Problems;

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ScenarioError {
    /// The catalogue has no such scenario.
    #[error("there is no scenario `{slug}`")]
    #[diagnostic(help("{}", .remedy))]
    Unknown {
        /// What was asked for.
        slug: String,
        /// The nearest there is, or all.
        remedy: String,
    },
    /// There are only four levels.
    #[error("there is no level {0}")]
    #[diagnostic(help("1 intern, 2 junior, 3 senior, 4 staff"))]
    Level(u8),
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    #[diagnostic(help("{}", readable(source)))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has problems: all of them, with their places.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Broken(#[from] Problems),
}

/// What to do about a file or folder that cannot be read.
fn readable(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "check the path: nothing is there",
        ErrorKind::PermissionDenied => "you may not read it: change its permissions",
        ErrorKind::IsADirectory => "name a file in it",
        ErrorKind::NotADirectory => "name the folder that the file lies in",
        ErrorKind::InvalidData => {
            "a scenario is a YAML file, text in UTF-8; this is something else"
        }
        _ => "check that it is there and that you may read it",
    }
}
