//! The load's counters with the address that shows them. They exist before the load does: the scraper
//! is told its targets first.

use std::{io, net::SocketAddr};

use super::{exposition::Exposition, metrics::Meters};

/// Meters and the listener that shows them.
pub(crate) struct Exposed {
    pub(super) meters: Meters,
    pub(super) exposition: Exposition,
}

impl Exposed {
    /// Opens the listener.
    pub(crate) async fn open() -> io::Result<Self> {
        Ok(Self {
            meters: Meters::new(),
            exposition: Exposition::bind().await?,
        })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.exposition.address
    }
}
