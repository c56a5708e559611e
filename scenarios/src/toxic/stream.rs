//! Which way bytes go, and which ways a toxic acts on.

use serde::{Deserialize, Serialize};

/// Direction of a stream of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// From the caller to the callee.
    Upstream,
    /// From the callee to the caller.
    Downstream,
}

/// The directions that a toxic acts on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// From the caller to the callee.
    Upstream,
    /// From the callee to the caller.
    #[default]
    Downstream,
    /// Both, each by itself.
    Both,
}

impl Stream {
    /// Whether it includes the direction.
    #[must_use]
    pub const fn covers(self, direction: Direction) -> bool {
        matches!(
            (self, direction),
            (Self::Both, _)
                | (Self::Upstream, Direction::Upstream)
                | (Self::Downstream, Direction::Downstream)
        )
    }

    /// As on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
            Self::Both => "both",
        }
    }
}

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Direction {
    /// As on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => Stream::Upstream.as_str(),
            Self::Downstream => Stream::Downstream.as_str(),
        }
    }
}
