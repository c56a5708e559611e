//! The frame around the views: palette, help, keys of one's own, messages that move nothing, leaving.

use api::Phase;

use super::fixture;
use super::screens::{opened, press};
use crate::app::help;
use crate::app::overlay::{Confirm, Overlay};
use crate::app::tour::Tour;
use crate::screen::text_of;
use crate::settings::{Bindings, Change};
use crate::views::{self, ViewId};

const VIEWS: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

#[tokio::test]
async fn the_palette_does_what_another_view_has_and_goes_there() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", ":", "stress test", "Enter"]).await;
    assert_eq!(app.view, ViewId::Act, "{}", text_of(&app));
    press(&mut app, &client, &["Esc", "2", ":", "finish the drill"]).await;
    let shown = text_of(&app);
    assert!(shown.contains("Debrief · finish the drill"), "{shown}");
    press(&mut app, &client, &["Enter"]).await;
    assert_eq!(app.view, ViewId::Debrief);
    assert!(matches!(app.overlay, Some(Overlay::Confirm(_))));
}

#[tokio::test]
async fn the_palette_keeps_rows_whose_keys_a_view_has_for_itself() {
    for view in VIEWS {
        let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
        press(&mut app, &client, &[view, ":", "previous pane"]).await;
        assert!(text_of(&app).contains("· previous pane"), "view {view}");
        press(&mut app, &client, &["Esc", ":", "next pane"]).await;
        let shown = text_of(&app);
        assert!(shown.contains("· next pane"), "view {view}:\n{shown}");
    }
}

#[tokio::test]
async fn the_palette_knows_services_places_and_queries() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "/", "payment", "Enter", "3"]).await;
    press(&mut app, &client, &[":", "orders: its logs", "Enter"]).await;
    let ran = app.views.logs.query.ran.clone();
    assert_eq!(
        (app.view, ran.as_str()),
        (ViewId::Logs, "{service=\"orders\"}")
    );
    press(&mut app, &client, &[":", "back to logs payment", "Enter"]).await;
    assert_eq!(
        (app.view, app.views.logs.query.ran.as_str()),
        (ViewId::Logs, "payment")
    );
    press(&mut app, &client, &["4", ":", "per second (rate", "Enter"]).await;
    assert!(
        app.views.metrics.query.ran.contains("rate("),
        "{}",
        app.views.metrics.query.ran
    );
}

#[tokio::test]
async fn help_of_every_view_says_what_it_is_for_and_its_example_runs_with_enter() {
    for (key, view) in VIEWS.into_iter().zip(views::ALL) {
        let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
        press(&mut app, &client, &[key, "?"]).await;
        let shown = text_of(&app);
        for said in ["First: ", "try: ", "what the signs of the header mean"] {
            assert!(shown.contains(said), "{said} in {}:\n{shown}", view.title());
        }
        assert!(
            !shown.contains(['{', '}']) || shown.contains("{level"),
            "{shown}"
        );
        let example = help::example(&app, view.id());
        press(&mut app, &client, &["Enter"]).await;
        assert_eq!(app.view, example.view, "{}", view.title());
        let line = views::of(app.view).query(&mut app).expect("it has queries");
        assert_eq!(line.ran, example.query);
        assert!(!example.query.is_empty() && line.failure.is_none());
    }
}

#[tokio::test]
async fn help_explains_the_signs_with_the_keys_in_force() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["?", "signs of", "Enter"]).await;
    let shown = text_of(&app);
    for said in ["⇄  the lab answers", "A does", "Space goes on again"] {
        assert!(shown.contains(said), "{said}:\n{shown}");
    }
}

#[tokio::test]
async fn footer_help_and_palette_show_the_keys_that_a_file_gave() {
    let (mut app, client, _) = opened(fixture::lab(), (160, 50)).await;
    let change = |id: &str, key: &str| Change {
        id: id.to_owned(),
        keys: vec![key.to_owned()],
    };
    let (bindings, refused) = Bindings::of(&[change("logs.context", "C"), change("pin", "F6")]);
    assert_eq!(refused, []);
    app.bindings = bindings;
    press(&mut app, &client, &["2"]).await;
    let foot = text_of(&app).lines().last().unwrap_or_default().to_owned();
    assert!(
        foot.contains("C context") && foot.contains("F6 pin"),
        "{foot}"
    );
    for (open, search) in [("?", "around"), (":", "around")] {
        press(&mut app, &client, &[open, search]).await;
        let shown = text_of(&app);
        let row = shown
            .lines()
            .find(|l| l.contains("the lines around this one"));
        assert!(row.is_some_and(|row| row.contains(" C ")), "{shown}");
        press(&mut app, &client, &["Esc"]).await;
    }
    press(&mut app, &client, &["?"]).await;
    assert!(text_of(&app).contains("F6 pins it"));
    press(&mut app, &client, &["Esc", "c"]).await;
    assert!(app.toast.is_some(), "the old key is none");
    press(&mut app, &client, &["C"]).await;
    assert!(app.views.logs.in_context());
}

#[tokio::test]
async fn a_key_of_a_neighbour_says_where_it_is_one() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["6", "c"]).await;
    let said = app
        .toast
        .as_ref()
        .map(|t| t.text.clone())
        .unwrap_or_default();
    assert!(
        said.contains("context in Logs") && said.contains('?'),
        "{said}"
    );
    press(&mut app, &client, &["~"]).await;
    let said = app
        .toast
        .as_ref()
        .map(|t| t.text.clone())
        .unwrap_or_default();
    assert!(said.starts_with("~ is no key"), "{said}");
}

/// The rows of the screen between tabs and footer.
fn body(shown: &str) -> Vec<String> {
    let rows: Vec<String> = shown.lines().map(str::to_owned).collect();
    rows[2..rows.len() - 1].to_vec()
}

#[tokio::test]
async fn neither_a_message_nor_a_lost_lab_moves_the_body() {
    for key in VIEWS {
        let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
        press(&mut app, &client, &[key]).await;
        app.toast = None;
        let before = body(&text_of(&app));
        app.say("copied 12 bytes");
        let shown = text_of(&app);
        assert!(shown.contains("› copied 12 bytes"), "{shown}");
        assert_eq!(body(&shown), before, "view {key}");
        app.lost = Some("the lab is not reachable".to_owned());
        let shown = text_of(&app);
        assert!(shown.contains("⚠ the lab is not reachable"), "{shown}");
        assert_eq!(body(&shown), before, "view {key}");
    }
}

#[tokio::test]
async fn a_message_is_seen_on_the_smallest_screens_and_gives_way_to_a_pair_of_keys() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    for rows in 1..=8 {
        app.size = (40, rows);
        app.say("copied 12 bytes");
        let shown = text_of(&app);
        assert!(shown.contains("copied 12 bytes"), "{rows} rows:\n{shown}");
    }
    app.size = (80, 24);
    press(&mut app, &client, &["g"]).await;
    assert!(text_of(&app).contains("g …"));
}

#[tokio::test]
async fn alerts_are_seen_where_little_else_is() {
    let (mut app, _, _) = opened(fixture::lab(), (80, 24)).await;
    for columns in [40, 59, 60, 80] {
        app.size = (columns, 10);
        let shown = text_of(&app);
        let head = shown.lines().next().unwrap_or_default().to_owned();
        assert!(head.contains("▲1"), "{columns}: {head}");
    }
}

#[tokio::test]
async fn leaving_says_what_becomes_of_the_drill() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["q"]).await;
    let shown = text_of(&app);
    assert!(shown.contains("goes on without you"), "{shown}");
    assert!(shown.contains("http://127.0.0.1:8300"), "{shown}");
    press(&mut app, &client, &["Esc"]).await;
    app.leaving_ends = true;
    press(&mut app, &client, &["q"]).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("Leaving ends the drill: it is scored"),
        "{shown}"
    );
    assert_eq!(app.phase(), Phase::Live);
}

#[tokio::test]
async fn choices_are_seen_on_a_very_small_terminal() {
    let (mut app, client, _) = opened(fixture::lab(), (40, 10)).await;
    press(&mut app, &client, &["S", "Enter"]).await;
    let shown = text_of(&app);
    let choices = shown.lines().filter(|l| l.contains('○')).count();
    assert!(choices >= 3, "{shown}");
}

#[tokio::test]
async fn clock_alerts_time_since_the_page_and_connection_fit_into_forty_columns() {
    let (app, _client, _) = opened(fixture::lab(), (40, 10)).await;
    let screen = text_of(&app);
    let header = screen.lines().next().unwrap_or_default();
    for part in ["LIVE 03:04:12", "▲1 △1", "+04:12", "15m ▶", "⇄"] {
        assert!(header.contains(part), "{part} is not in {header:?}");
    }
}

#[tokio::test]
async fn what_is_pasted_goes_where_the_keys_go() {
    let paste = |text: &str| crossterm::event::Event::Paste(text.to_owned());
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", ":"]).await;
    app.event(&paste("stress\ntest"), &[]);
    assert!(text_of(&app).contains("› stress test"), "{}", text_of(&app));
    press(&mut app, &client, &["Enter"]).await;
    assert_eq!(app.view, ViewId::Act, "{}", text_of(&app));
    // what is read or confirmed takes none, and nothing is written behind it
    press(&mut app, &client, &["Esc", "2"]).await;
    let boxes = [
        Overlay::reader("Read", "this"),
        Overlay::Confirm(Confirm::quit(&app)),
        Overlay::Tour(Tour::default()),
    ];
    for overlay in boxes {
        app.overlay = Some(overlay);
        app.event(&paste("timeout"), &[]);
        let line = &app.views.logs.query;
        assert!(
            !line.editing && line.value().is_empty(),
            "{}",
            text_of(&app)
        );
        assert!(app.overlay.is_some());
    }
    app.overlay = None;
    app.event(&paste("timeout"), &[]);
    assert_eq!(app.views.logs.query.value(), "timeout");
}
