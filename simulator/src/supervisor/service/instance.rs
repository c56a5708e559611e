//! One instance of a service: how it stands, how its process is started, and what can be waited for.
//! It decides nothing.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use scenarios::{control::ServiceConfig, setting::Setting};
use tokio::{
    task::{AbortHandle, JoinSet},
    time::Instant,
};

use super::super::{
    Floor,
    exit::ExitReason,
    process::{Birth, Process},
    readiness::is_ready,
};
use crate::LabError;

/// Pause between two questions whether a process is ready.
const READY_POLL: Duration = Duration::from_millis(10);
/// Pause before a process that ended by itself is started again; doubled each time, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// See [`FIRST_PAUSE`].
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
/// A process that ran for so long starts again with the first pause.
const STEADY: Duration = Duration::from_secs(30);

/// One instance: its process while it has one, and when it gets the next.
pub(super) struct Instance {
    pub name: String,
    pub version: String,
    pub process: Option<Process>,
    pub address: Option<SocketAddr>,
    pub born: Instant,
    pub restarts: u32,
    pub exit: Option<String>,
    pause: Duration,
    /// When it is to be started again.
    pub due: Option<Instant>,
    pub state: &'static str,
    /// Whether its process has drifted from what the service is to be.
    pub drifted: bool,
}

impl Instance {
    /// Without a process.
    pub(super) fn new(name: String, version: String) -> Self {
        Self {
            name,
            version,
            process: None,
            address: None,
            born: Instant::now(),
            restarts: 0,
            exit: None,
            pause: FIRST_PAUSE,
            due: None,
            state: "starting",
            drifted: false,
        }
    }

    /// Whether its process runs.
    pub(super) fn runs(&self) -> bool {
        let process = self.process.as_ref();
        process.is_some_and(|process| process.exit_watch().borrow().is_none())
    }

    /// It ended or did not start: the next time is due after a pause, longer each time.
    pub(super) fn wait_longer(&mut self) {
        self.due = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// Its process has ended.
    pub(super) fn bury(&mut self, reason: ExitReason) {
        self.process = None;
        self.exit = Some(reason.to_string());
        self.state = "exited";
        if self.born.elapsed() >= STEADY {
            self.pause = FIRST_PAUSE;
        }
        self.wait_longer();
    }
}

/// How a start went.
pub(super) type Started = Result<(Process, SocketAddr), LabError>;

/// Instances that are being started while their service goes on.
#[derive(Default)]
pub(super) struct Starts {
    tasks: JoinSet<(u64, Started)>,
    under_way: Vec<UnderWay>,
    next: u64,
}

struct UnderWay {
    number: u64,
    instance: String,
    task: AbortHandle,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // of no effect on one that has ended; with the task goes its process
        self.task.abort();
    }
}

impl Starts {
    /// Begins one; an earlier one of the same instance ends.
    pub(super) fn begin(
        &mut self,
        instance: String,
        start: impl Future<Output = Started> + Send + 'static,
    ) {
        self.forget(|other| other == instance);
        let number = self.next;
        self.next += 1;
        let task = self.tasks.spawn(async move { (number, start.await) });
        self.under_way.push(UnderWay {
            number,
            instance,
            task,
        });
    }

    /// Ends those of some instances.
    pub(super) fn forget(&mut self, which: impl Fn(&str) -> bool) {
        self.under_way.retain(|one| !which(&one.instance));
    }

    /// Instances that are being started.
    pub(super) fn instances(&self) -> Vec<String> {
        let names = self.under_way.iter().map(|one| one.instance.clone());
        names.collect()
    }

    /// Waits until one has started, or failed.
    pub(super) async fn next(&mut self) -> (String, Started) {
        while let Some(ended) = self.tasks.join_next().await {
            // one that was forgotten has been aborted, or has started all the same: then its process ends here
            let Ok((number, started)) = ended else {
                continue;
            };
            let at = self.under_way.iter().position(|one| one.number == number);
            if let Some(at) = at {
                let instance = self.under_way.swap_remove(at).instance.clone();
                return (instance, started);
            }
        }
        std::future::pending().await
    }
}

/// How long a process takes to start besides, because it is set to.
pub(super) fn start_delay(settings: &[Setting]) -> Duration {
    let delays = settings.iter().filter_map(|setting| match setting {
        Setting::StartDelayMs(ms) => Some(Duration::from_millis(*ms)),
        _ => None,
    });
    delays.sum()
}

/// Starts a process and waits until it is ready.
pub(super) async fn bear(
    floor: Arc<Floor>,
    config: ServiceConfig,
    memory_mib: u64,
    ready_within: Duration,
) -> Started {
    let birth = Birth {
        executable: &floor.outfit.executable,
        arguments: &floor.outfit.arguments,
        config,
        memory_mib,
    };
    let process = Process::start(&floor.nursery, birth, floor.instruments.clone()).await?;
    let deadline = Instant::now() + ready_within;
    let port = process.listening(ready_within).await?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    while !is_ready(&floor, address).await {
        if Instant::now() >= deadline {
            return Err(process.not_ready(ready_within));
        }
        if process.exit_watch().borrow().is_some() {
            return Err(process.ended_in_start().await);
        }
        tokio::time::sleep(READY_POLL).await;
    }
    Ok((process, address))
}

/// Waits until a process ends by itself.
pub(super) async fn ended(instances: &[Instance]) -> (usize, ExitReason) {
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
pub(super) async fn due(instances: &[Instance]) -> usize {
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
