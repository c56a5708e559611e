//! One service: the task that keeps its processes as they are desired. Orders are carried out one
//! after another; a process that ends by itself is started again, after a pause that grows.

mod instance;
mod orders;
mod staged;
mod suffering;

use std::{sync::Arc, time::Duration};

use scenarios::{
    control::ServiceConfig, effect::Effect, scenario::ServiceSpec, setting::Setting, shop::Role,
};
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
    harm::{Harm, HarmId, Harms},
};
use crate::{LabError, journal::Event};
use instance::{Instance, Started, Starts, bear, due, ended, start_delay};
use staged::{Stage, Standby};

/// How long a process may take to be ready, as much as a debug build on a busy machine needs ten times over; then starting it
/// fails.
const READY_WITHIN: Duration = Duration::from_secs(15);
/// How long a process may take to finish what is in flight; then it is killed.
const STOP_WITHIN: Duration = Duration::from_millis(1_800);
/// Orders to one service that may wait; who sends more waits.
const ORDERS: usize = 16;

/// What can be asked of a service.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    /// Be like this from now on.
    Become(Desired),
    /// Be as after this effect, whatever orders before this one have made of the service by then.
    Change(Effect),
    /// Stop and start again, with what is in force.
    Restart,
    /// Start what it would be after this effect beside what it is; no connection goes there yet.
    Stage(Effect),
    /// Of a hundred new connections, let so many go to what is staged.
    Share(u8),
    /// Be what is staged from now on. What it was stops, or stands by for a while.
    Promote { standby: bool },
    /// Let what is staged go.
    Abandon,
    /// Suffer this, or in another way what is suffered under this name already.
    Harm(HarmId, Harm),
    /// Lose one process, as by a crash.
    Crash,
    /// Stop every process and start it again by itself; not waited for.
    Bounce,
}

type Reply = oneshot::Sender<Result<String, LabError>>;

/// Handle of a service's task.
#[derive(Debug)]
pub(super) struct Service {
    orders: mpsc::Sender<(Order, Reply)>,
    heals: mpsc::Sender<Heal>,
}

/// A harm that is to be taken back, and who waits for that.
type Heal = (HarmId, oneshot::Sender<()>);

impl Service {
    /// Spawns the task into `tasks`; the second value tells how the start went. Cancelling stops its processes.
    pub(super) fn spawn(
        spec: &ServiceSpec,
        floor: Arc<Floor>,
        tasks: &mut JoinSet<()>,
        cancel: CancellationToken,
    ) -> (Self, oneshot::Receiver<Result<(), LabError>>) {
        let (orders, inbox) = mpsc::channel(ORDERS);
        let (heals, healing) = mpsc::channel(ORDERS);
        let (started, start) = oneshot::channel();
        let keeper = Keeper {
            role: spec.service,
            memory_mib: spec.memory_mib,
            threads: spec.threads,
            desired: Desired::of(spec),
            stage: None,
            standby: None,
            harms: Harms::default(),
            unheard: false,
            instances: Vec::new(),
            half_made: None,
            done: Vec::new(),
            starts: Starts::default(),
            next_number: 1,
            fresh: true,
            floor,
        };
        tasks.spawn(keeper.run(inbox, healing, started, cancel));
        (Self { orders, heals }, start)
    }

    pub(super) async fn order(&self, order: Order) -> Result<String, LabError> {
        let (reply, answer) = oneshot::channel();
        self.orders
            .send((order, reply))
            .await
            .map_err(|_| LabError::Down)?;
        answer.await.unwrap_or(Err(LabError::Down))
    }

    /// Takes a harm back, before whatever else is being done or waits to be done.
    pub(super) async fn heal(&self, id: HarmId) -> Result<(), LabError> {
        let (reply, answer) = oneshot::channel();
        self.heals
            .send((id, reply))
            .await
            .map_err(|_| LabError::Down)?;
        answer.await.map_err(|_| LabError::Down)
    }
}

struct Keeper {
    role: Role,
    memory_mib: u64,
    threads: u32,
    desired: Desired,
    /// A release that is tried beside it; its instances stand behind those of the release in force.
    stage: Option<Stage>,
    /// The release before, to which connections can go back at once.
    standby: Option<Standby>,
    harms: Harms,
    /// Whether processes that stand still have not heard of settings in force.
    unheard: bool,
    /// What a change that has not ended would have to be put back to: what is desired, and how many instances.
    half_made: Option<(Desired, usize)>,
    /// What the order that is being carried out has done for good, in words. It may be broken off and begin anew after that.
    done: Vec<String>,
    instances: Vec<Instance>,
    starts: Starts,
    next_number: u32,
    /// Whether the database is still to be cleared by the first process.
    fresh: bool,
    floor: Arc<Floor>,
}

impl Keeper {
    async fn run(
        mut self,
        mut inbox: mpsc::Receiver<(Order, Reply)>,
        mut heals: mpsc::Receiver<Heal>,
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
                (name, start) = self.starts.next() => self.revived(&name, start).await,
                index = due(&self.instances) => self.revive(index),
                () = staged::over(self.standby.as_ref()) => self.dismiss().await,
                Some(heal) = heals.recv() => self.heal(heal, &mut heals, &cancel).await,
                order = inbox.recv() => match order {
                    Some((order, reply)) => self.obey(order, reply, &mut heals, &cancel).await,
                    None => break,
                },
            }
        }
        self.starts.forget(|_| true);
        let mut all = std::mem::take(&mut self.instances);
        all.extend(
            self.standby
                .take()
                .into_iter()
                .flat_map(|one| one.instances),
        );
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
        Instance::new(name, self.version())
    }

    /// The release that runs.
    fn version(&self) -> String {
        self.harms.version(&self.desired.version)
    }

    /// The release of an instance.
    fn version_of(&self, index: usize) -> String {
        self.harms.version(&self.desired_of(index).version)
    }

    async fn become_like(&mut self, next: Desired) -> Result<String, LabError> {
        for step in self.desired.steps_to(&next) {
            let (words, retired) = match step {
                Step::Roll => self.roll(&next).await?,
                Step::Configure(_) => self.configure(&next).await?,
                Step::Scale => self.scale(next.replicas).await?,
            };
            self.done.push(words);
            self.retire(retired).await;
        }
        if self.done.is_empty() {
            self.done.push(format!("{}: nothing to change", self.role));
        }
        Ok(std::mem::take(&mut self.done).join("; "))
    }

    async fn configure(&mut self, next: &Desired) -> Result<(String, Vec<Instance>), LabError> {
        self.half_made = Some((self.desired.clone(), self.instances.len()));
        self.desired.settings.clone_from(&next.settings);
        if let Err(error) = self.tell_settings().await {
            self.put_back();
            return Err(error);
        }
        self.half_made = None;
        Ok((format!("{}: configuration changed", self.role), Vec::new()))
    }

    /// New processes first; when all are ready connections go to them, and the old ones, which are answered with, are to stop.
    /// When one fails, the old ones stay.
    async fn roll(&mut self, next: &Desired) -> Result<(String, Vec<Instance>), LabError> {
        let replicas = self.desired.replicas;
        let next = Desired {
            replicas,
            ..next.clone()
        };
        let retired_version = self.version();
        let before = std::mem::replace(&mut self.desired, next);
        let old = self.instances.len();
        self.half_made = Some((before.clone(), old));
        for _ in 0..replicas {
            let instance = self.fresh_instance();
            self.instances.push(instance);
        }
        for index in old..self.instances.len() {
            if let Err(error) = self.launch(index).await {
                self.put_back();
                return Err(error);
            }
        }
        self.half_made = None;
        let retired: Vec<_> = self.instances.drain(..old).collect();
        self.forget_starts();
        // from here on new connections go to the new ones
        self.publish();
        let words = format!(
            "{}: {} rolled out, {} stopped",
            self.role,
            self.version(),
            retired_version
        );
        Ok((words, retired))
    }

    /// Rolls out what is to be, with what is in force.
    async fn renew(&mut self) -> Result<(), LabError> {
        self.settle().await;
        let (_, retired) = self.roll(&self.desired.clone()).await?;
        self.retire(retired).await;
        Ok(())
    }

    /// More processes, or fewer; those that are too many, which are answered with, are to stop.
    async fn scale(&mut self, replicas: u32) -> Result<(String, Vec<Instance>), LabError> {
        let wanted = replicas as usize;
        let before = self.instances.len();
        self.half_made = Some((self.desired.clone(), before));
        while self.instances.len() < wanted {
            let instance = self.fresh_instance();
            self.instances.push(instance);
            if let Err(error) = self.launch(self.instances.len() - 1).await {
                self.put_back();
                return Err(error);
            }
        }
        self.half_made = None;
        let retired = self.instances.split_off(wanted.min(self.instances.len()));
        self.forget_starts();
        self.desired.replicas = replicas;
        self.publish();
        let words = format!("{}: {before} → {wanted} instances", self.role);
        Ok((words, retired))
    }

    /// Ends the starts of instances that there are no more.
    fn forget_starts(&mut self) {
        let kept: Vec<_> = self.instances.iter().map(|one| one.name.clone()).collect();
        self.starts
            .forget(|name| !kept.iter().any(|one| one == name));
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
        let start = self.begin(index).await;
        self.arrive(index, start).await
    }

    /// Begins to start the process of an instance.
    fn begin(&mut self, index: usize) -> impl Future<Output = Started> + Send + use<> {
        let settings = self.settings_of(index);
        let ready_within = READY_WITHIN + start_delay(&settings);
        let config = self.config(index, settings);
        let instance = &mut self.instances[index];
        // whoever starts it now takes over from an earlier start
        let name = instance.name.clone();
        self.starts.forget(|other| other == name);
        instance.state = "starting";
        instance.drifted = false;
        instance.due = None;
        self.publish();
        let memory_mib = self.harms.memory_mib(self.memory_mib);
        bear(self.floor.clone(), config, memory_mib, ready_within)
    }

    /// Takes the process of an instance over, or notes why there is none.
    async fn arrive(&mut self, index: usize, start: Started) -> Result<(), LabError> {
        let version = self.version_of(index);
        let instance = &mut self.instances[index];
        let done = match start {
            Ok((process, address)) => {
                if self.harms.pauses() {
                    process.pause(true).await;
                }
                instance.version = version;
                instance.process = Some(process);
                instance.address = Some(address);
                instance.born = Instant::now();
                instance.state = "ready";
                Ok(())
            }
            Err(error) => {
                instance.state = "exited";
                instance.exit = Some(error.to_string());
                Err(error)
            }
        };
        self.publish();
        done
    }

    fn config(&self, index: usize, settings: Vec<Setting>) -> ServiceConfig {
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
            instance: self.instances[index].name.clone(),
            version: self.version_of(index),
            otlp_endpoint: outfit.otlp_endpoint.clone(),
            peers: self.floor.network.peers(self.role),
            database,
            fresh_database: self.fresh,
            database_round_trip_ms: outfit.database_round_trip_ms,
            trace_share: outfit.trace_share,
            seed: rand::RngExt::random(&mut outfit.seed.stream(&format!("service/{}", self.role))),
            settings,
            runtime_threads: self.threads,
        }
    }

    /// A process ended by itself.
    fn bury(&mut self, index: usize, reason: ExitReason) {
        self.instances[index].bury(reason);
        let name = self.instances[index].name.clone();
        self.floor.instruments.log(
            self.role.name(),
            &name,
            "ERROR",
            &format!("process ended: {reason}"),
        );
        self.record(&name, reason);
        self.publish();
    }

    /// Begins to start an instance again; the loop goes on meanwhile.
    fn revive(&mut self, index: usize) {
        self.instances[index].restarts += 1;
        self.begin_aside(index);
    }

    /// Begins to start the process of an instance; what becomes of it is heard later.
    fn begin_aside(&mut self, index: usize) {
        let name = self.instances[index].name.clone();
        let start = self.begin(index);
        self.starts.begin(name, start);
    }

    /// An instance has started again, or has not.
    async fn revived(&mut self, name: &str, start: Started) {
        let Some(index) = self.instances.iter().position(|one| one.name == name) else {
            // it was retired meanwhile; its process ends with its handle
            return;
        };
        if let Err(error) = self.arrive(index, start).await {
            tracing::warn!(%error, service = %self.role, "a service could not be started again");
            self.instances[index].wait_longer();
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
        let standing = |instance: &Instance, staged: bool| Standing {
            instance: instance.name.clone(),
            version: instance.version.clone(),
            state: instance.state,
            staged,
            exit: instance.exit.clone(),
            restarts: instance.restarts,
            pid: instance.process.as_ref().and_then(|process| process.pid),
            address: instance.address,
        };
        let (old, percent) = match &self.stage {
            Some(stage) => (stage.old, stage.percent),
            None => (self.instances.len(), 0),
        };
        let all = self.instances.iter().enumerate();
        let mut standings: Vec<_> = all
            .map(|(index, one)| standing(one, index >= old))
            .collect();
        let standby = self.standby.iter().flat_map(|one| &one.instances);
        standings.extend(standby.map(|one| Standing {
            state: "standby",
            ..standing(one, false)
        }));
        let board = &self.floor.board;
        board.set(self.role, &self.desired, standings, percent);
        self.floor.publish(self.role);
    }
}
