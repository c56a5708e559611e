//! Why something that was asked of a drill was not done. It knows no HTTP; the server gives each
//! kind its status.

use api::Problem;

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// What was named does not exist.
    NotFound,
    /// It exists, but not now: too early, too late, already running.
    NotNow,
    /// The request is understood and wrong.
    Invalid,
    /// The request cannot be read.
    Malformed,
    /// The request is larger than the limit.
    TooLarge,
    /// Who asks has not shown the instructor's key.
    Forbidden,
    /// Too many in a short time.
    TooMany,
    /// The path exists with another method.
    Method,
    /// The drill itself failed.
    Failed,
}

/// A refusal, with what the caller can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", .problem.error, .problem.remedy.as_ref().map_or_else(String::new, |remedy| format!("; {remedy}")))]
pub struct Refusal {
    /// What kind it is.
    pub kind: RefusalKind,
    /// What is said.
    pub problem: Problem,
}

impl Refusal {
    /// A refusal of a kind: what is wrong, and what to do.
    pub fn new(kind: RefusalKind, error: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            kind,
            problem: Problem {
                error: error.into(),
                remedy: Some(remedy.into()),
            },
        }
    }

    pub(crate) fn not_found(error: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(RefusalKind::NotFound, error, remedy)
    }

    pub(crate) fn not_now(error: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(RefusalKind::NotNow, error, remedy)
    }

    pub(crate) fn invalid(error: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, error, remedy)
    }
}
