//! From start to end: readiness, exits told apart, nothing left behind.

use std::{
    io::{BufRead, BufReader},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use scenarios::{effect::Effect, scenario::Task, shop::Role, span::Span};
use simulator::LabError;

use super::remedy;
use crate::stage::{Stage, lives, plan, until};

pub async fn a_lab_is_ready_takes_load_and_leaves_nothing() {
    let mut plan = plan();
    plan.scenario.tasks.push(Task {
        name: "POST /tidy".into(),
        service: Role::Payments,
        path: "/tidy".into(),
        body: serde_json::json!({}),
        every: Span::from_millis(10_000),
        offset: Span::default(),
    });
    let stage = Stage::open(plan).await;
    let view = stage.lab.view();
    assert_eq!(view.services.len(), 3);
    assert!(
        view.services.iter().all(|service| service.state == "ready"),
        "{view:?}"
    );
    assert!(
        view.progress < 1.0 && view.activity.starts_with("making history"),
        "{view:?}"
    );
    until("journeys", || stage.lab.view().load.steps[0].requests > 20).await;
    let steps = stage.lab.view().load.steps;
    assert_eq!(
        steps.iter().map(|step| step.failed).sum::<u64>(),
        0,
        "{steps:?}"
    );
    assert!(*stage.memory.anchors.lock().unwrap() > 20);
    assert!(stage.lab.load_metrics().contains("load_journeys_total"));
    let metrics = stage.ask("load", "/metrics").await;
    assert!(
        metrics.contains("load_requests_total{step=\"login\",result=\"ok\"}"),
        "{metrics}"
    );
    until("output", || {
        stage
            .memory
            .logs
            .lock()
            .unwrap()
            .iter()
            .any(|line| line == "payments INFO listening")
    })
    .await;
    let pids = stage.pids();
    assert_eq!(pids.len(), 3);
    stage.lab.shutdown().await;
    assert!(!pids.iter().any(|pid| lives(*pid)), "somebody survived");
    assert_eq!(stage.pids(), Vec::<u32>::new());
    stage.lab.shutdown().await;
}

pub async fn a_service_that_dies_in_start_is_named_with_its_last_words() {
    let mut plan = plan();
    plan.scenario.services[1].version = "dies".into();
    let Err(error) = Stage::try_open(plan).await else {
        panic!("it started")
    };
    let text = error.to_string();
    assert!(
        text.contains("checkout did not start: exited with code 3"),
        "{text}"
    );
    assert!(text.contains("the cellar is locked"), "{text}");
}

pub async fn a_service_that_cannot_start_says_why() {
    let mut plan = plan();
    plan.scenario.services[2].version = "unable".into();
    let Err(error) = Stage::try_open(plan).await else {
        panic!("it started")
    };
    assert!(
        matches!(&error, LabError::DiedInStart { service, reason, .. }
        if service == "payments" && reason == "the database is not there"),
        "{error}"
    );
}

pub async fn a_crash_is_told_apart_and_started_again() {
    let stage = Stage::open(plan()).await;
    let before = stage.service("checkout");
    stage.ask("checkout", "/die").await;
    until("the exit", || !stage.exits().is_empty()).await;
    assert_eq!(stage.exits(), [("exited with code 7".to_owned(), false)]);
    until("the restart", || {
        stage.service("checkout").restarts == 1 && stage.service("checkout").state == "ready"
    })
    .await;
    let after = stage.service("checkout");
    assert_eq!(after.instance, before.instance);
    assert_ne!(after.pid, before.pid);
    assert_eq!(after.exit.as_deref(), Some("exited with code 7"));
    assert!(
        stage
            .memory
            .logs
            .lock()
            .unwrap()
            .iter()
            .any(|line| line == "checkout ERROR a plate fell")
    );
    stage.lab.shutdown().await;
}

pub async fn a_process_over_its_memory_limit_is_killed_with_137() {
    let stage = Stage::open(plan()).await;
    stage.ask("payments", "/eat").await;
    until("the kill", || !stage.exits().is_empty()).await;
    assert_eq!(
        stage.exits(),
        [(
            "killed at its memory limit of 128 MiB (exit 137)".to_owned(),
            false
        )]
    );
    stage.lab.shutdown().await;
}

pub async fn a_dropped_lab_leaves_no_process() {
    let stage = Stage::open(plan()).await;
    let pids = stage.pids();
    drop(stage);
    until("the end of all", || !pids.iter().any(|pid| lives(*pid))).await;
}

/// The other side of the next case.
pub async fn wait_to_be_killed() -> ExitCode {
    let stage = Stage::open(plan()).await;
    println!("{:?}", stage.pids());
    tokio::time::sleep(Duration::from_secs(120)).await;
    ExitCode::FAILURE
}

pub async fn a_killed_lab_leaves_no_process() {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .arg("parent")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let pids: Vec<u32> = serde_json::from_str(&line).unwrap();
    assert!(pids.len() == 3 && pids.iter().all(|pid| lives(*pid)));
    // SIGKILL: it can do nothing any more
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("the end of all", || !pids.iter().any(|pid| lives(*pid))).await;
}

pub async fn a_process_that_does_not_stop_is_killed() {
    let mut plan = plan();
    plan.scenario.services[2].version = "stubborn".into();
    plan.scenario.remedies.push(remedy(
        "restart",
        vec![Effect::Restart {
            service: Role::Payments,
        }],
    ));
    let stage = Stage::open(plan).await;
    let outcome = stage.lab.apply("restart").await;
    assert!(outcome.done, "{outcome:?}");
    assert_eq!(
        stage.exits(),
        [(
            "killed by the supervisor, because it did not stop in time".to_owned(),
            true
        )]
    );
    let pids = stage.pids();
    stage.lab.shutdown().await;
    assert!(!pids.iter().any(|pid| lives(*pid)));
}
