//! Rollouts in steps: blue-green and canary. Each step moves connections, waits for the new release's own figures, and is
//! judged; a failed one takes the release back by itself. What a release is, and how its processes come and go, is the
//! supervisor's business.
//!
//! ```text
//! blue-green  start beside ─ ask whether it is healthy ─ all connections ─ watch ─ keep; the old one stands by
//! canary      start beside ─ ask whether it is healthy ─ 20 % ─ 40 % ─ 70 % ─ keep; the old one stops
//! ```

mod gate;
mod run;

use std::{sync::Arc, time::Duration};

use api::{ChangeKind, Rollout, Strategy};
use scenarios::{effect::Effect, scenario::Remedy, shop::Role};

use super::{Core, LabEvent};
use crate::{LabError, journal::Event, supervisor::Order};

pub use gate::queries as release_queries;
use gate::{Figures, Verdict};
pub(super) use run::Run;

/// How long a step lasts at least: some scrapes.
const STEP_AT_LEAST: Duration = Duration::from_secs(6);
/// How long a step waits at most for enough requests to be judged by.
const STEP_AT_MOST: Duration = Duration::from_secs(60);
/// Over so long before a switch the old release is measured, to be compared with.
const BEFORE: Duration = Duration::from_secs(30);
/// How often a step is looked at: as often as it is scraped.
const LOOK: Duration = Duration::from_secs(1);
/// How often a new release must say that it is ready before it gets traffic, a look apart.
const HEALTHY: usize = 3;

/// The ways to roll a remedy out; none where there is nothing to choose.
pub(super) fn offered(remedy: &Remedy) -> Vec<Strategy> {
    let mut services = deployed(remedy).peekable();
    if services.peek().is_none() || services.any(|role| !takes_traffic(role)) {
        return Vec::new();
    }
    Strategy::ALL.to_vec()
}

/// Refuses a strategy that a remedy cannot be rolled out by.
pub(super) fn refuse(remedy: &Remedy, strategy: Strategy) -> Result<(), String> {
    if strategy == Strategy::AllAtOnce || offered(remedy).contains(&strategy) {
        return Ok(());
    }
    let name = strategy.name();
    Err(match deployed(remedy).find(|role| !takes_traffic(*role)) {
        Some(role) => format!(
            "{role} works off jobs and answers nobody: there is no traffic that a {name} rollout could share; send all-at-once"
        ),
        None => format!(
            "this starts no new release, so that there is nothing to roll out by {name}; send all-at-once"
        ),
    })
}

fn deployed(remedy: &Remedy) -> impl Iterator<Item = Role> {
    remedy.effects.iter().filter_map(|effect| match effect {
        Effect::Deploy { service, .. } => Some(*service),
        _ => None,
    })
}

/// Whether requests of the shop go there: to the edge, and to whoever is called by another service.
fn takes_traffic(role: Role) -> bool {
    role == Role::Storefront
        || Role::ALL
            .iter()
            .any(|caller| caller.calls().contains(&role))
}

impl Core {
    /// Rolls a release out in steps and answers with what was done, in words. When it fails, what was there before has all
    /// traffic again, and the new release's processes are gone.
    pub(super) async fn roll_out(
        self: &Arc<Self>,
        run: &Run,
        effect: &Effect,
    ) -> Result<String, String> {
        let Effect::Deploy {
            service, version, ..
        } = effect
        else {
            return Err("only a release is rolled out in steps".to_owned());
        };
        run.is_of(*service, version);
        let done = self.climb(run, *service, effect).await;
        let Err(why) = done else {
            return done;
        };
        // a lab that is shut down has ended its processes
        let back = self.supervisor.order(*service, Order::Abandon).await;
        run.set_percent(0);
        if back.is_ok() && !self.cancel.is_cancelled() {
            let title = format!("{service} {version}: taken back");
            self.tell_change(*service, title, why.clone());
        }
        Err(why)
    }

    async fn climb(
        self: &Arc<Self>,
        run: &Run,
        service: Role,
        effect: &Effect,
    ) -> Result<String, String> {
        let blue_green = run.strategy == Strategy::BlueGreen;
        let began_ns = self.floor.clock.now_ns();
        let step = self.begin(run, service, "starts beside the old release".to_owned());
        let ready = self.stage(run, service, effect).await;
        self.end(run, step, ready)?;
        for percent in run.strategy.shares() {
            let title = if blue_green {
                "all connections".to_owned()
            } else {
                format!("{percent} % of connections")
            };
            let before = blue_green.then_some(began_ns);
            let step = self.begin(run, service, title);
            let held = self.hold(run, service, *percent, before).await;
            self.end(run, step, held)?;
        }
        let promoted = Order::Promote {
            standby: blue_green,
        };
        let words = self.order(run, service, promoted).await?;
        run.set_percent(100);
        Ok(format!("{words} ({}, {})", run.strategy.name(), run.told()))
    }

    /// Starts the new release and asks whether it is healthy.
    async fn stage(&self, run: &Run, service: Role, effect: &Effect) -> Result<String, String> {
        self.order(run, service, Order::Stage(effect.clone()))
            .await?;
        for _ in 0..HEALTHY {
            self.wait(run, LOOK).await?;
            self.is_well(service)?;
        }
        Ok(format!("ready, {HEALTHY} of {HEALTHY} looks"))
    }

    /// Gives the new release a share, and holds it until its figures are judged.
    async fn hold(
        &self,
        run: &Run,
        service: Role,
        percent: u8,
        before_ns: Option<i64>,
    ) -> Result<String, String> {
        let clock = &self.floor.clock;
        let sides = self.supervisor.sides(service);
        let start_ns = clock.now_ns();
        // all traffic moves at once: the old release is measured before
        let before = match before_ns {
            Some(_) => {
                let from_ns = start_ns.saturating_sub(nanos(BEFORE));
                Some(self.figures(service, &sides.old, (from_ns, start_ns)).await)
            }
            None => None,
        };
        self.order(run, service, Order::Share(percent)).await?;
        run.set_percent(percent);
        let mut said = String::new();
        loop {
            self.wait(run, LOOK).await?;
            self.is_well(service)?;
            let now_ns = clock.now_ns();
            let new = self.figures(service, &sides.new, (start_ns, now_ns)).await;
            let old = match before {
                Some(before) => before,
                None => self.figures(service, &sides.old, (start_ns, now_ns)).await,
            };
            said.clone_from(&gate::said(&new, &old));
            run.figures(&said);
            let lasted = now_ns.saturating_sub(start_ns);
            match gate::judge(&new, &old) {
                Verdict::Fails(why) => return Err(format!("{why} ({said})")),
                Verdict::Holds if lasted >= nanos(STEP_AT_LEAST) => return Ok(said),
                Verdict::TooFew if lasted >= nanos(STEP_AT_MOST) => {
                    return too_few(before_ns.is_some(), &said);
                }
                Verdict::Holds | Verdict::TooFew => {}
            }
        }
    }

    /// The figures of some instances between two drill times.
    async fn figures(&self, service: Role, instances: &[String], span: (i64, i64)) -> Figures {
        let queries = gate::queries(service.name(), instances, span);
        let instruments = self.floor.instruments.clone();
        // a query reads series of a minute: too long for a thread that others wait for
        let asked = tokio::task::spawn_blocking(move || {
            queries.map(|query| {
                instruments.measure(&query, span.1).unwrap_or_else(|error| {
                    tracing::error!(query, error, "a rollout's figure cannot be measured");
                    None
                })
            })
        });
        let [requests, errors, p95_s] = asked.await.unwrap_or_default();
        Figures {
            requests: requests.unwrap_or(0.0),
            errors: errors.unwrap_or(0.0),
            p95_s: p95_s.filter(|seconds| seconds.is_finite()),
        }
    }

    /// Refuses to go on when the new release is gone or has lost a process.
    fn is_well(&self, service: Role) -> Result<(), String> {
        let sides = self.supervisor.sides(service);
        if let Some(how) = sides.lost {
            return Err(format!("a process of the new release ended: {how}"));
        }
        if sides.new.is_empty() {
            let service = service.to_string();
            return Err(LabError::NotStaged { service }.to_string());
        }
        Ok(())
    }

    /// Gives an order, unless the rollout has been stopped.
    async fn order(&self, run: &Run, service: Role, order: Order) -> Result<String, String> {
        if run.is_stopped() {
            return Err(run.stopped_as_asked());
        }
        let done = self.supervisor.order(service, order).await;
        done.map_err(|error| error.to_string())
    }

    /// Lets time pass, unless somebody stops the rollout or the lab.
    async fn wait(&self, run: &Run, time: Duration) -> Result<(), String> {
        let clock = &self.floor.clock;
        let until_ns = clock.now_ns().saturating_add(nanos(time));
        tokio::select! {
            () = clock.sleep_until(until_ns) => Ok(()),
            () = run.until_stopped() => Err(run.stopped_as_asked()),
            () = self.cancel.cancelled() => Err(LabError::Down.to_string()),
        }
    }

    fn begin(&self, run: &Run, service: Role, what: String) -> String {
        let view = run.begin(self.floor.clock.now_ms(), &what);
        let title = format!("{service} {}: {what}", view.release);
        let details = format!("{} rollout", view.strategy.name());
        self.tell_change(service, title, details);
        what
    }

    fn end(&self, run: &Run, step: String, how: Result<String, String>) -> Result<(), String> {
        let passed = how.is_ok();
        let figures = how.unwrap_or_else(|why| why);
        run.end(passed, &figures);
        self.floor.journal.append(
            self.floor.clock.now_ms(),
            Event::Rollout {
                remedy: run.remedy.clone(),
                strategy: run.strategy.name().to_owned(),
                step: step.clone(),
                passed,
                figures: figures.clone(),
            },
        );
        if passed {
            Ok(())
        } else {
            Err(format!("{step}: {figures}"))
        }
    }

    /// Puts a step into the change history.
    fn tell_change(&self, service: Role, title: String, details: String) {
        let change = api::Change {
            id: self.changes.next_action(),
            at_ms: self.floor.clock.now_ms(),
            kind: ChangeKind::Action,
            service: Some(service.to_string()),
            title,
            details,
            author: "you".to_owned(),
        };
        self.changes.add(change.clone());
        self.tell(LabEvent::Changed(change));
    }
}

/// A step that nobody asked anything: a switch is kept, a share is not.
fn too_few(switched: bool, said: &str) -> Result<String, String> {
    if switched {
        return Ok(format!("{said}; too few requests to judge, so it is kept"));
    }
    Err(format!(
        "too few requests to judge the new release within {} s, {} are needed ({said}); blue-green gives it all of them",
        STEP_AT_MOST.as_secs(),
        gate::LEAST_REQUESTS
    ))
}

fn nanos(time: Duration) -> i64 {
    crate::clock::nanos(time)
}

/// A rollout as it is shown.
pub(super) fn view(run: Option<&Arc<Run>>) -> Option<Rollout> {
    run.map(|run| run.view())
}
