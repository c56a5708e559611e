//! One lab: the running shop with its load, its timeline and what can be done to it.
//!
//! The lab carries out the plan and journals what it did (`Timeline`, `ServiceExit`, `Action`, `Proof`).
//! Pager, diagnosis, score and everything that a person does besides are not its business.

mod changes;
pub mod chaos;
mod effects;
mod proof;
mod remedies;
mod request;
mod rollout;
mod schedule;
mod start;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use parking_lot::Mutex;
use scenarios::{plan::Plan, vocabulary::aim::Link};
use tokio::{sync::broadcast, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::DrillClock,
    instruments::Instruments,
    journal::Journal,
    load::{Generator, LoadView},
    proxy::Proxies,
    supervisor::{Floor, Supervisor},
};

use changes::Changes;
use proof::ProofDesk;
pub use proof::ProofReport;
use remedies::Bench;
use request::Counter;
pub use request::SendError;
pub use rollout::release_queries;
use schedule::Stopped;

/// Lab events that a slow listener may lag behind before it loses the oldest (it is told how many).
const LISTENER_LAG: usize = 256;

/// What a lab is made from.
#[derive(Clone)]
pub struct LabConfig {
    /// The plan to carry out.
    pub plan: Arc<Plan>,
    /// The clock; the lab starts it when all services are ready.
    pub clock: Arc<DrillClock>,
    /// Who watches.
    pub instruments: Arc<dyn Instruments>,
    /// Base URL that the services send OTLP to.
    pub otlp_endpoint: String,
    /// What is executed for each service; usually the running program itself: see [`LabConfig::own_executable`].
    pub executable: PathBuf,
    /// Its arguments: the same for every service, telling nothing of it.
    pub arguments: Vec<String>,
    /// `postgres://` URL for the services' databases; SQLite files in a temporary folder without it.
    pub database_url: Option<String>,
    /// Where the lab writes what it did.
    pub journal: Journal,
    /// Share of healthy traces that the services keep, 0 to 1.
    pub trace_share: f64,
}

impl LabConfig {
    /// The running program, to be executed with the argument `service`.
    ///
    /// # Errors
    /// When the system does not say which program runs.
    pub fn own_executable() -> std::io::Result<(PathBuf, Vec<String>)> {
        Ok((std::env::current_exe()?, vec!["service".to_owned()]))
    }
}

/// What a lab tells whoever listens.
#[derive(Debug, Clone, PartialEq)]
pub enum LabEvent {
    /// Preparation goes on: what it is doing.
    Activity(String),
    /// All services were ready so many seconds after the start was asked for.
    Ready {
        /// Wall seconds.
        seconds: f64,
    },
    /// Processes changed.
    Services(Vec<api::ServiceView>),
    /// The change history has a new entry.
    Changed(api::Change),
    /// Something on the timeline was carried out (it may be a spoiler).
    Timeline {
        /// Its id.
        id: String,
        /// What it is.
        says: String,
    },
    /// A proof began or ended, or its progress changed by a percent.
    Proof(api::ProofView),
}

/// How a lab stands.
#[derive(Debug, Clone, PartialEq)]
pub struct LabView {
    /// The processes of the shop.
    pub services: Vec<api::ServiceView>,
    /// What preparation is doing, in words; afterwards what the lab does.
    pub activity: String,
    /// Progress of preparation, 0 to 1.
    pub progress: f64,
    /// The load.
    pub load: LoadView,
    /// The proof.
    pub proof: api::ProofView,
}

/// A running lab. Shut it down with [`Lab::shutdown`]; when it is dropped without, its processes are killed.
pub struct Lab {
    core: Arc<Core>,
    cancel: CancellationToken,
    tasks: Mutex<JoinSet<()>>,
}

/// What the tasks of a lab share.
struct Core {
    plan: Arc<Plan>,
    floor: Arc<Floor>,
    supervisor: Supervisor,
    load: Generator,
    changes: Changes,
    stopped: Stopped,
    bench: Bench,
    counter: Counter,
    proof: ProofDesk,
    chaos: chaos::Register,
    /// The links, for scripts that speak Toxiproxy's API.
    scripts: Arc<Proxies>,
    began: tokio::time::Instant,
    /// Tasks that end by themselves, with the lab at the latest: toxics, effects under way.
    loose: TaskTracker,
    cancel: CancellationToken,
}

impl Lab {
    /// How it stands.
    #[must_use]
    pub fn view(&self) -> LabView {
        let (activity, progress) = self.core.preparation();
        LabView {
            services: self.core.supervisor.views(),
            activity,
            progress,
            load: self.core.load.view(),
            proof: self.proof_view(),
        }
    }

    /// The change history so far, oldest first: visible timeline events, and what the trainee did.
    #[must_use]
    pub fn changes(&self) -> Vec<api::Change> {
        self.core.changes.all()
    }

    /// Events from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<LabEvent> {
        self.core.floor.events.subscribe()
    }

    /// The load generator's `/metrics`, as the scraper gets it (service `load`).
    #[must_use]
    pub fn load_metrics(&self) -> String {
        self.core.load.metrics()
    }

    /// All links that chaos can act on, and the address of each one's proxy.
    #[must_use]
    pub fn links(&self) -> Vec<(Link, SocketAddr)> {
        let all = self.core.floor.network.all();
        all.filter_map(|(link, proxy)| Some((link, proxy.address()?)))
            .collect()
    }

    /// Whether no toxic is on any link.
    #[must_use]
    pub fn is_healed(&self) -> bool {
        self.core.floor.network.is_healed()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<DrillClock> {
        &self.core.floor.clock
    }

    /// Stops load, timeline and services: gracefully within two seconds, then by force. When this returns no process of the
    /// lab is left. Doing it again does nothing.
    pub async fn shutdown(&self) {
        self.cancel.cancel();
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        while tasks.join_next().await.is_some() {}
        self.core.loose.close();
        self.core.loose.wait().await;
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // the tasks end with their set, and the processes with their tasks
        self.cancel.cancel();
    }
}

impl Core {
    /// What preparation is doing, and how far it is.
    fn preparation(&self) -> (String, f64) {
        let clock = &self.floor.clock;
        let now_ns = clock.now_ns();
        if now_ns >= clock.page_at_ns() {
            return ("the shop is open".to_owned(), 1.0);
        }
        let left = clock.wall_until(clock.page_at_ns()).as_secs_f64();
        let done = self.began.elapsed().as_secs_f64();
        let progress = (done / (done + left).max(1e-9)).clamp(0.0, 1.0);
        let activity = if now_ns < clock.fast_until_ns() {
            format!(
                "making history: {} min before the page, at {:.0}x",
                (clock.page_at_ns() - now_ns) / 60_000_000_000,
                clock.speed()
            )
        } else {
            "the last seconds before the page, at wall speed".to_owned()
        };
        (activity, progress)
    }

    fn tell(&self, event: LabEvent) {
        // nobody listening is fine
        let _ = self.floor.events.send(event);
    }
}
