//! The proxies of one process by name: those made over the control API, and those of a lab, which the lab owns. It serialises
//! changes, remembers what was asked for (a disabled proxy has an address too), and tells observers of each change.
//!
//! It knows no HTTP; `control` puts one on it.

use std::{collections::BTreeMap, io, sync::Arc};

use parking_lot::Mutex;
use scenarios::{
    seed::Seed,
    toxic::{Direction, Toxic, Toxicity},
};
use serde_json::Value;
use tokio::sync::broadcast;

use super::{
    Carriers, Limits, Proxy, Upstream,
    entry::Entry,
    scheduled::{Scheduled, ToxicSpec, ToxicView},
    spec::{Change, Flow, ProxyEntry, ProxySpec, ProxyView, What},
};

/// Changes that an observer may be behind; one that is further behind is told that it missed some.
const CHANGES: usize = 1_024;

/// Why a change was refused.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no proxy of this name.
    #[error("proxy not found")]
    NoProxy,
    /// There is one already.
    #[error("proxy already exists")]
    ProxyExists,
    /// There is no toxic of this name on the proxy.
    #[error("toxic not found")]
    NoToxic,
    /// There is one already.
    #[error("toxic already exists")]
    ToxicExists,
    /// The lab made it and needs it.
    #[error("proxy `{0}` belongs to a lab: it can be disabled, but not {1}")]
    OfLab(String, &'static str),
    /// An attribute is wrong.
    #[error("bad request body: {0}")]
    Toxic(#[from] scenarios::toxic::ToxicError),
    /// Its address cannot be had.
    #[error("listen tcp {address}: {}", reason(.source))]
    Listen {
        /// What was asked for.
        address: String,
        /// Why not.
        source: io::Error,
    },
}

/// As Go's `net` says it, which clients know.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "bind: address already in use".to_owned(),
        io::ErrorKind::PermissionDenied => "bind: permission denied".to_owned(),
        io::ErrorKind::AddrNotAvailable => "bind: cannot assign requested address".to_owned(),
        _ => error.to_string(),
    }
}

/// See the head of the file.
#[derive(Debug)]
pub struct Proxies {
    entries: Mutex<BTreeMap<String, Arc<Entry>>>,
    /// Held for the whole of a change, over opening and closing ports; readers do not need it.
    changing: tokio::sync::Mutex<()>,
    seed: Seed,
    limits: Limits,
    carriers: Option<Arc<Carriers>>,
    changes: broadcast::Sender<Change>,
}

impl Proxies {
    /// None yet. What toxics of the proxies made here leave to chance follows from `seed`.
    #[must_use]
    pub fn new(seed: Seed, limits: Limits) -> Self {
        Self {
            entries: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            seed,
            limits,
            carriers: None,
            changes: broadcast::channel(CHANGES).0,
        }
    }

    /// Connections of the proxies made here run on these.
    #[must_use]
    pub fn carried_by(self, carriers: Carriers) -> Self {
        Self {
            carriers: Some(Arc::new(carriers)),
            ..self
        }
    }

    /// Tells of all changes made here from now on.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Takes in a proxy of a lab. Whoever asks here may poison and disable it; its addresses stay the lab's business.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn adopt(&self, proxy: Arc<Proxy>) -> Result<(), RegistryError> {
        let listen = proxy
            .address()
            .map(|address| address.to_string())
            .unwrap_or_default();
        let entry = Entry {
            listen: Mutex::new(listen),
            of_lab: true,
            toxics: Mutex::default(),
            proxy,
        };
        self.insert(entry)
    }

    /// All proxies.
    #[must_use]
    pub fn list(&self) -> Vec<ProxyView> {
        self.all().iter().map(|entry| entry.view()).collect()
    }

    /// One.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn get(&self, name: &str) -> Result<ProxyView, RegistryError> {
        Ok(self.entry(name)?.view())
    }

    /// What went through each.
    #[must_use]
    pub fn flows(&self) -> Vec<Flow> {
        let directions = [Direction::Upstream, Direction::Downstream];
        let entries = self.all();
        let each = entries.iter().flat_map(|entry| {
            directions.map(|direction| {
                let traffic = entry.proxy.traffic(direction);
                Flow {
                    spec: entry.spec(),
                    direction,
                    received: traffic.received(),
                    sent: traffic.sent(),
                }
            })
        });
        each.collect()
    }

    /// What HTTP toxics had to leave as it was, by the proxy's name: connections as raw bytes, answers unchanged, requests not sent
    /// again.
    #[must_use]
    pub fn http_left(&self) -> Vec<(String, [u64; 3])> {
        let entries = self.all();
        let each = entries.iter().map(|entry| {
            let counts = entry.proxy.http_counts();
            let left = [counts.raw(), counts.untouched(), counts.single()];
            (entry.spec().name, left)
        });
        each.collect()
    }

    /// Makes one.
    ///
    /// # Errors
    /// When there is one of that name, or it cannot listen.
    pub async fn create(&self, spec: ProxySpec) -> Result<ProxyView, RegistryError> {
        let _alone = self.changing.lock().await;
        self.make(spec, Vec::new()).await
    }

    /// Makes those that are missing and replaces those with other addresses; those that are as asked for stay as they are. Toxics
    /// of new ones act from their first connection on.
    ///
    /// # Errors
    /// When one cannot listen, or belongs to a lab; those before it are made, with their toxics.
    pub async fn populate(&self, wanted: Vec<ProxyEntry>) -> Result<Vec<ProxyView>, RegistryError> {
        let _alone = self.changing.lock().await;
        let mut views = Vec::new();
        for ProxyEntry { spec, toxics } in wanted {
            if let Ok(entry) = self.entry(&spec.name) {
                if entry.is_at(&spec) {
                    for toxic in toxics {
                        self.replace_toxic(&spec.name, toxic)?;
                    }
                    views.push(entry.view());
                    continue;
                }
                entry.owned("replaced")?;
                self.drop_entry(&spec.name, &entry).await;
            }
            views.push(self.make(spec, toxics).await?);
        }
        Ok(views)
    }

    fn replace_toxic(&self, proxy: &str, toxic: ToxicSpec) -> Result<(), RegistryError> {
        match self.heal(proxy, &toxic.name) {
            Ok(()) | Err(RegistryError::NoToxic) => {}
            Err(error) => return Err(error),
        }
        self.poison(proxy, toxic).map(drop)
    }

    /// Changes addresses, or whether it listens. With new addresses all connections end. A proxy that could not be opened at its
    /// new address is disabled.
    ///
    /// # Errors
    /// When there is none, it cannot listen, or its addresses are a lab's business.
    pub async fn update(&self, name: &str, spec: ProxySpec) -> Result<ProxyView, RegistryError> {
        let _alone = self.changing.lock().await;
        let entry = self.entry(name)?;
        if !entry.is_at(&spec) {
            entry.owned("moved")?;
            entry.proxy.stop().await;
            entry.listen.lock().clone_from(&spec.listen);
            entry.proxy.set_upstream(Upstream::Named(spec.upstream));
        }
        let done = match (spec.enabled, entry.proxy.is_running()) {
            (true, false) => entry.start().await,
            (false, true) => {
                entry.proxy.stop().await;
                Ok(())
            }
            _ => Ok(()),
        };
        self.tell_set(&entry);
        done.map(|()| entry.view())
    }

    /// Deletes one; its connections end.
    ///
    /// # Errors
    /// When there is none, or it is a lab's.
    pub async fn delete(&self, name: &str) -> Result<(), RegistryError> {
        let _alone = self.changing.lock().await;
        let entry = self.entry(name)?;
        entry.owned("deleted")?;
        self.drop_entry(name, &entry).await;
        Ok(())
    }

    /// Enables all and takes all toxics off that were put on here; those of a lab itself are not seen and not touched.
    ///
    /// # Errors
    /// When one cannot listen; it tries the others all the same.
    pub async fn reset(&self) -> Result<(), RegistryError> {
        let _alone = self.changing.lock().await;
        let mut done = Ok(());
        for entry in self.all() {
            let healed = std::mem::take(&mut *entry.toxics.lock());
            if !entry.of_lab {
                entry.proxy.heal();
            }
            for toxic in healed {
                let name = toxic.name();
                // one whose time is over was told of
                if toxic.end() {
                    self.tell(entry.proxy.name(), What::Healed(name));
                }
            }
            if !entry.proxy.is_running() {
                done = done.and(entry.start().await);
                self.tell_set(&entry);
            }
        }
        done
    }

    /// Puts a toxic on a proxy; when this returns, it acts, unless it is to start later.
    ///
    /// # Errors
    /// When there is no such proxy, or a toxic of that name.
    pub fn poison(&self, proxy: &str, spec: ToxicSpec) -> Result<ToxicView, RegistryError> {
        let entry = self.entry(proxy)?;
        let mut toxics = entry.toxics.lock();
        toxics.retain(|toxic| !toxic.has_ended());
        if entry.toxic_views(&toxics).any(|one| one.name == spec.name) {
            return Err(RegistryError::ToxicExists);
        }
        let view = spec.clone();
        toxics.push(self.start_toxic(&entry.proxy, spec));
        Ok(view)
    }

    fn start_toxic(&self, proxy: &Arc<Proxy>, spec: ToxicSpec) -> Scheduled {
        let changes = self.changes.clone();
        let ended = Change {
            proxy: proxy.name().to_owned(),
            what: What::Ended(spec.name.clone()),
        };
        // before its end is
        self.tell(proxy.name(), What::Poisoned(spec.clone()));
        Scheduled::start(proxy, spec, move || {
            // nobody may be listening
            let _ = changes.send(ended);
        })
    }

    /// Changes the attributes and the toxicity of a toxic; what is not given stays.
    ///
    /// # Errors
    /// When there is no such proxy or toxic, or an attribute is wrong.
    pub fn change_toxic(
        &self,
        proxy: &str,
        toxic: &str,
        attributes: Value,
        toxicity: Option<Toxicity>,
    ) -> Result<ToxicView, RegistryError> {
        let entry = self.entry(proxy)?;
        let toxics = entry.toxics.lock();
        let ours = toxics
            .iter()
            .find(|one| !one.has_ended() && one.name() == toxic);
        let updated =
            |now: &Toxic| -> Result<Toxic, RegistryError> { Ok(now.updated(attributes)?) };
        // what a lab has put on its link itself is not seen here
        let view = ours
            .ok_or(RegistryError::NoToxic)?
            .change(updated, toxicity)?;
        self.tell(proxy, What::Poisoned(view.clone()));
        Ok(view)
    }

    /// Takes a toxic off.
    ///
    /// # Errors
    /// When there is no such proxy or toxic.
    pub fn heal(&self, proxy: &str, toxic: &str) -> Result<(), RegistryError> {
        let entry = self.entry(proxy)?;
        let mut toxics = entry.toxics.lock();
        toxics.retain(|one| !one.has_ended());
        let at = toxics.iter().position(|one| one.name() == toxic);
        let found = toxics.remove(at.ok_or(RegistryError::NoToxic)?);
        if !found.end() {
            return Err(RegistryError::NoToxic);
        }
        self.tell(proxy, What::Healed(toxic.to_owned()));
        Ok(())
    }

    /// Stops all proxies made here; those of a lab go on.
    pub async fn close(&self) {
        let _alone = self.changing.lock().await;
        for entry in self.all() {
            if !entry.of_lab {
                entry.proxy.stop().await;
            }
        }
    }

    async fn make(
        &self,
        spec: ProxySpec,
        toxics: Vec<ToxicSpec>,
    ) -> Result<ProxyView, RegistryError> {
        if self.entry(&spec.name).is_ok() {
            return Err(RegistryError::ProxyExists);
        }
        let mut proxy = Proxy::new(
            spec.name.clone(),
            Upstream::Named(spec.upstream),
            self.seed.stream(&format!("link/{}", spec.name)),
            self.limits,
        );
        if let Some(carriers) = &self.carriers {
            proxy = proxy.carried_by(carriers.clone());
        }
        let proxy = Arc::new(proxy);
        let scheduled = toxics
            .into_iter()
            .map(|toxic| self.start_toxic(&proxy, toxic));
        let entry = Entry {
            toxics: Mutex::new(scheduled.collect()),
            proxy,
            listen: Mutex::new(spec.listen),
            of_lab: false,
        };
        if spec.enabled
            && let Err(error) = entry.start().await
        {
            self.tell(&spec.name, What::Deleted);
            return Err(error);
        }
        let name = spec.name;
        self.insert(entry)?;
        let entry = self.entry(&name)?;
        self.tell_set(&entry);
        Ok(entry.view())
    }

    fn insert(&self, entry: Entry) -> Result<(), RegistryError> {
        let mut entries = self.entries.lock();
        let name = entry.proxy.name().to_owned();
        if entries.contains_key(&name) {
            return Err(RegistryError::ProxyExists);
        }
        entries.insert(name, Arc::new(entry));
        Ok(())
    }

    async fn drop_entry(&self, name: &str, entry: &Entry) {
        self.entries.lock().remove(name);
        entry.toxics.lock().clear();
        entry.proxy.stop().await;
        self.tell(name, What::Deleted);
    }

    fn all(&self) -> Vec<Arc<Entry>> {
        self.entries.lock().values().cloned().collect()
    }

    fn entry(&self, name: &str) -> Result<Arc<Entry>, RegistryError> {
        let entries = self.entries.lock();
        entries.get(name).cloned().ok_or(RegistryError::NoProxy)
    }

    fn tell(&self, proxy: &str, what: What) {
        // nobody may be listening
        let _ = self.changes.send(Change {
            proxy: proxy.to_owned(),
            what,
        });
    }

    fn tell_set(&self, entry: &Entry) {
        let enabled = entry.proxy.is_running();
        self.tell(entry.proxy.name(), What::Set { enabled });
    }
}
