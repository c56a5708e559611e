//! Carrying out effects for real: by a service, a proxy, the load or the alert engine.

use std::sync::Arc;

use scenarios::{effect::Effect, span::Span, vocabulary::act::Act};
use tokio_util::sync::CancellationToken;

use super::{
    Core,
    chaos::{heal_all, put_all},
};
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
                let change = Order::Change(effect.clone());
                self.supervisor.order(*service, change).await
            }
            Effect::Restart { service } => self.supervisor.order(*service, Order::Restart).await,
            Effect::Load(change) => {
                self.load.patch(*change).await;
                Ok("the load changes".to_owned())
            }
            Effect::Inject {
                mechanism,
                at,
                values,
                lasting,
            } => {
                let mechanism = mechanism.mechanism();
                let acts = mechanism
                    .values(&values.0)
                    .and_then(|values| mechanism.acts(*at, &values, 1.0))
                    .map_err(|unfit| LabError::Unfit(unfit.to_string()))?;
                self.harm(mechanism.id, &acts, *lasting, chaos).await?;
                let lasting = lasting.map_or_else(String::new, |span| format!(" for {span}"));
                Ok(format!("{} at {at}{lasting}", mechanism.id))
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

    /// Puts acts into force, for a span of drill time or until `chaos` is healed.
    async fn harm(
        self: &Arc<Self>,
        name: &str,
        acts: &[Act],
        lasting: Option<Span>,
        chaos: &Chaos,
    ) -> Result<(), LabError> {
        let mut forces = Vec::new();
        if let Err(error) = put_all(self, name, acts, &mut forces).await {
            heal_all(forces).await;
            return Err(error);
        }
        let until_ns = lasting.map(|lasting| {
            self.floor
                .clock
                .now_ns()
                .saturating_add(lasting.millis().saturating_mul(1_000_000))
        });
        let (core, healed) = (self.clone(), chaos.0.clone());
        self.loose.spawn(async move {
            tokio::select! {
                () = expiry(&core, until_ns) => {}
                () = healed.cancelled() => {}
                () = core.cancel.cancelled() => {}
            }
            for trouble in heal_all(forces).await {
                tracing::debug!(trouble, "an effect was not taken back");
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
