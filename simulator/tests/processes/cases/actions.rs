//! What is done to a running lab: by the trainee, and by its timeline.

use api::ShopRequest;
use scenarios::{
    effect::Effect,
    plan::Plan,
    scenario::{ChangeText, EventRole, Remedy, TimelineEvent},
    setting::Setting,
    shop::Role,
    span::Span,
};
use simulator::journal::Event;

use super::{configure, cut, remedy};
use crate::stage::{Stage, lives, plan, until};

/// A release, a setting, instances and an alert rule.
fn with_four_remedies() -> Plan {
    let mut plan = plan();
    let deploy = Effect::Deploy {
        service: Role::Payments,
        version: "2".into(),
        settings: vec![Setting::OutboundConnections(64)],
    };
    let tune = Effect::TuneAlert {
        alert: "A".into(),
        expr: None,
        hold: None,
    };
    plan.scenario.remedies = vec![
        remedy("release", vec![deploy]),
        remedy("slots", vec![configure(Setting::CallTimeoutMs(5))]),
        remedy(
            "grow",
            vec![Effect::Scale {
                service: Role::Payments,
                replicas: 3,
            }],
        ),
        remedy("tune", vec![tune]),
    ];
    plan
}

pub async fn remedies_change_the_services_and_are_taken_back() {
    let stage = Stage::open(with_four_remedies()).await;
    let before = stage.service("payments");
    for id in ["release", "slots", "grow", "tune"] {
        let outcome = stage.lab.apply(id).await;
        assert!(outcome.done, "{outcome:?}");
    }
    assert!(!stage.lab.apply("grow").await.done, "in force already");
    let names = || -> Vec<String> {
        let services = stage.lab.view().services;
        services
            .into_iter()
            .filter(|service| service.name == "payments")
            .map(|service| service.instance)
            .collect()
    };
    assert_eq!(names(), ["payments-2", "payments-3", "payments-4"]);
    assert_eq!(stage.ask("payments", "/who").await, "payments-2 2 1");
    assert!(!lives(before.pid.unwrap()));
    assert!(stage.lab.remedies().iter().all(|remedy| remedy.applied));
    // the release goes, the later ones stay: a timeout and three instances
    assert!(stage.lab.undo("release").await.done);
    assert_eq!(names(), ["payments-5", "payments-6", "payments-7"]);
    assert_eq!(stage.ask("payments", "/who").await, "payments-5 1 1");
    for id in ["grow", "slots", "tune"] {
        assert!(stage.lab.undo(id).await.done, "{id}");
    }
    assert!(!stage.lab.undo("tune").await.done, "not in force");
    assert_eq!(names().len(), 1);
    assert_eq!(stage.service("payments").version, "1");
    assert_eq!(
        stage.ask("payments", "/who").await.split(' ').next_back(),
        Some("0")
    );
    assert_eq!(*stage.memory.alerts.lock().unwrap(), ["A", "reset A"]);
    assert_eq!(
        stage.lab.changes().len(),
        8,
        "every action that was done is shown"
    );
    let actions = stage
        .journal
        .entries()
        .iter()
        .filter(|entry| matches!(entry.event, Event::Action { .. }))
        .count();
    assert_eq!(
        actions, 10,
        "and every one that was asked for is journalled"
    );
    stage.lab.shutdown().await;
}

pub async fn an_action_that_fails_changes_nothing() {
    let mut plan = plan();
    plan.scenario.remedies = vec![
        remedy(
            "half",
            vec![
                configure(Setting::CallTimeoutMs(5)),
                configure(Setting::WorkerSlots(13)),
            ],
        ),
        remedy(
            "broken",
            vec![Effect::Deploy {
                service: Role::Payments,
                version: "dies".into(),
                settings: vec![],
            }],
        ),
        remedy("nowhere", vec![Effect::Restart { service: Role::Psp }]),
        remedy(
            "untuned",
            vec![Effect::TuneAlert {
                alert: "NoSuchAlert".into(),
                expr: None,
                hold: None,
            }],
        ),
    ];
    let stage = Stage::open(plan).await;
    for (id, reason) in [
        ("half", "payments refused the settings: thirteen is unlucky"),
        ("broken", "payments did not start: exited with code 3"),
        ("nowhere", "psp does not run in this scenario"),
        ("untuned", "the alert NoSuchAlert cannot be changed"),
        ("unknown", "there is no action `unknown`"),
    ] {
        let outcome = stage.lab.apply(id).await;
        assert!(
            !outcome.done && outcome.message.contains(reason),
            "{outcome:?}"
        );
    }
    assert_eq!(stage.service("payments").version, "1");
    assert_eq!(
        stage.ask("payments", "/who").await.split(' ').next_back(),
        Some("0")
    );
    assert!(stage.lab.remedies().iter().all(|remedy| !remedy.applied));
    assert!(stage.lab.changes().is_empty());
    stage.lab.shutdown().await;
}

pub async fn a_request_of_a_person_goes_through_the_door() {
    let stage = Stage::open(plan()).await;
    let ask = |service: &str, path: &str| ShopRequest {
        service: service.into(),
        method: "GET".into(),
        path: path.into(),
        ..ShopRequest::default()
    };
    let answer = stage.lab.send(ask("payments", "/who")).await.unwrap();
    assert_eq!(
        (answer.status, &*answer.body),
        (Some(200), "payments-1 1 0")
    );
    assert_eq!(
        (answer.body_bytes, answer.shown_bytes, answer.trace_id.len()),
        (14, 14, 32)
    );
    assert!(
        *stage.memory.anchors.lock().unwrap() > 0,
        "its trace is anchored"
    );
    // a process that dies under it gives no answer, and that is what is told
    let lost = stage.lab.send(ask("payments", "/die")).await.unwrap();
    assert!(lost.status.is_none() && lost.error.is_some(), "{lost:?}");
    let journalled: Vec<_> = stage
        .journal
        .entries()
        .into_iter()
        .filter_map(|entry| match entry.event {
            Event::Request { path, status, .. } => Some((path, status)),
            _ => None,
        })
        .collect();
    assert_eq!(
        journalled,
        [("/who".to_owned(), Some(200)), ("/die".to_owned(), None)]
    );
    let stranger = stage
        .lab
        .send(ask("orders", "/"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        stranger.ends_with("there are storefront, checkout, payments"),
        "{stranger}"
    );
    let ready = stage.lab.ready_requests();
    assert!(ready.iter().any(|one| one.request.path == "/login"));
    assert!(ready.iter().all(|one| one.request.service != "orders"));
    stage.lab.shutdown().await;
}

pub async fn a_request_is_journalled_though_its_caller_went_away() {
    let stage = Stage::open(plan()).await;
    let request = ShopRequest {
        service: "payments".into(),
        method: "GET".into(),
        path: "/who".into(),
        ..ShopRequest::default()
    };
    // gone as soon as it is asked for
    tokio::select! {
        biased;
        _ = stage.lab.send(request) => {}
        () = std::future::ready(()) => {}
    }
    until("its entry in the journal", || {
        let entries = stage.journal.entries();
        entries.iter().any(|entry| {
            matches!(&entry.event, Event::Request { path, status, .. } if path == "/who" && *status == Some(200))
        })
    })
    .await;
    stage.lab.shutdown().await;
}

pub async fn the_timeline_happens_and_a_remedy_stops_its_repetitions() {
    let mut plan = plan();
    let event = |at_s: i64, id: &str, effects| TimelineEvent {
        at: Span::from_millis(at_s * 1_000),
        id: id.into(),
        role: EventRole::Innocent,
        says: format!("{id} happens"),
        repeat: None,
        change: (id == "release").then(|| ChangeText {
            kind: "deploy".into(),
            service: Some(Role::Payments),
            title: "payments 2".into(),
            details: String::new(),
            author: "somebody".into(),
        }),
        effects,
    };
    let deploy = Effect::Deploy {
        service: Role::Payments,
        version: "2".into(),
        settings: vec![],
    };
    let blip = || vec![cut("checkout->payments", 100)];
    plan.scenario.timeline = vec![
        event(-118, "release", vec![deploy]),
        event(-110, "blip", blip()),
        event(-20, "blip#2", blip()),
        event(-10, "last", vec![]),
    ];
    plan.scenario.history.span = Span::from_millis(120_000);
    plan.scenario.history.speed = 60.0;
    plan.scenario.remedies = vec![Remedy {
        stops: vec!["blip".into()],
        ..remedy("stop", vec![])
    }];
    let stage = Stage::open(plan).await;
    assert!(stage.lab.apply("stop").await.done);
    until("the release", || stage.service("payments").version == "2").await;
    assert_eq!(
        stage
            .lab
            .changes()
            .iter()
            .filter(|change| change.id == "release")
            .count(),
        1
    );
    let happened =
        |id: &str| {
            stage.journal.entries().iter().any(
                |entry| matches!(&entry.event, Event::Timeline { id: other, .. } if other == id),
            )
        };
    until("the last event", || happened("last")).await;
    assert!(happened("release") && !happened("blip#2"));
    stage.lab.shutdown().await;
}
