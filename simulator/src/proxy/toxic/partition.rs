//! A cut link: bytes stop both ways, connections hang, new ones are accepted and hang too, as behind
//! a firewall that drops packets. When it heals, what was held arrives, as TCP would send it again.

use super::Verdict;

/// Cuts both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition;

impl Partition {
    /// Holds everything.
    #[must_use]
    pub const fn decide(self) -> Verdict {
        Verdict::Hold
    }
}
