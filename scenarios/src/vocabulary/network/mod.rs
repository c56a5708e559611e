//! The family `network` of the fault vocabulary: a mechanism is a file here and a line below.

mod bandwidth;
mod connection_reset;
mod dns_failure;
mod half_open;
mod jitter;
mod latency;
mod packet_slicing;
mod partition;
mod slow_close;

use super::{Family, parameter::Values};
use crate::toxic::Stream;

/// The family.
pub(super) const FAMILY: Family = Family {
    id: "network",
    definition: "The network between two processes misbehaves",
    mechanisms: &[
        latency::MECHANISM,
        jitter::MECHANISM,
        bandwidth::MECHANISM,
        packet_slicing::MECHANISM,
        connection_reset::MECHANISM,
        half_open::MECHANISM,
        partition::MECHANISM,
        slow_close::MECHANISM,
        dns_failure::MECHANISM,
    ],
};

/// The direction that was chosen.
fn direction(values: &Values) -> Stream {
    match values.word("direction") {
        "upstream" => Stream::Upstream,
        _ => Stream::Downstream,
    }
}
