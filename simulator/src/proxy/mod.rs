//! The chaos proxy: one userspace TCP proxy in front of every link between services.
//!
//! ```text
//! caller ──► listener ──► [toxics: upstream]   ──► callee (one of its instances, round robin per connection)
//!        ◄──          ◄── [toxics: downstream] ◄──
//! ```
//!
//! It copies bytes and knows no HTTP, no roles and no scenarios. What is done to the bytes is a list
//! of [`toxic::Toxic`]s, each a pure decision in a file of its own; `pipe` carries decisions out.

pub mod http;
mod pipe;
pub mod toxic;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use parking_lot::RwLock;
use rand_chacha::ChaCha8Rng;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use toxic::{Toxic, ToxicId, Toxics};

/// Connections that one proxy carries at once. A link of the shop has some tens; beyond this new ones are closed at once, and
/// counted, so that a caller that leaks connections cannot take all descriptors of the lab.
pub const MAX_CONNECTIONS: usize = 2_048;

/// A listening proxy. Dropping it closes the listener and all connections.
#[derive(Debug)]
pub struct Proxy {
    name: String,
    address: SocketAddr,
    link: Arc<Link>,
    cancel: CancellationToken,
}

/// What listener, connections and owner of a proxy share.
#[derive(Debug)]
struct Link {
    upstreams: RwLock<Vec<SocketAddr>>,
    turn: AtomicUsize,
    toxics: watch::Sender<Toxics>,
    next_toxic: AtomicU64,
    refused: AtomicU64,
}

impl Proxy {
    /// Listens on a port of 127.0.0.1 chosen by the kernel. `rng` decides what toxics leave to chance. Without upstreams a
    /// connection is accepted and closed.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn listen(name: impl Into<String>, rng: ChaCha8Rng) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let link = Arc::new(Link {
            upstreams: RwLock::new(Vec::new()),
            turn: AtomicUsize::new(0),
            toxics: watch::channel(Toxics::default()).0,
            next_toxic: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        let cancel = CancellationToken::new();
        // owned through its token: dropping the proxy cancels it, and its JoinSet ends every connection with it
        tokio::spawn(accept(listener, link.clone(), cancel.clone(), rng));
        Ok(Self {
            name: name.into(),
            address,
            link,
            cancel,
        })
    }

    /// Its name, as in `checkout-payments`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where callers connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base URL for callers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the instances that new connections go to. Connections that exist stay where they are until they end.
    pub fn set_upstreams(&self, upstreams: Vec<SocketAddr>) {
        *self.link.upstreams.write() = upstreams;
    }

    /// Puts a toxic on the link; dropping the guard takes it off again.
    #[must_use = "dropping the guard heals the link"]
    pub fn poison(&self, toxic: Toxic) -> Poisoned {
        let id = ToxicId(self.link.next_toxic.fetch_add(1, Ordering::Relaxed));
        self.link.toxics.send_modify(|toxics| toxics.add(id, toxic));
        Poisoned {
            link: self.link.clone(),
            id,
        }
    }

    /// Whether no toxic is on the link.
    #[must_use]
    pub fn is_healed(&self) -> bool {
        self.link.toxics.borrow().is_empty()
    }

    /// Connections closed at once because [`MAX_CONNECTIONS`] were open, or because no upstream could be reached.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.link.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// A toxic that is on a link as long as this lives.
#[derive(Debug)]
pub struct Poisoned {
    link: Arc<Link>,
    id: ToxicId,
}

impl Drop for Poisoned {
    fn drop(&mut self) {
        self.link
            .toxics
            .send_modify(|toxics| toxics.remove(self.id));
    }
}

async fn accept(
    listener: TcpListener,
    link: Arc<Link>,
    cancel: CancellationToken,
    mut rng: ChaCha8Rng,
) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // out of descriptors, or the peer was gone before we looked: the next one may work
                tracing::warn!(%error, "a proxy could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = room.clone().try_acquire_owned() else {
            link.refused.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let link = link.clone();
        let draws = pipe::Draws::fork(&mut rng);
        connections.spawn(async move {
            let _permit = permit;
            if let Err(error) = carry(stream, &link, draws).await {
                tracing::trace!(%error, "a proxied connection ended early");
            }
        });
    }
}

/// Pause after a failed accept, so that running out of descriptors does not spin a core.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// Carries one connection until both directions have ended, or one has failed.
async fn carry(mut client: TcpStream, link: &Link, draws: pipe::Draws) -> io::Result<()> {
    // without it, delayed acknowledgements add tails of 40 ms
    client.set_nodelay(true)?;
    let toxics = link.toxics.subscribe();
    // the handshake with the callee passes a cut link no more than bytes do
    pipe::wait_until_open(&mut toxics.clone()).await;
    let Some(mut server) = connect(link).await else {
        link.refused.fetch_add(1, Ordering::Relaxed);
        return Ok(());
    };
    server.set_nodelay(true)?;
    let (client_read, client_write) = client.split();
    let (server_read, server_write) = server.split();
    let (up, down) = draws.split();
    tokio::try_join!(
        pipe::run(
            client_read,
            server_write,
            toxic::Stream::Upstream,
            toxics.clone(),
            up
        ),
        pipe::run(
            server_read,
            client_write,
            toxic::Stream::Downstream,
            toxics,
            down
        ),
    )?;
    Ok(())
}

/// Connects to the next instance in turn, or to another one when it cannot be reached.
async fn connect(link: &Link) -> Option<TcpStream> {
    let upstreams = link.upstreams.read().clone();
    let first = link.turn.fetch_add(1, Ordering::Relaxed);
    for k in 0..upstreams.len() {
        let address = upstreams[first.wrapping_add(k) % upstreams.len()];
        if let Ok(stream) = TcpStream::connect(address).await {
            return Some(stream);
        }
    }
    None
}

#[cfg(test)]
mod tests;
