//! Rollouts in steps on real processes. The clock runs fast, so that steps of seconds take a fraction of one; what the
//! releases do is measured by a gauge of the case.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use api::{Rollout, RolloutEnd, Strategy};
use scenarios::{effect::Effect, setting::Setting, shop::Role, span::Span};
use simulator::{LabError, journal::Event};

use super::{configure, remedy};
use crate::stage::{Stage, lives, plan, until};

fn deploy(service: Role, version: &str) -> Effect {
    Effect::Deploy {
        service,
        version: version.into(),
        settings: vec![],
    }
}

async fn open() -> Stage {
    let mut plan = plan();
    plan.scenario.remedies = vec![
        remedy("release", vec![deploy(Role::Payments, "2")]),
        remedy("broken", vec![deploy(Role::Payments, "dies")]),
        remedy("job", vec![deploy(Role::Worker, "2")]),
        remedy("setting", vec![configure(Setting::CallTimeoutMs(5))]),
    ];
    plan.scenario.history.span = Span::from_millis(1_800_000);
    plan.scenario.history.speed = 15.0;
    Stage::open(plan).await
}

/// What both releases have answered: requests, failures of the new one, p95 in seconds.
fn measure(stage: &Stage, requests: f64, new_errors: f64) {
    let gauge = move |query: &str| {
        Some(match query {
            p95 if p95.starts_with("histogram_quantile") => 0.1,
            errors if errors.contains("status=~") => {
                if errors.contains("payments-1") {
                    0.0
                } else {
                    new_errors
                }
            }
            _ => requests,
        })
    };
    *stage.memory.gauge.lock().unwrap() = Some(Box::new(gauge));
}

fn rollout(stage: &Stage) -> Option<Rollout> {
    let remedies = stage.lab.remedies();
    remedies.into_iter().find_map(|remedy| remedy.rollout)
}

async fn ended(stage: &Stage) -> Rollout {
    until("the end of the rollout", || {
        rollout(stage).is_some_and(|rollout| !rollout.running)
    })
    .await;
    rollout(stage).unwrap()
}

async fn at(stage: &Stage, percent: u8) {
    until("a share", || {
        rollout(stage).is_some_and(|rollout| rollout.percent == percent)
    })
    .await;
}

fn steps(rollout: &Rollout) -> Vec<(&str, &str)> {
    let steps = rollout.steps.iter();
    steps
        .map(|step| (step.title.as_str(), step.state.as_str()))
        .collect()
}

/// Versions that answer so many new connections.
async fn versions(stage: &Stage, connections: usize) -> Vec<String> {
    let mut versions = Vec::new();
    for _ in 0..connections {
        let who = stage.knock(Role::Payments, "/who").await;
        versions.push(who.split(' ').nth(1).unwrap_or("nobody").to_owned());
    }
    versions
}

/// Holds that so many new connections are all answered by a version.
async fn all_answer(stage: &Stage, connections: usize, version: &str) {
    assert_eq!(
        versions(stage, connections).await,
        vec![version; connections]
    );
}

fn outcome(stage: &Stage) -> Option<(bool, String)> {
    let entries = stage.journal.entries();
    entries
        .into_iter()
        .rev()
        .find_map(|entry| match entry.event {
            Event::Action { done, message, .. } => Some((done, message)),
            _ => None,
        })
}

pub async fn a_canary_gets_its_share_and_then_all() {
    let stage = open().await;
    let enough = Arc::new(AtomicBool::new(false));
    let seen = enough.clone();
    *stage.memory.gauge.lock().unwrap() = Some(Box::new(move |query| {
        Some(match query {
            p95 if p95.starts_with("histogram_quantile") => 0.1,
            errors if errors.contains("status=~") => 0.0,
            // the first step waits for requests
            _ if seen.load(Ordering::Relaxed) => 40.0,
            _ => 1.0,
        })
    }));
    let old = stage.service("payments");
    let begun = stage.lab.roll_out("release", Strategy::Canary).await;
    assert!(begun.done && begun.under_way, "{begun:?}");
    at(&stage, 20).await;
    let dealt = versions(&stage, 20).await;
    assert_eq!(dealt.iter().filter(|version| *version == "2").count(), 4);
    assert_eq!(dealt.iter().filter(|version| *version == "1").count(), 16);
    let other = stage.lab.apply("setting").await;
    assert!(
        !other.done && other.message.contains("being rolled out"),
        "{other:?}"
    );
    let again = stage.lab.roll_out("release", Strategy::Canary).await;
    assert!(!again.done, "{again:?}");
    enough.store(true, Ordering::Relaxed);
    let rollout = ended(&stage).await;
    assert_eq!(
        steps(&rollout),
        [
            ("starts beside the old release", "passed"),
            ("20 % of connections", "passed"),
            ("40 % of connections", "passed"),
            ("70 % of connections", "passed"),
        ]
    );
    assert_eq!(
        rollout.steps[1].figures,
        "new: 40 requests, 0 % failed, p95 100 ms; old: 40 requests, 0 % failed, p95 100 ms"
    );
    all_answer(&stage, 3, "2").await;
    assert!(!lives(old.pid.unwrap()), "the old release has stopped");
    assert_eq!(rollout.end, Some(RolloutEnd::Kept));
    let (done, message) = outcome(&stage).unwrap();
    assert!(
        done && message.contains("payments: 2 rolled out, 1 stopped (canary, new: 40"),
        "{message}"
    );
    // four steps, and what came of it
    assert_eq!(stage.lab.changes().len(), 5);
    assert!(stage.lab.undo("release").await.done);
    all_answer(&stage, 2, "1").await;
    stage.lab.shutdown().await;
}

pub async fn a_canary_that_fails_is_taken_back_by_itself() {
    let stage = open().await;
    measure(&stage, 20.0, 5.0);
    let old = stage.service("payments").pid;
    assert!(stage.lab.roll_out("release", Strategy::Canary).await.done);
    let rollout = ended(&stage).await;
    assert_eq!(rollout.percent, 0);
    assert_eq!(rollout.steps.last().unwrap().state, "failed");
    let (done, message) = outcome(&stage).unwrap();
    assert!(!done);
    assert_eq!(rollout.end, Some(RolloutEnd::TakenBack(message.clone())));
    for part in [
        "20 % of connections: 25 % of its requests failed, at most 5 % may",
        "new: 20 requests, 25 % failed",
        "everything is as it was",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(stage.service("payments").pid, old, "the same process");
    all_answer(&stage, 3, "1").await;
    assert_eq!(stage.lab.view().services.len(), 3);
    assert!(stage.lab.remedies().iter().all(|remedy| !remedy.applied));
    let told = stage.lab.changes();
    assert_eq!(told.last().unwrap().title, "payments 2: taken back");
    stage.lab.shutdown().await;
}

pub async fn a_canary_that_crashes_or_is_not_asked_is_taken_back() {
    let stage = open().await;
    measure(&stage, 0.0, 0.0);
    assert!(stage.lab.roll_out("release", Strategy::Canary).await.done);
    at(&stage, 20).await;
    stage.ask_at(&stage.url_of("payments-2"), "/die").await;
    ended(&stage).await;
    let (done, message) = outcome(&stage).unwrap();
    assert!(
        !done && message.contains("a process of the new release ended: exited with code 7"),
        "{message}"
    );
    // one that does not start
    assert!(stage.lab.roll_out("broken", Strategy::BlueGreen).await.done);
    until("the end", || {
        outcome(&stage).is_some_and(|(_, message)| message.contains("did not start"))
    })
    .await;
    // and one that nobody asks
    until("its turn", || {
        stage.lab.remedies().iter().all(|remedy| {
            remedy
                .rollout
                .as_ref()
                .is_none_or(|rollout| !rollout.running)
        })
    })
    .await;
    assert!(stage.lab.roll_out("release", Strategy::Canary).await.done);
    let rollout = ended(&stage).await;
    assert!(
        rollout.steps[1].figures.starts_with("too few requests"),
        "{rollout:?}"
    );
    all_answer(&stage, 3, "1").await;
    assert_eq!(stage.lab.view().services.len(), 3);
    stage.lab.shutdown().await;
}

pub async fn blue_green_switches_and_goes_back_at_once() {
    let stage = open().await;
    measure(&stage, 20.0, 0.0);
    let old = stage.service("payments").pid.unwrap();
    assert!(
        stage
            .lab
            .roll_out("release", Strategy::BlueGreen)
            .await
            .done
    );
    let rollout = ended(&stage).await;
    assert_eq!(
        steps(&rollout),
        [
            ("starts beside the old release", "passed"),
            ("all connections", "passed")
        ]
    );
    all_answer(&stage, 3, "2").await;
    let state = |state: &str| {
        let services = stage.lab.view().services;
        let found = services
            .into_iter()
            .find(|service| service.name == "payments" && service.state == state);
        found.and_then(|service| service.pid)
    };
    assert_eq!(state("standby"), Some(old), "the old one stands by");
    let new = state("ready").unwrap();
    let back = stage.lab.undo("release").await;
    assert!(
        back.done && back.message.contains("switched back to 1 at once"),
        "{back:?}"
    );
    assert_eq!(state("ready"), Some(old), "the same process as before");
    all_answer(&stage, 3, "1").await;
    until("the end of the new one", || !lives(new)).await;
    // what stands by goes when the service is changed in another way
    assert!(
        stage
            .lab
            .roll_out("release", Strategy::BlueGreen)
            .await
            .done
    );
    ended(&stage).await;
    assert!(stage.lab.apply("setting").await.done);
    assert_eq!(state("standby"), None);
    assert!(!lives(old));
    stage.lab.shutdown().await;
}

pub async fn a_rollout_is_stopped_in_the_midst_and_leaves_nothing() {
    let stage = open().await;
    measure(&stage, 0.0, 0.0);
    assert!(stage.lab.roll_out("release", Strategy::Canary).await.done);
    at(&stage, 20).await;
    let stopped = stage.lab.undo("release").await;
    assert!(stopped.done, "{stopped:?}");
    let (done, message) = outcome(&stage).unwrap();
    assert!(
        !done && message.contains("stopped as you asked, at 20 %"),
        "{message}"
    );
    all_answer(&stage, 3, "1").await;
    // left in the midst
    assert!(stage.lab.roll_out("release", Strategy::Canary).await.done);
    until("both releases", || stage.pids().len() == 4).await;
    let pids = stage.pids();
    stage.lab.shutdown().await;
    assert!(!pids.into_iter().any(lives));
}

pub async fn one_that_is_stopped_too_late_is_taken_back_all_the_same() {
    let stage = open().await;
    measure(&stage, 20.0, 0.0);
    for _ in 0..2 {
        assert!(stage.lab.roll_out("release", Strategy::Canary).await.done);
        let old = stage.service("payments").pid.unwrap();
        // while the old release, which has no traffic any more, comes to its end
        let promoted = || {
            let services = stage.lab.view().services;
            let mut payments = services.iter().filter(|service| service.name == "payments");
            payments.all(|service| service.version == "2")
        };
        while stage.lab.rolls_out() && !promoted() {
            tokio::task::yield_now().await;
        }
        let stopped = stage.lab.undo("release").await;
        assert!(stopped.done, "{stopped:?}");
        let versions = versions(&stage, 3).await;
        assert!(
            versions.iter().all(|version| version == "1"),
            "{stopped:?}, and {versions:?} answer; it was {old}"
        );
        assert!(stage.lab.remedies().iter().all(|remedy| !remedy.applied));
        assert!(!stage.lab.rolls_out());
    }
    stage.lab.shutdown().await;
}

pub async fn one_that_fails_when_all_steps_have_passed_is_told_as_failed() {
    let mut plan = plan();
    plan.scenario.remedies = vec![remedy(
        "release",
        vec![
            deploy(Role::Payments, "2"),
            configure(Setting::WorkerSlots(13)),
        ],
    )];
    plan.scenario.history.span = Span::from_millis(1_800_000);
    plan.scenario.history.speed = 15.0;
    let stage = Stage::open(plan).await;
    measure(&stage, 20.0, 0.0);
    let begun = stage.lab.roll_out("release", Strategy::BlueGreen).await;
    assert!(begun.done, "{begun:?}");
    let rollout = ended(&stage).await;
    assert!(rollout.steps.iter().all(|step| step.state == "passed"));
    let Some(RolloutEnd::TakenBack(why)) = rollout.end else {
        panic!("{rollout:?}")
    };
    assert!(why.contains("thirteen is unlucky"), "{why}");
    assert_eq!(stage.service("payments").version, "1");
    stage.lab.shutdown().await;
}

pub async fn after_the_end_nothing_is_begun_and_what_goes_on_is_taken_back() {
    let stage = open().await;
    measure(&stage, 0.0, 0.0);
    assert!(stage.lab.roll_out("release", Strategy::Canary).await.done);
    assert!(stage.lab.rolls_out());
    stage.lab.settle().await;
    assert!(!stage.lab.rolls_out() && stage.pids().len() == 3);
    let entries = stage.journal.entries().len();
    for refused in [
        stage.lab.roll_out("release", Strategy::Canary).await,
        stage.lab.roll_out("release", Strategy::AllAtOnce).await,
        stage.lab.undo("release").await,
    ] {
        assert!(
            !refused.done && refused.message == "the drill is ending",
            "{refused:?}"
        );
    }
    stage.lab.settle().await;
    assert_eq!(
        stage.journal.entries().len(),
        entries,
        "the end is the last that is journalled"
    );
    stage.lab.shutdown().await;
}

pub async fn a_rollout_and_the_proof_keep_each_other_from_beginning() {
    let stage = open().await;
    measure(&stage, 0.0, 0.0);
    // asked for, and not under way yet
    let proof = stage.lab.start_proof().unwrap();
    assert!(stage.lab.proof_view().running);
    let refused = stage.lab.roll_out("release", Strategy::Canary).await;
    assert!(
        !refused.done && refused.message.contains("the stress test is running"),
        "{refused:?}"
    );
    drop(proof);
    assert!(!stage.lab.proof_view().running);
    let begun = stage.lab.roll_out("release", Strategy::Canary).await;
    assert!(begun.done, "{begun:?}");
    assert!(matches!(stage.lab.prove().await, Err(LabError::RollsOut)));
    assert!(!stage.lab.proof_view().running);
    stage.lab.shutdown().await;
}

pub async fn a_strategy_is_refused_where_it_cannot_be() {
    let stage = open().await;
    for (id, reason) in [
        ("job", "worker works off jobs and answers nobody"),
        ("setting", "this starts no new release"),
        ("unknown", "there is no action `unknown`"),
    ] {
        let refused = stage.lab.roll_out(id, Strategy::Canary).await;
        assert!(
            !refused.done && !refused.under_way && refused.message.contains(reason),
            "{refused:?}"
        );
    }
    let offered = |id: &str| {
        let remedies = stage.lab.remedies();
        let remedy = remedies.into_iter().find(|remedy| remedy.id == id);
        remedy.unwrap().strategies
    };
    assert_eq!(offered("release"), Strategy::ALL);
    assert!(offered("job").is_empty() && offered("setting").is_empty());
    stage.lab.shutdown().await;
}
