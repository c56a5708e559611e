//! What a person may have otherwise: colours and keys. Takes words, and refuses those that it does not know with what to
//! write instead. Deliberately knows no files and no format: whoever reads them gives the words, and tells of the lines.

pub mod colours;

pub use crate::app::bindings::{Bindings, Change, Listed};

/// What was refused, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong with it.
    pub why: String,
    /// What to write instead.
    pub remedy: String,
}

impl Refused {
    pub(crate) fn new(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            remedy: remedy.into(),
        }
    }
}
