//! The four views of data with nothing to show and with more than fits, letter by letter; and what a refused question leaves.

use super::fixture;
use super::flood;
use super::screens::{empty, opened, press, snapshot};
use crate::screen::text_of;

#[tokio::test]
async fn nothing_to_show_is_said_with_what_to_do() {
    snapshot("logs_empty", empty, &["2"]).await;
    snapshot("traces_empty", empty, &["3"]).await;
    snapshot("metrics_empty", empty, &["4"]).await;
}

#[tokio::test]
async fn the_overview_cuts_what_does_not_fit_and_says_so() {
    snapshot("overview_full", flood::lab, &[]).await;
}

#[tokio::test]
async fn lines_without_end_are_cut_and_escaped() {
    snapshot("logs_full", flood::lab, &["2", "k", "k"]).await;
}

#[tokio::test]
async fn long_traces_and_names_leave_room_for_the_bars() {
    snapshot("traces_full", flood::lab, &["3", "s"]).await;
    snapshot("trace_full", flood::lab, &["3", "Enter", "j", "j", "j"]).await;
}

#[tokio::test]
async fn series_of_every_size_are_drawn_and_told_apart() {
    snapshot("metrics_full", flood::lab, &["4", "j"]).await;
}

#[tokio::test]
async fn a_refused_expression_leaves_the_chart_its_own_units_and_pins() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["Enter", "X"]).await;
    let before = text_of(&app);
    assert!(
        before.contains("3.24 s ┤") && before.contains("×"),
        "{before}"
    );
    press(&mut app, &client, &["/", "sum((", "Enter"]).await;
    let shown = text_of(&app);
    assert!(shown.contains("unexpected left parenthesis"), "{shown}");
    for kept in ["3.24 s ┤", "×", "crosshair at", "> 2.00 s OrderHistorySlow"] {
        assert!(shown.contains(kept), "{kept} is not in\n{shown}");
    }
    press(&mut app, &client, &["m"]).await;
    let pins = lab.lock().case.pins.clone();
    let pinned = pins.last().map(|pin| format!("{:?}", pin.target));
    let pinned = pinned.expect("it is pinned");
    assert!(pinned.contains("histogram_quantile"), "{pinned}");
    // what it is narrowed by is added to the expression that the lines belong to
    press(&mut app, &client, &["="]).await;
    let ran = app.views.metrics.query.ran.clone();
    assert!(
        ran.starts_with("histogram_quantile") && app.views.metrics.query.failure.is_none(),
        "{ran}"
    );
}

#[tokio::test]
async fn filters_after_a_refused_question_narrow_the_last_good_one() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(
        &mut app,
        &client,
        &["2", "/", "{service=\"orders\"}", "Enter"],
    )
    .await;
    press(
        &mut app,
        &client,
        &["/", "{service=\"orders\"} |= |", "Enter"],
    )
    .await;
    assert!(app.views.logs.query.failure.is_some());
    press(&mut app, &client, &["Tab", "j", "="]).await;
    assert_eq!(
        app.views.logs.query.ran,
        "{service=\"orders\", level=\"warn\"}"
    );
    press(&mut app, &client, &["3", "/", "{ }}", "Enter"]).await;
    assert!(app.views.traces.query.failure.is_some());
    press(&mut app, &client, &["="]).await;
    assert_eq!(
        app.views.traces.query.ran,
        "{ rootServiceName = \"storefront\" && rootName = \"GET /orders/{customer}\" }"
    );
}

#[tokio::test]
async fn what_takes_longer_than_a_moment_says_that_it_goes_on() {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    // keys that the lab answers, the key whose answer takes its time, and what is said meanwhile
    let cases: [(&[&str], char, &str); 7] = [
        (&["2"], 'r', "querying …"),
        (&["3"], 'r', "querying …"),
        (&["4"], 'r', "querying …"),
        (&["2", "k"], 'c', "reading the lines around it …"),
        (&["2"], 'P', "reading the lines …"),
        (&["2", "P"], 'r', "reading … · "),
        (&["3", "x"], 'r', "comparing …"),
    ];
    for (before, slow, said) in cases {
        let (mut app, client, _) = opened(fixture::lab(), (160, 24)).await;
        press(&mut app, &client, before).await;
        match slow {
            // what a person asks anew
            'r' => app.refresh(crate::client::Asker::Person),
            key => app.key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE)),
        }
        app.tick(2_150);
        assert!(!text_of(&app).contains(said), "{said} flickers");
        app.tick(2_350);
        let shown = text_of(&app);
        assert!(shown.contains(said), "{said} is not in\n{shown}");
        crate::screen::settle(&mut app, &client).await;
        assert!(!text_of(&app).contains(said), "{said} stays");
    }
}

#[tokio::test]
async fn a_key_for_the_next_match_says_why_a_query_has_none() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(
        &mut app,
        &client,
        &["2", "/", "{service=\"orders\"}", "Enter", "n"],
    )
    .await;
    let shown = text_of(&app);
    assert!(
        shown.contains("these rows are what the query found"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_plain_mode_filters_what_was_told_last() {
    let (mut session, lab) = super::plain::talking(fixture::lab()).await;
    session.line("metrics sum by (service) (x_total)").await;
    let told = session.line("only service=orders").await;
    assert!(
        told.contains("sum by (service) (x_total{service=\"orders\"})"),
        "{}",
        &*told
    );
    assert!(told.contains("1 series"), "{}", &*told);
    session.line("traces").await;
    session.line("without resource.service.name=shipping").await;
    let asked = lab.lock().asked.clone();
    let search = asked
        .iter()
        .rfind(|(_, uri, _)| uri.contains("/api/search"));
    let (_, uri, _) = search.expect("traces were searched for");
    assert!(
        uri.contains("shipping") && uri.contains("resource.service.name"),
        "{uri}"
    );
    session.line("logs").await;
    let told = session.line("only service=orders").await;
    assert!(
        told.contains("readyz took") && !told.contains("quote 4.90"),
        "{}",
        &*told
    );
}

#[tokio::test]
async fn an_empty_view_of_a_held_time_range_leads_back_to_now() {
    let (mut app, client, _) = opened(empty(), (80, 24)).await;
    for view in ["2", "3", "4"] {
        press(&mut app, &client, &[view]).await;
        assert!(!text_of(&app).contains("goes to now"), "view {view}");
    }
    press(&mut app, &client, &["H"]).await;
    for view in ["2", "3", "4"] {
        press(&mut app, &client, &[view]).await;
        assert!(text_of(&app).contains(", Space goes to now"), "view {view}");
    }
}

#[tokio::test]
async fn a_series_without_a_number_has_no_least_value() {
    let (mut app, client, _) = opened(flood::lab(), (160, 50)).await;
    press(&mut app, &client, &["4", "G"]).await;
    let shown = text_of(&app);
    let row = shown.lines().find(|l| l.contains("service=svc3 "));
    let row = row.expect("it stands last");
    assert!(row.contains("min —") && row.contains("max —"), "{row}");
}

#[tokio::test]
async fn many_alerts_are_folded_until_one_goes_on_to_them() {
    let (mut app, client, _) = opened(flood::lab(), (80, 24)).await;
    let (more, sixth) = ("… 10 more, j goes on to them", "TakesSeconds5");
    let folded = text_of(&app);
    assert!(folded.contains(more) && !folded.contains(sixth), "{folded}");
    press(&mut app, &client, &["j", "j", "j", "j", "j", "j"]).await;
    let open = text_of(&app);
    assert!(open.contains(sixth) && !open.contains(more), "{open}");
    let row = open.lines().find(|l| l.starts_with('▸'));
    assert!(row.is_some_and(|row| row.contains(sixth)), "{open}");
    press(&mut app, &client, &["Tab"]).await;
    let folded = text_of(&app);
    assert!(folded.contains(more), "{folded}");
    assert!(folded.contains("▸● checkout-orch"), "{folded}");
}

#[tokio::test]
async fn what_was_said_of_a_view_goes_with_it_and_a_failure_stays() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["4", "+"]).await;
    assert!(text_of(&app).contains("kept: 1 panel"));
    press(&mut app, &client, &["2"]).await;
    let shown = text_of(&app);
    assert!(
        !shown.contains("kept: 1 panel") && shown.contains("/ query"),
        "{shown}"
    );
    app.say_bad("the lab refused it");
    press(&mut app, &client, &["3"]).await;
    assert!(text_of(&app).contains("the lab refused it"));
}

#[tokio::test]
async fn the_end_of_the_drill_is_said_where_its_debrief_opens() {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["9", "F"]).await;
    // the answer comes when a person has gone on to another view
    for key in ['y', '2'] {
        app.key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE));
    }
    assert_eq!(app.view, crate::views::ViewId::Logs);
    crate::screen::settle(&mut app, &client).await;
    let said = app.toast.as_ref().map(|toast| toast.text.as_str());
    assert_eq!(said, Some("the drill has ended"));
    assert_eq!(app.view, crate::views::ViewId::Debrief);
}
