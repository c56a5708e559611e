//! A release that is tried beside the one in force, and the one before it that stands by: what a blue-green or a canary
//! rollout is made of. Each order is short, so that meanwhile what ends by itself is started again and what is harmed is healed.
//! Who decides on shares, and by which figures, is not known here.

use std::time::Duration;

use scenarios::{effect::Effect, setting::Setting};
use tokio::time::Instant;

use super::{Instance, Keeper};
use crate::{
    LabError,
    supervisor::desired::{Desired, merged},
};

/// How long a release that was switched off stands by for a switch back: longer than it takes to see that the new one is bad,
/// and not so long that a second set of processes weighs on the machine.
const STANDBY: Duration = Duration::from_secs(120);

/// A release that is tried.
pub(super) struct Stage {
    /// What the service is to be if it is kept.
    pub next: Desired,
    /// How many of the instances are of the release in force; those behind them are of this one.
    pub old: usize,
    /// Of a hundred new connections, how many go to it.
    pub percent: u8,
}

/// A release that was switched off and still runs.
pub(super) struct Standby {
    pub desired: Desired,
    pub instances: Vec<Instance>,
    pub until: Instant,
}

/// Waits until nobody needs to be able to switch back any more.
pub(super) async fn over(standby: Option<&Standby>) {
    match standby {
        Some(standby) => tokio::time::sleep_until(standby.until).await,
        None => std::future::pending().await,
    }
}

impl Keeper {
    /// What an instance is to be.
    pub(super) fn desired_of(&self, index: usize) -> &Desired {
        match &self.stage {
            Some(stage) if index >= stage.old => &stage.next,
            _ => &self.desired,
        }
    }

    /// Settings in force in an instance.
    pub(super) fn settings_of(&self, index: usize) -> Vec<Setting> {
        let desired = &self.desired_of(index).settings;
        let drifted = self.instances.get(index).is_some_and(|one| one.drifted);
        let settings = if drifted {
            self.harms.drifted(desired)
        } else {
            self.harms.settings(desired)
        };
        let shared = self.stage.as_ref().is_some_and(|stage| stage.percent > 0);
        if shared {
            return merged(&settings, &[Setting::KeepAlive(false)]);
        }
        settings
    }

    /// Starts what the service would be after an effect beside what it is.
    pub(super) async fn stage(&mut self, effect: &Effect) -> Result<String, LabError> {
        self.settle().await;
        let next = self.desired.after(effect);
        let (old, replicas) = (self.instances.len(), self.desired.replicas);
        let version = next.version.clone();
        self.half_made = Some((self.desired.clone(), old));
        self.stage = Some(Stage {
            next,
            old,
            percent: 0,
        });
        for _ in 0..replicas {
            let mut instance = self.fresh_instance();
            instance.version.clone_from(&version);
            self.instances.push(instance);
        }
        for index in old..self.instances.len() {
            if let Err(error) = self.launch(index).await {
                self.put_back();
                self.publish();
                return Err(error);
            }
        }
        self.half_made = None;
        Ok(format!(
            "{}: {version} runs beside {}",
            self.role,
            self.version()
        ))
    }

    /// Lets a share of new connections go to what is staged.
    pub(super) async fn share(&mut self, percent: u8) -> Result<String, LabError> {
        let gone = LabError::NotStaged {
            service: self.role.to_string(),
        };
        let stage = self.stage.as_mut().ok_or(gone)?;
        stage.percent = percent.min(100);
        let words = format!("{}: {percent} % to {}", self.role, stage.next.version);
        self.publish();
        self.tell_of_connections().await;
        Ok(words)
    }

    /// What is staged is what the service is to be from now on.
    pub(super) async fn promote(&mut self, standby: bool) -> Result<String, LabError> {
        let Some(stage) = self.stage.take() else {
            // broken off after it was done, by something that had to be healed
            if !self.done.is_empty() {
                return Ok(std::mem::take(&mut self.done).join("; "));
            }
            return Err(LabError::NotStaged {
                service: self.role.to_string(),
            });
        };
        let version = self.version();
        let desired = std::mem::replace(&mut self.desired, stage.next);
        let retired: Vec<_> = self.instances.drain(..stage.old).collect();
        self.forget_starts();
        let fate = if standby { "stands by" } else { "stopped" };
        self.done.push(format!(
            "{}: {} rolled out, {version} {fate}",
            self.role,
            self.version()
        ));
        if standby {
            self.standby = Some(Standby {
                desired,
                instances: retired,
                until: Instant::now() + STANDBY,
            });
            self.publish();
            self.tell_of_connections().await;
        } else {
            self.publish();
            self.tell_of_connections().await;
            self.retire(retired).await;
        }
        Ok(std::mem::take(&mut self.done).join("; "))
    }

    /// Lets what is staged go; without a stage there is nothing to do.
    pub(super) async fn abandon(&mut self) -> Result<String, LabError> {
        let Some(stage) = self.stage.take() else {
            return Ok(format!("{}: nothing was staged", self.role));
        };
        let retired = self
            .instances
            .split_off(stage.old.min(self.instances.len()));
        self.forget_starts();
        self.publish();
        self.tell_of_connections().await;
        self.retire(retired).await;
        Ok(format!("{}: {} taken back", self.role, stage.next.version))
    }

    /// Becomes what it was before: at once, when that still stands by.
    pub(super) async fn be_again(&mut self, next: Desired) -> Result<String, LabError> {
        let version = self.harms.version(&next.version);
        let fits = |standby: &Standby| {
            standby.desired == next
                && standby
                    .instances
                    .iter()
                    .all(|one| one.runs() && one.version == version)
        };
        let Some(standby) = self.standby.take_if(|standby| fits(standby)) else {
            self.settle().await;
            return self.become_like(next).await;
        };
        let left = self.version();
        self.desired = standby.desired;
        let retired = std::mem::replace(&mut self.instances, standby.instances);
        self.stage = None;
        self.forget_starts();
        self.done.push(format!(
            "{}: switched back to {version} at once, {left} stopped",
            self.role
        ));
        self.publish();
        // they have not heard of what came or went while they stood by
        self.converge_without_releases().await;
        self.retire(retired).await;
        Ok(std::mem::take(&mut self.done).join("; "))
    }

    /// Ends what is staged and what stands by, before the service is changed in another way.
    pub(super) async fn settle(&mut self) {
        if self.stage.is_some() {
            // letting go cannot fail
            let _ = self.abandon().await;
        }
        self.dismiss().await;
    }

    /// Stops what stands by.
    pub(super) async fn dismiss(&mut self) {
        if let Some(standby) = self.standby.take() {
            self.publish();
            self.retire(standby.instances).await;
        }
    }

    /// Tells the processes whether to keep connections. One that does not listen keeps those that it has; what is new is dealt
    /// out all the same.
    async fn tell_of_connections(&mut self) {
        if let Err(error) = self.tell_settings().await {
            tracing::debug!(%error, service = %self.role, "connections that exist stay where they are");
        }
    }

    async fn converge_without_releases(&mut self) {
        self.follow_limits().await;
        self.tell_of_connections().await;
    }
}
