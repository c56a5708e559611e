//! The chaos proxy: one userspace TCP proxy in front of every link between services, or alone.
//!
//! ```text
//! caller ──► listener ──► [toxics: upstream]   ──► callee (a name, or one of its instances in turn)
//!        ◄──          ◄── [toxics: downstream] ◄──
//! ```
//!
//! It knows no roles and no scenarios. It copies bytes, and knows HTTP only where an HTTP toxic asks for it (`http`). What
//! toxics decide is in [`scenarios::toxic`]; `chain` strings the decisions on bytes together, `pipe` carries them out on one
//! direction, `connection` on both.

mod alarm;
mod carriers;
mod chain;
mod connection;
pub mod control;
mod entry;
pub mod http;
mod link;
mod listener;
mod pipe;
mod registry;
mod scheduled;
mod spec;
mod toxics;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use scenarios::toxic::{Direction, Stream, Toxic, Toxicity};

use link::Link;
use listener::Running;

pub use carriers::Carriers;
pub use link::{Limits, Traffic, Upstream};
pub use registry::{Proxies, RegistryError};
pub use scheduled::{Schedule, ToxicSpec, ToxicView};
pub use spec::{Change, Flow, ProxyEntry, ProxySpec, ProxyView, What};
pub use toxics::{Installed, ToxicId, Toxics};

/// Where a proxy of a lab listens: a port chosen by the kernel.
const LOOPBACK: &str = "127.0.0.1:0";

/// A proxy. Dropping it closes the listener and all connections.
#[derive(Debug)]
pub struct Proxy {
    name: String,
    link: Arc<Link>,
    /// None is the runtime that starts it.
    carriers: Option<Arc<Carriers>>,
    address: Mutex<Option<SocketAddr>>,
    running: Mutex<Option<Running>>,
}

impl Proxy {
    /// One that does not listen yet. `rng` decides what toxics leave to chance.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        upstream: Upstream,
        rng: ChaCha8Rng,
        limits: Limits,
    ) -> Self {
        Self {
            name: name.into(),
            link: Arc::new(Link::new(upstream, rng, limits)),
            carriers: None,
            address: Mutex::new(None),
            running: Mutex::new(None),
        }
    }

    /// Its connections run on these.
    #[must_use]
    pub fn carried_by(self, carriers: Arc<Carriers>) -> Self {
        Self {
            carriers: Some(carriers),
            ..self
        }
    }

    /// One for a link of a lab, listening on a port of 127.0.0.1 chosen by the kernel. Without upstreams a connection is accepted
    /// and closed.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn listen(name: impl Into<String>, rng: ChaCha8Rng) -> io::Result<Self> {
        let proxy = Self::new(
            name,
            Upstream::Instances(Vec::new()),
            rng,
            Limits::default(),
        );
        proxy.start(LOOPBACK).await?;
        Ok(proxy)
    }

    /// Listens at `host:port` and carries what comes, until [`Proxy::stop`] or its end. Without a host it is all addresses; port 0
    /// is one chosen by the kernel. If it listened already, that ends first, with its connections.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn start(&self, listen: &str) -> io::Result<SocketAddr> {
        self.stop().await;
        let carriers = match &self.carriers {
            Some(carriers) => carriers.clone(),
            None => Arc::new(Carriers::here()?),
        };
        let running = Running::start(listen, self.link.clone(), carriers).await?;
        let address = running.address;
        *self.address.lock() = Some(address);
        *self.running.lock() = Some(running);
        Ok(address)
    }

    /// Closes the port and all connections, and waits until they are. Toxics stay.
    pub async fn stop(&self) {
        let running = self.running.lock().take();
        if let Some(running) = running {
            running.stop().await;
        }
    }

    /// Its name, as in `checkout-payments`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where callers connect to: where it listens, or did last. None before it ever has.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        *self.address.lock()
    }

    /// Whether it listens.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.lock().is_some()
    }

    /// Where new connections go.
    #[must_use]
    pub fn upstream(&self) -> Upstream {
        self.link.upstream()
    }

    /// Sets where new connections go. Connections that exist stay where they are until they end.
    pub fn set_upstream(&self, upstream: Upstream) {
        self.link.set_upstream(upstream);
    }

    /// Puts a toxic on the link, after those that are there; it acts at once, on connections that exist too. Dropping the guard
    /// takes it off again. A name that is taken gets a number behind it.
    #[must_use = "dropping the guard heals the link"]
    pub fn poison(
        &self,
        name: &str,
        stream: Stream,
        toxicity: Toxicity,
        toxic: impl Into<Toxic>,
    ) -> Poisoned {
        let toxic = toxic.into();
        let add = |toxics: &mut Toxics| (true, toxics.add(name, stream, toxicity, toxic));
        Poisoned {
            id: self.link.change(add),
            link: self.link.clone(),
        }
    }

    /// The toxics on the link.
    #[must_use]
    pub fn toxics(&self) -> Arc<Toxics> {
        self.link.toxics()
    }

    /// Takes all toxics off, whoever put them on.
    pub fn heal(&self) {
        self.link.change(|toxics| (toxics.clear(), ()));
    }

    /// Whether no toxic is on the link.
    #[must_use]
    pub fn is_healed(&self) -> bool {
        self.link.toxics().is_empty()
    }

    /// Connections closed at once because too many were open, or because no upstream could be reached.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.link.refused.load(Ordering::Relaxed)
    }

    /// Connections that are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.link.open.load(Ordering::Relaxed)
    }

    /// What HTTP toxics could not do.
    #[must_use]
    pub fn http_counts(&self) -> &http::Counts {
        &self.link.http.counts
    }

    /// Bytes of memory that its connections hold back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.link.held.load(Ordering::Relaxed)
    }

    /// Bytes that went one way.
    #[must_use]
    pub fn traffic(&self, direction: Direction) -> &Traffic {
        self.link.traffic(direction)
    }
}

/// A toxic that is on a link as long as this lives.
#[derive(Debug)]
pub struct Poisoned {
    link: Arc<Link>,
    id: ToxicId,
}

impl Poisoned {
    /// Changes what it does, without a gap; what the toxic has counted stays.
    pub fn update(&self, toxic: impl Into<Toxic>) {
        let toxic = toxic.into();
        self.change(|installed| installed.toxic = toxic);
    }

    /// Changes on which share of the connections it acts.
    pub fn set_toxicity(&self, toxicity: Toxicity) {
        self.change(|installed| installed.toxicity = toxicity);
    }

    /// Changes both at once.
    pub fn set(&self, toxic: Toxic, toxicity: Toxicity) {
        self.change(|installed| {
            installed.toxic = toxic;
            installed.toxicity = toxicity;
        });
    }

    /// Number of the toxic on its link.
    #[must_use]
    pub const fn id(&self) -> ToxicId {
        self.id
    }

    fn change(&self, change: impl FnOnce(&mut Installed)) {
        self.link
            .change(|toxics| (toxics.change(self.id, change), ()));
    }
}

impl Drop for Poisoned {
    fn drop(&mut self) {
        self.link.change(|toxics| (toxics.remove(self.id), ()));
    }
}

#[cfg(test)]
mod tests;
