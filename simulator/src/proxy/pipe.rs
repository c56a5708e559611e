//! One direction of a connection: reads chunks, asks the toxics, delivers each when it is due.
//! With no toxic on the link a chunk is written as soon as it was read, from the same buffer.

use std::{collections::VecDeque, io, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::watch,
    time::Instant,
};

use super::toxic::{Stream, Toxics, Verdict};

/// Bytes read at once: a whole request or answer of the shop fits.
const CHUNK_BYTES: usize = 16 * 1024;
/// Bytes that a delayed direction holds back; beyond it nothing more is read, so that the sender feels it, as it does when
/// TCP's window is full.
const HELD_BYTES: usize = 256 * 1024;

/// Chance of one connection.
pub(super) struct Draws(u64);

impl Draws {
    /// Takes the next connection's share from the link's generator.
    pub(super) fn fork(rng: &mut ChaCha8Rng) -> Self {
        Self(rng.random())
    }

    /// One generator per direction.
    pub(super) fn split(self) -> (ChaCha8Rng, ChaCha8Rng) {
        let up = ChaCha8Rng::seed_from_u64(self.0);
        let mut down = up.clone();
        down.set_stream(1);
        (up, down)
    }
}

/// Waits while the link holds everything. Ends too when the proxy is gone; the connection then ends by itself.
pub(super) async fn wait_until_open(toxics: &mut watch::Receiver<Toxics>) {
    // which direction and which draw do not matter to what holds
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let _ = toxics
        .wait_for(|toxics| toxics.decide(Stream::Upstream, &mut rng) != Verdict::Hold)
        .await;
}

/// Copies until the end of the stream has been delivered.
///
/// # Errors
/// When either side fails; the caller then ends the connection.
pub(super) async fn run(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    stream: Stream,
    mut toxics: watch::Receiver<Toxics>,
    mut rng: ChaCha8Rng,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut line = DelayLine::default();
    loop {
        if line.is_empty() {
            let read = from.read(&mut buffer).await?;
            match decide(&mut toxics, stream, &mut rng).await {
                Duration::ZERO if read == 0 => return to.shutdown().await,
                Duration::ZERO => to.write_all(&buffer[..read]).await?,
                delay => line.push(&buffer[..read], Instant::now() + delay),
            }
            continue;
        }
        // some chunk is not due yet: keep reading while there is room
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(line.due()) => {
                // a cut holds what is under way as well
                wait_until_open(&mut toxics).await;
                let chunk = line.pop();
                if chunk.is_empty() {
                    return to.shutdown().await;
                }
                to.write_all(&chunk).await?;
            }
            read = from.read(&mut buffer), if line.has_room() => {
                let read = read?;
                let delay = decide(&mut toxics, stream, &mut rng).await;
                line.push(&buffer[..read], Instant::now() + delay);
            }
        }
    }
}

/// The toxics' verdict on a chunk, once it is not to hold it.
async fn decide(
    toxics: &mut watch::Receiver<Toxics>,
    stream: Stream,
    rng: &mut ChaCha8Rng,
) -> Duration {
    loop {
        let verdict = {
            let toxics = toxics.borrow_and_update();
            if toxics.is_empty() {
                return Duration::ZERO;
            }
            toxics.decide(stream, rng)
        };
        match verdict {
            Verdict::Deliver(delay) => return delay,
            Verdict::Hold if toxics.changed().await.is_err() => return Duration::ZERO,
            Verdict::Hold => {}
        }
    }
}

/// Chunks that are under way, in order. An empty chunk is the end of the stream.
#[derive(Default)]
struct DelayLine {
    chunks: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    ended: bool,
}

impl DelayLine {
    fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    fn has_room(&self) -> bool {
        !self.ended && self.bytes < HELD_BYTES
    }

    /// A chunk never overtakes the one before it.
    fn push(&mut self, chunk: &[u8], due: Instant) {
        let due = self.chunks.back().map_or(due, |(last, _)| due.max(*last));
        self.bytes += chunk.len();
        self.ended |= chunk.is_empty();
        self.chunks.push_back((due, chunk.to_vec()));
    }

    fn due(&self) -> Instant {
        self.chunks
            .front()
            .map_or_else(Instant::now, |(due, _)| *due)
    }

    fn pop(&mut self) -> Vec<u8> {
        let (_, chunk) = self
            .chunks
            .pop_front()
            .unwrap_or((Instant::now(), Vec::new()));
        self.bytes -= chunk.len();
        chunk
    }
}
