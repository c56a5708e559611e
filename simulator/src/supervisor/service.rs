//! One service: the task that keeps its processes as they are desired. Orders are carried out one
//! after another; a process that ends by itself is started again, after a pause that grows.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use scenarios::{control::ServiceConfig, scenario::ServiceSpec, shop::Role};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Floor,
    board::Standing,
    desired::{Desired, Step},
    exit::ExitReason,
    process::{Birth, Process},
    readiness::is_ready,
};
use crate::{LabError, journal::Event};

/// How long a process may take to be ready, as much as a debug build on a busy machine needs ten times over; then starting it
/// fails.
const READY_WITHIN: Duration = Duration::from_secs(15);
/// Pause between two questions whether a process is ready.
const READY_POLL: Duration = Duration::from_millis(10);
/// How long a process may take to finish what is in flight; then it is killed.
const STOP_WITHIN: Duration = Duration::from_millis(1_800);
/// Pause before a process that ended by itself is started again; doubled each time, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// See [`FIRST_PAUSE`].
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
/// A process that ran for so long starts again with the first pause.
const STEADY: Duration = Duration::from_secs(30);
/// Orders to one service that may wait; who sends more waits.
const ORDERS: usize = 16;

/// What can be asked of a service.
#[derive(Debug)]
pub(crate) enum Order {
    /// Be like this from now on.
    Become(Desired),
    /// Stop and start again, with what is in force.
    Restart,
}

type Reply = oneshot::Sender<Result<String, LabError>>;

/// Handle of a service's task.
#[derive(Debug)]
pub(super) struct Service {
    orders: mpsc::Sender<(Order, Reply)>,
}

impl Service {
    /// Spawns the task into `tasks`; the second value tells how the start went. Cancelling stops its processes.
    pub(super) fn spawn(
        spec: &ServiceSpec,
        floor: Arc<Floor>,
        tasks: &mut JoinSet<()>,
        cancel: CancellationToken,
    ) -> (Self, oneshot::Receiver<Result<(), LabError>>) {
        let (orders, inbox) = mpsc::channel(ORDERS);
        let (started, start) = oneshot::channel();
        let keeper = Keeper {
            role: spec.service,
            memory_mib: spec.memory_mib,
            threads: spec.threads,
            desired: Desired::of(spec),
            instances: Vec::new(),
            next_number: 1,
            fresh: true,
            floor,
        };
        tasks.spawn(keeper.run(inbox, started, cancel));
        (Self { orders }, start)
    }

    pub(super) async fn order(&self, order: Order) -> Result<String, LabError> {
        let (reply, answer) = oneshot::channel();
        self.orders
            .send((order, reply))
            .await
            .map_err(|_| LabError::Down)?;
        answer.await.unwrap_or(Err(LabError::Down))
    }
}

/// One instance: its process while it has one, and when it gets the next.
struct Instance {
    name: String,
    version: String,
    process: Option<Process>,
    address: Option<SocketAddr>,
    born: Instant,
    restarts: u32,
    exit: Option<String>,
    pause: Duration,
    /// When it is to be started again.
    due: Option<Instant>,
    state: &'static str,
}

struct Keeper {
    role: Role,
    memory_mib: u64,
    threads: u32,
    desired: Desired,
    instances: Vec<Instance>,
    next_number: u32,
    /// Whether the database is still to be cleared by the first process.
    fresh: bool,
    floor: Arc<Floor>,
}

impl Keeper {
    async fn run(
        mut self,
        mut inbox: mpsc::Receiver<(Order, Reply)>,
        started: oneshot::Sender<Result<(), LabError>>,
        cancel: CancellationToken,
    ) {
        let first = self.fresh_instance();
        self.instances.push(first);
        let start = tokio::select! {
            start = self.launch(0) => start,
            () = cancel.cancelled() => Err(LabError::Down),
        };
        self.fresh = false;
        let failed = start.is_err();
        // whoever waited for the start may be gone
        let _ = started.send(start);
        while !failed && !cancel.is_cancelled() {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                (index, reason) = ended(&self.instances) => self.bury(index, reason),
                index = due(&self.instances) => self.revive(index, &cancel).await,
                order = inbox.recv() => match order {
                    Some((order, reply)) => {
                        let done = self.obey(order, &cancel).await;
                        let _ = reply.send(done);
                    }
                    None => break,
                },
            }
        }
        let all = std::mem::take(&mut self.instances);
        futures_util::future::join_all(all.iter().filter_map(|instance| {
            instance
                .process
                .as_ref()
                .map(|process| process.stop(STOP_WITHIN))
        }))
        .await;
        self.publish();
    }

    fn fresh_instance(&mut self) -> Instance {
        let name = format!("{}-{}", self.role, self.next_number);
        self.next_number += 1;
        Instance {
            name,
            version: self.desired.version.clone(),
            process: None,
            address: None,
            born: Instant::now(),
            restarts: 0,
            exit: None,
            pause: FIRST_PAUSE,
            due: None,
            state: "starting",
        }
    }

    async fn obey(&mut self, order: Order, cancel: &CancellationToken) -> Result<String, LabError> {
        let work = async {
            match order {
                Order::Restart => self.restart().await,
                Order::Become(next) => self.become_like(next).await,
            }
        };
        let done = tokio::select! {
            done = work => done,
            () = cancel.cancelled() => Err(LabError::Down),
        };
        self.publish();
        done
    }

    async fn become_like(&mut self, next: Desired) -> Result<String, LabError> {
        let mut done = Vec::new();
        for step in self.desired.steps_to(&next) {
            done.push(match step {
                Step::Roll => self.roll(&next).await?,
                Step::Configure(settings) => {
                    for instance in &self.instances {
                        if let Some(process) = &instance.process {
                            process.set(settings.clone()).await?;
                        }
                    }
                    self.desired.settings.clone_from(&next.settings);
                    format!("{}: configuration changed", self.role)
                }
                Step::Scale => self.scale(next.replicas).await?,
            });
        }
        if done.is_empty() {
            done.push(format!("{}: nothing to change", self.role));
        }
        Ok(done.join("; "))
    }

    /// New processes first; when all are ready connections go to them, and the old ones stop. When one fails, the old ones
    /// stay.
    async fn roll(&mut self, next: &Desired) -> Result<String, LabError> {
        let replicas = self.desired.replicas;
        let next = Desired {
            replicas,
            ..next.clone()
        };
        let before = std::mem::replace(&mut self.desired, next);
        let old = self.instances.len();
        for _ in 0..replicas {
            let instance = self.fresh_instance();
            self.instances.push(instance);
        }
        for index in old..self.instances.len() {
            if let Err(error) = self.launch(index).await {
                self.instances.truncate(old);
                self.desired = before;
                return Err(error);
            }
        }
        let retired: Vec<_> = self.instances.drain(..old).collect();
        // from here on new connections go to the new ones
        self.publish();
        self.retire(retired).await;
        Ok(format!(
            "{}: {} rolled out, {} stopped",
            self.role, self.desired.version, before.version
        ))
    }

    async fn scale(&mut self, replicas: u32) -> Result<String, LabError> {
        let wanted = replicas as usize;
        let before = self.instances.len();
        while self.instances.len() < wanted {
            let instance = self.fresh_instance();
            self.instances.push(instance);
            if let Err(error) = self.launch(self.instances.len() - 1).await {
                self.instances.truncate(before);
                return Err(error);
            }
        }
        let retired = self.instances.split_off(wanted.min(self.instances.len()));
        self.desired.replicas = replicas;
        self.publish();
        self.retire(retired).await;
        Ok(format!("{}: {before} → {wanted} instances", self.role))
    }

    async fn restart(&mut self) -> Result<String, LabError> {
        for index in 0..self.instances.len() {
            self.instances[index].state = "stopping";
            self.publish();
            if let Some(process) = self.instances[index].process.take() {
                let reason = process.stop(STOP_WITHIN).await;
                self.record(&self.instances[index].name, reason);
                self.instances[index].exit = Some(reason.to_string());
            }
            self.instances[index].restarts += 1;
            self.launch(index).await?;
        }
        Ok(format!("{}: restarted", self.role))
    }

    async fn retire(&self, retired: Vec<Instance>) {
        futures_util::future::join_all(retired.iter().map(|instance| async {
            if let Some(process) = &instance.process {
                self.record(&instance.name, process.stop(STOP_WITHIN).await);
            }
        }))
        .await;
    }

    /// Starts the process of an instance and waits until it is ready.
    async fn launch(&mut self, index: usize) -> Result<(), LabError> {
        let config = self.config(&self.instances[index].name);
        let outfit = &self.floor.outfit;
        let birth = Birth {
            executable: &outfit.executable,
            arguments: &outfit.arguments,
            config,
            memory_mib: self.memory_mib,
        };
        self.instances[index].state = "starting";
        self.publish();
        let started = async {
            let process =
                Process::start(&self.floor.nursery, birth, self.floor.instruments.clone()).await?;
            let deadline = Instant::now() + READY_WITHIN;
            let port = process.listening(READY_WITHIN).await?;
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            while !is_ready(&self.floor, address).await {
                if Instant::now() >= deadline {
                    return Err(process.not_ready(READY_WITHIN));
                }
                if process.exit_watch().borrow().is_some() {
                    return Err(process.ended_in_start().await);
                }
                tokio::time::sleep(READY_POLL).await;
            }
            Ok((process, address))
        };
        let (process, address) = match started.await {
            Ok(started) => started,
            Err(error) => {
                self.instances[index].state = "exited";
                self.instances[index].exit = Some(error.to_string());
                return Err(error);
            }
        };
        let instance = &mut self.instances[index];
        instance.version.clone_from(&self.desired.version);
        instance.process = Some(process);
        instance.address = Some(address);
        instance.born = Instant::now();
        instance.due = None;
        instance.state = "ready";
        self.publish();
        Ok(())
    }

    fn config(&self, instance: &str) -> ServiceConfig {
        let outfit = &self.floor.outfit;
        let file = || self.floor.scratch.path().join(format!("{}.db", self.role));
        let database = self.role.has_database().then(|| {
            let by_link = self.floor.network.database_url(self.role);
            by_link
                .or_else(|| outfit.database_url.clone())
                .unwrap_or_else(|| file().to_string_lossy().into_owned())
        });
        ServiceConfig {
            role: self.role,
            instance: instance.to_owned(),
            version: self.desired.version.clone(),
            otlp_endpoint: outfit.otlp_endpoint.clone(),
            peers: self.floor.network.peers(self.role),
            database,
            fresh_database: self.fresh,
            database_round_trip_ms: outfit.database_round_trip_ms,
            trace_share: outfit.trace_share,
            seed: rand::RngExt::random(&mut outfit.seed.stream(&format!("service/{}", self.role))),
            settings: self.desired.settings.clone(),
            runtime_threads: self.threads,
        }
    }

    /// A process ended by itself.
    fn bury(&mut self, index: usize, reason: ExitReason) {
        let instance = &mut self.instances[index];
        instance.process = None;
        instance.exit = Some(reason.to_string());
        instance.state = "exited";
        if instance.born.elapsed() >= STEADY {
            instance.pause = FIRST_PAUSE;
        }
        instance.due = Some(Instant::now() + instance.pause);
        instance.pause = (instance.pause * 2).min(LONGEST_PAUSE);
        let name = instance.name.clone();
        self.floor.instruments.log(
            self.role.name(),
            &name,
            "ERROR",
            &format!("process ended: {reason}"),
        );
        self.record(&name, reason);
        self.publish();
    }

    async fn revive(&mut self, index: usize, cancel: &CancellationToken) {
        self.instances[index].restarts += 1;
        self.instances[index].due = None;
        let start = tokio::select! {
            start = self.launch(index) => start,
            () = cancel.cancelled() => return,
        };
        if let Err(error) = start {
            tracing::warn!(%error, service = %self.role, "a service could not be started again");
            let instance = &mut self.instances[index];
            instance.due = Some(Instant::now() + instance.pause);
            instance.pause = (instance.pause * 2).min(LONGEST_PAUSE);
            self.publish();
        }
    }

    fn record(&self, instance: &str, reason: ExitReason) {
        self.floor.journal.append(
            self.floor.clock.now_ms(),
            Event::ServiceExit {
                service: self.role.to_string(),
                instance: instance.to_owned(),
                reason: reason.to_string(),
                expected: reason.expected(),
            },
        );
    }

    fn publish(&self) {
        let standing = |instance: &Instance| Standing {
            instance: instance.name.clone(),
            version: instance.version.clone(),
            state: instance.state,
            exit: instance.exit.clone(),
            restarts: instance.restarts,
            pid: instance.process.as_ref().and_then(|process| process.pid),
            address: instance.address,
        };
        let standings = self.instances.iter().map(standing).collect();
        self.floor.board.set(self.role, &self.desired, standings);
        self.floor.publish(self.role);
    }
}

/// Waits until a process ends by itself.
async fn ended(instances: &[Instance]) -> (usize, ExitReason) {
    let waits = instances
        .iter()
        .enumerate()
        .filter_map(|(index, instance)| {
            let mut exit = instance.process.as_ref()?.exit_watch();
            Some(Box::pin(async move {
                let reason = exit
                    .wait_for(Option::is_some)
                    .await
                    .map_or(None, |reason| *reason);
                (index, reason.unwrap_or(ExitReason::Killed))
            }))
        });
    let waits: Vec<_> = waits.collect();
    if waits.is_empty() {
        return std::future::pending().await;
    }
    futures_util::future::select_all(waits).await.0
}

/// Waits until an instance is to be started again.
async fn due(instances: &[Instance]) -> usize {
    let next = instances
        .iter()
        .enumerate()
        .filter_map(|(index, instance)| Some((instance.due?, index)))
        .min();
    match next {
        Some((at, index)) => {
            tokio::time::sleep_until(at).await;
            index
        }
        None => std::future::pending().await,
    }
}
