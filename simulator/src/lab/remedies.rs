//! Remedies: applied for real, and taken back. Which of them is right is not asked here.
//!
//! Taking one back puts every service that it touched to what it was before, with the remedies that
//! were applied after it still in force.

mod way_back;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use api::{ActionOutcome, Change, ChangeKind, RolloutEnd, Strategy};
use parking_lot::Mutex;
use scenarios::{
    effect::Effect,
    scenario::{Remedy, RemedyKind},
    shop::Role,
};
use tokio::sync::Semaphore;

use super::{
    Core, Lab, LabEvent,
    effects::Chaos,
    rollout::{self, Run},
};
use crate::{
    LabError,
    journal::Event,
    load::Profile,
    supervisor::{Desired, Order},
};

use way_back::way_back;

/// The remedies in force, oldest first; one action at a time.
#[derive(Debug)]
pub(super) struct Bench {
    applied: Mutex<Vec<Applied>>,
    turn: Arc<Semaphore>,
    /// The last rollout in steps of each remedy that had one; at most one goes on.
    runs: Mutex<BTreeMap<String, Arc<Run>>>,
    /// Whether the drill is ending, so that nothing is begun any more.
    closed: AtomicBool,
}

impl Default for Bench {
    fn default() -> Self {
        Self {
            applied: Mutex::new(Vec::new()),
            turn: Arc::new(Semaphore::new(1)),
            runs: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }
}

/// A remedy in force.
#[derive(Debug)]
struct Applied {
    remedy: Remedy,
    /// What every service was to be before it.
    before: BTreeMap<Role, Desired>,
    load_before: Profile,
    chaos: Chaos,
}

impl Lab {
    /// The actions on offer.
    #[must_use]
    pub fn remedies(&self) -> Vec<api::Remedy> {
        let applied = self.core.bench.applied.lock();
        let runs = self.core.bench.runs.lock();
        let offer = |remedy: &Remedy| api::Remedy {
            id: remedy.id.clone(),
            title: remedy.title.clone(),
            description: remedy.description.clone(),
            service: remedy.service.map(|role| role.to_string()),
            kind: kind_name(remedy.kind).to_owned(),
            dangerous: remedy.dangerous,
            applied: applied.iter().any(|applied| applied.remedy.id == remedy.id),
            strategies: rollout::offered(remedy),
            rollout: rollout::view(runs.get(&remedy.id)),
        };
        self.core.plan.scenario.remedies.iter().map(offer).collect()
    }

    /// Applies a remedy; waits while another action is under way. What cannot be done changes nothing and says why. Journals
    /// the action, and measures the invariants before the first one.
    pub async fn apply(&self, remedy: &str) -> ActionOutcome {
        self.act(remedy, false).await
    }

    /// Takes a remedy back. A rollout of it that goes on is stopped, and the release taken back.
    pub async fn undo(&self, remedy: &str) -> ActionOutcome {
        let run = self.core.bench.runs.lock().get(remedy).cloned();
        let Some(run) = run.filter(|run| run.is_running()) else {
            return self.act(remedy, true).await;
        };
        let done = match run.stop().await {
            // the word came when the release was kept already
            Some(RolloutEnd::Kept) => return self.act(remedy, true).await,
            Some(RolloutEnd::TakenBack(_)) => {
                Ok("the rollout was stopped; everything is as it was".to_owned())
            }
            Some(RolloutEnd::Stuck(why)) => Err(why),
            None => Err("the rollout broke off; see which releases run, and try again".to_owned()),
        };
        outcome(remedy, done)
    }

    /// Before the drill ends: stops the rollout that goes on, if one does, and waits until the release is taken back. From now
    /// on nothing is begun any more.
    pub async fn settle(&self) {
        let running = {
            let runs = self.core.bench.runs.lock();
            self.core.bench.closed.store(true, Ordering::Release);
            runs.values().find(|run| run.is_running()).cloned()
        };
        if let Some(run) = running {
            run.stop().await;
        }
    }

    /// Whether a release is being rolled out in steps.
    #[must_use]
    pub fn rolls_out(&self) -> bool {
        self.core.rolls_out()
    }

    /// Begins to roll a remedy out by a strategy. In steps it goes on by itself, and its remedy tells how far it is; when a step
    /// fails, all is as before. All at once is as [`Lab::apply`].
    pub async fn roll_out(&self, remedy: &str, strategy: Strategy) -> ActionOutcome {
        if strategy == Strategy::AllAtOnce {
            return self.apply(remedy).await;
        }
        if self.core.bench.is_closed() {
            return outcome(remedy, Err(CLOSED.to_owned()));
        }
        let found = self.core.remedy(remedy);
        let begun = found.and_then(|found| {
            rollout::refuse(&found, strategy)?;
            self.core.clone().begin_rollout(found, strategy)
        });
        match begun {
            Ok(message) => ActionOutcome {
                under_way: true,
                ..outcome(remedy, Ok(message))
            },
            Err(message) => self.core.close(remedy, false, Err(message)),
        }
    }

    async fn act(&self, id: &str, undo: bool) -> ActionOutcome {
        let core = &self.core;
        if core.bench.is_closed() {
            return outcome(id, Err(CLOSED.to_owned()));
        }
        let done = match core.remedy(id) {
            Err(stranger) => Err(stranger),
            Ok(_) if core.rolls_out() => Err(ROLLS_OUT.to_owned()),
            Ok(remedy) => {
                let _turn = core.bench.turn.acquire().await;
                if !undo {
                    core.measure_before().await;
                }
                let doer = core.clone();
                // a caller that goes away must not leave half an action behind
                let work = core.loose.spawn(async move {
                    if undo {
                        return doer.take_back(&remedy).await;
                    }
                    let done = doer.put_in_force(&remedy, None).await;
                    done.map_err(|failed| failed.why)
                });
                work.await.unwrap_or_else(|error| Err(error.to_string()))
            }
        };
        core.close(id, undo, done)
    }
}

/// Why nothing else is done while a release is rolled out in steps.
const ROLLS_OUT: &str =
    "a release is being rolled out in steps; wait until it has ended, or take it back";
/// Why no release is rolled out in steps while the shop is proven.
const PROVES: &str = "the stress test is running, and two releases cannot be proven at once; wait until it has ended, or send all-at-once";
/// Why nothing is begun any more.
const CLOSED: &str = "the drill is ending";

fn outcome(remedy: &str, done: Result<String, String>) -> ActionOutcome {
    ActionOutcome {
        remedy: remedy.to_owned(),
        done: done.is_ok(),
        under_way: false,
        message: done.unwrap_or_else(|message| message),
    }
}

impl Core {
    fn remedy(&self, id: &str) -> Result<Remedy, String> {
        let mut offered = self.plan.scenario.remedies.iter();
        let found = offered.find(|remedy| remedy.id == id);
        found.cloned().ok_or_else(|| {
            format!("there is no action `{id}`; GET /api/v1/drill/remedies lists them")
        })
    }

    fn rolls_out(&self) -> bool {
        self.bench.runs.lock().values().any(|run| run.is_running())
    }

    /// Begins something that cannot be beside a rollout in steps: none begins meanwhile either.
    pub(super) fn beside_no_rollout<T>(
        &self,
        begin: impl FnOnce() -> Result<T, LabError>,
    ) -> Result<T, LabError> {
        let runs = self.bench.runs.lock();
        if runs.values().any(|run| run.is_running()) {
            return Err(LabError::RollsOut);
        }
        begin()
    }

    /// Begins a rollout in steps, which goes on by itself and ends with the lab.
    fn begin_rollout(
        self: Arc<Self>,
        remedy: Remedy,
        strategy: Strategy,
    ) -> Result<String, String> {
        // what goes on for minutes is the better reason
        if self.rolls_out() {
            return Err(ROLLS_OUT.to_owned());
        }
        let turn = self.bench.turn.clone().try_acquire_owned();
        let turn = turn.map_err(|_| "another action is under way; try again when it has ended")?;
        let in_force = self.bench.is_in_force(&remedy.id);
        if in_force {
            return Err(IN_FORCE.to_owned());
        }
        let run = Arc::new(Run::new(&remedy.id, strategy));
        let mut runs = self.bench.runs.lock();
        // asked with the list in hand: a proof that begins, or an end that comes, looks into the list
        if self.bench.is_closed() {
            return Err(CLOSED.to_owned());
        }
        if self.proof.runs() {
            return Err(PROVES.to_owned());
        }
        runs.insert(remedy.id.clone(), run.clone());
        drop(runs);
        let core = self.clone();
        self.loose.spawn(async move {
            let _ends = run.ending();
            let _turn = turn;
            core.measure_before().await;
            let done = core.put_in_force(&remedy, Some(&run)).await;
            run.conclude(match &done {
                Ok(_) => RolloutEnd::Kept,
                Err(failed) if failed.is_back => RolloutEnd::TakenBack(failed.why.clone()),
                Err(failed) => RolloutEnd::Stuck(failed.why.clone()),
            });
            core.close(&remedy.id, false, done.map_err(|failed| failed.why));
        });
        Ok(format!(
            "the {} rollout has begun; its steps are shown as they go",
            strategy.name()
        ))
    }

    /// Journals and shows what came of an action.
    fn close(&self, id: &str, undo: bool, done: Result<String, String>) -> ActionOutcome {
        let outcome = outcome(id, done);
        if let (true, Ok(remedy)) = (outcome.done, self.remedy(id)) {
            self.show(&remedy, undo, &outcome.message);
        }
        self.floor.journal.append(
            self.floor.clock.now_ms(),
            Event::Action {
                remedy: id.to_owned(),
                undo,
                done: outcome.done,
                message: outcome.message.clone(),
            },
        );
        outcome
    }
}

/// Why something is not done twice.
const IN_FORCE: &str = "it is in force already; undo it first to do it again";

/// Why a remedy is not in force.
struct Failed {
    why: String,
    /// Whether everything is as it was before it.
    is_back: bool,
}

impl Bench {
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn is_in_force(&self, id: &str) -> bool {
        let applied = self.applied.lock();
        applied.iter().any(|applied| applied.remedy.id == id)
    }
}

impl Core {
    /// Carries a remedy out; its releases in steps when there is a rollout.
    async fn put_in_force(
        self: &Arc<Self>,
        remedy: &Remedy,
        run: Option<&Run>,
    ) -> Result<String, Failed> {
        let in_force = self.bench.is_in_force(&remedy.id);
        if in_force && is_lasting(remedy) {
            return Err(Failed {
                why: IN_FORCE.to_owned(),
                is_back: true,
            });
        }
        let applied = Applied {
            remedy: remedy.clone(),
            before: self.supervisor.snapshot(),
            load_before: self.load.profile(),
            chaos: Chaos::default(),
        };
        let mut said = Vec::new();
        let mut failure = None;
        for effect in &remedy.effects {
            let done = match run {
                Some(run) if matches!(effect, Effect::Deploy { .. }) => {
                    self.roll_out(run, effect).await
                }
                _ => {
                    let done = self.carry_out(effect, &applied.chaos).await;
                    done.map_err(|error| error.to_string())
                }
            };
            match done {
                Ok(done) => said.push(done),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        if !in_force {
            self.bench.applied.lock().push(applied);
        }
        self.stop_what_is_to_stop();
        if let Some(error) = failure {
            let back = self.take_back(remedy).await;
            let is_back = back.is_ok();
            let state = match back {
                Ok(_) => "everything is as it was".to_owned(),
                Err(problem) => format!("taking it back failed as well: {problem}"),
            };
            let why = format!("{error}; {state}");
            return Err(Failed { why, is_back });
        }
        if said.is_empty() {
            said.push("done; nothing in the shop was changed".to_owned());
        }
        Ok(said.join("; "))
    }

    async fn take_back(self: &Arc<Self>, remedy: &Remedy) -> Result<String, String> {
        let (back, taken) = {
            let mut applied = self.bench.applied.lock();
            let Some(index) = applied
                .iter()
                .position(|applied| applied.remedy.id == remedy.id)
            else {
                return Err("it is not in force".to_owned());
            };
            let back = way_back(&mut applied[index..]);
            (back, applied.remove(index))
        };
        taken.chaos.heal();
        self.stop_what_is_to_stop();
        let mut said = Vec::new();
        for (role, desired) in back.services {
            said.push(
                self.supervisor
                    .order(role, Order::Become(desired))
                    .await
                    .map_err(|error| error.to_string())?,
            );
        }
        if let Some(profile) = back.load {
            self.load.reset(profile).await;
            said.push("the load is as before".to_owned());
        }
        for alert in back.alerts {
            self.floor.instruments.reset_alert(&alert);
            said.push(format!("alert {alert}: rule as before"));
        }
        for effect in back.again {
            self.carry_out(&effect, &taken.chaos)
                .await
                .map_err(|error: LabError| error.to_string())?;
        }
        if said.is_empty() {
            said.push("taken back; nothing in the shop had to change".to_owned());
        }
        Ok(said.join("; "))
    }

    fn stop_what_is_to_stop(&self) {
        let applied = self.bench.applied.lock();
        self.stopped.set(
            applied
                .iter()
                .flat_map(|applied| applied.remedy.stops.clone()),
        );
    }

    /// Puts an action into the change history.
    fn show(&self, remedy: &Remedy, undo: bool, message: &str) {
        let change = Change {
            id: self.changes.next_action(),
            at_ms: self.floor.clock.now_ms(),
            kind: ChangeKind::Action,
            service: remedy.service.map(|role| role.to_string()),
            title: if undo {
                format!("undone: {}", remedy.title)
            } else {
                remedy.title.clone()
            },
            details: message.to_owned(),
            author: "on-call".to_owned(),
        };
        self.changes.add(change.clone());
        self.tell(LabEvent::Changed(change));
    }
}

/// Whether applying it twice is another thing than applying it once and waiting: a restart can be done again and again.
fn is_lasting(remedy: &Remedy) -> bool {
    !remedy.stops.is_empty()
        || remedy
            .effects
            .iter()
            .any(|effect| !matches!(effect, Effect::Restart { .. }))
}

const fn kind_name(kind: RemedyKind) -> &'static str {
    match kind {
        RemedyKind::Restart => "restart",
        RemedyKind::Rollback => "rollback",
        RemedyKind::Deploy => "deploy",
        RemedyKind::Config => "config",
        RemedyKind::Scale => "scale",
        RemedyKind::Job => "job",
        RemedyKind::Alert => "alert",
        RemedyKind::None => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::{effect::LoadChange, scenario::Worth, setting::Setting};

    fn applied(id: &str, effects: Vec<Effect>, before: Vec<Setting>) -> Applied {
        let desired = Desired {
            version: "1".into(),
            settings: before,
            replicas: 1,
        };
        Applied {
            remedy: Remedy {
                id: id.into(),
                title: String::new(),
                description: String::new(),
                kind: RemedyKind::Config,
                service: None,
                worth: Worth::Wrong,
                because: String::new(),
                dangerous: false,
                effects,
                stops: vec![],
            },
            before: BTreeMap::from([(Role::Checkout, desired)]),
            load_before: Profile {
                journeys_per_s: 1.0,
                checkout_share: 0.5,
                history_share: 0.0,
                bundle_share: 0.0,
                long_time_share: 0.0,
                think_s: 1.0,
            },
            chaos: Chaos::default(),
        }
    }

    fn configure(setting: Setting) -> Effect {
        Effect::Configure {
            service: Role::Checkout,
            settings: vec![setting],
        }
    }

    #[test]
    fn taking_one_back_leaves_the_later_ones_in_force() {
        let (slots, timeout) = (Setting::WorkerSlots(32), Setting::CallTimeoutMs(9_000));
        let mut list = [
            applied("slots", vec![configure(slots.clone())], vec![]),
            applied("timeout", vec![configure(timeout.clone())], vec![slots]),
        ];
        let back = way_back(&mut list);
        assert_eq!(back.services[&Role::Checkout].settings, [timeout]);
        // and the later one, taken back afterwards, does not bring the first one back
        assert_eq!(
            way_back(&mut list[1..]).services[&Role::Checkout].settings,
            []
        );
    }

    #[test]
    fn alerts_and_load_go_back_too() {
        let tune = |expr: &str| Effect::TuneAlert {
            alert: "A".into(),
            expr: Some(expr.into()),
            hold: None,
        };
        let load = Effect::Load(LoadChange {
            journeys_per_s: Some(9.0),
            ..LoadChange::default()
        });
        let mut list = [
            applied("one", vec![tune("1"), load], vec![]),
            applied("two", vec![tune("2")], vec![]),
        ];
        let back = way_back(&mut list);
        assert_eq!(back.alerts, ["A"]);
        assert_eq!(back.again, [tune("2")]);
        assert_eq!(back.load.map(|load| load.journeys_per_s), Some(1.0));
        assert!(back.services.is_empty());
    }

    #[test]
    fn only_restarts_can_be_repeated() {
        let restart = Effect::Restart {
            service: Role::Checkout,
        };
        assert!(!is_lasting(
            &applied("r", vec![restart.clone()], vec![]).remedy
        ));
        assert!(is_lasting(
            &applied(
                "r",
                vec![restart, configure(Setting::WorkerSlots(1))],
                vec![]
            )
            .remedy
        ));
    }
}
