//! What a person does, key by key, against the lab of fixed answers.

use api::PinTarget;

use super::fixture;
use super::screens::{opened, press};
use crate::app::{App, Effect};
use crate::client::Client;
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
async fn the_suspend_key_suspends_while_typing_and_in_every_box() {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    let places: [&[&str]; 8] = [
        &["1"],
        &["2", "/", "time"],
        &["6", "/", "time"],
        &["2", "?"],
        &[":"],
        &["S"],
        &["S", "Enter"],
        &["8", "Enter"],
    ];
    for keys in places {
        let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
        press(&mut app, &client, keys).await;
        let before = text_of(&app);
        app.effects.clear();
        app.key(KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL));
        assert_eq!(app.effects, [Effect::Suspend], "{keys:?}");
        assert_eq!(text_of(&app), before, "{keys:?}");
    }
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
            "S", "Enter", "orders", "Enter", "Tab", "Enter", "n-plus", "Enter", "Tab", "2.14",
            "Tab", "long", "Tab", "8", "0", "Enter", "Enter", "Down", " ", "Enter", "Tab", "items",
            "Enter", "Enter",
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
    assert_eq!(body["pins"], serde_json::json!([1, 2]));
    assert!(text_of(&app).contains("Right: that is the root cause"));
}

#[tokio::test]
async fn after_a_wrong_answer_the_form_opens_with_it_filled_in() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["S"]).await;
    let shown = text_of(&app);
    for said in [
        "It was not right",
        "shipping · quotes, outside",
        "slow-dependency · a dependency answers slowly",
        "30 %",
        "1 chosen: 1",
    ] {
        assert!(shown.contains(said), "{said} is not in\n{shown}");
    }
    // the component alone is changed, and the rest is handed in again
    let keys = ["Enter", "orders", "Enter", "Up", "Enter"];
    press(&mut app, &client, &keys).await;
    let posted = lab.lock().posted.clone();
    let (_, body) = posted.last().expect("a diagnosis was posted");
    assert_eq!(body["component"], "orders");
    assert_eq!(body["mechanism"], "slow-dependency");
    assert_eq!(body["confidence"], 0.3);
    assert_eq!(body["pins"], serde_json::json!([1]));
}

#[tokio::test]
async fn a_query_begins_empty_so_that_bare_words_find_after_a_trace_was_followed() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["3", "Enter", "gl"]).await;
    let followed = app.views.logs.query.ran.clone();
    assert!(followed.contains("trace_id="), "{followed}");
    press(&mut app, &client, &["/"]).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("/ (now {service=") && shown.contains("↑ edits it, Enter alone clears it"),
        "{shown}"
    );
    press(&mut app, &client, &["timeout", "Enter"]).await;
    assert_eq!(app.views.logs.query.ran, "timeout");
    press(&mut app, &client, &["/", "Up", "Up"]).await;
    assert_eq!(app.views.logs.query.value(), followed);
    press(&mut app, &client, &["Esc"]).await;
    assert_eq!(app.views.logs.query.value(), "timeout");
    press(&mut app, &client, &["/", "Enter"]).await;
    assert_eq!(app.views.logs.query.ran, "");
}

#[tokio::test]
async fn bare_words_in_metrics_search_the_ready_expressions() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["4"]).await;
    let before = app.views.metrics.query.ran.clone();
    press(&mut app, &client, &["/", "retries", "Enter"]).await;
    let shown = text_of(&app);
    assert!(shown.contains("retries_total"), "{shown}");
    assert_eq!(app.views.metrics.query.ran, before);
    press(&mut app, &client, &["Enter"]).await;
    assert_eq!(app.views.metrics.query.ran, "rate(retries_total[30s])");
    press(&mut app, &client, &["/", "queue_depth", "Enter"]).await;
    assert_eq!(app.views.metrics.query.ran, "queue_depth");
}

#[tokio::test]
async fn a_new_hypothesis_is_selected_and_what_is_selected_stays_so() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    let chosen = |app: &App| {
        let shown = text_of(app);
        let row = shown.lines().find(|l| l.starts_with('▸'));
        row.unwrap_or_default().to_owned()
    };
    press(&mut app, &client, &["7", "r"]).await;
    let shown = text_of(&app);
    assert!(shown.contains("Tab goes there"), "{shown}");
    let keys = ["+", "clocks differ", "Enter", "Down", "Down", "Enter"];
    press(&mut app, &client, &keys).await;
    assert!(chosen(&app).contains("clocks differ"), "{}", chosen(&app));
    assert!(text_of(&app).contains("r reject"));
    // evidence that arrives above it does not move the selection to another entry
    let pin = lab.lock().case.pins[0].clone();
    lab.lock().case.pins.push(api::Pin { id: 9, ..pin });
    app.tick(20_000);
    crate::screen::settle(&mut app, &client).await;
    assert!(chosen(&app).contains("clocks differ"), "{}", chosen(&app));
    // the key says the state, so that the pins are in focus and the button is one below
    press(&mut app, &client, &["r", "Down", "Enter"]).await;
    let rejected = lab.lock().case.hypotheses.last().map(|h| h.state);
    assert_eq!(rejected, Some(api::HypothesisState::Rejected));
}

#[tokio::test]
async fn the_key_that_closes_a_text_also_acts_unless_it_only_closes() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["p", "8"]).await;
    assert!(app.overlay.is_none());
    assert_eq!(app.view, ViewId::Act);
    for key in ["Esc", "Enter", "q", "p"] {
        press(&mut app, &client, &["1", "p"]).await;
        assert!(app.overlay.is_some());
        press(&mut app, &client, &[key]).await;
        assert!(app.overlay.is_none(), "{key} leaves the text open");
        assert_eq!((app.view, app.effects.len()), (ViewId::Overview, 0));
    }
    // a text that is longer than the screen is scrolled by the keys that move
    app.size = (80, 12);
    press(&mut app, &client, &["b", "j"]).await;
    assert!(app.overlay.is_some());
}

#[tokio::test]
async fn a_group_of_repeated_spans_is_pinned_as_such() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    let keys = ["3", "Enter", "j", "j", "j", "j", "m", "Enter", "j", "m"];
    press(&mut app, &client, &keys).await;
    let pins: Vec<PinTarget> = lab
        .lock()
        .case
        .pins
        .iter()
        .map(|p| p.target.clone())
        .collect();
    let first = |repeated| PinTarget::Span {
        trace_id: fixture::TRACE.to_owned(),
        span_id: Some("00000000000000a1".to_owned()),
        repeated,
    };
    assert_eq!(pins[2..], [first(true), first(false)]);
}

#[tokio::test]
async fn an_open_trace_is_read_again_until_its_root_is_there() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    lab.lock().running = true;
    press(&mut app, &client, &["3", "Enter", "j", "j", " "]).await;
    assert!(!app.range.follows());
    let selected = |app: &App| app.views.traces.span().map(|s| s.id.clone());
    let before = selected(&app);
    assert!(text_of(&app).contains("still running"), "{}", text_of(&app));
    lab.lock().running = false;
    app.tick(20_000);
    crate::screen::settle(&mut app, &client).await;
    let shown = text_of(&app);
    assert!(!shown.contains("still running"), "{shown}");
    assert_eq!(selected(&app), before);
    // what is finished is not asked for again
    lab.lock().asked.clear();
    app.tick(30_000);
    crate::screen::settle(&mut app, &client).await;
    let asked = lab.lock().asked.clone();
    assert!(
        asked
            .iter()
            .all(|(_, uri, _)| !uri.contains("tempo/api/traces")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_trace_whose_root_never_comes_is_not_asked_for_for_ever() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    lab.lock().running = true;
    press(&mut app, &client, &["3", "Enter", " "]).await;
    let mut reads = 0;
    for at in 10..200 {
        lab.lock().asked.clear();
        app.tick(at * 2_000);
        crate::screen::settle(&mut app, &client).await;
        let asked = lab.lock().asked.clone();
        reads += asked
            .iter()
            .filter(|(_, uri, _)| uri.contains("tempo/api/traces"))
            .count();
    }
    assert_eq!(reads, 80);
}

#[tokio::test]
async fn a_service_typed_as_a_bare_word_selects_its_lines() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "/", "orders", "Enter"]).await;
    assert_eq!(app.views.logs.query.ran, "{service=\"orders\"}");
    assert!(text_of(&app).contains("lines of service orders"));
}

#[tokio::test]
async fn the_crosshair_goes_with_its_query_and_a_pin_says_what_and_when() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["4", "X"]).await;
    let shown = text_of(&app);
    assert!(shown.contains("crosshair at"), "{shown}");
    assert!(
        shown.lines().last().unwrap_or_default().contains("X peak"),
        "{shown}"
    );
    let peak = app
        .views
        .metrics
        .crosshair_ms
        .expect("the crosshair is on the peak");
    press(&mut app, &client, &["m"]).await;
    let pinned = lab
        .lock()
        .case
        .pins
        .last()
        .cloned()
        .expect("a value was pinned");
    assert!(matches!(pinned.target, PinTarget::Metric { at_ms, .. } if at_ms == peak));
    let shown = text_of(&app);
    let notice = format!("pinned as #3, at {}: ", crate::time::clock(peak));
    assert!(shown.contains(&notice), "{notice} is not in\n{shown}");
    press(&mut app, &client, &["/", "queue_depth", "Enter"]).await;
    assert_eq!(app.views.metrics.crosshair_ms, None);
    let shown = text_of(&app);
    assert!(
        shown.contains("crosshair is gone") && shown.contains("newest values"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_pinned_line_keeps_the_fields_that_speak() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "m"]).await;
    let pin = lab
        .lock()
        .case
        .pins
        .last()
        .cloned()
        .expect("a line was pinned");
    assert!(pin.note.contains("route /"), "{}", pin.note);
    assert!(!pin.note.contains("trace_id"), "{}", pin.note);
}

#[tokio::test]
async fn the_map_is_of_the_last_two_minutes_unless_asked_for_more() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    let seconds = |uri: &str| {
        let at = |name: &str| {
            let (_, rest) = uri.split_once(name)?;
            rest.split('&').next()?.parse::<i64>().ok()
        };
        Some(at("end=")? - at("start=")?)
    };
    press(&mut app, &client, &["5"]).await;
    assert!(
        text_of(&app).contains("last 2 min: rate"),
        "{}",
        text_of(&app)
    );
    press(&mut app, &client, &["w"]).await;
    assert!(
        text_of(&app).contains("last 15 min: rate"),
        "{}",
        text_of(&app)
    );
    let asked = lab.lock().asked.clone();
    let graphs = asked
        .iter()
        .filter(|(_, uri, _)| uri.contains("format=json"));
    let spans: Vec<i64> = graphs.filter_map(|(_, uri, _)| seconds(uri)).collect();
    assert_eq!(
        (spans.first(), spans.last()),
        (Some(&121), Some(&901)),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_lies_below_the_overviews_fold_is_named() {
    let mut busy = fixture::lab();
    for _ in 0..6 {
        let alert = busy.drill.alerts[0].clone();
        busy.drill.alerts.push(alert);
    }
    let (mut app, client, _) = opened(busy, (80, 24)).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("▼ further down: What changed lately"),
        "{shown}"
    );
    // the newest of it stands above the fold
    assert!(shown.contains("last change 02:55:00"), "{shown}");
    press(&mut app, &client, &["G"]).await;
    let shown = text_of(&app);
    assert!(!shown.contains("further down"), "{shown}");
    assert!(shown.contains("What changed lately"), "{shown}");
}

#[tokio::test]
async fn the_address_of_the_lab_is_in_help_brief_and_palette() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    for key in ["?", "b"] {
        press(&mut app, &client, &[key]).await;
        assert!(text_of(&app).contains("http://127.0.0.1:8300"));
        press(&mut app, &client, &["Esc"]).await;
    }
    press(&mut app, &client, &[":", "copy API", "Enter"]).await;
    assert_eq!(
        app.effects,
        [Effect::Copy(crate::clipboard::Copied::of(
            "http://127.0.0.1:8300"
        ))]
    );
}

#[tokio::test]
async fn keys_of_the_footer_are_those_that_do_something_now() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    let foot = |app: &App| text_of(app).lines().last().unwrap_or_default().to_owned();
    press(&mut app, &client, &["9"]).await;
    assert!(foot(&app).contains("F finish"), "{}", foot(&app));
    press(&mut app, &client, &["F", "y"]).await;
    assert!(!foot(&app).contains("F finish"), "{}", foot(&app));
    press(&mut app, &client, &["8"]).await;
    assert!(!foot(&app).contains("apply"), "{}", foot(&app));
}

#[tokio::test]
async fn a_form_that_is_left_comes_back_as_it_was() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(
        &mut app,
        &client,
        &["7", "M", "half a thought", "Esc", "2", "7", "M"],
    )
    .await;
    assert!(text_of(&app).contains("half a thought"));
}

#[tokio::test]
async fn a_status_update_is_one_key_away_in_case() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["7", "U"]).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("What stakeholders should know") && app.prefix.is_none(),
        "{shown}"
    );
    press(&mut app, &client, &["rolled back", "Enter", "Enter"]).await;
    let posted = lab.lock().posted.last().cloned();
    let (_, body) = posted.expect("the update was posted");
    assert_eq!(body["status_update"], true);
    assert_eq!(body["text"], "rolled back");
}

#[tokio::test]
async fn the_first_key_of_a_pair_shows_which_keys_may_follow() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    let foot = |app: &App| text_of(app).lines().last().unwrap_or_default().to_owned();
    for key in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        press(&mut app, &client, &[key, "g"]).await;
        let shown = foot(&app);
        for follows in ["g …", "g top", "l ", "t ", "m ", "y copy", "Esc leave"] {
            assert!(
                shown.contains(follows),
                "{follows} is not in view {key}: {shown}"
            );
        }
        press(&mut app, &client, &["Esc"]).await;
        assert!(
            app.prefix.is_none() && !foot(&app).contains('…'),
            "{}",
            foot(&app)
        );
    }
}

#[tokio::test]
async fn the_five_whys_are_offered_after_a_right_diagnosis_and_refused_after_the_end() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    let foot = |app: &App| text_of(app).lines().last().unwrap_or_default().to_owned();
    press(&mut app, &client, &["7", "W"]).await;
    assert!(text_of(&app).contains("open after a right diagnosis"));
    press(&mut app, &client, &["Esc"]).await;
    assert!(!foot(&app).contains("five whys"), "{}", foot(&app));
    lab.lock().case.diagnoses[0].right = true;
    for at in [20_000, 22_000] {
        app.tick(at);
        crate::screen::settle(&mut app, &client).await;
    }
    assert!(foot(&app).contains("W five whys"), "{}", foot(&app));
    press(&mut app, &client, &["W"]).await;
    let shown = text_of(&app);
    assert!(shown.contains("follow one branch"), "{shown}");
    press(&mut app, &client, &["Esc"]).await;
    lab.lock().drill.phase = api::Phase::Ended;
    app.tick(24_000);
    crate::screen::settle(&mut app, &client).await;
    press(&mut app, &client, &["7", "W"]).await;
    assert!(app.overlay.is_none());
    assert!(
        text_of(&app).contains("the drill has ended"),
        "{}",
        text_of(&app)
    );
}

#[tokio::test]
async fn a_form_that_is_opened_again_stands_at_what_is_missing() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    lab.lock().case.diagnoses.clear();
    app.tick(20_000);
    crate::screen::settle(&mut app, &client).await;
    press(&mut app, &client, &["S", "orders", "Enter", "Esc", "S"]).await;
    let shown = text_of(&app);
    let here = |label: &str| shown.lines().any(|l| l.contains(&format!("▸ {label}")));
    assert!(here("mechanism"), "{shown}");
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
async fn a_dangerous_remedy_asks_a_deploy_asks_how_and_another_does_not() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["8", "Enter"]).await;
    assert!(lab.lock().posted.iter().all(|(what, _)| what != "action"));
    press(&mut app, &client, &["n", "j", "Enter"]).await;
    let actions = || -> Vec<_> {
        let posted = lab.lock().posted.clone();
        let actions = posted.into_iter().filter(|(what, _)| what == "action");
        actions.map(|(_, action)| action).collect()
    };
    assert!(actions().is_empty() && text_of(&app).contains("Roll out: Roll out batched"));
    press(&mut app, &client, &["Enter"]).await;
    assert_eq!(actions()[0]["remedy"], "r2");
    assert_eq!(actions()[0]["strategy"], "all-at-once");
    press(&mut app, &client, &["u", "y"]).await;
    assert!(!lab.lock().applied);
    // another way is chosen one field above the button
    press(
        &mut app,
        &client,
        &[
            "Enter", "Up", "Enter", "Down", "Down", "Enter", "Down", "Enter",
        ],
    )
    .await;
    assert_eq!(actions()[2]["strategy"], "canary", "{:?}", actions());
    press(&mut app, &client, &["j", "Enter"]).await;
    assert_eq!(actions()[3]["remedy"], "r3");
}

#[tokio::test]
async fn an_observer_changes_nothing() {
    let (address, lab) = fixture::start(fixture::lab()).await;
    let client = Client::new(&address).unwrap();
    let mut app = crate::app::App::new(&address, crate::ThemeName::None, true);
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
    press(&mut app, &client, &["2", "=", "Tab", "j", "j", "!"]).await;
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
    // the debrief can be here before the lab is heard to have ended: leaving ends nothing any more
    if let Some(drill) = &mut app.known.drill.value {
        drill.phase = api::Phase::Live;
    }
    assert!(text_of(&app).contains("ENDED"), "{}", text_of(&app));
    app.effects.clear();
    press(&mut app, &client, &["q"]).await;
    assert_eq!(app.effects, [Effect::Quit(Exit::Finished)]);
}

#[tokio::test]
async fn a_search_of_the_screen_is_inverted_by_an_exclamation_mark() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    let rows = |app: &App| crate::views::of(app.view).rows(app);
    press(&mut app, &client, &["6", "/", "!zebra", "Enter"]).await;
    let (texts, at) = rows(&app);
    assert_eq!(at, 1, "the next row without a zebra: {texts:?}");
    let title = lab.lock().changes[0].title.clone();
    let word = title.split_whitespace().next().unwrap_or_default();
    for _ in 0..texts.len() {
        press(&mut app, &client, &["/", &format!("! {word}"), "Enter"]).await;
        let (texts, at) = rows(&app);
        assert!(
            !texts[at].to_lowercase().contains(&word.to_lowercase()),
            "{}",
            texts[at]
        );
    }
    press(&mut app, &client, &["/", word, "Enter"]).await;
    let (texts, at) = rows(&app);
    assert!(texts[at].contains(word), "{}", texts[at]);
    press(&mut app, &client, &["/", "!e", "Enter"]).await;
    assert!(
        text_of(&app).contains("every row holds \"e\""),
        "{}",
        text_of(&app)
    );
}

#[tokio::test]
async fn a_place_in_a_query_is_marked_under_the_letter_that_is_meant() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    let query = "{service=\"größe\"} |= |";
    press(&mut app, &client, &["2", "/", query]).await;
    app.run_query();
    let request = app
        .questions
        .iter()
        .find(|q| q.ask.slot() == Some(crate::ask::Slot::Logs));
    let request = request.cloned().expect("the lines are asked for");
    let byte = query.len() - 1;
    let message = format!("parse error at byte {byte}: found |, expected a string");
    app.receive(crate::ask::Reply {
        request,
        result: Err(Failure::refused(400, &message, query)),
    });
    let shown = text_of(&app);
    let lines: Vec<&str> = shown.lines().collect();
    let mark = lines.iter().position(|l| l.trim() == "▲").expect("a mark");
    let column = lines[mark].chars().position(|c| c == '▲');
    let letter = lines[mark - 1]
        .chars()
        .collect::<Vec<_>>()
        .iter()
        .rposition(|c| *c == '|');
    assert_eq!(column, letter, "{shown}");
}
