//! Live injection: any mechanism of the vocabulary, at any service or link of a running lab, by its
//! instructor. Every injection ends by its time, by being healed, when its lease runs out, or with the
//! lab; it is journalled with who and why, and never part of the answer.
//!
//! What a mechanism does is said in the vocabulary; here it is put into force and taken back.

mod flows;
mod force;
mod life;
mod order;
mod rail;
mod register;
mod scripts;

use std::{sync::Arc, time::Duration};

use api::{ChaosPreview, InjectionView, MechanismView, ParameterView};
use scenarios::vocabulary::{
    FAMILIES, Mechanism, NO_FAULT,
    act::Act,
    aim::{Aim, Link},
};
use tokio::sync::oneshot;

use super::{Core, Lab};
use crate::{LabError, journal::Event, proxy::Proxies};

pub(super) use force::{heal_all, put_all};
pub use order::{ChaosError, ChaosOrder};
use rail::{Cost, Host};
pub use register::MOST_INJECTIONS;
pub(super) use register::Register;
use register::{Entry, shown_act};
pub(super) use scripts::{adopted, journal as journal_scripts};

/// How long whoever heals waits for an injection to be gone; it goes on healing after that. A service that is just being
/// rolled out is healed when that has ended.
const HEALED_WITHIN: Duration = Duration::from_secs(5);
/// Pause between two looks at an injection that is being healed.
const LOOK: Duration = Duration::from_millis(5);

impl Lab {
    /// What can be injected in this lab, and where.
    #[must_use]
    pub fn mechanisms(&self) -> Vec<MechanismView> {
        let mut views = mechanisms();
        for view in &mut views {
            let Some(mechanism) = scenarios::vocabulary::mechanism(&view.id) else {
                continue;
            };
            let here = mechanism
                .aims
                .all()
                .filter(|aim| self.core.is_here(mechanism, *aim));
            view.at = here.map(|aim| aim.to_string()).collect();
        }
        views
    }

    /// What an injection would do, and whether the lab would refuse it now.
    ///
    /// # Errors
    /// When it makes no sense in this lab.
    pub fn preview(&self, order: &ChaosOrder) -> Result<ChaosPreview, ChaosError> {
        let acts = self.core.acts_here(order)?;
        let instances = self.core.supervisor.views();
        let hit = |service: &str| {
            acts.iter()
                .any(|act| hits(act).contains(&service.to_owned()))
        };
        Ok(ChaosPreview {
            mechanism: order.mechanism.id.to_owned(),
            definition: order.mechanism.definition.to_owned(),
            at: order.aim.to_string(),
            values: order.values.json(),
            hits: instances
                .iter()
                .filter(|instance| hit(&instance.name))
                .map(|instance| instance.instance.clone())
                .collect(),
            ends: order.lasting.map_or_else(
                || "when it is healed, or with the drill".to_owned(),
                |lasting| {
                    format!(
                        "after {:.0} s, when it is healed, or with the drill",
                        lasting.as_secs_f64()
                    )
                },
            ),
            refused: self
                .core
                .rail(&acts, &self.core.chaos.all())
                .err()
                .map(|error| error.to_string()),
            acts: acts.iter().map(shown_act).collect(),
        })
    }

    /// Injects. Answers when it is in force, or scheduled.
    ///
    /// # Errors
    /// When it cannot be; then nothing of it is in force.
    pub async fn inject(&self, order: ChaosOrder) -> Result<InjectionView, ChaosError> {
        let core = &self.core;
        let acts = core.acts_here(&order)?;
        let present = order.acts(1.0).iter().map(|act| core.has(act)).collect();
        let now_ms = core.floor.clock.now_ms();
        let entry = core
            .chaos
            .add(&order, present, now_ms, |others| core.rail(&acts, others))?;
        core.floor.journal.append(
            now_ms,
            Event::Chaos {
                what: order.says(),
                by: order.by.clone(),
                why: order.why.clone(),
                injection: Some(entry.id()),
            },
        );
        let later = !order.after.is_zero();
        let (started, start) = oneshot::channel();
        core.loose
            .spawn(life::live(core.clone(), order, entry.clone(), started));
        if later {
            return Ok(entry.view());
        }
        start.await.unwrap_or(Err(LabError::Down))?;
        Ok(entry.view())
    }

    /// All injections so far, oldest first.
    #[must_use]
    pub fn injections(&self) -> Vec<InjectionView> {
        self.core
            .chaos
            .all()
            .iter()
            .map(|entry| entry.view())
            .collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// When there is none of this number.
    pub fn injection(&self, id: u32) -> Result<InjectionView, ChaosError> {
        Ok(self.core.chaos.get(id)?.view())
    }

    /// Heals one. Answers when it is gone; healing one that is over changes nothing.
    ///
    /// # Errors
    /// When there is none of this number.
    pub async fn heal(&self, id: u32, by: &str) -> Result<InjectionView, ChaosError> {
        let entry = self.core.chaos.get(id)?;
        entry.heal(format!("healed by {by}"));
        gone(std::slice::from_ref(&entry)).await;
        Ok(entry.view())
    }

    /// Heals everything at once. Answers with what was in force, as it is now.
    pub async fn stop_everything(&self, by: &str) -> Vec<InjectionView> {
        let mut entries = self.core.chaos.all();
        entries.retain(|entry| !entry.view().state.is_over());
        for entry in &entries {
            entry.heal(format!("everything was stopped by {by}"));
        }
        gone(&entries).await;
        self.core.stop_scripts(by).await;
        entries.iter().map(|entry| entry.view()).collect()
    }

    /// The links under Toxiproxy's control API. What is done there is journalled; [`Lab::stop_everything`] ends it, too.
    #[must_use]
    pub fn scripts(&self) -> Arc<Proxies> {
        self.core.scripts.clone()
    }

    /// Renews the lease of one.
    ///
    /// # Errors
    /// When there is none of this number, it has no lease, or it is over.
    pub fn renew(&self, id: u32) -> Result<InjectionView, ChaosError> {
        let entry = self.core.chaos.get(id)?;
        entry.renew()?;
        Ok(entry.view())
    }
}

/// Waits until all are over, but not for ever.
async fn gone(entries: &[Arc<Entry>]) {
    let all = async {
        while entries.iter().any(|entry| !entry.view().state.is_over()) {
            tokio::time::sleep(LOOK).await;
        }
    };
    // what takes longer is shown as healing
    let _ = tokio::time::timeout(HEALED_WITHIN, all).await;
}

/// Every mechanism that can be injected, without a lab.
#[must_use]
pub fn mechanisms() -> Vec<MechanismView> {
    let view = |family: &'static str, mechanism: &'static Mechanism| MechanismView {
        id: mechanism.id.to_owned(),
        family: family.to_owned(),
        definition: mechanism.definition.to_owned(),
        also_called: mechanism
            .also_called
            .iter()
            .map(|word| (*word).to_owned())
            .collect(),
        heals: mechanism.heals.to_owned(),
        aims: mechanism.aims.words(),
        at: Vec::new(),
        parameters: mechanism
            .parameters
            .iter()
            .map(|one| ParameterView {
                id: one.id.to_owned(),
                unit: one.unit.to_owned(),
                bounds: one.bounds(),
                default: one.default(),
                definition: one.definition.to_owned(),
                ramps: one.ramps_from.is_some(),
            })
            .collect(),
    };
    FAMILIES
        .iter()
        .flat_map(|family| family.mechanisms.iter().map(|one| view(family.id, one)))
        .filter(|view| view.id != NO_FAULT)
        .collect()
}

/// The services whose processes an act touches.
fn hits(act: &Act) -> Vec<String> {
    match act {
        Act::Toxic { link, .. } => match link {
            Link::Call { from, to } => vec![from.to_string(), to.to_string()],
            Link::Door(of) | Link::Database(of) => vec![of.to_string()],
        },
        _ => vec![act.at()],
    }
}

impl Core {
    /// Whether what an act acts on is part of this lab.
    fn has(&self, act: &Act) -> bool {
        match act {
            Act::Toxic { link, .. } => self.floor.network.on(*link).is_ok(),
            Act::Load { .. } => true,
            Act::Set { service, .. }
            | Act::Drift { service, .. }
            | Act::Release { service, .. }
            | Act::Kill { service }
            | Act::Restart { service }
            | Act::Pause { service }
            | Act::MemoryLimit { service, .. } => self.supervisor.desired(*service).is_ok(),
        }
    }

    /// Whether a mechanism can be aimed there in this lab.
    fn is_here(&self, mechanism: &'static Mechanism, aim: Aim) -> bool {
        let Ok(values) = mechanism.values(&serde_json::Map::new()) else {
            return false;
        };
        mechanism
            .acts(aim, &values, 1.0)
            .is_ok_and(|acts| self.of_those(aim, acts).is_ok())
    }

    /// The acts of an order that there are in this lab.
    fn acts_here(&self, order: &ChaosOrder) -> Result<Vec<Act>, LabError> {
        self.of_those(order.aim, order.acts(1.0))
    }

    /// Those that there are in this lab. Of the links to a service some may be missing; of anything else nothing may.
    fn of_those(&self, aim: Aim, acts: Vec<Act>) -> Result<Vec<Act>, LabError> {
        let (here, missing): (Vec<_>, Vec<_>) = acts.into_iter().partition(|act| self.has(act));
        let may_miss = |act: &Act| {
            matches!((aim, act), (Aim::Service(_), Act::Toxic { .. })) && !here.is_empty()
        };
        match missing.into_iter().find(|act| !may_miss(act)) {
            None => Ok(here),
            Some(Act::Toxic { link, .. }) => Err(match (aim, self.floor.network.on(link)) {
                (Aim::Service(service), _) => LabError::NoService {
                    service: service.to_string(),
                },
                (_, Err(error)) => error,
                (_, Ok(_)) => LabError::Down,
            }),
            Some(act) => Err(LabError::NoService { service: act.at() }),
        }
    }

    /// Whether this machine has enough left beside what others take.
    fn rail(&self, acts: &[Act], others: &[Arc<Entry>]) -> Result<(), ChaosError> {
        let processes = |act: &Act| {
            let views = self.supervisor.views();
            let of_it = views.iter().filter(|view| view.name == act.at()).count();
            u32::try_from(of_it).unwrap_or(u32::MAX).max(1)
        };
        let used = others
            .iter()
            .filter_map(|entry| entry.cost(processes))
            .fold(Cost::default(), |all, one| all + one);
        Host::this().allows(used, Cost::of(acts, processes))
    }
}
