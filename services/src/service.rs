//! What every role is built on: who it is, its settings, metrics, peers, database and tasks.
//!
//! It knows no role's work.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use scenarios::{control::ServiceConfig, shop::Role};
use tokio::{sync::Mutex, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    connections::{self, Connections},
    control::Change,
    database::{Database, Location},
    error::ServiceError,
    harm::{Wear, requests::Interference, task::Replaceable},
    names::Names,
    peer::Peer,
    problem::Problem,
    roles,
    settings::{Settings, SettingsCell},
    signals::metrics::Metrics,
};

/// A service of the shop.
#[derive(Debug)]
pub struct Service {
    /// What it is.
    pub role: Role,
    /// Its instance name.
    pub instance: String,
    /// Its release.
    pub version: String,
    /// Seed of its draws.
    pub seed: u64,
    /// What time it takes it to be.
    pub clock: Clock,
    /// When it started.
    pub started: Instant,
    /// Settings in force.
    pub settings: SettingsCell,
    /// What it counts.
    pub metrics: Arc<Metrics>,
    /// Tasks beyond requests; awaited at the end.
    pub tasks: TaskTracker,
    /// Cancelled when it is to stop.
    pub stopping: CancellationToken,
    /// Cancelled when a task has panicked: the process is no longer what it should be.
    pub broken: CancellationToken,
    /// What may become of a request before its handler sees it.
    pub interference: Interference,
    keeps_alive: AtomicBool,
    connections: Connections,
    peers: BTreeMap<Role, Peer>,
    database: Option<Database>,
    wear: Wear,
    ending: Mutex<Replaceable<Duration>>,
}

impl Service {
    /// Opens what the service needs.
    ///
    /// # Errors
    /// A bad setting, address or database.
    pub async fn open(config: &ServiceConfig, clock: Clock) -> Result<Arc<Self>, ServiceError> {
        let role = config.role;
        let settings = Settings::of(role).with(role, &config.settings)?;
        let metrics = Arc::new(Metrics::new(&config.version));
        let mut addresses = BTreeMap::new();
        for (role, url) in &config.peers {
            addresses.insert(*role, connections::address(*role, url)?);
        }
        let hosts = addresses.iter().map(|(role, at)| (*role, at.ip()));
        let connections = Connections::new(role, Names::new(hosts.collect()));
        let peer = |(role, at): (&Role, &SocketAddr)| {
            let connections = connections.clone();
            let peer = Peer::new(*role, at.port(), connections, Arc::clone(&metrics));
            (*role, peer)
        };
        let peers = addresses.iter().map(peer).collect();
        let database = match roles::schema(role) {
            Some(schema) => Some(open_database(config, schema, &metrics).await?),
            None => None,
        };
        Ok(Arc::new(Self {
            role,
            instance: config.instance.clone(),
            version: config.version.clone(),
            seed: config.seed,
            clock,
            started: Instant::now(),
            settings: SettingsCell::new(settings),
            metrics,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            broken: CancellationToken::new(),
            interference: Interference::none(config.seed),
            keeps_alive: AtomicBool::new(true),
            connections,
            peers,
            database,
            wear: Wear::none(role),
            ending: Mutex::default(),
        }))
    }

    /// Makes everything that every role has follow the settings; when it returns, what is no longer wanted is gone.
    ///
    /// # Errors
    /// When something cannot follow them; the rest may have.
    pub async fn follow(self: &Arc<Self>, settings: &Settings) -> Result<(), ServiceError> {
        let harms = &settings.harms;
        self.clock.set_offset_ms(harms.clock_skew_ms);
        self.interference.follow(harms);
        self.keeps_alive
            .store(settings.keep_alive, Ordering::Relaxed);
        self.connections.lose(&harms.unresolvable);
        let service = Arc::clone(self);
        let end = harms
            .exit_after
            .map(|after| (after, |after| service.end(after)));
        self.ending.lock().await.follow(end).await;
        self.wear.follow(harms).await?;
        if let Some(database) = &self.database {
            let own = (self.role == Role::Orders).then_some(settings.read_connections);
            database.follow(harms, own).await?;
        }
        Ok(())
    }

    /// Ends the process by a defect, after a while.
    async fn end(self: Arc<Self>, after: Duration) {
        tokio::time::sleep(after).await;
        self.spawn(async { panic!("internal error: entered unreachable state") });
    }

    /// Whether connections outlive their answers.
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.keeps_alive.load(Ordering::Relaxed)
    }

    /// A service it may call; `None` when this shop runs without it.
    #[must_use]
    pub fn peer(&self, role: Role) -> Option<&Peer> {
        self.peers.get(&role)
    }

    /// A service without which a request cannot be served.
    ///
    /// # Errors
    /// 503 when this shop runs without it.
    pub fn needed(&self, role: Role) -> Result<&Peer, Problem> {
        self.peer(role)
            .ok_or_else(|| Problem::unavailable(format!("this shop runs without {role}")))
    }

    /// Its database.
    #[must_use]
    pub fn database(&self) -> &Database {
        self.database
            .as_ref()
            .expect("a role with a schema is not opened without its database")
    }

    /// Its database, if it has one.
    #[must_use]
    pub fn its_database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// Starts a task that is awaited at the end; should it panic, the service ends as broken.
    pub fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let service = Arc::clone(self);
        self.tasks.spawn(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                service.broken.cancel();
            }
        });
    }

    /// The settings as they would be after a change.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn settings_after(&self, change: &Change) -> Result<Settings, ServiceError> {
        let before = if change.from_defaults {
            Arc::new(Settings::of(self.role))
        } else {
            self.settings.now()
        };
        before.with(self.role, &change.settings)
    }
}

async fn open_database(
    config: &ServiceConfig,
    schema: &'static str,
    metrics: &Arc<Metrics>,
) -> Result<Database, ServiceError> {
    let Some(address) = &config.database else {
        return Err(ServiceError::NoDatabase(config.role));
    };
    let round_trip = Duration::try_from_secs_f64(config.database_round_trip_ms / 1e3);
    let location = Location {
        address: address.clone(),
        schema: format!("drill_{}", config.role),
        fresh: config.fresh_database,
        round_trip: round_trip.unwrap_or_default(),
    };
    Database::open(&location, schema, Arc::clone(metrics)).await
}
