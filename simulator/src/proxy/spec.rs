//! What proxies of a registry should be, are, and how they change, as told to whoever asks.

use scenarios::toxic::Direction;

use super::scheduled::{ToxicSpec, ToxicView};

/// What was changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Name of the proxy.
    pub proxy: String,
    /// What about it.
    pub what: What,
}

/// See [`Change`].
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// It was made, or its addresses or whether it is enabled were changed.
    Set {
        /// Whether it listens.
        enabled: bool,
    },
    /// It was deleted.
    Deleted,
    /// A toxic was put on it or changed.
    Poisoned(ToxicView),
    /// The toxic of this name was taken off.
    Healed(String),
    /// The time of the toxic of this name is over, as its schedule says.
    Ended(String),
}

/// What a proxy should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySpec {
    /// Unique name.
    pub name: String,
    /// `host:port` to listen at.
    pub listen: String,
    /// `host:port` to connect to.
    pub upstream: String,
    /// Whether it listens.
    pub enabled: bool,
}

/// A proxy that is wanted, with toxics.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxyEntry {
    /// What and where.
    pub spec: ProxySpec,
    /// These are put on, in this order; of a proxy that is there already, those of other names stay.
    pub toxics: Vec<ToxicSpec>,
}

/// A proxy as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxyView {
    /// Name, addresses (the real port), whether it listens.
    pub spec: ProxySpec,
    /// Its toxics, upstream before downstream, in the order of their coming.
    pub toxics: Vec<ToxicView>,
}

/// Bytes that went through a proxy one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Name, listener, upstream.
    pub spec: ProxySpec,
    /// Which way.
    pub direction: Direction,
    /// Bytes read from the sender.
    pub received: u64,
    /// Bytes written to the receiver.
    pub sent: u64,
}
