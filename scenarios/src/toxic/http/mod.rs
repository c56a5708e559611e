//! What can be done to the HTTP messages of a link: one file each with its attributes and a pure
//! decision, and one line in the registry below. Which requests it happens to (`method`, `path`,
//! `header`, `share`) is common to all, and decided once per request, before it goes up.
//!
//! Adding one: a file with a struct and its `Mechanism`, a line in the registry. It knows no
//! connection, no clock and no byte on the wire; the proxy carries out what it decides.

mod delay;
mod duplicate;
mod envelope;
mod fail_first;
mod lost_response;
mod malformed_body;
mod matching;
mod memory;
mod message;
mod rate_limit;
mod reorder;
mod rewrite_body;
mod stale;
mod status;
mod truncated_body;
mod verdict;

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{ToxicError, Toxicity, attribute::DAY_MS};

pub use delay::HttpDelay;
pub use duplicate::HttpDuplicate;
pub use envelope::HttpEnvelope;
pub use fail_first::{HttpFailFirst, Per};
pub use lost_response::HttpLostResponse;
pub use malformed_body::HttpMalformedBody;
pub use matching::Match;
pub use memory::{Answers, MOST_KEPT_BYTES, Memory};
pub use message::{Headers, RequestHead, ResponseHead};
pub use rate_limit::HttpRateLimit;
pub use reorder::HttpReorder;
pub use rewrite_body::HttpRewriteBody;
pub use stale::HttpStale;
pub use status::HttpStatus;
pub use truncated_body::HttpTruncatedBody;
pub use verdict::{Answer, Change, Verdict};

/// What a decision may look at and remember, beside the request.
#[derive(Debug)]
pub struct Moment<'a> {
    /// Of this toxic on this link.
    pub link: &'a mut Memory,
    /// Of this toxic on this connection.
    pub connection: &'a mut Memory,
    /// Since the link began.
    pub now: Duration,
    /// This toxic's chance on this link.
    pub rng: &'a mut ChaCha8Rng,
}

/// One thing that can be done to HTTP messages. Its fields are its attributes on the wire.
trait Mechanism: Serialize + DeserializeOwned {
    /// Its type on the wire.
    const KIND: &'static str;
    /// One line.
    const DEFINITION: &'static str;
    /// Its own attributes, in the order in which they are shown: name and meaning.
    const ATTRIBUTES: &'static [(&'static str, &'static str)];

    /// What is wrong with its attributes: name, value and bounds.
    fn check(&self) -> Result<(), String>;

    /// What happens to a request that matches, and to its answer.
    fn decide(&self, request: &RequestHead, moment: &mut Moment<'_>) -> Verdict;
}

macro_rules! registry {
    ($($mechanism:ident),+ $(,)?) => {
        /// Every HTTP mechanism with its attributes.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "each is documented at its type")]
        pub enum HttpMechanism {
            $($mechanism($mechanism)),+
        }

        impl HttpMechanism {
            fn kind(&self) -> &'static str {
                match self {
                    $(Self::$mechanism(_) => $mechanism::KIND),+
                }
            }

            fn read(kind: &str, attributes: Map<String, Value>) -> Result<Self, String> {
                match kind {
                    $($mechanism::KIND => read(attributes).map(Self::$mechanism),)+
                    _ => Err("no such type".into()),
                }
            }

            fn write(&self) -> serde_json::Result<Value> {
                match self {
                    $(Self::$mechanism(mechanism) => serde_json::to_value(mechanism)),+
                }
            }

            fn decide(&self, request: &RequestHead, moment: &mut Moment<'_>) -> Verdict {
                match self {
                    $(Self::$mechanism(mechanism) => mechanism.decide(request, moment)),+
                }
            }
        }

        /// Name, definition and attributes of every HTTP toxic, in the order of the registry.
        pub const KINDS: &[HttpKind] = &[
            $(HttpKind {
                name: $mechanism::KIND,
                definition: $mechanism::DEFINITION,
                attributes: $mechanism::ATTRIBUTES,
            }),+
        ];
    };
}

registry! {
    HttpStatus,
    HttpDelay,
    HttpFailFirst,
    HttpMalformedBody,
    HttpTruncatedBody,
    HttpRateLimit,
    HttpLostResponse,
    HttpRewriteBody,
    HttpEnvelope,
    HttpStale,
    HttpDuplicate,
    HttpReorder,
}

/// What is known of one sort of HTTP toxic without having one. [`MATCH`] are further attributes of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HttpKind {
    /// `type` on the wire.
    pub name: &'static str,
    /// One line.
    pub definition: &'static str,
    /// Name and meaning of each attribute.
    pub attributes: &'static [(&'static str, &'static str)],
}

/// Attributes of every HTTP toxic: which requests it happens to.
pub const MATCH: &[(&str, &str)] = &[
    ("method", "only these: a list, or text such as `GET,POST`"),
    (
        "path",
        "only this path, without query; `*` is any run of characters",
    ),
    ("header", "only with this header: `name` or `name=value`"),
    (
        "share",
        "of the requests that match, 0 to 1, drawn for each; 1 if absent",
    ),
];

fn read<M: Mechanism>(attributes: Map<String, Value>) -> Result<M, String> {
    let mechanism: M =
        serde_json::from_value(Value::Object(attributes)).map_err(|error| error.to_string())?;
    mechanism.check()?;
    Ok(mechanism)
}

/// A mechanism and the requests it happens to.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpToxic {
    /// Which requests.
    pub matching: Match,
    /// What happens.
    pub mechanism: HttpMechanism,
}

impl HttpToxic {
    /// Reads type and attributes as on the wire; nothing when no HTTP toxic has that type.
    ///
    /// # Errors
    /// What is wrong with the attributes: unknown, missing, of the wrong kind, out of bounds.
    #[must_use]
    pub fn from_wire(kind: &str, attributes: Value) -> Option<Result<Self, ToxicError>> {
        let kind = KINDS.iter().find(|known| known.name == kind)?.name;
        Some(Self::read(kind, attributes).map_err(|reason| malformed(kind, &reason)))
    }

    fn read(kind: &str, attributes: Value) -> Result<Self, String> {
        let mut own = match attributes {
            Value::Object(own) => own
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
            Value::Null => Map::new(),
            other => return Err(format!("attributes must be an object, not {other}")),
        };
        Ok(Self {
            matching: Match::take(&mut own)?,
            mechanism: HttpMechanism::read(kind, own)?,
        })
    }

    /// Its type on the wire.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.mechanism.kind()
    }

    /// Its attributes as on the wire, those of the match among them.
    #[must_use]
    pub fn attributes(&self) -> Value {
        let mut all = self.matching.write();
        // a struct of numbers and texts is always an object
        if let Ok(Value::Object(own)) = self.mechanism.write() {
            all.extend(own);
        }
        Value::Object(all)
    }

    /// With these attributes over its own; those that are missing or null stay, and an empty text takes a part of the match
    /// away.
    ///
    /// # Errors
    /// As of [`Self::from_wire`]; it stays as it was.
    pub fn updated(&self, attributes: Value) -> Result<Self, ToxicError> {
        let merged = match (self.attributes(), attributes) {
            (now, Value::Null) => now,
            (Value::Object(mut now), Value::Object(new)) => {
                now.extend(new.into_iter().filter(|(_, value)| !value.is_null()));
                Value::Object(now)
            }
            // said to be no object
            (_, other) => other,
        };
        Self::read(self.kind(), merged).map_err(|reason| malformed(self.kind(), &reason))
    }

    /// The same, happening to a part of the requests that it would happen to: 0 to 1.
    #[must_use]
    pub fn at_strength(&self, share: f64) -> Self {
        let mut weaker = self.clone();
        if let Ok(share) = Toxicity::new(self.matching.share.share() * share) {
            weaker.matching.share = share;
        }
        weaker
    }

    /// What happens to a request and its answer. Chance is drawn for requests that match only, one draw each, so that the
    /// n-th of them has the same fate in every run of one seed.
    pub fn decide(&self, request: &RequestHead, moment: &mut Moment<'_>) -> Verdict {
        if !self.matching.matches(request) || !self.matching.share.hits(moment.rng.random()) {
            return Verdict::Pass;
        }
        self.mechanism.decide(request, moment)
    }
}

fn malformed(kind: &'static str, reason: &str) -> ToxicError {
    /// Characters of a reason that are shown: it may repeat what a stranger sent.
    const SHOWN: usize = 300;
    ToxicError::Malformed {
        kind,
        reason: reason.chars().take(SHOWN).collect(),
    }
}

fn at_most(name: &str, value: u64, most: u64) -> Result<(), String> {
    if value > most {
        return Err(format!("`{name}` is at most {most}, not {value}"));
    }
    Ok(())
}

fn error_status(value: u16) -> Result<(), String> {
    if !(200..=599).contains(&value) {
        return Err(format!("`status` is 200 to 599, not {value}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
