//! The supervisor: owns every process of the shop from its birth to its end. One task per service
//! (`service`) keeps it as it is desired (`desired`); `process` keeps one child.
//!
//! It carries out; what is to be done, and when, is decided elsewhere.

mod board;
mod database_url;
mod desired;
mod exit;
mod harm;
mod memory;
mod network;
mod nursery;
mod output;
mod process;
mod readiness;
mod scratch;
mod service;
mod share;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use api::ServiceView;
use scenarios::{plan::Plan, seed::Seed, shop::Role};
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    LabError,
    clock::DrillClock,
    instruments::{Instruments, ScrapeTarget},
    journal::Journal,
    lab::LabEvent,
    wire::Client,
};

pub use desired::{Desired, REPLICAS, Step};
pub use exit::{ExitReason, Sentence};

use board::Board;
pub(crate) use board::Sides;
pub(crate) use harm::{Harm, HarmId};
pub(crate) use network::Network;
use nursery::Nursery;
use scratch::Scratch;
pub(crate) use service::Order;
use service::Service;

/// What every process is given alike.
#[derive(Debug)]
pub(crate) struct Outfit {
    pub executable: PathBuf,
    pub arguments: Vec<String>,
    pub otlp_endpoint: String,
    pub database_url: Option<String>,
    pub database_round_trip_ms: f64,
    pub trace_share: f64,
    pub seed: Seed,
}

/// What the tasks of a lab share.
pub(crate) struct Floor {
    pub outfit: Outfit,
    pub network: Network,
    pub board: Board,
    pub clock: Arc<DrillClock>,
    pub instruments: Arc<dyn Instruments>,
    pub journal: Journal,
    pub events: broadcast::Sender<LabEvent>,
    pub client: Client,
    /// Scrape targets that are no service.
    pub other_targets: Vec<ScrapeTarget>,
    nursery: Nursery,
    scratch: Scratch,
}

impl Floor {
    /// Opens network, thread and scratch folder; starts nothing yet.
    pub(crate) async fn open(parts: FloorParts) -> Result<Self, LabError> {
        let network = Network::open(
            &parts.roles,
            parts.outfit.seed,
            parts.outfit.database_url.as_deref(),
        )
        .await?;
        let nursery = Nursery::open().map_err(|source| LabError::Open {
            what: "a thread that starts processes".into(),
            source,
        })?;
        Ok(Self {
            outfit: parts.outfit,
            network,
            board: Board::default(),
            clock: parts.clock,
            instruments: parts.instruments,
            journal: parts.journal,
            events: parts.events,
            client: Client::new(),
            other_targets: parts.other_targets,
            nursery,
            scratch: Scratch::create()?,
        })
    }

    /// Tells the network, the instruments and the listeners how the instances of a service stand now.
    pub(crate) fn publish(&self, role: Role) {
        self.network.set_instances(role, &self.board.serving(role));
        let mut targets = self.board.targets();
        targets.extend(self.other_targets.iter().cloned());
        self.instruments.set_targets(targets);
        // nobody listening is fine
        let _ = self.events.send(LabEvent::Services(self.board.views()));
    }
}

/// What a floor is made of.
pub(crate) struct FloorParts {
    pub roles: Vec<Role>,
    pub outfit: Outfit,
    pub clock: Arc<DrillClock>,
    pub instruments: Arc<dyn Instruments>,
    pub journal: Journal,
    pub events: broadcast::Sender<LabEvent>,
    pub other_targets: Vec<ScrapeTarget>,
}

/// All services of a lab.
pub(crate) struct Supervisor {
    services: BTreeMap<Role, Service>,
    floor: Arc<Floor>,
}

impl Supervisor {
    /// Starts all services of the plan at once and waits until all are ready; the tasks that keep them go into `tasks`. When
    /// one fails the error is the first that did, and the others end with their tasks.
    pub(crate) async fn start(
        plan: &Plan,
        floor: Arc<Floor>,
        tasks: &mut JoinSet<()>,
        cancel: &CancellationToken,
    ) -> Result<Self, LabError> {
        let mut services = BTreeMap::new();
        let mut starts = Vec::new();
        for spec in &plan.scenario.services {
            let (service, started) = Service::spawn(spec, floor.clone(), tasks, cancel.clone());
            services.insert(spec.service, service);
            starts.push(started);
        }
        let started = async {
            for started in futures_util::future::join_all(starts).await {
                started.unwrap_or(Err(LabError::Down))?;
            }
            Ok(())
        };
        tokio::select! {
            started = started => started?,
            () = cancel.cancelled() => return Err(LabError::Down),
        }
        tasks.spawn(readiness::probe(floor.clone(), cancel.clone()));
        Ok(Self { services, floor })
    }

    /// What a service is to be at present.
    pub(crate) fn desired(&self, role: Role) -> Result<Desired, LabError> {
        self.floor
            .board
            .desired(role)
            .ok_or_else(|| LabError::NoService {
                service: role.to_string(),
            })
    }

    /// All services' desired states.
    pub(crate) fn snapshot(&self) -> BTreeMap<Role, Desired> {
        self.services
            .keys()
            .filter_map(|role| Some((*role, self.floor.board.desired(*role)?)))
            .collect()
    }

    /// Carries out an order and answers with what was done, in words.
    pub(crate) async fn order(&self, role: Role, order: Order) -> Result<String, LabError> {
        let service = self
            .services
            .get(&role)
            .ok_or_else(|| LabError::NoService {
                service: role.to_string(),
            })?;
        service.order(order).await
    }

    /// The instances of a service by release, while one is tried beside the one in force.
    pub(crate) fn sides(&self, role: Role) -> Sides {
        self.floor.board.sides(role)
    }

    /// Takes a harm of a service back, before anything else that it is asked for.
    pub(crate) async fn heal(&self, role: Role, id: HarmId) -> Result<(), LabError> {
        match self.services.get(&role) {
            Some(service) => service.heal(id).await,
            None => Ok(()),
        }
    }

    /// All processes.
    pub(crate) fn views(&self) -> Vec<ServiceView> {
        self.floor.board.views()
    }
}
