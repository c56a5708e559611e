//! A cut link: bytes stop, connections hang, new ones are accepted and hang too, as behind a firewall that drops packets. When
//! it heals, what was held arrives, as TCP would send it again. Which way it is cut is the toxic's stream.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Attribute, Event, Seen, ToxicKind, Verdict};

/// Cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Partition {}

impl ToxicKind for Partition {
    const KIND: &'static str = "partition";
    const DEFINITION: &'static str =
        "Nothing arrives until the toxic is taken off; then everything does";
    const ATTRIBUTES: &'static [Attribute] = &[];

    fn decide(&self, _: &Seen, _: Event, _: &mut impl Rng) -> Verdict {
        Verdict::Hold
    }

    /// A handshake needs both ways, so a cut of either prevents it.
    fn holds_handshake(&self) -> bool {
        true
    }
}
