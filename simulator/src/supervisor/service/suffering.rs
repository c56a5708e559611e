//! What chaos does to a service's processes, carried out: each harm is put into force, replaced or
//! taken back in the processes that run, and those to come are born with what is in force then.

use std::mem::discriminant;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Heal, Keeper, STOP_WITHIN};
use crate::{
    LabError,
    supervisor::harm::{Harm, HarmId},
};

impl Keeper {
    /// Puts a harm into force, or another one in its place. When it cannot be, nothing has changed.
    pub(super) async fn suffer(&mut self, id: HarmId, harm: Harm) -> Result<String, LabError> {
        let before = self.harms.put(id, harm.clone());
        let grown = before
            .as_ref()
            .is_some_and(|before| discriminant(before) == discriminant(&harm));
        let Err(error) = self.follow(&harm, grown).await else {
            return Ok(format!("{}: harmed", self.role));
        };
        match before {
            Some(before) => drop(self.harms.put(id, before)),
            None => drop(self.harms.take(id)),
        }
        if let Err(error) = self.follow(&harm, grown).await {
            tracing::warn!(%error, service = %self.role, "a harm that failed was not taken back at once");
        }
        Err(error)
    }

    /// Takes a harm back. One that is not there is no error: it is healed already.
    pub(super) async fn heal(
        &mut self,
        (id, reply): Heal,
        heals: &mut mpsc::Receiver<Heal>,
        cancel: &CancellationToken,
    ) {
        self.harms.take(id);
        self.converge_and_heal(vec![reply], heals, cancel).await;
    }

    /// Brings the processes to what is in force; what is to be healed meanwhile is taken back, too, and it begins anew.
    pub(super) async fn converge_and_heal(
        &mut self,
        mut waiting: Vec<oneshot::Sender<()>>,
        heals: &mut mpsc::Receiver<Heal>,
        cancel: &CancellationToken,
    ) {
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                Some((id, reply)) = heals.recv() => {
                    self.harms.take(id);
                    waiting.push(reply);
                }
                () = self.converge() => break,
            }
            self.put_back();
        }
        self.publish();
        for reply in waiting {
            // whoever waited may be gone
            let _ = reply.send(());
        }
    }

    /// Brings every process to what is in force now. It may be broken off at any place and begun again.
    async fn converge(&mut self) {
        self.follow_limits().await;
        self.choose_the_drifted();
        let told = self.tell_settings().await;
        let mut running = self.instances.iter().enumerate();
        let stale = running
            .any(|(index, one)| one.process.is_some() && one.version != self.version_of(index));
        let done = match told {
            Ok(()) if stale => self.renew().await,
            done => done,
        };
        if let Err(error) = done {
            tracing::warn!(%error, service = %self.role, "its processes start again, as they did not hear that they are healed");
            // a failure to stop is told of by whoever starts it again
            let _ = self.bounce().await;
        }
    }

    /// Lets the processes stand still or go on, and limits their memory, as is in force now.
    pub(super) async fn follow_limits(&self) {
        let pauses = self.harms.pauses();
        let mib = self.harms.memory_mib(self.memory_mib);
        for process in self.instances.iter().filter_map(|one| one.process.as_ref()) {
            process.pause(pauses).await;
            process.limit_memory(mib).await;
        }
    }

    /// Brings the processes to what is in force, after a harm of this kind came, changed (`grown`) or went.
    async fn follow(&mut self, harm: &Harm, grown: bool) -> Result<(), LabError> {
        match harm {
            Harm::Release(_) if !grown => self.renew().await,
            Harm::Settings(_) | Harm::Release(_) => self.tell_settings().await,
            Harm::Drift(_) => {
                self.choose_the_drifted();
                self.tell_settings().await
            }
            Harm::Pause | Harm::MemoryLimit(_) => {
                self.follow_limits().await;
                if !self.harms.pauses() && std::mem::take(&mut self.unheard) {
                    return self.tell_settings().await;
                }
                Ok(())
            }
        }
    }

    /// Tells every process the settings in force. One that is being started begins again: it may be waiting for what they end.
    pub(super) async fn tell_settings(&mut self) -> Result<(), LabError> {
        if self.harms.pauses() {
            self.unheard = true;
            return Ok(());
        }
        self.unheard = false;
        let told = self
            .instances
            .iter()
            .enumerate()
            .filter_map(|(index, instance)| {
                Some(instance.process.as_ref()?.replace(self.settings_of(index)))
            });
        let told = futures_util::future::join_all(told).await;
        for name in self.starts.instances() {
            if let Some(index) = self.instances.iter().position(|one| one.name == name) {
                self.begin_aside(index);
            }
        }
        told.into_iter().collect()
    }

    /// The newest process drifts while there is a drift; a process born later does not.
    fn choose_the_drifted(&mut self) {
        let drifts = self.harms.drifts();
        let chosen = self.instances.iter().any(|one| one.drifted);
        for instance in &mut self.instances {
            instance.drifted &= drifts;
        }
        if drifts
            && !chosen
            && let Some(newest) = self
                .instances
                .iter_mut()
                .rev()
                .find(|one| one.process.is_some())
        {
            newest.drifted = true;
        }
    }

    /// One process ends as by a crash.
    pub(super) async fn crash(&mut self) -> Result<String, LabError> {
        let running = self
            .instances
            .iter()
            .find_map(|one| one.process.as_ref().map(|process| (&one.name, process)));
        match running {
            Some((name, process)) => {
                process.crash().await;
                Ok(format!("{name} killed"))
            }
            None => Ok(format!("{}: no process runs", self.role)),
        }
    }

    /// Stops every process and begins to start it again. One that is being started begins again.
    pub(super) async fn bounce(&mut self) -> Result<String, LabError> {
        for index in 0..self.instances.len() {
            if let Some(process) = self.instances[index].process.take() {
                self.instances[index].state = "stopping";
                self.publish();
                let reason = process.stop(STOP_WITHIN).await;
                self.record(&self.instances[index].name, reason);
                self.instances[index].exit = Some(reason.to_string());
            }
            self.revive(index);
        }
        Ok(format!("{}: restarting", self.role))
    }
}
