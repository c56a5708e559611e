//! One child process and its keeper: a task that owns child, control socket, output and memory
//! watchdog, and says how it ended. It does not know what the process is for.

use std::{
    collections::{HashMap, VecDeque},
    os::fd::OwnedFd,
    os::unix::net::UnixStream as StdUnixStream,
    path::Path,
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process_group};
use scenarios::{
    control::{Command, Event, ServiceConfig},
    setting::Setting,
};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    process::Child,
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::Instant,
};

use super::{
    exit::{ExitReason, Sentence},
    memory,
    nursery::Nursery,
    output::{forward, next_line},
};
use crate::{LabError, instruments::Instruments};

/// How often resident memory is looked at. A process that allocates 1 GiB/s overshoots its limit by 256 MiB at most.
const MEMORY_PERIOD: Duration = Duration::from_millis(250);
/// Requests to one process that may wait; its owner sends one at a time.
const REQUESTS: usize = 8;
/// How long output is still read after the end of a process: something that it started may keep the pipe open.
const OUTPUT_AFTER_END: Duration = Duration::from_millis(200);
/// How long a service may take to apply settings.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// What a process is started with.
pub(crate) struct Birth<'a> {
    pub executable: &'a Path,
    pub arguments: &'a [String],
    pub config: ServiceConfig,
    /// Resident memory at which it is killed, MiB.
    pub memory_mib: u64,
}

/// What is known of the beginning of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    Starting,
    /// It listens there.
    Ready(u16),
    /// It says that it cannot start, and why.
    Failed(String),
}

enum Request {
    /// Let its group stand still, or go on.
    Pause(bool),
    /// Kill its group, as a crash would end it.
    Crash,
    /// Another memory limit, MiB.
    MemoryLimit(u64),
    Settings {
        settings: Vec<Setting>,
        /// Whether all others go back to their defaults.
        from_defaults: bool,
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// Stop within so long, or be killed.
    Stop(Duration),
}

/// A running process. Dropping it kills its group.
#[derive(Debug)]
pub(crate) struct Process {
    service: String,
    pub pid: Option<u32>,
    requests: mpsc::Sender<Request>,
    stage: watch::Receiver<Stage>,
    exit: watch::Receiver<Option<ExitReason>>,
    last_words: Arc<Mutex<VecDeque<String>>>,
}

impl Process {
    /// Starts a process and hands it its configuration.
    pub(crate) async fn start(
        nursery: &Nursery,
        birth: Birth<'_>,
        instruments: Arc<dyn Instruments>,
    ) -> Result<Self, LabError> {
        let service = birth.config.role.name().to_owned();
        let instance = birth.config.instance.clone();
        let failed = |source| LabError::Spawn {
            service: service.clone(),
            executable: birth.executable.to_owned(),
            source,
        };
        let (ours, theirs) = StdUnixStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let control = UnixStream::from_std(ours).map_err(failed)?;
        let mut command = tokio::process::Command::new(birth.executable);
        command
            .args(birth.arguments)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .stdin(Stdio::from(OwnedFd::from(theirs)));
        let mut child = nursery.spawn(command).await.map_err(failed)?;
        let pid = child.id();
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let mut output = JoinSet::new();
        let from = (service.clone(), instance);
        if let Some(pipe) = child.stdout.take() {
            output.spawn(forward(
                pipe,
                "INFO",
                from.clone(),
                instruments.clone(),
                None,
            ));
        }
        if let Some(pipe) = child.stderr.take() {
            let words = Some(last_words.clone());
            output.spawn(forward(pipe, "ERROR", from, instruments, words));
        }
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let (stage_to, stage) = watch::channel(Stage::Starting);
        let (exit_to, exit) = watch::channel(None);
        let (read, write) = control.into_split();
        let keeper = Keeper {
            child,
            pid: pid.and_then(|pid| Pid::from_raw(pid.cast_signed())),
            write,
            memory_mib: birth.memory_mib,
            sentence: Sentence::None,
            kill_at: None,
            pending: HashMap::new(),
            next_id: 0,
            stage: stage_to,
        };
        // owned through `requests`: when the handle is dropped the keeper kills the group and ends
        tokio::spawn(async move {
            let reason = keeper.keep(birth.config, read, inbox).await;
            let drained = async { while output.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(OUTPUT_AFTER_END, drained).await;
            exit_to.send_replace(Some(reason));
        });
        Ok(Self {
            service,
            pid,
            requests,
            stage,
            exit,
            last_words,
        })
    }

    /// Waits until it says that it listens.
    pub(crate) async fn listening(&self, within: Duration) -> Result<u16, LabError> {
        let (mut stage, mut exit) = (self.stage.clone(), self.exit.clone());
        let first = async {
            tokio::select! {
                biased;
                stage = stage.wait_for(|stage| *stage != Stage::Starting) => stage.map(|stage| stage.clone()).ok(),
                _ = exit.wait_for(Option::is_some) => None,
            }
        };
        match tokio::time::timeout(within, first).await {
            Ok(Some(Stage::Ready(port))) => Ok(port),
            Ok(Some(Stage::Failed(reason))) => Err(self.died(reason)),
            Ok(_) => Err(self.ended_in_start().await),
            Err(_) => Err(self.not_ready(within)),
        }
    }

    /// Why it ended before it was ready.
    pub(crate) async fn ended_in_start(&self) -> LabError {
        self.died(self.exited().await.to_string())
    }

    pub(crate) fn not_ready(&self, within: Duration) -> LabError {
        LabError::NotReady {
            service: self.service.clone(),
            seconds: within.as_secs(),
            stderr: self.words(),
        }
    }

    fn died(&self, reason: String) -> LabError {
        LabError::DiedInStart {
            service: self.service.clone(),
            reason,
            stderr: self.words(),
        }
    }

    fn words(&self) -> Vec<String> {
        self.last_words.lock().iter().cloned().collect()
    }

    /// Gives it these settings over the defaults, all or none; what is not named goes back to its default.
    pub(crate) async fn replace(&self, settings: Vec<Setting>) -> Result<(), LabError> {
        self.change(settings, true).await
    }

    async fn change(&self, settings: Vec<Setting>, from_defaults: bool) -> Result<(), LabError> {
        let silent = || LabError::Silent {
            service: self.service.clone(),
        };
        let (reply, answer) = oneshot::channel();
        self.requests
            .send(Request::Settings {
                settings,
                from_defaults,
                reply,
            })
            .await
            .map_err(|_| silent())?;
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(reason))) => Err(LabError::Refused {
                service: self.service.clone(),
                reason,
            }),
            _ => Err(silent()),
        }
    }

    /// Lets it stand still, or go on.
    pub(crate) async fn pause(&self, pause: bool) {
        // a process that has ended stands still anyway
        let _ = self.requests.send(Request::Pause(pause)).await;
    }

    /// Ends it at once, as if it had crashed.
    pub(crate) async fn crash(&self) {
        let _ = self.requests.send(Request::Crash).await;
    }

    /// Gives it another memory limit, MiB.
    pub(crate) async fn limit_memory(&self, mib: u64) {
        let _ = self.requests.send(Request::MemoryLimit(mib)).await;
    }

    /// Asks it to stop, kills its group when it has not within the given time, and waits for its end.
    pub(crate) async fn stop(&self, within: Duration) -> ExitReason {
        let _ = self.requests.send(Request::Stop(within)).await;
        self.exited().await
    }

    /// Waits for its end.
    pub(crate) async fn exited(&self) -> ExitReason {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(reason) => reason.unwrap_or(ExitReason::Killed),
            // the runtime is going down, and its child with it
            Err(_) => ExitReason::Killed,
        }
    }

    /// To wait for its end without holding it.
    pub(crate) fn exit_watch(&self) -> watch::Receiver<Option<ExitReason>> {
        self.exit.clone()
    }
}

struct Keeper {
    child: Child,
    pid: Option<Pid>,
    write: OwnedWriteHalf,
    memory_mib: u64,
    sentence: Sentence,
    kill_at: Option<Instant>,
    pending: HashMap<u64, oneshot::Sender<Result<(), String>>>,
    next_id: u64,
    stage: watch::Sender<Stage>,
}

impl Keeper {
    async fn keep(
        mut self,
        config: ServiceConfig,
        read: OwnedReadHalf,
        mut inbox: mpsc::Receiver<Request>,
    ) -> ExitReason {
        self.tell(&Command::Start(Box::new(config))).await;
        let mut events = BufReader::new(read);
        let mut line = Vec::new();
        let mut talking = true;
        let mut owned = true;
        let mut memory = tokio::time::interval(MEMORY_PERIOD);
        memory.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let status = loop {
            let kill_at = self.kill_at;
            tokio::select! {
                status = self.child.wait() => break status,
                more = next_line(&mut events, &mut line), if talking => {
                    talking = more;
                    self.hear(&line);
                    line.clear();
                }
                request = inbox.recv(), if owned => match request {
                    Some(request) => self.obey(request).await,
                    None => {
                        owned = false;
                        self.kill(Sentence::Kill);
                    }
                },
                _ = memory.tick() => self.weigh(),
                () = until(kill_at) => {
                    self.kill_at = None;
                    self.kill(Sentence::Kill);
                }
            }
        };
        // whatever it may have started itself
        self.kill_group();
        // what it said last may still be in the socket
        let rest = async {
            while talking {
                talking = next_line(&mut events, &mut line).await;
                self.hear(&line);
                line.clear();
            }
        };
        if tokio::time::timeout(OUTPUT_AFTER_END, rest).await.is_err() {
            tracing::debug!("a control socket stayed open after its service ended");
        }
        match status {
            Ok(status) => ExitReason::of(status, self.sentence),
            Err(error) => {
                tracing::warn!(%error, "the end of a service could not be read");
                ExitReason::Code(-1)
            }
        }
    }

    async fn tell(&mut self, command: &Command) {
        let sent = match serde_json::to_vec(command) {
            Ok(mut line) => {
                line.push(b'\n');
                self.write.write_all(&line).await
            }
            Err(error) => Err(error.into()),
        };
        if let Err(error) = sent {
            // it is about to end, or has; its exit says the rest
            tracing::debug!(%error, "a control socket took nothing");
        }
    }

    async fn obey(&mut self, request: Request) {
        match request {
            Request::Settings {
                settings,
                from_defaults,
                reply,
            } => {
                let id = self.next_id;
                self.next_id += 1;
                // answers that nobody waits for any more
                self.pending.retain(|_, reply| !reply.is_closed());
                self.pending.insert(id, reply);
                let command = if from_defaults {
                    Command::Replace { id, settings }
                } else {
                    Command::Set { id, settings }
                };
                self.tell(&command).await;
            }
            Request::Pause(pause) => {
                self.signal(if pause { Signal::STOP } else { Signal::CONT });
            }
            Request::Crash => self.kill_group(),
            Request::MemoryLimit(mib) => {
                self.memory_mib = mib;
                self.weigh();
            }
            Request::Stop(within) => {
                // one that stands still hears nothing
                self.signal(Signal::CONT);
                if self.sentence == Sentence::None {
                    self.sentence = Sentence::Stop;
                }
                self.kill_at.get_or_insert(Instant::now() + within);
                self.tell(&Command::Stop).await;
            }
        }
    }

    fn hear(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        match serde_json::from_slice(line) {
            Ok(Event::Ready { port }) => {
                self.stage.send_replace(Stage::Ready(port));
            }
            Ok(Event::Failed { reason }) => {
                self.stage.send_replace(Stage::Failed(reason));
            }
            Ok(Event::Applied { id }) => self.answer(id, Ok(())),
            Ok(Event::Refused { id, reason }) => self.answer(id, Err(reason)),
            Err(error) => {
                tracing::warn!(%error, "a service said something unknown on its control socket")
            }
        }
    }

    fn answer(&mut self, id: u64, answer: Result<(), String>) {
        if let Some(reply) = self.pending.remove(&id) {
            // whoever asked may have given up
            let _ = reply.send(answer);
        }
    }

    fn weigh(&mut self) {
        let Some(pid) = self.pid else { return };
        let Some(resident) = memory::resident_bytes(pid) else {
            return;
        };
        if resident > self.memory_mib * 1024 * 1024 && self.sentence == Sentence::None {
            self.kill(Sentence::MemoryLimit(self.memory_mib));
        }
    }

    fn kill(&mut self, sentence: Sentence) {
        self.sentence = sentence;
        self.kill_group();
        // the group is gone already when its leader is; the leader itself is waited for
        let _ = self.child.start_kill();
    }

    fn kill_group(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid {
            // the group is gone when all its processes are
            let _ = kill_process_group(pid, signal);
        }
    }
}

impl Drop for Keeper {
    /// Only matters when the runtime goes down before the process has ended.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill_group();
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
