//! The register of injections: how each stands, for whoever asks, and the strings by which it is
//! ended or kept. It carries nothing out.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::{ActView, InjectionState, InjectionView};
use parking_lot::{Mutex, RwLock};
use scenarios::vocabulary::act::Act;
use tokio::{sync::watch, time::Instant};

use super::{
    order::{ChaosError, ChaosOrder},
    rail::Cost,
};

/// Injections in force or to come at once.
pub const MOST_INJECTIONS: usize = 64;
/// Injections that are over and still listed; of more the oldest are forgotten here, never in the journal.
const MOST_LISTED: usize = 500;

/// One injection.
#[derive(Debug)]
pub(super) struct Entry {
    view: RwLock<InjectionView>,
    /// What ends it, once something does.
    heal: watch::Sender<Option<String>>,
    /// Until when it is leased.
    lease: Option<(Duration, watch::Sender<Instant>)>,
    /// What of it there is in this lab.
    present: Box<[bool]>,
    /// Its acts as a whole.
    whole: Vec<Act>,
}

impl Entry {
    pub(super) fn id(&self) -> u32 {
        self.view.read().id
    }

    pub(super) fn view(&self) -> InjectionView {
        self.view.read().clone()
    }

    /// What it takes of the machine, as long as it is not over.
    pub(super) fn cost(&self, processes: impl Fn(&Act) -> u32) -> Option<Cost> {
        let going_on = !self.view.read().state.is_over();
        going_on.then(|| Cost::of(&self.whole, processes))
    }

    pub(super) fn share(&self) -> f64 {
        self.view.read().share
    }

    /// Its acts that there are in this lab, so far into the ramp.
    pub(super) fn acts(&self, order: &ChaosOrder, share: f64) -> Vec<Act> {
        let all = order.acts(share).into_iter().zip(&self.present);
        all.filter_map(|(act, present)| present.then_some(act))
            .collect()
    }

    pub(super) fn state(&self, state: InjectionState, share: f64) {
        let mut view = self.view.write();
        view.state = state;
        view.share = share;
    }

    pub(super) fn ends(&self, ends_ms: Option<i64>) {
        self.view.write().ends_ms = ends_ms;
    }

    pub(super) fn over(&self, state: InjectionState, at_ms: i64, how: &str) {
        let mut view = self.view.write();
        view.state = state;
        view.share = 0.0;
        view.healed_ms = Some(at_ms);
        view.how = Some(how.to_owned());
    }

    pub(super) fn seen(&self, flows: bool, seen: &str) {
        let mut view = self.view.write();
        view.flows_again = Some(flows);
        view.seen = Some(seen.to_owned());
    }

    /// Asks it to end.
    pub(super) fn heal(&self, how: String) {
        self.heal.send_if_modified(|asked| {
            let first = asked.is_none();
            asked.get_or_insert(how);
            first
        });
    }

    /// Waits until it is asked to end, and says by what.
    pub(super) async fn healed(&self) -> String {
        let mut asked = self.heal.subscribe();
        let asked = asked.wait_for(Option::is_some).await;
        asked
            .ok()
            .and_then(|how| how.clone())
            .unwrap_or_else(|| "it was forgotten".to_owned())
    }

    /// Waits until nobody has renewed its lease in time; for ever without one.
    pub(super) async fn lease_ran_out(&self) {
        let Some((_, lease)) = &self.lease else {
            return std::future::pending().await;
        };
        let mut until = lease.subscribe();
        loop {
            let at = *until.borrow_and_update();
            tokio::select! {
                () = tokio::time::sleep_until(at) => return,
                _ = until.changed() => {}
            }
        }
    }

    /// Renews its lease.
    pub(super) fn renew(&self) -> Result<(), ChaosError> {
        let refused = |why| Err(ChaosError::Lease { id: self.id(), why });
        if self.view.read().state.is_over() {
            return refused("is over, there is nothing to renew");
        }
        let Some((length, lease)) = &self.lease else {
            return refused("has no lease: it stays until it is healed");
        };
        lease.send_replace(Instant::now() + *length);
        Ok(())
    }
}

/// All injections of a lab.
#[derive(Debug, Default)]
pub(in crate::lab) struct Register(Mutex<BTreeMap<u32, Arc<Entry>>>);

impl Register {
    /// Registers one.
    pub(super) fn add(
        &self,
        order: &ChaosOrder,
        present: Vec<bool>,
        now_ms: i64,
        rail: impl FnOnce(&[Arc<Entry>]) -> Result<(), ChaosError>,
    ) -> Result<Arc<Entry>, ChaosError> {
        let mut entries = self.0.lock();
        // under the lock, or two at once would both find room
        rail(&entries.values().cloned().collect::<Vec<_>>())?;
        let going_on = |entry: &Arc<Entry>| !entry.view.read().state.is_over();
        if entries.values().filter(|entry| going_on(entry)).count() >= MOST_INJECTIONS {
            return Err(ChaosError::Many(MOST_INJECTIONS));
        }
        while entries.len() >= MOST_LISTED {
            let Some(oldest) = entries.iter().find(|(_, entry)| !going_on(entry)) else {
                break;
            };
            let oldest = *oldest.0;
            entries.remove(&oldest);
        }
        let id = entries.keys().next_back().map_or(1, |last| last + 1);
        let all = order.acts(1.0).into_iter().zip(&present);
        let whole: Vec<_> = all
            .filter_map(|(act, present)| present.then_some(act))
            .collect();
        let view = InjectionView {
            id,
            mechanism: order.mechanism.id.to_owned(),
            at: order.aim.to_string(),
            values: order.values.json(),
            state: if order.after.is_zero() {
                InjectionState::Starting
            } else {
                InjectionState::Scheduled
            },
            share: 0.0,
            acts: whole.iter().map(shown_act).collect(),
            by: order.by.clone(),
            why: order.why.clone(),
            asked_ms: now_ms,
            ends_ms: None,
            healed_ms: None,
            how: None,
            flows_again: None,
            seen: None,
        };
        let lease = order
            .lease
            .map(|length| (length, watch::channel(Instant::now() + length).0));
        let entry = Arc::new(Entry {
            view: RwLock::new(view),
            heal: watch::channel(None).0,
            lease,
            present: present.into_boxed_slice(),
            whole,
        });
        entries.insert(id, entry.clone());
        Ok(entry)
    }

    /// One of them.
    pub(super) fn get(&self, id: u32) -> Result<Arc<Entry>, ChaosError> {
        let entries = self.0.lock();
        entries
            .get(&id)
            .cloned()
            .ok_or_else(|| ChaosError::NoInjection {
                id,
                known: entries.keys().copied().collect(),
            })
    }

    /// All that are listed, oldest first.
    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.0.lock().values().cloned().collect()
    }
}

/// An act as it is shown.
pub(super) fn shown_act(act: &Act) -> ActView {
    ActView {
        at: act.at(),
        does: act.says(),
    }
}
