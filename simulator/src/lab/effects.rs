//! Carrying out effects for real: by a service, a proxy, the load or the alert engine.

use std::sync::Arc;

use scenarios::{
    effect::Effect,
    shop::Role,
    span::Span,
    toxic::{Latency, Partition, Stream, Toxic, Toxicity},
};
use tokio_util::sync::CancellationToken;

use super::Core;
use crate::{LabError, supervisor::Order};

/// Chaos that belongs together: of one remedy, one timeline event or one proof. Each toxic ends by its duration, with this,
/// or with the lab, whatever comes first.
#[derive(Debug, Default)]
pub(super) struct Chaos(CancellationToken);

impl Chaos {
    /// Heals all of it.
    pub(super) fn heal(&self) {
        self.0.cancel();
    }
}

impl Core {
    /// Carries out one effect and answers with what was done, in words. Toxics become part of `chaos`.
    pub(super) async fn carry_out(
        self: &Arc<Self>,
        effect: &Effect,
        chaos: &Chaos,
    ) -> Result<String, LabError> {
        match effect {
            Effect::Deploy { service, .. }
            | Effect::Configure { service, .. }
            | Effect::Scale { service, .. } => {
                let next = self.supervisor.desired(*service)?.after(effect);
                self.supervisor.order(*service, Order::Become(next)).await
            }
            Effect::Restart { service } => self.supervisor.order(*service, Order::Restart).await,
            Effect::Load(change) => {
                self.load.patch(*change).await;
                Ok("the load changes".to_owned())
            }
            Effect::Partition { from, to, lasting } => {
                let cut = Partition {}.into();
                self.poison(*from, *to, Stream::Both, cut, Some(*lasting), chaos)?;
                Ok(format!("{from} → {to}: cut for {lasting}"))
            }
            Effect::Delay {
                from,
                to,
                delay_ms,
                jitter_ms,
                lasting,
            } => {
                let latency = Latency {
                    latency_ms: *delay_ms,
                    jitter_ms: *jitter_ms,
                };
                let down = Stream::Downstream;
                self.poison(*from, *to, down, latency.into(), *lasting, chaos)?;
                Ok(format!("{from} → {to}: {delay_ms} ms later"))
            }
            Effect::TuneAlert { alert, expr, hold } => {
                self.floor
                    .instruments
                    .tune_alert(alert, expr.as_deref(), hold.map(Span::duration))
                    .map_err(|reason| LabError::Alert {
                        alert: alert.clone(),
                        reason,
                    })?;
                Ok(format!("alert {alert}: rule changed"))
            }
        }
    }

    /// Puts a toxic on a link, for a span of drill time or until `chaos` is healed.
    fn poison(
        self: &Arc<Self>,
        from: Role,
        to: Role,
        stream: Stream,
        toxic: Toxic,
        lasting: Option<Span>,
        chaos: &Chaos,
    ) -> Result<(), LabError> {
        let link = self.floor.network.link(from, to)?;
        let name = format!("{}_{stream}", toxic.kind());
        let poisoned = link.poison(&name, stream, Toxicity::ALL, toxic);
        let until_ns = lasting.map(|lasting| {
            self.floor
                .clock
                .now_ns()
                .saturating_add(lasting.millis().saturating_mul(1_000_000))
        });
        let (core, healed) = (self.clone(), chaos.0.clone());
        self.loose.spawn(async move {
            let _poisoned = poisoned;
            tokio::select! {
                () = expiry(&core, until_ns) => {}
                () = healed.cancelled() => {}
                () = core.cancel.cancelled() => {}
            }
        });
        Ok(())
    }
}

async fn expiry(core: &Core, until_ns: Option<i64>) {
    match until_ns {
        Some(until_ns) => core.floor.clock.sleep_until(until_ns).await,
        None => std::future::pending().await,
    }
}
