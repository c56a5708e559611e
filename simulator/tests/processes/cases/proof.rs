//! Proofs.

use scenarios::{
    effect::LoadChange,
    plan::Plan,
    scenario::{EventRole, Invariant, ProofEvent, TimelineEvent},
    span::Span,
};
use simulator::{
    LabError,
    journal::Event,
    load::{Profile, Source, Step},
};

use super::cut;
use crate::stage::{Stage, plan, until};

/// A second of load at 40 journeys a second with a cut in it; nothing before and after.
fn stressed() -> Plan {
    let mut plan = plan();
    plan.scenario.history.span = Span::from_millis(2_000);
    plan.scenario.history.lead_in = Span::from_millis(1_000);
    plan.scenario.load.journeys_per_s = 0.0;
    plan.scenario.load.think = Span::from_millis(5);
    let proof = &mut plan.scenario.proof;
    proof.lasting = Span::from_millis(1_000);
    proof.settle = Span::from_millis(200);
    proof.load = LoadChange {
        journeys_per_s: Some(40.0),
        checkout_share: Some(0.5),
        ..LoadChange::default()
    };
    proof.chaos = vec![ProofEvent {
        at: Span::from_millis(100),
        effects: vec![cut("storefront->checkout", 300)],
    }];
    let invariant = |id: &str, query: &str| Invariant {
        id: id.into(),
        title: id.into(),
        query: query.into(),
        at_most: Some(1.0),
        at_least: None,
    };
    proof.invariants = vec![
        invariant("low", "low"),
        invariant("high", "high"),
        invariant("silent", "silent"),
    ];
    plan
}

/// A lab at the page, with these values to be measured.
async fn at_the_page(values: &[(&str, f64)]) -> Stage {
    let stage = open_at_the_page(stressed()).await;
    stage.set_values(values);
    stage
}

async fn open_at_the_page(plan: Plan) -> Stage {
    let stage = Stage::open(plan).await;
    let clock = stage.lab.clock();
    clock.sleep_until(clock.page_at_ns()).await;
    stage
}

pub async fn a_proof_measures_its_invariants_before_and_after() {
    let stage = at_the_page(&[("low", 1.0), ("high", 1.5)]).await;
    let (first, second) = tokio::join!(stage.lab.prove(), stage.lab.prove());
    let report = first.unwrap();
    assert!(matches!(second, Err(LabError::ProofRuns)), "one at a time");
    assert!(!report.passed);
    let figures = |k: usize| {
        let result = &report.invariants[k];
        (result.before, result.after, result.holds)
    };
    assert_eq!(figures(0), (Some(1.0), Some(1.0), true));
    assert_eq!(figures(1), (Some(1.5), Some(1.5), false));
    assert_eq!(figures(2), (None, None, false), "no value does not hold");
    assert!(!report.view.running);
    assert_eq!(stage.lab.proof_view(), report.view);
    stage.set_values(&[("high", 0.5), ("silent", 0.0)]);
    let again = stage.lab.prove().await.unwrap();
    assert!(again.passed);
    let before = again.invariants[1].before;
    assert_eq!(before, Some(1.5), "that of the broken system");
    let rate = stage.lab.view().load.profile.journeys_per_s;
    assert!(rate.abs() < 1e-9, "the former load is back");
    let entries = stage.journal.entries();
    let is_proof = |event: &Event| matches!(event, Event::Proof { .. });
    let proofs = entries.iter().filter(|entry| is_proof(&entry.event));
    assert_eq!(proofs.count(), 2);
    stage.lab.shutdown().await;
}

pub async fn every_proof_has_the_same_journeys() {
    let stage = at_the_page(&[]).await;
    for _ in 0..2 {
        stage.lab.prove().await.unwrap();
    }
    let plan = stressed();
    let profile = Profile::of(&plan.scenario.load).with(&plan.scenario.proof.load);
    let source = Source {
        seed: plan.seed,
        stream: "proof",
    };
    // the first ten begin in the first quarter of a second: whatever the machine does, they are in both
    for index in 0..10 {
        let journey = source.journey(index, &profile);
        let buys = journey
            .steps
            .iter()
            .any(|(_, step)| *step == Step::Checkout);
        for run in 1..=2 {
            let order = format!("storefront INFO order o{run}-{index:07}");
            if buys {
                until(&order, || stage.has_log(&order)).await;
            } else {
                assert!(!stage.has_log(&order), "{order}");
            }
        }
    }
    stage.lab.shutdown().await;
}

pub async fn what_recurs_by_itself_stays_out_of_a_proof() {
    let mut plan = stressed();
    let blip = |number: i64| TimelineEvent {
        at: Span::from_millis(number * 20),
        id: format!("blip#{number}"),
        role: EventRole::Trigger,
        says: String::new(),
        repeat: None,
        change: None,
        effects: vec![],
    };
    // fifty a second, for longer than any machine takes
    plan.scenario.timeline = (1..3_000).map(blip).collect();
    let stage = open_at_the_page(plan).await;
    let blips = || -> Vec<i64> {
        let entries = stage.journal.entries();
        let is_blip = |event: &Event| matches!(event, Event::Timeline { .. });
        let found = entries.iter().filter(|entry| is_blip(&entry.event));
        found.map(|entry| entry.at_ms).collect()
    };
    until("one before the proof", || !blips().is_empty()).await;
    let proved = stage.lab.prove().await.unwrap();
    let end_ms = proved.view.at_ms.unwrap();
    until("one after the proof", || {
        blips().iter().any(|at_ms| *at_ms > end_ms)
    })
    .await;
    // the proof took 1.2 seconds; its first half is looked at
    let within = blips()
        .into_iter()
        .filter(|at_ms| (end_ms - 1_200..end_ms - 600).contains(at_ms));
    assert_eq!(within.count(), 0);
    stage.lab.shutdown().await;
}
