//! What a person does, key by key, against the lab of fixed answers.

use api::PinTarget;

use super::fixture;
use super::screens::{opened, press};
use crate::app::Effect;
use crate::client::Client;
use crate::plain::Session;
use crate::screen::text_of;
use crate::views::ViewId;
use crate::{Exit, Failure};

#[tokio::test]
async fn from_page_to_log_line_to_trace_to_metric_is_one_key_a_step() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["gl"]).await;
    assert_eq!(app.view, ViewId::Logs);
    assert_eq!(app.views.logs.query.ran, "{service=\"storefront\"}");
    press(&mut app, &client, &["Enter"]).await;
    assert_eq!(
        (app.view, app.views.traces.open.as_deref()),
        (ViewId::Traces, Some(fixture::TRACE))
    );
    press(&mut app, &client, &["gm"]).await;
    assert_eq!(app.view, ViewId::Metrics);
    assert!(
        app.views.metrics.query.ran.contains("service=\"orders\""),
        "{}",
        app.views.metrics.query.ran
    );
    press(&mut app, &client, &["[", "["]).await;
    assert_eq!(app.view, ViewId::Logs);
}

#[tokio::test]
async fn only_what_a_person_typed_is_asked_without_the_background_header() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2"]).await;
    lab.lock().asked.clear();
    press(&mut app, &client, &["/", "timeout", "Enter"]).await;
    for at in [10_000, 12_000] {
        app.tick(at);
        crate::screen::settle(&mut app, &client).await;
    }
    let asked = lab.lock().asked.clone();
    let lines: Vec<bool> = asked
        .iter()
        .filter(|(_, uri, _)| uri.contains("loki") && !uri.contains("sum+by"))
        .map(|(_, _, background)| *background)
        .collect();
    assert_eq!(lines, [false, true, true], "{asked:?}");
}

#[tokio::test]
async fn a_diagnosis_is_submitted_with_its_pins_and_the_verdict_is_shown() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(
        &mut app,
        &client,
        &[
            "S", "Enter", "orders", "Enter", "Enter", "n-plus", "Enter", "Enter", "2.14", "Enter",
            "Enter", "long", "Enter", "8", "0", "Enter", "Enter", " ", "Enter", "items", "Enter",
            "Enter",
        ],
    )
    .await;
    let posted = lab.lock().posted.clone();
    let (_, body) = posted
        .iter()
        .find(|(what, _)| what == "diagnosis")
        .expect("a diagnosis was posted");
    assert_eq!(body["component"], "orders");
    assert_eq!(body["mechanism"], "n-plus-one");
    assert_eq!(
        (body["trigger"].as_str(), body["scope"].as_str()),
        (Some("c2"), Some("long-history"))
    );
    assert_eq!(body["confidence"], 0.8);
    assert_eq!(body["pins"], serde_json::json!([1]));
    assert!(text_of(&app).contains("Right: that is the root cause"));
}

#[tokio::test]
async fn a_form_that_is_left_comes_back_as_it_was() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(
        &mut app,
        &client,
        &["7", "N", "half a thought", "Esc", "2", "7", "N"],
    )
    .await;
    assert!(text_of(&app).contains("half a thought"));
}

#[tokio::test]
async fn every_kind_of_evidence_is_pinned_by_the_same_key() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(
        &mut app,
        &client,
        &["2", "m", "3", "Enter", "m", "M", "4", "m", "6", "m"],
    )
    .await;
    let pins: Vec<PinTarget> = lab
        .lock()
        .case
        .pins
        .iter()
        .skip(2)
        .map(|p| p.target.clone())
        .collect();
    assert!(
        matches!(&pins[0], PinTarget::Log { service, .. } if service == "worker"),
        "{pins:?}"
    );
    assert!(matches!(
        &pins[1],
        PinTarget::Span {
            span_id: Some(_),
            ..
        }
    ));
    assert!(matches!(&pins[2], PinTarget::Span { span_id: None, .. }));
    assert!(
        matches!(&pins[3], PinTarget::Metric { labels, .. } if labels["service"] == "storefront")
    );
    assert!(matches!(&pins[4], PinTarget::Change { id } if id == "c3"));
}

#[tokio::test]
async fn a_dangerous_remedy_asks_and_another_does_not() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["8", "Enter"]).await;
    assert!(lab.lock().posted.iter().all(|(what, _)| what != "action"));
    press(&mut app, &client, &["n", "j", "Enter"]).await;
    let actions: Vec<_> = lab
        .lock()
        .posted
        .iter()
        .filter(|(what, _)| what == "action")
        .cloned()
        .collect();
    assert_eq!(actions.len(), 1);
    assert_eq!(actions[0].1["remedy"], "r2");
    press(&mut app, &client, &["u", "y"]).await;
    assert!(!lab.lock().applied);
}

#[tokio::test]
async fn an_observer_changes_nothing() {
    let (address, lab) = fixture::start(fixture::lab()).await;
    let client = Client::new(&address).unwrap();
    let mut app = crate::app::App::new(crate::ThemeName::None, true);
    for at in [0, 0] {
        app.tick(at);
        crate::screen::settle(&mut app, &client).await;
    }
    press(
        &mut app,
        &client,
        &["A", "2", "m", "8", "j", "Enter", "S", "9", "F", "y"],
    )
    .await;
    let asked = lab.lock().asked.clone();
    assert!(
        asked.iter().all(|(method, _, _)| method == "GET"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn leaving_while_the_drill_runs_asks_first() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["q"]).await;
    assert!(app.effects.is_empty());
    press(&mut app, &client, &["y"]).await;
    assert_eq!(app.effects, [Effect::Quit(Exit::Left)]);
}

#[tokio::test]
async fn a_new_page_rings_once() {
    let mut quiet = fixture::lab();
    let page = (quiet.drill.page.take(), quiet.drill.page_ms.take());
    let (mut app, client, lab) = opened(quiet, (80, 24)).await;
    assert!(!app.effects.contains(&Effect::Bell));
    (lab.lock().drill.page, lab.lock().drill.page_ms) = page;
    for at in [20_000, 22_000, 24_000] {
        app.tick(at);
        crate::screen::settle(&mut app, &client).await;
    }
    assert_eq!(
        app.effects.iter().filter(|e| **e == Effect::Bell).count(),
        1
    );
}

#[tokio::test]
async fn a_lost_lab_keeps_what_was_read_and_what_was_typed() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "/", "half a que"]).await;
    let gone = Client::new("http://127.0.0.1:9").unwrap();
    app.tick(30_000);
    crate::screen::settle(&mut app, &gone).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("not reachable") && shown.contains("half a que"),
        "{shown}"
    );
    assert!(shown.contains("orders"), "{shown}");
}

#[tokio::test]
async fn an_answer_to_a_superseded_question_is_not_shown() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2"]).await;
    let before = app.views.logs.lines().len();
    app.views.logs.query.set("older");
    app.run_query();
    let older = app.questions.clone();
    app.views.logs.query.set("newer");
    app.run_query();
    for request in older {
        app.receive(crate::ask::Reply {
            request,
            result: Err(Failure::lost("late")),
        });
    }
    assert_eq!(app.lost, None);
    assert_eq!(app.views.logs.lines().len(), before);
    assert!(app.flights.contains_key(&crate::ask::Slot::Logs));
}

#[tokio::test]
async fn filters_by_value_grow_the_query() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "=", "Tab", "j", "j", "j", "!"]).await;
    assert_eq!(
        app.views.logs.query.ran,
        "{service=\"worker\"} | route!=\"/orders/{customer}\""
    );
}

#[tokio::test]
async fn the_drill_is_finished_from_the_debrief() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["9", "F"]).await;
    assert!(text_of(&app).contains("No right diagnosis has been submitted yet"));
    press(&mut app, &client, &["y"]).await;
    assert!(lab.lock().ended);
    assert!(text_of(&app).contains("Score 78.5 of 100"));
}

#[tokio::test]
async fn a_drill_is_solved_in_plain_mode_by_typed_lines() {
    let (address, lab) = fixture::start(fixture::lab()).await;
    let mut session = Session::new(Client::new(&address).unwrap(), false);
    let mut said = session.look().await;
    said.push_str(&session.look().await);
    assert!(
        said.contains("PAGE") && said.contains("Order history is slow"),
        "{said}"
    );
    assert!(session.line("logs timeout").await.contains("60 lines"));
    assert!(session.line("pin 2").await.contains("pinned as 3"));
    assert!(session.line("traces").await.contains("40 traces"));
    let trace = session.line("trace 1").await;
    assert!(
        trace.contains("64 times orders SELECT * FROM order_items"),
        "{trace}"
    );
    let map = session.line("map").await;
    assert!(
        map.contains("ring: checkout to pricing to promotions"),
        "{map}"
    );
    let asked = session.line("diagnose").await;
    assert!(asked.contains("2. orders"), "{asked}");
    for answer in ["9", "2", "n-plus-one", "c2", "2", "90", "1 3", "by item"] {
        said = session.line(answer).await;
    }
    assert!(said.contains("Right: that is the root cause"), "{said}");
    assert_eq!(
        lab.lock()
            .case
            .diagnoses
            .last()
            .map(|d| d.request.pins.clone()),
        Some(vec![1, 3])
    );
    session.line("act 1").await;
    assert!(session.line("y").await.contains("rolled out"));
    session.line("finish").await;
    session.line("y").await;
    let debrief = session.line("debrief").await;
    assert!(debrief.contains("Score 78.5 of 100"), "{debrief}");
    assert!(session.line("dance").await.contains("no command is called"));
}

#[tokio::test]
async fn a_picture_is_made_of_the_live_lab() {
    let (address, _) = fixture::start(fixture::lab()).await;
    let text = crate::screen::render_once(&address, "overview", 100, 30)
        .await
        .unwrap();
    assert!(text.contains("Order history is slow"), "{text}");
    let svg = crate::screen::svg(&address, "map", 120, 40, crate::ThemeName::Dark)
        .await
        .unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("storefront"));
    let gone = crate::screen::render_once("http://127.0.0.1:9", "overview", 100, 30)
        .await
        .unwrap_err();
    assert!(gone.to_string().contains("not reachable"), "{gone}");
}
