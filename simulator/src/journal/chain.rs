//! The hash chain. Each entry carries the hash of the one before, so that an edited journal is seen.
//! It does not keep anybody from rewriting all of a journal: it is a seal, not a signature.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Entry, Event};

/// `prev` of the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Where a chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal was changed after it was written: entry {seq} {how}")]
pub struct BrokenChain {
    /// Position of the first wrong entry, counted from 0.
    pub seq: u64,
    /// In words.
    pub how: &'static str,
}

/// An entry without its hash: what the hash is taken over.
#[derive(Serialize)]
struct Unhashed<'a> {
    seq: u64,
    at_ms: i64,
    #[serde(flatten)]
    event: &'a Event,
    prev: &'a str,
}

/// Makes the next entry of a chain.
///
/// # Errors
/// When the event cannot be written as JSON.
pub(super) fn link(seq: u64, at_ms: i64, event: Event, prev: String) -> serde_json::Result<Entry> {
    let hash = hash(seq, at_ms, &event, &prev)?;
    Ok(Entry {
        seq,
        at_ms,
        event,
        prev,
        hash,
    })
}

fn hash(seq: u64, at_ms: i64, event: &Event, prev: &str) -> serde_json::Result<String> {
    let json = serde_json::to_vec(&Unhashed {
        seq,
        at_ms,
        event,
        prev,
    })?;
    let mut sha = Sha256::new();
    sha.update(prev);
    sha.update(json);
    Ok(hex(&sha.finalize()))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // a String takes every write
            text
        })
}

/// The bytes of hexadecimal digits; none when they are not that.
pub(crate) fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .filter(|pair| !pair.starts_with('+'))
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect()
}

/// Checks that every entry is as it was written and follows the one before.
///
/// # Errors
/// The first entry that does not.
pub fn verify_chain(entries: &[Entry]) -> Result<(), BrokenChain> {
    let mut prev = GENESIS;
    for (seq, entry) in (0u64..).zip(entries) {
        let broken = |how| Err(BrokenChain { seq, how });
        if entry.seq != seq {
            return broken("is out of order, or the one before it is missing");
        }
        if entry.prev != prev {
            return broken("does not follow the one before it");
        }
        match hash(entry.seq, entry.at_ms, &entry.event, &entry.prev) {
            Ok(hash) if hash == entry.hash => prev = &entry.hash,
            _ => return broken("does not match its hash"),
        }
    }
    Ok(())
}
