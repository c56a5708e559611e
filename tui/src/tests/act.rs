//! The act view as a person uses it: a request of one's own, a rollout as it goes on, a long stress test at 80x24.

use api::{Rollout, RolloutEnd, RolloutStep, Strategy};
use crossterm::event::{KeyCode, KeyEvent};

use super::fixture;
use super::screens::{opened, press};
use crate::app::App;
use crate::ask::{Ask, Reply};
use crate::client::Asker;
use crate::error::Failure;
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
        end: None,
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
        end: None,
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

/// The lab fails to do what is on its way to it.
fn fails(app: &mut App, ask: impl Fn(&Ask) -> bool, failure: Failure) {
    let found = app.questions.iter().position(|question| ask(&question.ask));
    let request = app.questions.remove(found.unwrap());
    let result = Err(failure);
    app.receive(Reply { request, result });
}

#[tokio::test]
async fn what_is_asked_before_it_is_done_is_seen_to_be_under_way_until_it_is_done_or_fails() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["8", "j", "j", "j", "Enter"]).await;
    assert!(act::state::selected(&app).unwrap().dangerous && app.overlay.is_some());
    assert!(!text_of(&app).contains("under way for"));
    app.key(KeyEvent::from(KeyCode::Char('y')));
    assert!(
        text_of(&app).contains("◐ under way for 0 s"),
        "{}",
        text_of(&app)
    );
    let broken = Failure::lost("the connection broke");
    fails(&mut app, |ask| matches!(ask, Ask::Act(_)), broken);
    assert!(
        !text_of(&app).contains("under way for"),
        "{}",
        text_of(&app)
    );
    // and once more, with an outcome
    press(&mut app, &client, &["Enter", "y"]).await;
    assert!(
        !text_of(&app).contains("under way for"),
        "{}",
        text_of(&app)
    );
    assert!(text_of(&app).contains("rolled out to 1 of 1 instances"));
}

#[tokio::test]
async fn an_answer_that_comes_late_leaves_the_keys_where_they_are_by_then() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    let form = ["8", "R", "Enter", "Enter", "Down", "Down", "Down", "Down"];
    press(&mut app, &client, &form).await;
    app.key(KeyEvent::from(KeyCode::Enter));
    assert!(app.overlay.is_none(), "it is sent");
    // meanwhile to the stress test
    app.key(KeyEvent::from(KeyCode::BackTab));
    let pane = app.views.act.pane;
    assert_eq!(pane, act::state::Pane::Proof);
    press(&mut app, &client, &[""]).await;
    assert_eq!(app.views.act.pane, pane);
    let said = app.toast.clone().unwrap().text;
    assert!(said.ends_with("Tab in 8 Act shows it"), "{said}");
    assert!(!text_of(&app).contains("▌ Answer "));
    press(&mut app, &client, &["Tab", "Tab"]).await;
    assert!(text_of(&app).contains("▌ Answer "), "{}", text_of(&app));
}

#[tokio::test]
async fn the_requests_are_read_anew_after_each_answer_and_a_refusal_of_them_is_said() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    let send = ["8", "R", "Enter", "Enter", "Down", "Down", "Down", "Down"];
    press(&mut app, &client, &send).await;
    let ready = app.views.act.ready.value.clone().unwrap();
    app.views.act.ready.value.as_mut().unwrap()[0].title = "of the order before".to_owned();
    press(&mut app, &client, &["Enter"]).await;
    assert_eq!(
        app.views.act.ready.value,
        Some(ready),
        "an order has another id now"
    );
    // one that is not answered may have been taken all the same
    let asks = |app: &App| app.questions.iter().any(|q| q.ask == Ask::ReadyRequests);
    press(&mut app, &client, &send[1..]).await;
    app.key(KeyEvent::from(KeyCode::Enter));
    assert!(!asks(&app));
    fails(
        &mut app,
        |ask| matches!(ask, Ask::Send(_)),
        Failure::lost("broke"),
    );
    assert!(asks(&app));
    // the lab does not tell them
    app.overlay = None;
    app.views.act.ready.value = None;
    app.ask(Ask::ReadyRequests, Asker::Screen);
    let mut refused = Failure::lost("the shop is still starting");
    refused.status = Some(409);
    refused.remedy = Some("try again in a second".to_owned());
    fails(&mut app, |ask| *ask == Ask::ReadyRequests, refused);
    app.key(KeyEvent::from(KeyCode::Char('R')));
    let said = app.toast.clone().unwrap();
    assert!(said.bad && app.overlay.is_none());
    assert_eq!(
        said.text,
        "the requests cannot be read: the shop is still starting: try again in a second"
    );
}

#[tokio::test]
async fn a_rollout_that_fails_when_its_steps_have_passed_is_told_as_failed() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["8", "j"]).await;
    let gone = "the new release of orders is gone";
    for (end, expected) in [
        (
            RolloutEnd::TakenBack(gone.to_owned()),
            "was taken back, the release before serves all: the new release of orders is gone",
        ),
        (
            RolloutEnd::Stuck(gone.to_owned()),
            "failed, and could not be taken back: the new release of orders is gone",
        ),
    ] {
        let mut remedies = app.known.remedies.value.clone().unwrap();
        let running = Rollout {
            strategy: Strategy::Canary,
            service: "orders".to_owned(),
            release: "2.15.0".to_owned(),
            running: true,
            percent: 70,
            steps: vec![RolloutStep {
                at_ms: fixture::PAGE_MS,
                title: "70 % of connections".to_owned(),
                state: "passed".to_owned(),
                figures: String::new(),
            }],
            end: None,
        };
        remedies[1].rollout = Some(running.clone());
        act::rollout::arrived(&mut app, remedies.clone());
        remedies[1].rollout = Some(Rollout {
            running: false,
            end: Some(end),
            ..running
        });
        act::rollout::arrived(&mut app, remedies);
        let said = app.toast.clone().unwrap();
        assert!(said.bad, "{said:?}");
        assert_eq!(said.text, format!("orders 2.15.0 {expected}"));
        let plain = crate::plain::told_view(&app);
        assert!(
            plain.contains(&format!("last rollout {expected}")),
            "{plain}"
        );
    }
}
