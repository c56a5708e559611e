//! Healing in the midst of an order: it goes before, and the order is carried out after it, as a whole, and is answered.

use std::collections::BTreeSet;

use api::{InjectRequest, InjectionState};
use scenarios::{
    effect::Effect,
    plan::Plan,
    scenario::{EventRole, TimelineEvent},
    setting::Setting,
    shop::Role,
    span::Span,
};
use simulator::{journal::Event, lab::chaos::ChaosOrder};

use super::{configure, remedy};
use crate::stage::{Stage, lives, plan, until};

/// With it no process of payments gets ready before anyone's patience ends. The injection starts those that run anew, too.
const FOR_EVER: &str = "60000";

fn release() -> Effect {
    Effect::Deploy {
        service: Role::Payments,
        version: "2".into(),
        settings: vec![],
    }
}

fn scale() -> Effect {
    Effect::Scale {
        service: Role::Payments,
        replicas: 3,
    }
}

fn offering(effect: Effect) -> Plan {
    let mut plan = plan();
    plan.scenario.remedies = vec![remedy("it", vec![effect])];
    plan
}

fn restart() -> Effect {
    Effect::Restart {
        service: Role::Payments,
    }
}

fn order(mechanism: &str, values: &[(&str, &str)]) -> ChaosOrder {
    let values = values.iter();
    ChaosOrder::read(&InjectRequest {
        mechanism: mechanism.into(),
        at: "payments".into(),
        values: values
            .map(|(key, value)| ((*key).to_owned(), (*value).into()))
            .collect(),
        duration_s: None,
        ramp_s: None,
        after_s: None,
        lease_s: None,
        by: "Ada".into(),
        why: String::new(),
    })
    .unwrap()
}

/// Injects a slow start; answers with its number.
async fn slow_start(stage: &Stage, delay_ms: &str) -> u32 {
    let order = order("slow-start", &[("delay_ms", delay_ms)]);
    stage.lab.inject(order).await.unwrap().id
}

/// Heals; it is over when this returns.
async fn heal(stage: &Stage, id: u32) {
    let healed = stage.lab.heal(id, "Ada").await.unwrap();
    assert_eq!(healed.state, InjectionState::Healed, "{healed:?}");
}

/// Whether its only instance is being started for the so-manieth time.
fn starts_again(stage: &Stage, restarts: u32) -> bool {
    let one = stage.service("payments");
    one.restarts == restarts && one.state == "starting"
}

/// Whether it has been started so many times.
fn runs_again(stage: &Stage, restarts: u32) -> bool {
    let one = stage.service("payments");
    one.restarts == restarts && one.state == "ready"
}

fn instances(stage: &Stage) -> Vec<api::ServiceView> {
    let mut all = stage.lab.view().services;
    all.retain(|service| service.name == "payments");
    all
}

/// So many instances of this release, all ready, with so many settings; and no process that the lab does not know.
async fn assert_is(stage: &Stage, count: usize, version: &str, settings: usize) {
    let all = instances(stage);
    assert_eq!(all.len(), count, "{all:?}");
    let fine = |one: &api::ServiceView| one.state == "ready" && one.version == version;
    assert!(all.iter().all(fine), "{all:?}");
    for one in &all {
        let url = stage.url_of(&one.instance);
        let said = stage.ask_at(&url, "/who").await;
        assert_eq!(said, format!("{} {version} {settings}", one.instance));
    }
    until("no process is left over", || {
        children() == stage.pids().into_iter().collect()
    })
    .await;
}

/// The processes that were born of this one.
fn children() -> BTreeSet<u32> {
    let me = std::process::id().to_string();
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let parent = stat
                .rsplit(')')
                .next()
                .and_then(|rest| rest.split_whitespace().nth(1));
            parent == Some(&me) && lives(*pid)
        })
        .collect()
}

/// What is done under a start that takes for ever, healed meanwhile.
async fn healed_meanwhile(stage: &Stage, under_way: impl Fn() -> bool) -> String {
    let id = slow_start(stage, FOR_EVER).await;
    let meanwhile = async {
        until("it is under way", under_way).await;
        heal(stage, id).await;
    };
    let (outcome, ()) = tokio::join!(stage.lab.apply("it"), meanwhile);
    assert!(outcome.done, "{outcome:?}");
    outcome.message
}

pub async fn a_restart_that_is_broken_off_by_healing_is_done_afterwards() {
    let stage = Stage::open(offering(restart())).await;
    let before = stage.service("payments").pid.unwrap();
    let said = healed_meanwhile(&stage, || starts_again(&stage, 2)).await;
    assert_eq!(said, "payments: restarted");
    assert_is(&stage, 1, "1", 0).await;
    assert_ne!(stage.service("payments").pid, Some(before));
    stage.lab.shutdown().await;
}

pub async fn a_scaling_that_is_broken_off_by_healing_is_done_afterwards() {
    let stage = Stage::open(offering(scale())).await;
    let said = healed_meanwhile(&stage, || instances(&stage).len() > 1).await;
    assert_eq!(said, "payments: 1 → 3 instances");
    assert_is(&stage, 3, "1", 0).await;
    assert!(stage.lab.undo("it").await.done);
    assert_is(&stage, 1, "1", 0).await;
    stage.lab.shutdown().await;
}

pub async fn a_release_that_is_broken_off_by_healing_is_done_afterwards() {
    let stage = Stage::open(offering(release())).await;
    let said = healed_meanwhile(&stage, || instances(&stage).len() > 1).await;
    assert_eq!(said, "payments: 2 rolled out, 1 stopped");
    assert_is(&stage, 1, "2", 0).await;
    assert!(stage.lab.undo("it").await.done);
    assert_is(&stage, 1, "1", 0).await;
    stage.lab.shutdown().await;
}

pub async fn a_release_that_was_rolled_out_already_is_told_of_as_such() {
    let mut plan = offering(release());
    for service in &mut plan.scenario.services {
        if service.service == Role::Payments {
            // it takes its time to stop
            service.version = "stubborn".into();
        }
    }
    let stage = Stage::open(plan).await;
    let id = slow_start(&stage, "1").await;
    until("it runs again", || runs_again(&stage, 1)).await;
    let old = stage.service("payments").pid.unwrap();
    let meanwhile = async {
        until("the new one serves", || {
            let all = instances(&stage);
            all.len() == 1 && all[0].version == "2"
        })
        .await;
        heal(&stage, id).await;
    };
    let (outcome, ()) = tokio::join!(stage.lab.apply("it"), meanwhile);
    assert!(outcome.done, "{outcome:?}");
    assert_eq!(outcome.message, "payments: 2 rolled out, stubborn stopped");
    until("the old one is gone", || !lives(old)).await;
    // settings in force at its birth are of no consequence any more
    assert_is(&stage, 1, "2", 1).await;
    stage.lab.shutdown().await;
}

pub async fn settings_that_are_broken_off_by_healing_are_told_afterwards() {
    let stage = Stage::open(offering(configure(Setting::WorkerSlots(14)))).await;
    let id = slow_start(&stage, "1").await;
    until("it runs again", || runs_again(&stage, 1)).await;
    let meanwhile = async {
        until("it was told", || stage.has_log("payments INFO pondering")).await;
        heal(&stage, id).await;
    };
    let (outcome, ()) = tokio::join!(stage.lab.apply("it"), meanwhile);
    assert!(outcome.done, "{outcome:?}");
    assert_eq!(outcome.message, "payments: configuration changed");
    stage.lab.shutdown().await;
}

pub async fn everything_is_stopped_while_orders_wait_and_they_are_carried_out_after_it() {
    let mut plan = offering(restart());
    let event = |at_s: i64, id: &str, effect| TimelineEvent {
        at: Span::from_millis(at_s * 1_000),
        id: id.into(),
        role: EventRole::Innocent,
        says: id.into(),
        repeat: None,
        change: None,
        effects: vec![effect],
    };
    plan.scenario.timeline = vec![
        event(-61, "scale", scale()),
        event(-60, "release", release()),
    ];
    plan.scenario.history.span = Span::from_millis(120_000);
    plan.scenario.history.speed = 60.0;
    let stage = Stage::open(plan).await;
    let clock = stage.lab.clock();
    // nothing of the timeline before the restart is under way
    clock.set_speed(0.0);
    slow_start(&stage, FOR_EVER).await;
    let meanwhile = async {
        until("the restart", || starts_again(&stage, 2)).await;
        clock.set_speed(60.0);
        until("both events", || {
            let entries = stage.journal.entries();
            let events = entries
                .iter()
                .filter(|entry| matches!(entry.event, Event::Timeline { .. }));
            events.count() == 2
        })
        .await;
        // a standstill, which waits, too, and is not put into force any more
        let hang = stage.lab.inject(order("hang", &[]));
        let stop = async {
            until("the standstill waits", || stage.lab.injections().len() == 2).await;
            stage.lab.stop_everything("Ada").await
        };
        let (_, stopped) = tokio::join!(hang, stop);
        assert_eq!(stopped.len(), 2);
        for one in stopped {
            assert_eq!(one.state, InjectionState::Healed, "{one:?}");
        }
    };
    let (outcome, ()) = tokio::join!(stage.lab.apply("it"), meanwhile);
    assert_eq!(outcome.message, "payments: restarted");
    // each of the two changes its own, and takes nothing of the other's back
    until("both orders", || {
        let all = instances(&stage);
        all.len() == 3
            && all
                .iter()
                .all(|one| one.version == "2" && one.state == "ready")
    })
    .await;
    assert_is(&stage, 3, "2", 0).await;
    stage.lab.shutdown().await;
}
