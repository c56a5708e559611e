//! What a drill has open to the outside: the HTTP API and OTLP over gRPC, who may read them in a browser, and whom it tells:
//! a collector and webhooks.

use std::{sync::Arc, time::Duration};

use simulator::{
    clock::DrillClock,
    proxy::{
        Proxies,
        control::{self, Exposed},
    },
};
use telemetry::{
    Origins, Telemetry,
    alerts::notify::Webhook,
    forward::{ForwardConfig, Forwarder},
    receive::grpc,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::DrillOptions;
use crate::{
    desk::Desk,
    server::{BindError, DEFAULT_BIND, DrillServer},
};

/// Above this speed of the clock history is being made.
const LIVE_SPEED: f64 = 1.5;
/// How often the clock is looked at until it runs at its own pace.
const LIVE_PERIOD: Duration = Duration::from_millis(100);

/// The addresses that a drill listens on.
pub(super) struct Doors {
    api: DrillServer,
    otlp: DrillServer,
    scripts: Option<DrillServer>,
}

/// Who is let in, and who is told.
pub(super) struct Outside<'a> {
    pub cors: Option<&'a Origins>,
    pub forward: Option<ForwardConfig>,
    pub webhooks: Vec<Webhook>,
}

impl Doors {
    /// Takes the addresses; nobody is answered yet.
    pub async fn bind(options: &DrillOptions) -> Result<Self, BindError> {
        let api = DrillServer::bind(options.bind.unwrap_or(DEFAULT_BIND)).await?;
        let otlp = DrillServer::bind(options.otlp_grpc.unwrap_or(DEFAULT_BIND)).await?;
        let scripts = match options.toxiproxy {
            Some(address) => Some(DrillServer::bind(address).await?),
            None => None,
        };
        Ok(Self { api, otlp, scripts })
    }

    /// Base URLs of the HTTP API and of OTLP over gRPC.
    pub fn urls(&self) -> (String, String) {
        (self.api.base_url(), self.otlp.base_url())
    }

    /// Where scripts that speak Toxiproxy's API will be answered, once there is a lab.
    pub const fn scripts(&mut self) -> Option<DrillServer> {
        self.scripts.take()
    }

    /// Opens both, and begins to tell those outside; returns where everything is forwarded to.
    pub fn open(
        self,
        outside: Outside<'_>,
        (desk, telemetry, clock): (&Arc<Desk>, &Telemetry, &Arc<DrillClock>),
        tasks: &mut JoinSet<()>,
        cancel: &CancellationToken,
    ) -> Option<String> {
        // a program that joins has the same variable set as the lab: that is no collector
        let own = [self.api.address(), self.otlp.address()];
        let forward = outside.forward.and_then(|to| to.without(&own));
        let forward_url = forward.as_ref().map(ForwardConfig::endpoint);
        if let Some(forward) = forward {
            let (forwarder, forwarding) = Forwarder::new(forward);
            telemetry.forward_to(&forwarder);
            tasks.spawn(forwarding.run(cancel.clone()));
        }
        if !outside.webhooks.is_empty() {
            let work = telemetry.notify(outside.webhooks, self.api.base_url());
            let (clock, cancel) = (clock.clone(), cancel.clone());
            tasks.spawn(async move {
                until_live(&clock, &cancel).await;
                work.run(cancel).await;
            });
        }
        self.serve(outside.cors, desk, telemetry, tasks, cancel);
        forward_url
    }

    fn serve(
        self,
        cors: Option<&Origins>,
        desk: &Arc<Desk>,
        telemetry: &Telemetry,
        tasks: &mut JoinSet<()>,
        cancel: &CancellationToken,
    ) {
        let open = match cors {
            Some(origins) => origins.allow(telemetry.router()),
            None => telemetry.router(),
        };
        let serving = self.api.serve(desk.clone(), open, cancel.clone());
        tasks.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the drill's server broke down");
            }
        });
        let receiver = telemetry.receiver().clone();
        let receiving = grpc::serve(self.otlp.into_listener(), receiver, cancel.clone());
        tasks.spawn(async move {
            if let Err(error) = receiving.await {
                tracing::error!(%error, "the door for OTLP over gRPC broke down");
            }
        });
    }
}

/// Answers scripts that speak Toxiproxy's API, until cancelled.
pub(super) async fn serve_scripts(
    door: DrillServer,
    links: Arc<Proxies>,
    cancel: CancellationToken,
) {
    let exposed = Exposed {
        proxy: true,
        runtime: false,
    };
    let serving = axum::serve(door.into_listener(), control::router(links, exposed));
    if let Err(error) = serving
        .with_graceful_shutdown(cancel.cancelled_owned())
        .await
    {
        tracing::error!(%error, "the door for Toxiproxy's API broke down");
    }
}

/// Waits until history is made and time runs at its own pace: an alert of hours ago wakes nobody.
async fn until_live(clock: &DrillClock, cancel: &CancellationToken) {
    while clock.speed() > LIVE_SPEED && !cancel.is_cancelled() {
        tokio::time::sleep(LIVE_PERIOD).await;
    }
}
