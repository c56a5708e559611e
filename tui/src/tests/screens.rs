//! Every view at 80x24 and 160x50, letter by letter, and at sizes of chance without a panic.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fixture::{self, Lab};
use crate::ThemeName;
use crate::app::App;
use crate::client::Client;
use crate::screen::{settle, text_of};
use crate::widgets::surface::Surface;

/// A screen with everything read from the lab.
pub async fn opened(
    lab: Lab,
    size: (u16, u16),
) -> (App, Client, std::sync::Arc<parking_lot::Mutex<Lab>>) {
    let (address, shared) = fixture::start(lab).await;
    let client = Client::new(&address).unwrap();
    let mut app = App::new("http://127.0.0.1:8300", ThemeName::None, false);
    app.size = size;
    for at in [0, 0, 2_000] {
        app.tick(at);
        settle(&mut app, &client).await;
    }
    (app, client, shared)
}

/// Presses keys one after another, with the lab answering in between; `gg`, `Enter` and so on as the key map writes them.
pub async fn press(app: &mut App, client: &Client, keys: &[&str]) {
    for key in keys {
        let code = match *key {
            "Enter" => KeyCode::Enter,
            "Esc" => KeyCode::Esc,
            "Tab" => KeyCode::Tab,
            "Down" => KeyCode::Down,
            "Up" => KeyCode::Up,
            "Right" => KeyCode::Right,
            "Left" => KeyCode::Left,
            "Backspace" => KeyCode::Backspace,
            other => {
                for c in other.chars() {
                    app.key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
                }
                settle(app, client).await;
                continue;
            }
        };
        app.key(KeyEvent::new(code, KeyModifiers::NONE));
        settle(app, client).await;
    }
}

pub async fn snapshot(name: &str, lab: fn() -> Lab, keys: &[&str]) {
    for size in [(80, 24), (160, 50)] {
        let (mut app, client, _) = opened(lab(), size).await;
        press(&mut app, &client, keys).await;
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text_of(&app));
    }
}

pub fn ended() -> Lab {
    let mut lab = fixture::lab();
    lab.ended = true;
    lab.drill.phase = api::Phase::Ended;
    lab.drill.root_cause_ms = Some(fixture::PAGE_MS + 372_000);
    lab
}

pub fn preparing() -> Lab {
    let mut lab = fixture::lab();
    lab.drill.phase = api::Phase::Preparing;
    lab.drill.progress = 0.42;
    lab.drill.activity = "making history: 02:47:30".to_owned();
    lab.drill.page = None;
    lab.drill.page_ms = None;
    lab.drill.alerts.clear();
    lab
}

/// A lab in which nothing has happened.
pub fn empty() -> Lab {
    let mut lab = fixture::lab();
    lab.empty = true;
    lab.case = api::Case::default();
    lab.changes.clear();
    lab.drill.alerts.clear();
    lab
}

fn proven() -> Lab {
    let mut lab = fixture::lab();
    lab.applied = true;
    lab
}

#[tokio::test]
async fn the_overview_shows_page_signals_alerts_and_changes() {
    snapshot("overview", fixture::lab, &[]).await;
}

#[tokio::test]
async fn what_stands_beside_the_overview_can_be_selected_there() {
    snapshot("overview_change", fixture::lab, &["Tab", "Tab", "Tab", "j"]).await;
}

#[tokio::test]
async fn the_overview_shows_progress_while_the_shop_starts() {
    snapshot("overview_preparing", preparing, &[]).await;
}

#[tokio::test]
async fn the_overview_with_nothing_to_show_says_so() {
    snapshot("overview_empty", empty, &[]).await;
}

#[tokio::test]
async fn logs_show_lines_counts_and_fields() {
    snapshot("logs", fixture::lab, &["2", "k"]).await;
}

#[tokio::test]
async fn a_query_that_does_not_parse_is_marked_where_it_went_wrong() {
    snapshot(
        "logs_error",
        fixture::lab,
        &["2", "/", "{service=\"checkout\"} |= |", "Enter"],
    )
    .await;
}

#[tokio::test]
async fn a_new_query_begins_empty_with_the_present_one_behind_it() {
    snapshot("logs_typing", fixture::lab, &["2", "=", "/"]).await;
}

#[tokio::test]
async fn traces_are_listed_with_their_durations() {
    snapshot("traces", fixture::lab, &["3"]).await;
}

#[tokio::test]
async fn a_trace_shows_repeated_spans_and_the_critical_path() {
    snapshot("trace", fixture::lab, &["3", "Enter", "j", "j"]).await;
}

fn running() -> Lab {
    let mut lab = fixture::lab();
    lab.running = true;
    lab
}

#[tokio::test]
async fn a_trace_whose_root_is_missing_is_marked_as_running() {
    snapshot("traces_running", running, &["3"]).await;
    snapshot("trace_running", running, &["3", "Enter"]).await;
}

#[tokio::test]
async fn a_query_that_finds_nothing_says_what_was_searched_and_what_to_do() {
    let keys = ["2", "/", "orders timeout", "Enter"];
    snapshot("logs_nothing", empty, &keys).await;
}

#[tokio::test]
async fn metrics_show_lines_with_a_crosshair() {
    snapshot("metrics", fixture::lab, &["4", "h", "h", "h"]).await;
}

#[tokio::test]
async fn the_map_says_when_its_figures_are_estimates() {
    let mut lab = fixture::lab();
    lab.sampled = true;
    let (mut app, client, _) = opened(lab, (80, 24)).await;
    press(&mut app, &client, &["5"]).await;
    let screen = text_of(&app);
    assert!(
        screen.contains("estimated, last 2 min: rate · errors · p50 · p99"),
        "{screen}"
    );
}

#[tokio::test]
async fn the_map_shows_calls_and_the_ring() {
    snapshot("map", fixture::lab, &["5", "j"]).await;
}

#[tokio::test]
async fn changes_stand_on_a_time_line() {
    snapshot("changes", fixture::lab, &["6", "j"]).await;
}

#[tokio::test]
async fn the_case_holds_evidence_hypotheses_and_diagnoses() {
    snapshot("case", fixture::lab, &["7"]).await;
}

#[tokio::test]
async fn a_diagnosis_is_a_form_with_a_tree_of_mechanisms() {
    snapshot("diagnosis", fixture::lab, &["S"]).await;
    snapshot("diagnosis_mechanism", fixture::lab, &["S", "Down", "Enter"]).await;
}

#[tokio::test]
async fn remedies_say_what_they_do_and_the_stress_test_what_holds() {
    snapshot("act", fixture::lab, &["8"]).await;
    snapshot("act_proven", proven, &["8", "P", "y", "j"]).await;
}

#[tokio::test]
async fn the_debrief_tells_all_once_the_drill_has_ended() {
    snapshot("debrief_before", fixture::lab, &["9"]).await;
    snapshot("debrief", ended, &["9"]).await;
    snapshot("debrief_later", ended, &["9", "G"]).await;
}

#[tokio::test]
async fn help_and_confirmation_lie_over_the_view() {
    snapshot("help", fixture::lab, &["2", "?"]).await;
    snapshot("confirm", fixture::lab, &["8", "Enter"]).await;
}

#[tokio::test]
async fn objectives_are_explained_in_full() {
    snapshot("objectives", fixture::lab, &["1", "o"]).await;
    snapshot("objectives_empty", empty, &["1", "o"]).await;
}

#[tokio::test]
async fn every_view_survives_emptiness() {
    for key in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        let (mut app, client, _) = opened(empty(), (80, 24)).await;
        press(
            &mut app,
            &client,
            &[
                key, "Enter", "Esc", "k", "j", "G", "e", "m", "y", "Y", "p", "Esc", "Tab", "n",
            ],
        )
        .await;
        assert!(text_of(&app).contains("LIVE"), "view {key} lost its header");
    }
}

#[test]
fn no_size_makes_any_view_panic() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let paths: [&[&str]; 14] = [
        &["1"],
        &["2"],
        &["2", "Tab"],
        &["3"],
        &["3", "Enter"],
        &["4", "h"],
        &["5"],
        &["6"],
        &["7"],
        &["8"],
        &["9"],
        &["S"],
        &["?"],
        &["9", "F"],
    ];
    let apps: Vec<std::cell::RefCell<App>> = paths
        .iter()
        .map(|keys| {
            runtime.block_on(async {
                let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
                press(&mut app, &client, keys).await;
                std::cell::RefCell::new(app)
            })
        })
        .collect();
    let small = (0_u16..30, 0_u16..12);
    let any = (0_u16..260, 0_u16..90);
    proptest!(ProptestConfig::with_cases(200), |(size in prop_oneof![small, any], which in 0_usize..14, wrap: bool, full: bool)| {
        let mut app = apps[which].borrow_mut();
        (app.size, app.wrap, app.full) = (size, wrap, full);
        let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
        let mut surface = Surface::new(&mut buffer, &app.theme);
        app.draw(&mut surface);
        for hit in &surface.hits {
            prop_assert!(hit.area.right() <= size.0.max(1) || hit.area.is_empty() || hit.area.x < size.0, "{hit:?} lies beyond {size:?}");
        }
    });
}
