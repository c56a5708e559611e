//! Log patterns, traces compared, what differs, the slowest of a window: keys in, screens and queries out.

use std::collections::HashMap;

use axum::extract::Query;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::fixture::{self, NOW_MS, PAGE_MS};
use super::screens::{opened, press, snapshot};
use crate::app::App;
use crate::ask::{Answer, Ask};
use crate::client::tempo::Wanted;
use crate::client::{Asker, Client};
use crate::screen::text_of;
use crate::time::Window;
use crate::views::ViewId;

fn selected_row(app: &App) -> String {
    let shown = text_of(app);
    let row = shown.lines().find(|l| l.starts_with('▸'));
    row.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn patterns_stand_in_the_place_of_the_lines_with_what_is_new_first() {
    snapshot("patterns", fixture::lab, &["2", "P", "j"]).await;
}

#[tokio::test]
async fn traces_are_compared_step_by_step() {
    snapshot("compare", fixture::lab, &["3", "j", "c", "k", "c"]).await;
}

#[tokio::test]
async fn what_differs_about_failed_traces_is_told() {
    snapshot("differs", fixture::lab, &["3", "x"]).await;
}

#[tokio::test]
async fn a_pattern_leads_to_its_lines_and_esc_back_to_the_patterns() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(
        &mut app,
        &client,
        &["2", "/", "{service=\"orders\"}", "Enter", "P"],
    )
    .await;
    let shown = text_of(&app);
    assert!(shown.contains("new since the page, 03:00:00"), "{shown}");
    assert!(selected_row(&app).contains("new  W"), "{shown}");
    let asked = lab.lock().asked.clone();
    let patterns = asked.iter().rfind(|(_, uri, _)| uri.contains("patterns"));
    let (_, uri, background) = patterns.expect("patterns were asked for");
    assert!(uri.contains("orders") && *background, "{uri}");
    assert!(
        uri.contains(&format!("since={}", PAGE_MS * 1_000_000)),
        "{uri}"
    );

    press(&mut app, &client, &["Enter"]).await;
    let ran = app.views.logs.query.ran.clone();
    assert_eq!(
        ran,
        r#"{service="orders", level="warn"} |~ "(?s)^\\s*history\\s+of\\s+.+?\\s+took\\s+.+?\\s+ms\\s*$""#
    );
    assert!(!app.views.logs.patterns.open);
    assert_eq!(app.views.logs.logql(), ran, "it is LogQL and runs as it is");
    press(&mut app, &client, &["Esc"]).await;
    assert!(app.views.logs.patterns.open);
    assert_eq!(app.views.logs.query.ran, "{service=\"orders\"}");

    press(&mut app, &client, &["!"]).await;
    let ran = app.views.logs.query.ran.clone();
    assert!(
        app.views.logs.patterns.open && ran.contains(" !~ \"(?s)^"),
        "{ran}"
    );
    press(&mut app, &client, &["Esc"]).await;
    assert!(!app.views.logs.patterns.open, "to the lines");
}

#[tokio::test]
async fn the_selected_pattern_stays_selected_when_others_come_before_it() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "P", "j", "j"]).await;
    let before = app.views.logs.patterns.selected().cloned().unwrap();
    let mut found = app.views.logs.patterns.found.value.clone().unwrap();
    found.patterns.reverse();
    let ask = Ask::Patterns {
        query: String::new(),
        window: app.range.passed(),
        since_ms: 0,
    };
    app.ask(ask, Asker::Screen);
    let request = app.questions.pop().unwrap();
    let result = Ok(Answer::Patterns(found));
    app.receive(crate::ask::Reply { request, result });
    assert_eq!(app.views.logs.patterns.selected(), Some(&before));
    // a list that has become short keeps no place beyond its end
    let found = crate::client::patterns::Patterns::default();
    crate::views::logs::patterns::arrived(&mut app, found);
    assert_eq!(app.views.logs.patterns.selected(), None);
    assert!(text_of(&app).contains("no line matches"));
}

#[tokio::test]
async fn patterns_are_not_mined_with_each_refresh() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "P"]).await;
    let count = || {
        let asked = lab.lock().asked.clone();
        asked.iter().filter(|a| a.1.contains("patterns")).count()
    };
    let before = count();
    for at in [3_600, 5_200, 6_800] {
        app.tick(at);
        crate::screen::settle(&mut app, &client).await;
    }
    assert_eq!(count(), before);
    app.tick(8_500);
    crate::screen::settle(&mut app, &client).await;
    assert_eq!(count(), before + 1);
}

#[tokio::test]
async fn without_an_error_the_worst_there_is_stands_in_for_it_and_that_is_said() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2"]).await;
    let severity = |app: &App| app.views.logs.line().map(|l| l.severity.letter());
    press(&mut app, &client, &["e"]).await;
    assert_eq!(severity(&app), Some("E"));
    press(
        &mut app,
        &client,
        &["/", "{service=\"orders\"}", "Enter", "gg"],
    )
    .await;
    assert_eq!(severity(&app), Some("I"));
    // the lab of fixed answers sends the service's own lines: info and warnings
    press(&mut app, &client, &["e"]).await;
    assert_eq!(severity(&app), Some("W"));
    assert!(text_of(&app).contains("warnings are the worst there is"));
    press(
        &mut app,
        &client,
        &["/", "{service=\"worker\"}", "Enter", "gg", "e"],
    )
    .await;
    assert!(
        text_of(&app).contains("none of these 10 lines, 190 in the range: / {level=\"error\"}"),
        "{}",
        text_of(&app)
    );
    use crate::client::loki::{Histogram, Severity};
    let mut counted = Histogram::default();
    app.views.logs.histogram.good(counted.clone());
    press(&mut app, &client, &["w"]).await;
    assert!(
        text_of(&app).contains("no warning in this range"),
        "{}",
        text_of(&app)
    );
    counted.counts.insert(Severity::Warn, vec![3.0, 4.0]);
    app.views.logs.histogram.good(counted);
    app.key(crossterm::event::KeyCode::Char('e').into());
    assert!(
        text_of(&app).contains("no error in this range; its 7 warnings are the worst"),
        "{}",
        text_of(&app)
    );
}

#[tokio::test]
async fn a_value_that_differs_becomes_a_query_and_esc_goes_back() {
    let (mut app, client, lab) = opened(fixture::lab(), (120, 40)).await;
    press(&mut app, &client, &["3", "x"]).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("50 failed traces, 400 others, only 450 of 700 traces"),
        "{shown}"
    );
    let asked = |what: &str| {
        let asked = lab.lock().asked.clone();
        let uri = asked.iter().rfind(|(_, uri, _)| uri.contains(what));
        uri.map(|(_, uri, _)| uri.clone()).unwrap_or_default()
    };
    assert!(
        asked("attributes").contains("status+%3D+error"),
        "{}",
        asked("attributes")
    );
    assert!(!asked("attributes").contains("against"));
    // what may be chance stands last, and says so
    let (sure, perhaps) = shown.split_once("kind = producer").unwrap();
    assert!(sure.contains("service.version = 2.14.0"), "{shown}");
    assert!(
        perhaps.contains("span.user.kind = guest  may be chance"),
        "{shown}"
    );

    press(&mut app, &client, &["Enter"]).await;
    assert_eq!(
        app.views.traces.query.ran,
        r#"{ (span.http.response.status_code = "504" || span.http.response.status_code = 504) }"#
    );
    assert!(text_of(&app).contains("▌ Traces"), "{}", text_of(&app));
    press(&mut app, &client, &["x", "x"]).await;
    assert!(text_of(&app).contains("What differs: slow traces"));
    let uri = asked("attributes");
    assert!(
        uri.contains("traceDuration+%3E%3D+3411ms") || uri.contains("traceDuration"),
        "{uri}"
    );
    assert!(uri.contains("against="), "within the query: {uri}");
    press(&mut app, &client, &["x"]).await;
    assert!(text_of(&app).contains("What differs: traces of the query"));
    press(&mut app, &client, &["Esc", "Esc"]).await;
    assert_eq!(app.views.traces.query.ran, "");
    assert!(text_of(&app).contains("What differs"), "{}", text_of(&app));
}

#[tokio::test]
async fn nothing_differs_where_nothing_failed() {
    let mut lab = fixture::lab();
    lab.empty = true;
    let (mut app, client, _) = opened(lab, (80, 24)).await;
    press(&mut app, &client, &["3", "x"]).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("there are no failed traces in this time range"),
        "{shown}"
    );
    press(&mut app, &client, &["Enter", "=", "m", "y", "gl"]).await;
    press(&mut app, &client, &["2", "P", "Enter", "="]).await;
    assert!(text_of(&app).contains("no line matches"));
}

#[tokio::test]
async fn a_trace_is_marked_and_another_compared_with_it() {
    let (mut app, client, lab) = opened(fixture::lab(), (120, 40)).await;
    press(&mut app, &client, &["3", "j", "c"]).await;
    assert!(
        selected_row(&app).contains("(a) storefront GET /browse"),
        "{}",
        text_of(&app)
    );
    press(&mut app, &client, &["k", "Enter", "c"]).await;
    let asked = lab.lock().asked.clone();
    let (_, uri, background) = asked.last().unwrap().clone();
    let wanted = format!("/derived/compare?a={:032x}&b={}", 1, fixture::TRACE);
    assert_eq!((uri, background), (wanted, false));
    let shown = text_of(&app);
    assert!(
        shown.contains("in b 1 slower, 0 faster, 1 added, 1 removed"),
        "{shown}"
    );
    assert!(shown.contains("1 × → 64 ×"), "{shown}");
    // the selected step leads on: to its service, and to the trace that has it
    press(&mut app, &client, &["gl"]).await;
    assert_eq!(app.view, ViewId::Logs);
    press(&mut app, &client, &["3", "Enter"]).await;
    assert_eq!(app.views.traces.open.as_deref(), Some(fixture::TRACE));
    press(&mut app, &client, &["Esc", "Esc"]).await;
    assert!(app.views.traces.open.is_none() && app.views.traces.aside.is_none());
    press(&mut app, &client, &["j", "c"]).await;
    assert!(
        text_of(&app).contains("the mark is taken off"),
        "{}",
        text_of(&app)
    );
}

#[tokio::test]
async fn a_comparison_with_a_trace_that_is_gone_says_so() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["3"]).await;
    let gone = "ff000000000000000000000000000000".to_owned();
    crate::views::traces::compare::ask(&mut app, gone, fixture::TRACE.to_owned());
    press(&mut app, &client, &["j"]).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("not found: it was never received"),
        "{shown}"
    );
    press(&mut app, &client, &["Enter", "m", "y", "Esc"]).await;
    assert!(text_of(&app).contains("40 traces"), "{}", text_of(&app));
}

/// A lab of many traces, of durations that know no order; it answers with the newest that match, as a lab does.
async fn many_traces(durations: Vec<i64>) -> Client {
    let search = move |Query(p): Query<HashMap<String, String>>| async move {
        let bound = p["q"].split_once("traceDuration >= ");
        let bound = bound.and_then(|(_, rest)| rest.split_once("ms"));
        let bound: i64 = bound.map_or(0, |(ms, _)| ms.parse().unwrap());
        let limit: usize = p["limit"].parse().unwrap();
        assert!(limit <= 1_000, "the lab refuses more");
        let all = durations.iter().enumerate();
        let found = all.filter(|(_, ms)| **ms >= bound).take(limit);
        let traces: Vec<Value> = found
            .map(|(i, ms)| json!({"traceID":format!("{i:032x}"),"durationMs":ms,"startTimeUnixNano":(NOW_MS - i as i64).to_string()}))
            .collect();
        Json(json!({ "traces": traces }))
    };
    let router = Router::new().route("/tempo/api/search", get(search));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Client::new(&address).unwrap()
}

#[tokio::test]
async fn the_slowest_are_those_of_the_whole_window() {
    let window = Window {
        start_ms: 0,
        end_ms: NOW_MS,
    };
    let chance = |i: i64| (i * 7_919 + 13) % 10_007;
    let spread: Vec<i64> = (0..9_000).map(chance).collect();
    let mut equal = vec![5; 3_000];
    equal.extend([900, 901]);
    for durations in [spread, equal, (0..40).collect(), vec![0; 2_500]] {
        let client = many_traces(durations.clone()).await;
        let found = client.tempo_search("{ }", window, Wanted::Slowest, 200, Asker::Person);
        let found = found.await.unwrap();
        let mut wanted = durations;
        wanted.sort_unstable_by_key(|ms| std::cmp::Reverse(*ms));
        assert_eq!(found.is_cut, wanted.len() > 200);
        wanted.truncate(200);
        let told: Vec<i64> = found.hits.iter().map(|h| h.duration_ms as i64).collect();
        assert_eq!(told, wanted);
    }
}

#[tokio::test]
async fn each_order_asks_for_the_first_of_the_window_and_says_what_is_left_out() {
    let (mut app, client, lab) = opened(fixture::lab(), (120, 40)).await;
    press(&mut app, &client, &["3"]).await;
    assert!(
        text_of(&app).contains("40 traces · by time"),
        "{}",
        text_of(&app)
    );
    // the failed ones are marked without another question
    let searches = lab.lock().asked.clone();
    let searches = searches.iter().filter(|a| a.1.contains("api/search"));
    assert!(searches.clone().all(|a| !a.1.contains("error")));
    assert_eq!(app.views.traces.hits.iter().filter(|h| h.error).count(), 4);
    app.views.traces.is_cut = true;
    assert!(text_of(&app).contains("newest 40 traces, older left out"));
    lab.lock().asked.clear();
    press(&mut app, &client, &["s"]).await;
    let asked = lab.lock().asked.clone();
    assert!(
        asked.iter().any(|a| a.1.contains("limit=1000")),
        "{asked:?}"
    );
    app.views.traces.is_cut = true;
    let shown = text_of(&app);
    assert!(
        shown.contains("slowest 40 traces of the range, faster left out"),
        "{shown}"
    );
}

#[tokio::test]
async fn patterns_and_differences_are_told_in_words() {
    let (mut session, lab) = super::plain::talking(fixture::lab()).await;
    session.line("logs {service=\"orders\"}").await;
    let said = session.line("patterns").await;
    assert!(
        said.starts_with("5 patterns of 2113 lines, new since the page, 03:00:00; patterns N"),
        "{said}"
    );
    let new = "1. new, Warn orders: history of <*> took <*> ms (96 lines, 3.8 %)\n";
    assert!(said.contains(new), "{said}");
    let said = session.line("patterns 1").await;
    assert!(said.contains("readyz took"), "{said}");
    let asked = lab.lock().asked.clone();
    assert!(asked.iter().any(|a| a.1.contains("history")), "{asked:?}");
    assert!(
        session
            .line("patterns 77")
            .await
            .contains("no pattern has that number")
    );

    session.line("traces").await;
    let said = session.line("compare 2 1").await;
    assert!(
        said.contains("1. slower: orders SELECT order_items, its own time +2.36 s, in all 4.0 ms to 2.37 s, 1 × to 64 ×\n"),
        "{said}"
    );
    assert!(session.line("compare 2").await.starts_with("which two?"));
    assert!(session.line("compare ff ff").await.contains("not found"));
    let said = session.line("differs").await;
    assert!(said.starts_with("50 failed traces, 400 others"), "{said}");
    assert!(
        said.contains("kind = producer: 24 % of these (12), 2.2 % of the rest (9)\n"),
        "{said}"
    );
    assert!(
        session
            .line("differs fast")
            .await
            .starts_with("failed, slow or query?")
    );
    assert!(session.line("traces").await.starts_with("40 traces"));
}

#[tokio::test]
async fn a_spans_attributes_take_the_keys_and_filter() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    let keys = ["3", "Enter", "j", "j", "j", "Tab"];
    press(&mut app, &client, &keys).await;
    let shown = text_of(&app);
    assert!(shown.contains("▌ orders SELECT orders"), "{shown}");
    press(&mut app, &client, &["j", "="]).await;
    assert_eq!(
        app.views.traces.query.ran,
        r#"{ span.db.query.text = "SELECT * FROM orders WHERE customer = $1" }"#
    );
    assert!(app.views.traces.open.is_none());
    // the next one narrows what was asked
    let keys = ["Enter", "Tab", "G", "!"];
    press(&mut app, &client, &keys).await;
    assert!(
        app.views.traces.query.ran.ends_with(
            r#" && { resource.service.version != nil && resource.service.version != "2.14.0" }"#
        ),
        "{}",
        app.views.traces.query.ran
    );
    press(&mut app, &client, &["Enter", "Tab", "Esc"]).await;
    assert!(app.views.traces.open.is_some(), "Esc leaves the pane first");
    press(&mut app, &client, &["="]).await;
    assert!(text_of(&app).contains("Tab goes to the span's attributes"));
}

#[tokio::test]
async fn logs_of_a_span_are_its_own_and_of_its_service_where_it_has_none() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    // the lab's lines are of span a1, the first of the repeated ones
    press(&mut app, &client, &["3", "Enter", "v"]).await;
    let shown = text_of(&app);
    assert!(shown.contains("▌ 0 of this span"), "{shown}");
    press(&mut app, &client, &["Enter"]).await;
    assert_eq!(
        app.views.logs.query.ran,
        format!(
            r#"{{service="storefront"}} | trace_id="{}""#,
            fixture::TRACE
        )
    );
    assert!(
        text_of(&app).contains("no line is of GET /orders"),
        "{}",
        text_of(&app)
    );
    press(&mut app, &client, &["3", "j", "j", "j", "j", "Right", "j"]).await;
    let shown = text_of(&app);
    assert!(shown.contains("▌ 2 of this span"), "{shown}");
    press(&mut app, &client, &["Enter"]).await;
    assert!(
        app.views
            .logs
            .query
            .ran
            .ends_with(r#" | span_id="00000000000000a1""#),
        "{}",
        app.views.logs.query.ran
    );
    // the pane scrolls, and what is selected there is what is pinned
    press(&mut app, &client, &["3", "Tab", "G"]).await;
    let pinned = crate::views::of(ViewId::Traces).pin(&app);
    let Some(api::PinTarget::Log { line, .. }) = pinned else {
        panic!("a line would be pinned: {pinned:?}");
    };
    assert!(text_of(&app).contains(&line[..20]), "{line}");
    assert!(line.contains("#59"), "the last: {line}");
}

#[tokio::test]
async fn what_does_not_fit_below_a_trace_is_marked_and_reached() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 17)).await;
    press(&mut app, &client, &["3", "Enter", "j", "j", "j", "Tab"]).await;
    let marks = |app: &App| {
        let shown = text_of(app);
        let (_, below) = shown.split_once("▌ orders SELECT orders").unwrap();
        (below.contains('▲'), below.contains('▼'))
    };
    assert_eq!(marks(&app), (false, true), "{}", text_of(&app));
    press(&mut app, &client, &["G"]).await;
    assert_eq!(marks(&app), (true, false), "{}", text_of(&app));
    assert!(text_of(&app).contains("▸resource.service.version"));
}

#[tokio::test]
async fn the_ends_of_long_lines_are_read_by_moving_sideways() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "k", "k"]).await;
    let row = selected_row(&app);
    assert!(
        row.contains("quote 4.90 EUR #57") && row.contains('…'),
        "{row}"
    );
    press(&mut app, &client, &["l", "l"]).await;
    let row = selected_row(&app);
    assert!(
        row.contains("shipping    ‹") && row.contains("request_id=r-57"),
        "{row}"
    );
    let far = ["l"; 40];
    press(&mut app, &client, &far).await;
    let screen = text_of(&app);
    assert!(
        screen.lines().any(|l| l.contains('‹') && l.contains("r-5")),
        "no further than the longest: {screen}"
    );
    let back = ["h"; 40];
    press(&mut app, &client, &back).await;
    assert!(
        selected_row(&app).contains("shipping    quote"),
        "{}",
        text_of(&app)
    );
}

#[tokio::test]
async fn the_ends_of_long_values_are_read_by_moving_sideways() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    let keys = ["3", "Enter", "j", "j", "j", "Tab", "j", "l"];
    press(&mut app, &client, &keys).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("db.query.text            ‹ders WHERE customer = $1"),
        "{shown}"
    );
    // another value begins at its beginning
    press(&mut app, &client, &["k", "j"]).await;
    assert!(
        text_of(&app).contains("SELECT * FROM orders WHERE"),
        "{}",
        text_of(&app)
    );
    press(&mut app, &client, &["2", "k", "Tab", "G", "k", "l"]).await;
    let shown = text_of(&app);
    assert!(shown.contains("trace_id   ‹a3ce929d0e0e4736"), "{shown}");
}

#[tokio::test]
async fn severities_without_a_line_take_no_row_and_all_are_on_one_scale() {
    use crate::client::loki::{Histogram, Severity};
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2"]).await;
    let window = app.views.logs.window.unwrap();
    let counts = [
        (Severity::Info, vec![3_000.0; 60]),
        (Severity::Warn, vec![6.0; 60]),
        (Severity::Error, vec![0.0; 60]),
    ];
    app.views.logs.histogram.good(Histogram {
        start_ms: window.start_ms,
        step_ms: window.length_ms() / 60,
        counts: counts.into(),
    });
    let shown = text_of(&app);
    let rows: Vec<&str> = shown.lines().skip(3).take(3).collect();
    assert!(
        rows[0].starts_with("W ▁▁▁▁") && rows[0].ends_with("360"),
        "{shown}"
    );
    assert!(rows[1].starts_with("I ████"), "{shown}");
    assert!(rows[2].trim_start().starts_with("02:49:12"), "{shown}");
    // an hour of lines, of which a screen holds the newest
    let line = app.views.logs.lines()[0].clone();
    app.views.logs.lines = vec![line; crate::views::logs::state::PAGE];
    let shown = text_of(&app);
    assert!(shown.contains("newest 500 of 180360 lines"), "{shown}");
}

#[tokio::test]
async fn a_span_is_selected_on_the_counts_and_all_views_look_at_it() {
    use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "V", "h", "h", "h", "h"]).await;
    let span = app.span().expect("a span is being selected");
    assert_eq!(span.length_ms(), 4 * 900_000 / 80);
    let shown = text_of(&app);
    assert!(
        shown.contains("move to its other end; Enter looks at it"),
        "{shown}"
    );
    press(&mut app, &client, &["Enter"]).await;
    assert_eq!(app.range.window(), span);
    assert!(app.span().is_none());
    press(&mut app, &client, &["["]).await;
    assert!(app.range.follows());

    // the same with the mouse: press, move, let go
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    let mut surface = crate::widgets::surface::Surface::new(&mut buffer, &app.theme);
    app.draw(&mut surface);
    let hits = std::mem::take(&mut surface.hits);
    let mouse = |kind, column| {
        Event::Mouse(MouseEvent {
            kind,
            column,
            row: 4,
            modifiers: KeyModifiers::NONE,
        })
    };
    app.event(&mouse(MouseEventKind::Down(MouseButton::Left), 20), &hits);
    app.event(&mouse(MouseEventKind::Drag(MouseButton::Left), 40), &hits);
    app.event(&mouse(MouseEventKind::Up(MouseButton::Left), 40), &hits);
    assert!(!app.range.follows());
    let length = app.range.window().length_ms();
    assert!(
        (250_000..280_000).contains(&length),
        "20 of 68 columns of 15 min: {length}"
    );
    // a click without a drag selects the nearest line
    app.event(&mouse(MouseEventKind::Down(MouseButton::Left), 69), &hits);
    app.event(&mouse(MouseEventKind::Up(MouseButton::Left), 69), &hits);
    let line = app.views.logs.line().map(|l| l.at_ms());
    assert!(
        line.is_some_and(|ms| (NOW_MS - 30_000..NOW_MS).contains(&ms)),
        "{line:?}"
    );
}

#[tokio::test]
async fn an_old_question_is_cleared_by_esc_and_taken_back() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    for (view, query) in [("2", "timeout"), ("3", "checkout")] {
        press(&mut app, &client, &[view, "/", query, "Enter", "1", view]).await;
        assert!(
            text_of(&app).contains(&format!("/ {query}")),
            "{}",
            text_of(&app)
        );
        press(&mut app, &client, &["Esc"]).await;
        let shown = text_of(&app);
        assert!(
            shown.contains("the query is cleared; [ takes it back"),
            "{shown}"
        );
        assert!(!shown.contains(&format!("/ {query} ")), "{shown}");
        press(&mut app, &client, &["["]).await;
        assert!(
            text_of(&app).contains(&format!("/ {query}")),
            "{}",
            text_of(&app)
        );
        press(&mut app, &client, &["Esc", "Esc", "Esc"]).await;
        assert!(
            app.effects
                .iter()
                .all(|e| !matches!(e, crate::app::Effect::Quit(_)))
        );
    }
}

#[tokio::test]
async fn an_order_leads_to_its_logs_and_traces() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "go"]).await;
    assert!(
        text_of(&app).contains("nothing selected here names an order"),
        "{}",
        text_of(&app)
    );
    let mut line = app.views.logs.lines()[0].clone();
    line.fields
        .insert("order_id".to_owned(), "o7-\"1".to_owned());
    app.views.logs.lines = vec![line];
    press(&mut app, &client, &["go"]).await;
    let logql = r#"{service=~".+"} | order_id="o7-\"1""#;
    assert_eq!(app.views.logs.query.ran, logql);
    // among the lines of the order: its traces; there: its lines
    let mut line = app.views.logs.lines()[0].clone();
    line.fields
        .insert("order_id".to_owned(), "o7-\"1".to_owned());
    app.views.logs.lines = vec![line];
    press(&mut app, &client, &["go"]).await;
    assert_eq!(app.view, ViewId::Traces);
    let traceql = r#"{ span.order_id = "o7-\"1" }"#;
    assert_eq!(app.views.traces.query.ran, traceql);
    press(&mut app, &client, &["go"]).await;
    assert_eq!(
        (app.view, &*app.views.logs.query.ran),
        (ViewId::Logs, logql)
    );
    // a span without one is of the order that its trace is of
    press(&mut app, &client, &["3", "Esc", "Enter"]).await;
    let waterfall = app.views.traces.waterfall.as_mut().unwrap();
    let last = waterfall.spans.last_mut().unwrap();
    last.attributes
        .insert("order.id".to_owned(), "o9".to_owned());
    press(&mut app, &client, &["go"]).await;
    assert_eq!(
        app.views.logs.query.ran,
        r#"{service=~".+"} | order_id="o9""#
    );
}

#[tokio::test]
async fn patterns_are_sorted_by_what_one_asks_for() {
    let (mut app, client, _) = opened(fixture::lab(), (120, 40)).await;
    press(&mut app, &client, &["2", "s"]).await;
    assert!(
        text_of(&app).contains("lines stand in order of time"),
        "{}",
        text_of(&app)
    );
    press(&mut app, &client, &["P"]).await;
    let templates = |app: &App| -> Vec<char> {
        let list = app.views.logs.patterns.list();
        list.iter()
            .filter_map(|p| p.template.chars().next())
            .collect()
    };
    assert_eq!(templates(&app), ['h', 'G', 'q', 'p', 'n'], "new first");
    press(&mut app, &client, &["s"]).await;
    assert_eq!(templates(&app), ['G', 'q', 'h', 'p', 'n'], "by count");
    assert!(text_of(&app).contains("by count ↓"), "{}", text_of(&app));
    press(&mut app, &client, &["s"]).await;
    assert_eq!(
        templates(&app)[..2],
        ['h', 'q'],
        "by the change of their rate"
    );
    press(&mut app, &client, &["i"]).await;
    assert_eq!(templates(&app)[3..], ['q', 'h']);
    // the order holds when they are read again
    press(&mut app, &client, &["/", "Enter"]).await;
    assert_eq!(templates(&app)[3..], ['q', 'h']);
}

#[tokio::test]
async fn help_names_a_key_for_each_thing_that_it_advises() {
    let (mut app, client, _) = opened(fixture::lab(), (160, 50)).await;
    for view in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        press(&mut app, &client, &[view, "?"]).await;
        let shown = text_of(&app);
        assert!(shown.contains("First: "), "{shown}");
        assert!(!shown.contains("the palette "), "{shown}");
        press(&mut app, &client, &["Esc"]).await;
    }
}

#[tokio::test]
async fn the_list_of_traces_is_filtered_for_and_out_by_what_the_selected_one_begins_with() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["3", "j", "!"]).await;
    let shown = text_of(&app);
    assert_eq!(
        app.views.traces.query.ran,
        "{ (rootServiceName != \"storefront\" || rootName != \"GET /browse\") }"
    );
    assert!(!shown.contains("storefront GET /browse"), "{shown}");
    press(&mut app, &client, &["j", "="]).await;
    let shown = text_of(&app);
    assert!(!shown.contains("storefront GET /orders"), "{shown}");
    assert!(shown.contains("storefront POST /checkout"), "{shown}");
    press(&mut app, &client, &["=", "[", "["]).await;
    assert!(text_of(&app).contains("storefront GET /browse"));
}
