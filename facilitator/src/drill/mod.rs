//! One drill from start to end: owns clock, telemetry, lab, journal, folder and server, and the tasks
//! between them. It wires; what happens at each place is decided there.

mod doors;
mod events;
mod handle;
mod instruments;
mod rules;
mod shop;
mod sight;
mod start;
mod time;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use api::{Debrief, DrillView};
pub use events::{DrillEvent, Events};
pub use handle::Handle;
pub use rules::RulesUnusable;
use scenarios::plan::Plan;
use simulator::{LabError, lab::Lab};
use telemetry::{Telemetry, alerts::notify::Webhook, forward::ForwardConfig};
use tokio::task::JoinSet;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{desk::Desk, server::BindError};

/// How a drill is to be started.
#[derive(Debug, Clone)]
pub struct DrillOptions {
    /// What to drill.
    pub plan: Arc<Plan>,
    /// Where the HTTP API listens; loopback and a free port when none is given.
    pub bind: Option<SocketAddr>,
    /// Web pages that a browser lets read the telemetry APIs; none are when none is given.
    pub cors: Option<telemetry::Origins>,
    /// Where OTLP over gRPC is taken; loopback and a free port when none is given.
    pub otlp_grpc: Option<SocketAddr>,
    /// Where all telemetry is forwarded to, if anywhere. When that is the drill itself nothing is forwarded.
    pub forward: Option<ForwardConfig>,
    /// Who is told when alerts fire and are resolved, from when time runs at its own pace on.
    pub webhooks: Vec<Webhook>,
    /// Where drill folders and the history lie; none records nothing.
    pub logs_dir: Option<PathBuf>,
    /// Whether the trainee chose the scenario, and may be shown its name.
    pub chosen_by_trainee: bool,
    /// `postgres://` URL for the services' databases; SQLite without it.
    pub database_url: Option<String>,
    /// Where the links of the lab stand under Toxiproxy's control API; nowhere when none is given, since that API knows no key.
    pub toxiproxy: Option<SocketAddr>,
    /// What opens the instructor's routes; drawn when none is given.
    pub instructor_key: Option<String>,
    /// What is executed for each service, with its arguments; the running program with `service` when
    /// none is given.
    pub executable: Option<(PathBuf, Vec<String>)>,
}

impl DrillOptions {
    /// A drill of this plan on loopback and free ports, which is neither recorded nor told of.
    #[must_use]
    pub const fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            bind: None,
            cors: None,
            otlp_grpc: None,
            forward: None,
            webhooks: Vec::new(),
            logs_dir: None,
            chosen_by_trainee: false,
            database_url: None,
            toxiproxy: None,
            instructor_key: None,
            executable: None,
        }
    }
}

/// Why a drill cannot start. Nothing is left running then.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The API cannot listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The lab did not start.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The scenario's rules cannot be used.
    #[error(transparent)]
    Rules(#[from] RulesUnusable),
    /// The system does not say which program runs.
    #[error("cannot find the running program to start services from")]
    Executable(#[source] std::io::Error),
}

/// A running drill. End it with [`Drill::shutdown`]; dropped without, its processes are killed.
pub struct Drill {
    desk: Arc<Desk>,
    lab: Arc<Lab>,
    telemetry: Telemetry,
    api_url: String,
    otlp_grpc_url: String,
    forward_url: Option<String>,
    toxiproxy_url: Option<String>,
    /// By which others on this machine find it while it runs.
    handle: parking_lot::Mutex<Option<Handle>>,
    cancel: CancellationToken,
    tasks: parking_lot::Mutex<JoinSet<()>>,
    proofs: TaskTracker,
    ready_after: Duration,
}

impl Drill {
    /// Where it stands, as its trainee may see it.
    #[must_use]
    pub fn view(&self) -> DrillView {
        self.desk.view()
    }

    /// What happens, from the very beginning.
    #[must_use]
    pub fn events(&self) -> Events {
        Events::new(self.desk.clone())
    }

    /// Base URL of the HTTP API.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// Base URL of OTLP over gRPC.
    #[must_use]
    pub fn otlp_grpc_url(&self) -> &str {
        &self.otlp_grpc_url
    }

    /// Base URL of the collector that everything is forwarded to, if there is one.
    #[must_use]
    pub fn forward_url(&self) -> Option<&str> {
        self.forward_url.as_deref()
    }

    /// What opens the instructor's routes.
    #[must_use]
    pub fn instructor_key(&self) -> &str {
        self.desk.instructor_key()
    }

    /// Base URL of Toxiproxy's control API over the lab's links, where that was asked for.
    #[must_use]
    pub fn toxiproxy_url(&self) -> Option<&str> {
        self.toxiproxy_url.as_deref()
    }

    /// From the call of start to all services ready, wall time.
    #[must_use]
    pub const fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Its desk: everything that the API can do, for the same process.
    #[must_use]
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Its lab.
    #[must_use]
    pub fn lab(&self) -> &Arc<Lab> {
        &self.lab
    }

    /// Its telemetry.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Ends the drill and answers with the debrief; the lab goes on until [`Drill::shutdown`].
    pub async fn finish(&self, how: &str) -> Debrief {
        self.desk.finish(how).await
    }

    /// Ends the drill if it has not ended, stops every process and task, and closes what is recorded.
    /// When this returns nothing of the drill runs. Doing it again does nothing.
    pub async fn shutdown(&self) {
        self.desk.finish("it was shut down").await;
        drop(self.handle.lock().take());
        self.lab.shutdown().await;
        self.cancel.cancel();
        self.proofs.close();
        self.proofs.wait().await;
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        while tasks.join_next().await.is_some() {}
        self.desk.close_archive().await;
        let telemetry = self.telemetry.clone();
        let stopped = tokio::task::spawn_blocking(move || telemetry.stop_recording()).await;
        if let Err(error) = stopped {
            tracing::error!(%error, "the recording was not closed");
        }
    }
}
