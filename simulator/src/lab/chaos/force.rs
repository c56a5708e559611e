//! Acts in force: each is a guard that takes its act back when it is healed, or dropped.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use scenarios::{shop::Role, vocabulary::act::Act};

use crate::{
    LabError,
    lab::Core,
    proxy::Poisoned,
    supervisor::{Harm, HarmId, Order},
};

/// Names for harms and surges, each used once in a process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// An act that is in force as long as this lives.
pub(in crate::lab) struct Force {
    core: Arc<Core>,
    holds: Holds,
}

enum Holds {
    /// A toxic; it goes with its own guard.
    Toxic(Poisoned),
    /// A harm of a service.
    Harm(Role, HarmId),
    /// A surge of the load.
    Surge(u64),
    /// What is done once and leaves nothing to take back.
    Nothing,
}

impl Force {
    /// Puts an act into force.
    ///
    /// # Errors
    /// When it cannot be; then nothing of it is in force.
    pub(in crate::lab) async fn put(
        core: &Arc<Core>,
        name: &str,
        act: &Act,
    ) -> Result<Self, LabError> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let holds = match act {
            Act::Toxic {
                link,
                stream,
                toxicity,
                toxic,
            } => Holds::Toxic(core.floor.network.on(*link)?.poison(
                name,
                *stream,
                *toxicity,
                toxic.clone(),
            )),
            Act::Kill { service } => {
                core.supervisor.order(*service, Order::Crash).await?;
                Holds::Nothing
            }
            Act::Restart { service } => {
                core.supervisor.order(*service, Order::Bounce).await?;
                Holds::Nothing
            }
            Act::Load { factor } => {
                core.load.surge(number, Some(*factor)).await;
                Holds::Surge(number)
            }
            harmful => {
                let (service, harm) = harm_of(harmful);
                let id = HarmId(number);
                core.supervisor
                    .order(service, Order::Harm(id, harm))
                    .await?;
                Holds::Harm(service, id)
            }
        };
        Ok(Self {
            core: core.clone(),
            holds,
        })
    }

    /// Puts the same act, stronger or weaker, in its place.
    pub(in crate::lab) async fn change(&self, act: &Act) -> Result<(), LabError> {
        match (&self.holds, act) {
            (Holds::Toxic(poisoned), Act::Toxic { toxic, .. }) => poisoned.update(toxic.clone()),
            (Holds::Surge(number), Act::Load { factor }) => {
                self.core.load.surge(*number, Some(*factor)).await;
            }
            (Holds::Harm(service, id), act) => {
                let (_, harm) = harm_of(act);
                let order = Order::Harm(*id, harm);
                self.core.supervisor.order(*service, order).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes it back and waits until that is done.
    pub(in crate::lab) async fn heal(mut self) -> Result<(), LabError> {
        match std::mem::replace(&mut self.holds, Holds::Nothing) {
            Holds::Harm(service, id) => self.core.supervisor.heal(service, id).await,
            Holds::Surge(number) => {
                self.core.load.surge(number, None).await;
                Ok(())
            }
            // dropped on the way out
            Holds::Toxic(_) | Holds::Nothing => Ok(()),
        }
    }
}

impl Drop for Force {
    fn drop(&mut self) {
        match self.holds {
            Holds::Harm(service, id) => {
                let core = self.core.clone();
                // with the lab its processes end, and this task with them
                self.core.loose.spawn(async move {
                    let healed = core.supervisor.heal(service, id).await;
                    if let Err(error) = healed {
                        tracing::debug!(%error, "a harm was not healed: the lab is down");
                    }
                });
            }
            Holds::Surge(number) => self.core.load.calm_now(number),
            Holds::Toxic(_) | Holds::Nothing => {}
        }
    }
}

/// The service that an act harms, and how.
fn harm_of(act: &Act) -> (Role, Harm) {
    match act {
        Act::Set { service, settings } => (*service, Harm::Settings(settings.clone())),
        Act::Drift { service, settings } => (*service, Harm::Drift(settings.clone())),
        Act::Release { service, settings } => (*service, Harm::Release(settings.clone())),
        Act::Pause { service } => (*service, Harm::Pause),
        Act::MemoryLimit { service, mib } => (*service, Harm::MemoryLimit(*mib)),
        Act::Toxic { .. } | Act::Kill { .. } | Act::Restart { .. } | Act::Load { .. } => {
            unreachable!("these are no harms of a service; who asks has seen to them")
        }
    }
}

/// Puts acts into force, one after another, into `forces`. Dropped before its end it leaves those there that are in force, and
/// what was just being done is taken back.
///
/// # Errors
/// When one cannot be; those before it are in `forces`.
pub(in crate::lab) async fn put_all(
    core: &Arc<Core>,
    name: &str,
    acts: &[Act],
    forces: &mut Vec<Force>,
) -> Result<(), LabError> {
    for act in acts {
        forces.push(Force::put(core, name, act).await?);
    }
    Ok(())
}

/// Takes all back, side by side. Answers with what went wrong; nothing stays in force for that.
pub(in crate::lab) async fn heal_all(forces: Vec<Force>) -> Vec<String> {
    let healed = futures_util::future::join_all(forces.into_iter().map(Force::heal)).await;
    healed
        .into_iter()
        .filter_map(|healed| healed.err().map(|error| error.to_string()))
        .collect()
}
