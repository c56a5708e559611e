//! What can be done to the bytes of a link: Toxiproxy's toxics with its names, attributes and units, and some more.
//!
//! A toxic is data and a pure decision: what happens to the next chunk of one direction of one connection. It reads no clock
//! and moves no bytes; a proxy asks and carries the [`Verdict`] out. Several toxics on a link are a chain: what one lets
//! through, the next is asked about.
//!
//! Adding one: a file with a struct and its [`ToxicKind`], and one line in the registry below.

mod attribute;
mod bandwidth;
mod half_open;
pub mod http;
mod latency;
mod limit_data;
mod partition;
mod reset_peer;
mod slicer;
mod slow_close;
mod stream;
mod timeout;
mod toxicity;
mod verdict;

use rand::Rng;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use attribute::{Attribute, ToxicError};
pub use bandwidth::Bandwidth;
pub use half_open::HalfOpen;
pub use http::HttpToxic;
pub use latency::Latency;
pub use limit_data::LimitData;
pub use partition::Partition;
pub use reset_peer::ResetPeer;
pub use slicer::Slicer;
pub use slow_close::SlowClose;
pub use stream::{Direction, Stream};
pub use timeout::Timeout;
pub use toxicity::{Toxicity, ToxicityError};
pub use verdict::{Event, Parting, Seen, Verdict};

/// One sort of toxic: its name on the wire, its attributes, and what it decides.
pub trait ToxicKind: Clone + PartialEq + Serialize + DeserializeOwned {
    /// `type` on the wire, as in `slow_close`.
    const KIND: &'static str;
    /// One line.
    const DEFINITION: &'static str;
    /// Its attributes, in the order in which they are shown. Those missing on the wire are zero.
    const ATTRIBUTES: &'static [Attribute];

    /// What happens to the next thing on one direction of one connection.
    fn decide(&self, seen: &Seen, event: Event, rng: &mut impl Rng) -> Verdict;

    /// Closes the connection when nothing has come to this toxic for so long; none means never.
    fn closes_after_silence(&self) -> Option<std::time::Duration> {
        None
    }

    /// Whether a new connection cannot even be opened: its handshake would have to cross the link.
    fn holds_handshake(&self) -> bool {
        false
    }

    /// What becomes of a connection that it acted on, when the toxic is taken off.
    fn parting(&self, _seen: &Seen) -> Parting {
        Parting::Release
    }

    /// The same toxic at a part of its strength, 0 to 1, where 0 does as little as it can. What cannot be weaker is itself.
    #[must_use]
    fn at_strength(&self, _share: f64) -> Self {
        self.clone()
    }
}

/// The registry: one line a toxic. Everything else about the closed list derives from it.
macro_rules! registry {
    ($($kind:ident),+ $(,)?) => {
        /// One thing done to a link.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Toxic {
            $(#[doc = concat!("See [`", stringify!($kind), "`].")] $kind($kind),)+
            /// Acts on messages of HTTP, and on no bytes. See [`http`].
            Http(Box<HttpToxic>),
        }

        /// Name, definition and attributes of every toxic of bytes, in the order of the registry; those of HTTP are
        /// [`http::KINDS`].
        pub const KINDS: &[Kind] = &[
            $(Kind {
                name: $kind::KIND,
                definition: $kind::DEFINITION,
                attributes: $kind::ATTRIBUTES,
            }),+
        ];

        impl Toxic {
            /// Makes one of what came over the wire. Attributes that are missing or null are zero.
            ///
            /// # Errors
            /// [`ToxicError`] when there is no such type or attribute, or a value is not what it should be.
            pub fn from_wire(kind: &str, attributes: Value) -> Result<Self, ToxicError> {
                match kind {
                    $($kind::KIND => attribute::parse(attributes, None).map(Self::$kind),)+
                    _ => HttpToxic::from_wire(kind, attributes)
                        .unwrap_or_else(|| Err(ToxicError::unknown_kind(kind)))
                        .map(|toxic| Self::Http(Box::new(toxic))),
                }
            }

            /// The same with some attributes changed; those that are missing or null stay.
            ///
            /// # Errors
            /// As [`Toxic::from_wire`].
            pub fn updated(&self, attributes: Value) -> Result<Self, ToxicError> {
                match self {
                    $(Self::$kind(now) => attribute::parse(attributes, Some(now)).map(Self::$kind),)+
                    Self::Http(now) => {
                        now.updated(attributes).map(|toxic| Self::Http(Box::new(toxic)))
                    }
                }
            }

            /// Its attributes as on the wire, all of them.
            #[must_use]
            pub fn attributes(&self) -> Value {
                match self {
                    $(Self::$kind(toxic) => attribute::wire(toxic),)+
                    Self::Http(toxic) => toxic.attributes(),
                }
            }

            /// `type` on the wire, as in `slow_close`.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $kind::KIND,)+
                    Self::Http(toxic) => toxic.kind(),
                }
            }

            /// See [`ToxicKind::decide`].
            pub fn decide(&self, seen: &Seen, event: Event, rng: &mut impl Rng) -> Verdict {
                match self {
                    $(Self::$kind(toxic) => toxic.decide(seen, event, rng),)+
                    Self::Http(_) => Verdict::Pass,
                }
            }

            /// See [`ToxicKind::closes_after_silence`].
            #[must_use]
            pub fn closes_after_silence(&self) -> Option<std::time::Duration> {
                match self {
                    $(Self::$kind(toxic) => toxic.closes_after_silence(),)+
                    Self::Http(_) => None,
                }
            }

            /// See [`ToxicKind::holds_handshake`].
            #[must_use]
            pub fn holds_handshake(&self) -> bool {
                match self {
                    $(Self::$kind(toxic) => toxic.holds_handshake(),)+
                    Self::Http(_) => false,
                }
            }

            /// See [`ToxicKind::parting`].
            #[must_use]
            pub fn parting(&self, seen: &Seen) -> Parting {
                match self {
                    $(Self::$kind(toxic) => toxic.parting(seen),)+
                    Self::Http(_) => Parting::Release,
                }
            }

            /// See [`ToxicKind::at_strength`]. A share outside 0 to 1 is taken as the nearer bound.
            #[must_use]
            pub fn at_strength(&self, share: f64) -> Self {
                let share = if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) };
                match self {
                    $(Self::$kind(toxic) => Self::$kind(toxic.at_strength(share)),)+
                    Self::Http(toxic) => Self::Http(Box::new(toxic.at_strength(share))),
                }
            }
        }

        $(impl From<$kind> for Toxic {
            fn from(toxic: $kind) -> Self {
                Self::$kind(toxic)
            }
        })+
    };
}

registry![
    Latency, Bandwidth, SlowClose, Timeout, ResetPeer, Slicer, LimitData, Partition, HalfOpen,
];

/// What is known of one sort of toxic without having one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Kind {
    /// `type` on the wire.
    pub name: &'static str,
    /// One line.
    pub definition: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
}

#[cfg(test)]
mod tests;
