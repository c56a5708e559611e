//! The act view as a person uses it: a request of one's own, a rollout as it goes on, a long stress test at 80x24.

use api::{Rollout, RolloutStep, Strategy};

use super::fixture;
use super::screens::{opened, press};
use crate::screen::text_of;
use crate::views::{ViewId, act};

#[tokio::test]
async fn a_request_is_chosen_sent_and_its_trace_opened() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    let send = [
        "8", "R", "Enter", "Enter", "Down", "Down", "Down", "Down", "Enter",
    ];
    press(&mut app, &client, &send).await;
    let posted = lab.lock().posted.clone();
    let sent: Vec<_> = posted
        .iter()
        .filter(|(what, _)| what == "request")
        .collect();
    assert_eq!(sent[0].1["path"], "/customers/20/orders");
    let screen = text_of(&app);
    for part in [
        "▌ Answer ",
        "503 in 12 ms",
        "content-type: application/json",
        "no connection",
    ] {
        assert!(screen.contains(part), "{part} is missing in\n{screen}");
    }
    assert!(!screen.contains('\u{1b}') && !screen.contains('\u{7}'));
    press(&mut app, &client, &["gt"]).await;
    assert_eq!(app.views.traces.open.as_deref(), Some(fixture::TRACE));
    // back, and to the remedies: the answer makes room for what they do
    press(&mut app, &client, &["8", "Tab", "Tab", "j"]).await;
    assert_eq!(app.view, ViewId::Act);
    assert!(text_of(&app).contains("─ What it does "));
}

#[tokio::test]
async fn a_request_of_ones_own_says_what_is_wrong_with_it() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(
        &mut app,
        &client,
        &["8", "R", "Down", "orders", "Down", "Down", "Down", "Enter"],
    )
    .await;
    assert!(
        text_of(&app).contains("✗ write service, method and path"),
        "{}",
        text_of(&app)
    );
    press(
        &mut app,
        &client,
        &["Up", "Up", "Up", " post /orders", "Down", "x-a: b", "Down"],
    )
    .await;
    press(&mut app, &client, &["{}", "Down", "Enter"]).await;
    let posted = lab.lock().posted.clone();
    let (_, sent) = posted.iter().find(|(what, _)| what == "request").unwrap();
    assert_eq!(sent["method"], "POST");
    assert_eq!(sent["headers"], serde_json::json!([["x-a", "b"]]));
    assert_eq!(sent["body"], "{}");
}

#[tokio::test]
async fn a_rollout_is_seen_step_by_step_and_stopped_by_u() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["8", "j"]).await;
    let step = |title: &str, state: &str, figures: &str| RolloutStep {
        at_ms: app.range.now_ms,
        title: title.to_owned(),
        state: state.to_owned(),
        figures: figures.to_owned(),
    };
    let rollout = Rollout {
        strategy: Strategy::Canary,
        service: "orders".to_owned(),
        release: "2.15.0".to_owned(),
        running: true,
        percent: 20,
        steps: vec![
            step(
                "starts beside the old release",
                "passed",
                "ready, 3 of 3 looks",
            ),
            step(
                "20 % of connections",
                "running",
                "new: 3 requests, 0 % failed, p95 40 ms; old: 9 requests, 0 % failed, p95 3.20 s",
            ),
        ],
    };
    app.known.remedies.value.as_mut().unwrap()[1].rollout = Some(rollout);
    insta::assert_snapshot!("rollout_80x24", text_of(&app));
    press(&mut app, &client, &["Enter"]).await;
    assert!(app.overlay.is_none(), "it is not begun twice");
    let posted = lab.lock().posted.clone();
    assert!(posted.iter().all(|(what, _)| what != "action"));
}

#[tokio::test]
async fn a_stress_test_that_is_longer_than_its_pane_scrolls() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["8", "P", "y"]).await;
    let proof = app.known.proof.value.as_mut().unwrap();
    let first = proof.invariants[0].clone();
    for number in 0..20 {
        let mut more = first.clone();
        more.title = format!("invariant number {number}");
        proof.invariants.push(more);
    }
    assert!(!text_of(&app).contains("invariant number 19"));
    let before = app.views.act.at;
    press(&mut app, &client, &["Tab", "Tab"]).await;
    let proof = app.known.proof.clone();
    for _ in 0..40 {
        crate::views::act::state::go(&mut app, crate::widgets::cursor::Motion::Down);
    }
    assert!(
        text_of(&app).contains("invariant number 19"),
        "{}",
        text_of(&app)
    );
    assert_eq!(app.views.act.at, before, "the list has not moved");
    assert_eq!(app.known.proof.value, proof.value);
}

#[tokio::test]
async fn a_rollout_that_ends_is_said_wherever_one_looks() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["8", "2"]).await;
    let at = |state: &str, running| Rollout {
        strategy: Strategy::BlueGreen,
        service: "orders".to_owned(),
        release: "2.15.0".to_owned(),
        running,
        percent: 0,
        steps: vec![RolloutStep {
            at_ms: fixture::PAGE_MS,
            title: "all connections".to_owned(),
            state: state.to_owned(),
            figures: "4 of 9 requests failed (new: 9 requests)".to_owned(),
        }],
    };
    let mut remedies = app.known.remedies.value.clone().unwrap();
    remedies[1].rollout = Some(at("running", true));
    act::rollout::arrived(&mut app, remedies.clone());
    assert_eq!(app.toast, None, "it goes on");
    assert!(act::state::rolls(&app));
    remedies[1].rollout = Some(at("failed", false));
    act::rollout::arrived(&mut app, remedies.clone());
    let said = app.toast.clone().unwrap();
    assert!(said.bad);
    assert_eq!(
        said.text,
        "orders 2.15.0 was taken back, the release before serves all: all connections, 4 of 9 requests failed"
    );
    // it is said once, and can be read again in full
    app.toast = None;
    act::rollout::arrived(&mut app, remedies);
    assert_eq!(app.toast, None);
    app.key(crossterm::event::KeyEvent::from(
        crossterm::event::KeyCode::F(4),
    ));
    let (_, read) = app.overlay.as_ref().unwrap().words().unwrap();
    assert!(read.contains("✗ orders 2.15.0 was taken back"), "{read}");
}

#[tokio::test]
async fn on_a_screen_of_few_rows_the_pane_that_has_the_keys_has_the_rows() {
    let (mut app, client, _) = opened(fixture::lab(), (40, 10)).await;
    press(&mut app, &client, &["8", "j"]).await;
    let does = &act::state::selected(&app).unwrap().description.clone();
    let first = does.split_whitespace().next().unwrap();
    assert!(text_of(&app).contains(first), "{}", text_of(&app));
    press(&mut app, &client, &["Tab", "Tab"]).await;
    let rows = text_of(&app);
    let at = rows.lines().position(|row| row.contains("▌ Stress test"));
    assert_eq!(at, Some(4), "header, tabs, two titles\n{rows}");
}

#[tokio::test]
async fn what_is_asked_before_it_is_done_can_be_read_on_any_screen() {
    let (mut app, client, _) = opened(fixture::lab(), (40, 10)).await;
    press(&mut app, &client, &["8", "P"]).await;
    let (_, body) = app.overlay.as_ref().unwrap().words().unwrap();
    let words: Vec<String> = body.split_whitespace().map(str::to_owned).collect();
    let mut seen = String::new();
    for _ in 0..40 {
        seen.push_str(&text_of(&app));
        press(&mut app, &client, &["Down"]).await;
    }
    for word in words {
        assert!(seen.contains(&word), "{word} is never shown in\n{seen}");
    }
    assert!(app.overlay.is_some(), "reading answers nothing");
}
