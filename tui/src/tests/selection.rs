//! What is selected stays selected, whatever the lab tells meanwhile: a list never moves the selection by itself.

use api::PinTarget;

use super::fixture::{self, NOW_MS};
use super::screens::{opened, press};
use crate::app::App;
use crate::ask::{Answer, Ask, Reply, Slot};
use crate::client::Asker;
use crate::client::loki::LogLine;
use crate::client::tempo::{TraceHit, TraceList};
use crate::screen::text_of;
use crate::views::logs::state::PAGE;
use crate::views::{self, ViewId};
use crate::widgets::cursor::Motion;

/// Lines number `from` to `to`, one a millisecond.
fn lines(from: i64, to: i64) -> Vec<LogLine> {
    let line = |i: i64| LogLine {
        ts_ns: (NOW_MS - 600_000 + i) * 1_000_000,
        service: "orders".to_owned(),
        line: format!("line {i}"),
        ..LogLine::default()
    };
    (from..to).map(line).collect()
}

/// Answers the newest question of a slot; what else was asked is left unanswered.
fn answer(app: &mut App, slot: Slot, answer: Answer) {
    let place = app
        .questions
        .iter()
        .position(|q| q.ask.slot() == Some(slot));
    let request = app.questions.remove(place.expect("it was asked"));
    app.receive(Reply {
        request,
        result: Ok(answer),
    });
}

/// The view asks again as the clock makes it, and these are the lines now.
fn tail(app: &mut App, lines: Vec<LogLine>) {
    views::of(ViewId::Logs).refresh(app, Asker::Screen);
    answer(app, Slot::Logs, Answer::Logs(lines));
}

fn pinned(app: &App) -> String {
    match views::of(app.view).pin(app) {
        Some(PinTarget::Log { line, .. }) => line,
        other => panic!("no line would be pinned: {other:?}"),
    }
}

/// The log view following 500 lines, with the one 10 from the end selected.
async fn reading() -> App {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2"]).await;
    tail(&mut app, lines(0, 500));
    app.questions.clear();
    for _ in 0..10 {
        views::of(ViewId::Logs).motion(&mut app, Motion::Up);
    }
    assert_eq!(pinned(&app), "line 489");
    app
}

#[tokio::test]
async fn a_tail_that_is_too_fast_to_show_each_line_says_so() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2"]).await;
    for (from, outruns) in [(0, false), (300, false), (2_000, true), (2_100, false)] {
        tail(&mut app, lines(from, from + 500));
        let said = text_of(&app).contains("following, more come than are shown");
        // the first answer replaces the lines of the lab
        assert_eq!(said, outruns, "{from}: {}", text_of(&app));
    }
}

#[tokio::test]
async fn a_line_that_falls_out_of_the_newest_stays_selected_and_the_list_says_what_came() {
    let mut app = reading().await;
    tail(&mut app, lines(400, 900));
    assert_eq!(pinned(&app), "line 489");
    let shown = text_of(&app);
    assert!(shown.contains("live; G follows the newest"), "{shown}");
    for (from, to, said) in [
        (500, 901, "1 new line, Space follows"),
        (500, 937, "37 new lines, Space follows"),
        (5_000, 5_500, "500+ new lines, Space follows"),
    ] {
        tail(&mut app, lines(from, to));
        assert_eq!(pinned(&app), "line 489");
        let shown = text_of(&app);
        assert!(shown.contains(said), "{said} is not in\n{shown}");
        let foot = shown.lines().last().unwrap_or_default();
        assert!(foot.contains("Space follow"), "{foot}");
    }
    assert!(app.range.follows(), "time goes on in the other views");
    app.key(crossterm::event::KeyEvent::from(
        crossterm::event::KeyCode::Char(' '),
    ));
    assert!(app.range.follows());
    answer(&mut app, Slot::Logs, Answer::Logs(lines(6_000, 6_500)));
    assert_eq!(pinned(&app), "line 6499");
    assert!(text_of(&app).contains("following"));
}

#[tokio::test]
async fn a_query_that_runs_again_keeps_the_selection_and_another_says_where_it_went() {
    let mut app = reading().await;
    views::of(ViewId::Logs).refresh(&mut app, Asker::Person);
    answer(&mut app, Slot::Logs, Answer::Logs(lines(2_000, 2_500)));
    assert_eq!(pinned(&app), "line 489");
    // another query: the record is among its lines, at another place
    app.views.logs.query.set("line");
    app.run_query();
    answer(&mut app, Slot::Logs, Answer::Logs(lines(480, 700)));
    assert_eq!(pinned(&app), "line 489");
    assert_eq!(app.toast, None);
    // and among those of the next it is not
    app.views.logs.query.set("lines");
    app.run_query();
    let others = lines(0, 1_000)
        .into_iter()
        .filter(|l| l.line.ends_with("7"));
    answer(&mut app, Slot::Logs, Answer::Logs(others.collect()));
    assert_eq!(pinned(&app), "line 487");
    let shown = text_of(&app);
    assert!(
        shown.contains("not among these: the nearest in time is"),
        "{shown}"
    );
}

#[tokio::test]
async fn whoever_looks_at_the_fields_of_the_newest_line_keeps_that_line() {
    let mut app = reading().await;
    views::of(ViewId::Logs).motion(&mut app, Motion::Bottom);
    tail(&mut app, lines(0, 500));
    assert_eq!(pinned(&app), "line 499");
    views::of(ViewId::Logs).tab(&mut app, true);
    tail(&mut app, lines(100, 600));
    assert_eq!(pinned(&app), "line 499");
}

#[tokio::test]
async fn the_context_is_of_the_line_that_was_selected_when_it_was_asked_for() {
    let mut app = reading().await;
    views::of(ViewId::Logs).motion(&mut app, Motion::Bottom);
    views::logs::state::context(&mut app);
    tail(&mut app, lines(100, 600));
    answer(&mut app, Slot::Context, Answer::Context(lines(450, 550)));
    assert_eq!(pinned(&app), "line 499");
    // what arrives meanwhile leaves the selection behind the context where it was
    views::logs::state::back(&mut app);
    assert_eq!(pinned(&app), "line 599");
}

#[tokio::test]
async fn older_lines_are_kept_with_newer_ones_behind_them_and_never_without_bound() {
    let mut app = reading().await;
    views::of(ViewId::Logs).motion(&mut app, Motion::Top);
    views::of(ViewId::Logs).motion(&mut app, Motion::Up);
    assert!(matches!(
        app.questions.last().map(|q| &q.ask),
        Some(Ask::OlderLogs(_))
    ));
    answer(&mut app, Slot::OlderLogs, Answer::OlderLogs(lines(-500, 0)));
    assert_eq!(pinned(&app), "line -1");
    let (mut from, mut rounds) = (500_i64, 0);
    while app.views.logs.held().is_none() {
        tail(&mut app, lines(from - 100, from + 400));
        from += 400;
        rounds += 1;
        assert!(
            rounds < 100,
            "{} lines are held",
            app.views.logs.lines().len()
        );
        assert_eq!(pinned(&app), "line -1");
    }
    let held = app.views.logs.lines();
    assert!(
        held.len() <= 20_000 && held.len() > 19_000,
        "{}",
        held.len()
    );
    assert!(
        held.windows(2)
            .all(|w| w[1].ts_ns - w[0].ts_ns == 1_000_000),
        "a gap"
    );
    assert!(text_of(&app).contains("new lines, Space follows"));
}

#[tokio::test]
async fn a_gap_behind_older_lines_is_not_papered_over() {
    let mut app = reading().await;
    views::of(ViewId::Logs).motion(&mut app, Motion::Top);
    views::of(ViewId::Logs).motion(&mut app, Motion::Up);
    answer(&mut app, Slot::OlderLogs, Answer::OlderLogs(lines(-500, 0)));
    tail(&mut app, lines(700, 700 + PAGE as i64));
    assert_eq!(app.views.logs.lines().len(), 1_000);
    assert!(text_of(&app).contains("500+ new lines, Space follows"));
}

fn trace(i: i64) -> TraceHit {
    TraceHit {
        trace_id: format!("{i:032x}"),
        start_ns: NOW_MS * 1_000_000 + i,
        duration_ms: i as f64,
        ..TraceHit::default()
    }
}

#[tokio::test]
async fn the_selected_trace_stays_selected_in_every_order() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["3"]).await;
    let view = views::of(ViewId::Traces);
    let show = |app: &mut App, from, to| {
        view.refresh(app, Asker::Screen);
        answer(
            app,
            Slot::Traces,
            Answer::Traces(TraceList {
                hits: (from..to).map(trace).collect(),
                is_cut: false,
            }),
        );
    };
    let selected = |app: &App| {
        app.views
            .traces
            .hit()
            .map(|h| h.start_ns - NOW_MS * 1_000_000)
    };
    show(&mut app, 0, 200);
    assert_eq!(selected(&app), Some(199), "the newest");
    show(&mut app, 1, 201);
    assert_eq!(selected(&app), Some(200), "the newest is followed");
    for motion in [Motion::Down, Motion::Up] {
        view.motion(&mut app, motion);
    }
    show(&mut app, 2, 202);
    assert_eq!(
        selected(&app),
        Some(200),
        "it was chosen, although in the first row"
    );
    show(&mut app, 205, 405);
    assert_eq!(selected(&app), Some(200));
    assert!(
        text_of(&app).contains("200 traces new, Space follows"),
        "{}",
        text_of(&app)
    );
    press(&mut app, &client, &[" "]).await;
    assert!(app.range.follows() && app.views.traces.held.is_none());
    // by duration the first row is no newest one, so that it is a choice
    show(&mut app, 0, 200);
    press(&mut app, &client, &["s"]).await;
    assert_eq!(selected(&app), Some(199));
    show(&mut app, 1, 201);
    assert_eq!(selected(&app), Some(199));
}

#[tokio::test]
async fn an_alert_that_moves_in_its_list_stays_selected_and_one_that_goes_is_told() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    let alert = lab.lock().drill.alerts[1].clone();
    let place = views::overview::state::items(&app)
        .iter()
        .position(|i| *i == views::overview::state::Item::Alert(1));
    views::of(ViewId::Overview).select(&mut app, 0, place.expect("it is listed"));
    let read = |app: &App| {
        views::of(ViewId::Overview)
            .record(app, true)
            .unwrap_or_default()
    };
    assert!(read(&app).contains(&alert.name));
    let other = lab.lock().drill.alerts[2].clone();
    lab.lock().drill.alerts.insert(0, other);
    app.tick(20_000);
    crate::screen::settle(&mut app, &client).await;
    assert!(read(&app).contains(&alert.name), "{}", read(&app));
    lab.lock().drill.alerts.retain(|a| a.name != alert.name);
    app.tick(22_000);
    crate::screen::settle(&mut app, &client).await;
    assert!(
        text_of(&app).contains("no longer listed"),
        "{}",
        text_of(&app)
    );
    assert!(read(&app).contains("since"), "another alert is selected");
}

#[tokio::test]
async fn a_change_that_was_chosen_stays_so_in_the_first_row_too() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["6", "j", "k"]).await;
    let chosen = |app: &App| views::changes::state::selected(app).map(|c| c.id.clone());
    let before = chosen(&app);
    let newest = lab
        .lock()
        .changes
        .last()
        .cloned()
        .expect("there are changes");
    lab.lock().changes.push(api::Change {
        id: "newer".to_owned(),
        at_ms: NOW_MS,
        ..newest
    });
    app.tick(20_000);
    crate::screen::settle(&mut app, &client).await;
    assert_eq!(chosen(&app), before);
    press(&mut app, &client, &["gg"]).await;
    assert_eq!(chosen(&app).as_deref(), Some("newer"));
}

#[tokio::test]
async fn the_minutes_around_a_change_that_has_just_been_are_held_and_fill_up() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    lab.lock()
        .changes
        .last_mut()
        .expect("there are changes")
        .at_ms = NOW_MS - 10_000;
    app.tick(20_000);
    crate::screen::settle(&mut app, &client).await;
    press(&mut app, &client, &["6", "w"]).await;
    let shown = text_of(&app);
    for said in [
        "‖ held, filling",
        "before and after, 110 s of it to come; Space follows again",
    ] {
        assert!(shown.contains(said), "{said} is not in\n{shown}");
    }
    let held = app.range.window();
    lab.lock().asked.clear();
    lab.lock().drill.now_ms += 30_000;
    press(&mut app, &client, &["2"]).await;
    for at in [30_000, 40_000] {
        app.tick(at);
        crate::screen::settle(&mut app, &client).await;
    }
    assert_eq!(app.range.window(), held);
    let asked = lab.lock().asked.clone();
    let end = format!("end={}", (NOW_MS + 30_000) * 1_000_000);
    assert!(
        asked
            .iter()
            .any(|(_, uri, _)| uri.contains("loki") && uri.contains(&end)),
        "what has passed is asked for as it passes: {asked:?}"
    );
    press(&mut app, &client, &[" "]).await;
    assert!(app.range.follows());
}
