//! A connection that is carried as HTTP/1.x: requests up, answers down, copies beside.
//!
//! ```text
//! caller ◄─► toxics of bytes ◄─► [up: decides on requests]   ──► callee
//!                            ◄── [down: treats their answers] ◄──
//! ```
//! What is not decided about passes byte for byte. What is not HTTP, or could be read in two ways, passes as raw bytes from
//! there on, and is counted.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::BytesMut;
use futures_util::{StreamExt, stream::FuturesUnordered};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::{
    io::DuplexStream,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
};

use super::{super::link::Link, copy, down::Down, state::HttpState, state::OfConnection, up::Up};

/// Bytes read at once where a head is expected: an idle connection holds as much.
const HEAD_READ_BYTES: usize = 4 * 1024;
/// Bytes read at once within a body, or of raw bytes.
pub(super) const READ_BYTES: usize = 64 * 1024;
/// Requests of a connection whose answers have not come; beyond it the caller is not read.
const MOST_PIPELINED: usize = 32;
/// Requests of a connection that are being sent a second time; further ones go once.
const MOST_COPIES: usize = 16;

/// Why a session ends before both its sides have.
#[derive(Debug)]
pub(in super::super) enum Stop {
    /// A toxic closes the connection.
    Close,
    /// A socket failed.
    Failed,
}

/// Makes room for the next read. Between messages, what a large one needed is given back.
pub(super) fn make_room(buffer: &mut BytesMut, in_head: bool) {
    if !in_head {
        buffer.reserve(READ_BYTES);
        return;
    }
    if buffer.is_empty() && buffer.capacity() > 2 * HEAD_READ_BYTES {
        *buffer = BytesMut::new();
    }
    buffer.reserve(HEAD_READ_BYTES);
}

/// Bytes that a session holds of one message, counted with all that its proxy holds.
pub(super) struct Held<'a> {
    link: &'a Link,
    bytes: usize,
}

impl<'a> Held<'a> {
    pub(super) const fn new(link: &'a Link) -> Self {
        Self { link, bytes: 0 }
    }

    /// Whether so many more may be held; they are counted if so.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let before = self.link.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        before + bytes <= self.link.limits.held_bytes
    }

    /// Nothing is held any more.
    pub(super) fn give_back(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.link.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Failed
    }
}

/// What both halves see.
pub(super) struct Shared<'a> {
    pub(super) link: &'a Link,
    raw: AtomicBool,
    counted: AtomicBool,
}

impl Shared<'_> {
    pub(super) const fn http(&self) -> &HttpState {
        &self.link.http
    }

    /// Whether nothing more is decided: all that comes passes.
    pub(super) fn is_raw(&self) -> bool {
        self.raw.load(Ordering::Relaxed)
    }

    /// The connection is a tunnel from here on.
    pub(super) fn tunnel(&self) {
        self.raw.store(true, Ordering::Relaxed);
    }

    /// The connection is given up; the first time is counted.
    pub(super) fn count_raw(&self) {
        if !self.counted.swap(true, Ordering::Relaxed) {
            self.http().counts.raw.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Nothing is decided any more, as the callee's answers are not to be read.
    pub(super) fn give_up(&self) {
        self.count_raw();
        self.tunnel();
    }
}

/// Carries a connection from a point where its next bytes from the caller are the beginning of a request. `reset` says, when
/// it is dropped, whether the callee gets a reset.
///
/// # Errors
/// [`Stop`], when it ends before both sides have.
pub(in super::super) async fn run(
    link: &Link,
    seed: u64,
    caller: DuplexStream,
    callee: TcpStream,
    reset: Arc<AtomicBool>,
) -> Result<(), Stop> {
    let shared = Shared {
        link,
        raw: AtomicBool::new(false),
        counted: AtomicBool::new(false),
    };
    let (from_caller, to_caller) = tokio::io::split(caller);
    let (read, write) = callee.into_split();
    let mut callee = Socket {
        read,
        write: None,
        reset,
    };
    let (from_callee, to_callee) = (&mut callee.read, callee.write.insert(write));
    let (slots, ordered) = mpsc::channel(MOST_PIPELINED);
    let (copies, copied) = mpsc::channel(MOST_COPIES);
    let memory = OfConnection::new(ChaCha8Rng::seed_from_u64(seed));
    let up = Up::new(&shared, memory, (from_caller, to_callee), slots, copies);
    let down = Down::new(&shared, (from_callee, to_caller), ordered);
    tokio::try_join!(up.run(), down.run(), send_again(link, copied))?;
    Ok(())
}

/// The callee's socket, which ends or resets the connection when it is dropped.
struct Socket {
    read: OwnedReadHalf,
    /// Until the end.
    write: Option<OwnedWriteHalf>,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // a socket that is gone already needs no reset
            let _ = self.read.as_ref().set_zero_linger();
            if let Some(write) = self.write.take() {
                // dropping it would send an end first
                write.forget();
            }
        }
    }
}

/// Sends copies of requests, each on a connection of its own, until no more come and all are through.
async fn send_again(link: &Link, mut copied: mpsc::Receiver<Vec<u8>>) -> Result<(), Stop> {
    let mut sent = FuturesUnordered::new();
    let mut open = true;
    while open || !sent.is_empty() {
        tokio::select! {
            copy = copied.recv(), if open && sent.len() < MOST_COPIES => match copy {
                Some(copy) => sent.push(copy::deliver(link, copy)),
                None => open = false,
            },
            Some(delivered) = sent.next(), if !sent.is_empty() => {
                if let Err(error) = delivered {
                    tracing::trace!(%error, "a duplicate could not be delivered");
                }
            }
        }
    }
    Ok(())
}
