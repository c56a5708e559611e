//! What chaos does to a service's processes, carried out: each harm is put into force, replaced or
//! taken back in the processes that run, and those to come are born with what is in force then.

use std::mem::discriminant;

use super::{Keeper, STOP_WITHIN};
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
    pub(super) async fn heal(&mut self, id: HarmId) -> Result<String, LabError> {
        if let Some(harm) = self.harms.take(id)
            && let Err(error) = self.follow(&harm, false).await
        {
            tracing::warn!(%error, service = %self.role, "its processes start again, as they did not hear that they are healed");
            self.bounce().await?;
        }
        Ok(format!("{}: healed", self.role))
    }

    /// Brings the processes to what is in force, after a harm of this kind came, changed (`grown`) or went.
    async fn follow(&mut self, harm: &Harm, grown: bool) -> Result<(), LabError> {
        match harm {
            Harm::Release(_) if !grown => self.roll(&self.desired.clone()).await.map(drop),
            Harm::Settings(_) | Harm::Release(_) => self.tell_settings().await,
            Harm::Drift(_) => {
                self.choose_the_drifted();
                self.tell_settings().await
            }
            Harm::Pause => {
                let pauses = self.harms.pauses();
                let running = self.instances.iter().filter_map(|one| one.process.as_ref());
                for process in running {
                    process.pause(pauses).await;
                }
                if !pauses && std::mem::take(&mut self.unheard) {
                    return self.tell_settings().await;
                }
                Ok(())
            }
            Harm::MemoryLimit(_) => {
                let mib = self.harms.memory_mib(self.memory_mib);
                for process in self.instances.iter().filter_map(|one| one.process.as_ref()) {
                    process.limit_memory(mib).await;
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
        let all = self.harms.settings(&self.desired.settings);
        let drifted = self.harms.drifted(&self.desired.settings);
        let told = self.instances.iter().filter_map(|instance| {
            let settings = if instance.drifted { &drifted } else { &all };
            Some(instance.process.as_ref()?.replace(settings.clone()))
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
