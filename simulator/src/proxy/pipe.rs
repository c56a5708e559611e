//! One direction of a connection: reads from one socket, sends it through the chain of toxics and writes it to the other.
//! With no toxic that acts on it, what was read is written at once, out of a buffer that belongs to the thread: a connection
//! that is idle has none, and one that flows allocates nothing.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    pin::Pin,
    sync::atomic::Ordering,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    chain::{Chain, Chance, Item},
    link::Link,
};

/// Bytes read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes that a direction always may hold; and all that it may when they wait for the reader, for a slow line or for a cut to
/// heal. Beyond it nothing more is read, so that the sender feels it, as it does when TCP's window is full.
const WINDOW_BYTES: usize = 64 * 1024;
/// Bytes under way in a delayed direction: 100 ms at 40 MB/s.
const FLIGHT_BYTES: usize = 4 << 20;

thread_local! {
    static CHUNK: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK_BYTES].into_boxed_slice());
}

/// How a connection ends, other than by the end of both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// It is closed.
    Close,
    /// It is reset on both sides.
    Reset,
}

/// What came of running one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ran {
    /// All that was possible now.
    Waits,
    /// The receiver is gone.
    SinkBroke,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Pipe<'a> {
    link: &'a Link,
    chance: Chance,
    chain: Chain,
    output: VecDeque<Item>,
    output_cost: usize,
    /// Version of the toxics that the chain has.
    version: Option<u64>,
    /// Whether the connection is open, so that it was before any toxic that is new.
    open: bool,
    source: Source,
    done: bool,
    last: bool,
    wake: Option<Instant>,
    /// What of this is counted in the link's total.
    counted: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// It may send.
    Open,
    /// It does not take any more, so that its end is a reset.
    Broken,
    /// It has ended.
    Ended,
}

impl<'a> Pipe<'a> {
    pub(super) const fn new(link: &'a Link, chance: Chance) -> Self {
        Self {
            link,
            chance,
            chain: Chain::new(chance),
            output: VecDeque::new(),
            output_cost: 0,
            version: None,
            open: false,
            source: Source::Open,
            done: false,
            last: false,
            wake: None,
            counted: 0,
        }
    }

    /// Whether the handshake with the callee has to wait for a change of the toxics.
    pub(super) fn holds_handshake(&mut self) -> bool {
        self.catch_up();
        self.chain.holds_handshake()
    }

    /// From now on the connection exists.
    pub(super) const fn opened(&mut self) {
        self.open = true;
    }

    /// Whether the end of the stream has been delivered.
    pub(super) const fn is_done(&self) -> bool {
        self.done
    }

    /// The other direction has ended: when this one does, its socket is closed, which says so without a shutdown.
    pub(super) const fn comes_last(&mut self) {
        self.last = true;
    }

    /// When it wants to run again, whatever the sockets do.
    pub(super) const fn wake(&self) -> Option<Instant> {
        self.wake
    }

    /// The source takes no more: what it sent arrives, and then a reset.
    ///
    /// # Errors
    /// When it had ended before, so that there is nothing to wait for.
    pub(super) fn source_broke(&mut self) -> Result<(), Over> {
        if self.source == Source::Ended {
            return Err(Over::Reset);
        }
        self.source = Source::Broken;
        Ok(())
    }

    /// The sink is gone: whatever is under way is lost.
    pub(super) fn sink_broke(&mut self) {
        self.done = true;
        self.source = Source::Ended;
        self.output = VecDeque::new();
        self.output_cost = 0;
        self.chain = Chain::new(self.chance);
        self.wake = None;
        self.count();
    }

    /// Does all that is possible now; `cx` is woken when there is more.
    ///
    /// # Errors
    /// How the connection ends, when this direction ends it.
    pub(super) fn run(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Ran, Over> {
        if self.done {
            return Ok(Ran::Waits);
        }
        self.catch_up();
        loop {
            if !self.chain.is_clear() {
                let now = now();
                self.wake = self.chain.pump(now, &mut self.output);
            } else {
                self.wake = None;
            }
            self.output_cost = self.output.iter().map(Item::cost).sum();
            let flushed = self.flush(cx, to)?;
            self.count();
            if matches!(flushed, Poll::Ready(Err(_))) {
                return Ok(Ran::SinkBroke);
            }
            if self.done || self.source == Source::Ended || !self.has_room() {
                return Ok(Ran::Waits);
            }
            match self.read(cx, from, to) {
                Poll::Pending => return Ok(Ran::Waits),
                Poll::Ready(Err(_)) => return Ok(Ran::SinkBroke),
                Poll::Ready(Ok(())) => {}
            }
        }
    }

    /// Takes over changes of the toxics.
    fn catch_up(&mut self) {
        let version = self.link.version();
        if self.version == Some(version) {
            return;
        }
        // taken before the toxics: a change in between is taken over once more
        self.version = Some(version);
        let toxics = self.link.toxics();
        self.chain.sync(&toxics, self.open, now(), &mut self.output);
    }

    /// Reads once. What comes goes to the sink if it can, into the chain if there is one.
    ///
    /// Ready with an error is a broken sink; a broken source is an item like any other.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        CHUNK.with_borrow_mut(|chunk| {
            let mut chunk = ReadBuf::new(chunk);
            let read = ready!(Pin::new(from).poll_read(cx, &mut chunk));
            // a toxic that was put on before the bytes were sent acts on them
            self.catch_up();
            let mut read = match read {
                Ok(()) => chunk.filled(),
                Err(_) => {
                    self.end(Item::Reset);
                    return Poll::Ready(Ok(()));
                }
            };
            if read.is_empty() {
                let broken = self.source == Source::Broken;
                self.end(if broken { Item::Reset } else { Item::End });
                return Poll::Ready(Ok(()));
            }
            let traffic = self.link.traffic(self.chance.direction);
            traffic
                .received
                .fetch_add(read.len() as u64, Ordering::Relaxed);
            if !self.chain.is_clear() {
                let bytes = Item::Bytes(Bytes::copy_from_slice(read));
                self.chain.push(bytes, now(), &mut self.output);
                return Poll::Ready(Ok(()));
            }
            while self.output.is_empty() && !read.is_empty() {
                match Pin::new(&mut *to).poll_write(cx, read) {
                    Poll::Pending => break,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok(written)) => {
                        traffic.sent.fetch_add(written as u64, Ordering::Relaxed);
                        read = &read[written..];
                    }
                }
            }
            if !read.is_empty() {
                self.output
                    .push_back(Item::Bytes(Bytes::copy_from_slice(read)));
            }
            Poll::Ready(Ok(()))
        })
    }

    fn end(&mut self, how: Item) {
        self.source = Source::Ended;
        if self.chain.is_clear() {
            self.output.push_back(how);
        } else {
            self.chain.push(how, now(), &mut self.output);
        }
    }

    /// Writes what has come out of the chain. Ready with an error when the receiver is gone.
    fn flush(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Poll<io::Result<()>>, Over> {
        while let Some(item) = self.output.front_mut() {
            match item {
                Item::Bytes(bytes) => match Pin::new(&mut *to).poll_write(cx, bytes) {
                    Poll::Pending => return Ok(Poll::Pending),
                    Poll::Ready(Err(error)) => return Ok(Poll::Ready(Err(error))),
                    Poll::Ready(Ok(written)) => {
                        let traffic = self.link.traffic(self.chance.direction);
                        traffic.sent.fetch_add(written as u64, Ordering::Relaxed);
                        bytes.advance(written);
                        self.output_cost -= written;
                        if bytes.has_remaining() {
                            continue;
                        }
                    }
                },
                Item::End => {
                    if !self.last {
                        // at once for TCP; an error means that the receiver is gone already, who then needs no end
                        let _ = Pin::new(&mut *to).poll_shutdown(cx);
                    }
                    self.done = true;
                }
                Item::Close => return Err(Over::Close),
                Item::Reset => return Err(Over::Reset),
            }
            if let Some(item) = self.output.pop_front() {
                self.output_cost -= item.cost();
            }
        }
        Ok(Poll::Ready(Ok(())))
    }

    /// Whether more may be read.
    fn has_room(&self) -> bool {
        if self.output.is_empty() && self.chain.is_clear() {
            return true;
        }
        let (all, stuck) = self.chain.cost();
        let held = all + self.output_cost;
        let others = self.link.held.load(Ordering::Relaxed);
        stuck + self.output_cost < WINDOW_BYTES
            && (held < WINDOW_BYTES
                || (held < FLIGHT_BYTES && others < self.link.limits.held_bytes))
    }

    /// Tells the link how much more or less is held here than when it was told last.
    fn count(&mut self) {
        let held = if self.output.is_empty() && self.chain.is_clear() {
            0
        } else {
            self.chain.cost().0 + self.output_cost
        };
        if held > self.counted {
            self.link
                .held
                .fetch_add(held - self.counted, Ordering::Relaxed);
        } else if held < self.counted {
            self.link
                .held
                .fetch_sub(self.counted - held, Ordering::Relaxed);
        }
        self.counted = held;
    }
}

impl Drop for Pipe<'_> {
    fn drop(&mut self) {
        self.link.held.fetch_sub(self.counted, Ordering::Relaxed);
    }
}

/// The runtime's time, so that a test may hold it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
