//! What the listener, the connections and the owner of a proxy share: where connections go, the toxics, and the counts.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use scenarios::toxic::Direction;
use tokio::{
    net::{TcpStream, lookup_host},
    sync::Notify,
};

use super::{http::HttpState, toxics::Toxics};

/// Where new connections go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// To these in turn; when one cannot be reached, to the next.
    Instances(Vec<SocketAddr>),
    /// To `host:port`, resolved anew for each connection.
    Named(String),
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Instances(instances) => {
                let all: Vec<_> = instances.iter().map(ToString::to_string).collect();
                f.write_str(&all.join(","))
            }
        }
    }
}

/// Limits of one proxy.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections carried at once; beyond it new ones are closed at once, and counted.
    pub connections: usize,
    /// How long the callee may take to accept a connection.
    pub connecting: Duration,
    /// Bytes that all connections of the proxy together hold back beyond the first 64 KiB of each direction.
    pub held_bytes: usize,
}

impl Default for Limits {
    /// For a link of the shop, which has some tens of connections: a caller that leaks them cannot take all descriptors of the lab.
    fn default() -> Self {
        Self {
            connections: 2_048,
            connecting: Duration::from_secs(30),
            held_bytes: 64 << 20,
        }
    }
}

/// Bytes that went through one direction since the proxy was made.
#[derive(Debug, Default)]
pub struct Traffic {
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
}

impl Traffic {
    /// Bytes read from the sender.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Bytes written to the receiver.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Link {
    upstream: RwLock<Upstream>,
    turn: AtomicUsize,
    toxics: Mutex<Arc<Toxics>>,
    /// Grows with each change of the toxics, so that a connection sees with one load whether there is one.
    version: AtomicU64,
    changed: Notify,
    rng: Mutex<ChaCha8Rng>,
    pub(super) http: HttpState,
    pub(super) limits: Limits,
    pub(super) held: AtomicUsize,
    pub(super) refused: AtomicU64,
    pub(super) open: AtomicUsize,
    upward: Traffic,
    downward: Traffic,
}

impl Link {
    pub(super) fn new(upstream: Upstream, rng: ChaCha8Rng, limits: Limits) -> Self {
        Self {
            upstream: RwLock::new(upstream),
            turn: AtomicUsize::new(0),
            toxics: Mutex::default(),
            version: AtomicU64::new(0),
            changed: Notify::new(),
            http: HttpState::new(rng.clone()),
            rng: Mutex::new(rng),
            limits,
            held: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            upward: Traffic::default(),
            downward: Traffic::default(),
        }
    }

    pub(super) fn upstream(&self) -> Upstream {
        self.upstream.read().clone()
    }

    pub(super) fn set_upstream(&self, upstream: Upstream) {
        *self.upstream.write() = upstream;
    }

    pub(super) const fn traffic(&self, direction: Direction) -> &Traffic {
        match direction {
            Direction::Upstream => &self.upward,
            Direction::Downstream => &self.downward,
        }
    }

    /// The chance of the next connection: the same seed and the same order of connections give the same.
    pub(super) fn draw(&self) -> u64 {
        self.rng.lock().random()
    }

    pub(super) fn toxics(&self) -> Arc<Toxics> {
        self.toxics.lock().clone()
    }

    /// Number of the last change of the toxics.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Resolves at the next change after its making.
    pub(super) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    /// Changes the toxics, and tells every connection when `change` answers that something is different.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Toxics) -> (bool, T)) -> T {
        let answer = {
            let mut shared = self.toxics.lock();
            let mut toxics = Toxics::clone(&shared);
            let (different, answer) = change(&mut toxics);
            if !different {
                return answer;
            }
            *shared = Arc::new(toxics);
            self.version.fetch_add(1, Ordering::Release);
            answer
        };
        self.changed.notify_waiters();
        answer
    }

    /// Connects to the callee.
    ///
    /// # Errors
    /// When none of its addresses accepts within the limit.
    pub(super) async fn dial(&self) -> io::Result<TcpStream> {
        let server = tokio::time::timeout(self.limits.connecting, self.dial_any())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        // without it, delayed acknowledgements add tails of 40 ms
        server.set_nodelay(true)?;
        Ok(server)
    }

    async fn dial_any(&self) -> io::Result<TcpStream> {
        let addresses = match self.upstream() {
            Upstream::Instances(instances) => instances,
            Upstream::Named(name) => {
                return connect_in_turn(lookup_host(name).await?).await;
            }
        };
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = addresses.len();
        connect_in_turn((0..count).map(|k| addresses[first.wrapping_add(k) % count])).await
    }
}

async fn connect_in_turn(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotConnected, "there is no upstream");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}
