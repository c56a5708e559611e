//! How orders are carried out while harms are taken back: what is to be healed goes before anything
//! else, breaks off what is being done, and lets it begin anew.

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Heal, Keeper, Order, Reply};
use crate::LabError;

impl Keeper {
    /// Carries an order out. What is to be healed meanwhile goes first, and then the order begins anew; a harm that nobody
    /// waits for any more is not put into force.
    pub(super) async fn obey(
        &mut self,
        order: Order,
        mut reply: Reply,
        heals: &mut mpsc::Receiver<Heal>,
        cancel: &CancellationToken,
    ) {
        let harm = match &order {
            Order::Harm(id, _) => Some(*id),
            _ => None,
        };
        let before = harm.and_then(|id| self.harms.get(id).cloned());
        self.done.clear();
        loop {
            let heal = tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    let _ = reply.send(Err(LabError::Down));
                    return;
                }
                () = reply.closed(), if harm.is_some() => None,
                Some(heal) = heals.recv() => Some(heal),
                done = self.work(order.clone()) => {
                    self.publish();
                    // whoever asked may be gone
                    let _ = reply.send(done);
                    return;
                }
            };
            self.put_back();
            if let Some(id) = harm {
                match before.clone() {
                    Some(before) => drop(self.harms.put(id, before)),
                    None => drop(self.harms.take(id)),
                }
            }
            match heal {
                Some(heal) => {
                    let healed = heal.0;
                    self.heal(heal, heals, cancel).await;
                    if harm == Some(healed) {
                        let _ =
                            reply.send(Ok(format!("{}: healed before it was harmed", self.role)));
                        return;
                    }
                }
                None => return self.converge_and_heal(Vec::new(), heals, cancel).await,
            }
        }
    }

    async fn work(&mut self, order: Order) -> Result<String, LabError> {
        match order {
            Order::Restart => {
                self.settle().await;
                self.restart().await
            }
            Order::Become(next) => self.be_again(next).await,
            Order::Change(effect) => {
                self.settle().await;
                self.become_like(self.desired.after(&effect)).await
            }
            Order::Stage(effect) => self.stage(&effect).await,
            Order::Share(percent) => self.share(percent).await,
            Order::Promote { standby } => self.promote(standby).await,
            Order::Abandon => self.abandon().await,
            Order::Harm(id, harm) => self.suffer(id, harm).await,
            Order::Crash => self.crash().await,
            Order::Bounce => self.bounce().await,
        }
    }

    /// Undoes what an order that was broken off has begun.
    pub(super) fn put_back(&mut self) {
        if let Some((desired, instances)) = self.half_made.take() {
            self.desired = desired;
            self.instances.truncate(instances);
            // whatever else is half made is made without a stage
            self.stage = None;
            self.forget_starts();
        }
        let under_way = self.starts.instances();
        for instance in &mut self.instances {
            let waits = instance.due.is_some() || under_way.contains(&instance.name);
            if instance.process.is_none() && !waits {
                instance.due = Some(Instant::now());
            }
        }
    }
}
