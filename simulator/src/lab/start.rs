//! Starting a lab: network and services first, all at once; then clock, load, timeline and tasks.

use std::{collections::BTreeSet, sync::Arc};

use scenarios::shop::Role;
use tokio::{sync::broadcast, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    Core, LISTENER_LAG, Lab, LabConfig, LabEvent, changes::Changes, proof::ProofDesk,
    remedies::Bench, request::Counter, schedule,
};
use crate::{
    LabError,
    instruments::ScrapeTarget,
    journal::Event,
    load::{Exposed, Generator, Profile, Setup},
    supervisor::{Floor, FloorParts, Outfit, Supervisor},
};

/// Below this share of the scenario's speed the slow-down of history is worth a line in the journal.
const WORTH_TELLING: f64 = 0.8;

impl Lab {
    /// Starts everything and returns when all services are ready; history is then made while the clock runs. Cancelling the
    /// token shuts the lab down, as [`Lab::shutdown`] does.
    ///
    /// # Errors
    /// When a port, a folder or a process cannot be had, or a service does not become ready: the error names it, how it ended
    /// and the last lines that it wrote to standard error. Nothing is left running then.
    pub async fn start(config: LabConfig, cancel: CancellationToken) -> Result<Self, LabError> {
        let began = Instant::now();
        let cancel = cancel.child_token();
        let mut tasks = JoinSet::new();
        let started = open(config, &mut tasks, &cancel, began).await;
        match started {
            Ok(core) => Ok(Self {
                core,
                cancel,
                tasks: parking_lot::Mutex::new(tasks),
            }),
            Err(error) => {
                cancel.cancel();
                while tasks.join_next().await.is_some() {}
                Err(error)
            }
        }
    }
}

async fn open(
    config: LabConfig,
    tasks: &mut JoinSet<()>,
    cancel: &CancellationToken,
    began: Instant,
) -> Result<Arc<Core>, LabError> {
    let plan = config.plan.clone();
    let exposed = Exposed::open().await.map_err(|source| LabError::Open {
        what: "a port for the load's metrics".into(),
        source,
    })?;
    let floor = Arc::new(Floor::open(floor_of(config, exposed.address())).await?);
    let supervisor = Supervisor::start(&plan, floor.clone(), tasks, cancel).await?;
    let seconds = began.elapsed().as_secs_f64();
    tracing::info!(seconds, "all services are ready");
    floor.clock.start();
    let load = Generator::start(
        Setup {
            clock: floor.clock.clone(),
            client: floor.client.clone(),
            instruments: floor.instruments.clone(),
            door: floor.network.door(Role::Storefront)?,
            seed: plan.seed,
            profile: Profile::of(&plan.scenario.load),
            exposed,
        },
        tasks,
        cancel,
    );
    let scripts = super::chaos::adopted(&floor, plan.seed);
    let core = Arc::new(Core {
        proof: ProofDesk::new(&plan.scenario.proof),
        plan,
        floor,
        supervisor,
        load,
        changes: Changes::default(),
        stopped: schedule::Stopped::default(),
        bench: Bench::default(),
        counter: Counter::default(),
        chaos: super::chaos::Register::default(),
        scripts,
        began,
        loose: tokio_util::task::TaskTracker::new(),
        cancel: cancel.clone(),
    });
    core.tell(LabEvent::Ready { seconds });
    tasks.spawn(govern(core.clone()));
    tasks.spawn(super::chaos::journal_scripts(core.clone()));
    schedule::start(&core, tasks);
    Ok(core)
}

/// The floor that a configuration asks for; the load shows its counters at `load`.
fn floor_of(config: LabConfig, load: std::net::SocketAddr) -> FloorParts {
    let plan = config.plan;
    let roles: BTreeSet<Role> = plan
        .scenario
        .services
        .iter()
        .map(|spec| spec.service)
        .collect();
    FloorParts {
        roles: roles.into_iter().collect(),
        outfit: Outfit {
            executable: config.executable,
            arguments: config.arguments,
            otlp_endpoint: config.otlp_endpoint,
            database_url: config.database_url,
            database_round_trip_ms: plan.scenario.database.round_trip_ms,
            trace_share: config.trace_share,
            seed: plan.seed,
        },
        clock: config.clock,
        instruments: config.instruments,
        journal: config.journal,
        events: broadcast::channel(LISTENER_LAG).0,
        other_targets: vec![ScrapeTarget {
            service: "load".into(),
            instance: "load-1".into(),
            url: format!("http://{load}/metrics"),
        }],
    }
}

/// Watches over the speed of history, and says so in the journal when the machine was too slow for the scenario's.
async fn govern(core: Arc<Core>) {
    let slowest = core.load.govern(core.cancel.clone()).await;
    let clock = &core.floor.clock;
    if core.cancel.is_cancelled() || slowest >= WORTH_TELLING * clock.nominal_speed() {
        return;
    }
    let says = format!(
        "this machine could not make history at {:.0}x: it went down to {slowest:.0}x",
        clock.nominal_speed()
    );
    core.floor.journal.append(
        clock.now_ms(),
        Event::Timeline {
            id: "clock".into(),
            role: "system".into(),
            says,
        },
    );
}
