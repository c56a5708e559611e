//! Drills that are solved at the glass from keys alone: the program in a pseudo terminal of 80x24, the keys of
//! `tests/glass/*.keys`, and nothing known but what the screen shows. `.ci/run` plays those of every scenario.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod pty;

use std::time::Instant;

use pty::{PATIENCE, Terminal, restored};
use scenarios::catalog::Catalog;
use tui::strokes::{self, Stroke};

/// The keys that solve a scenario.
fn keys(slug: &str) -> Vec<Stroke> {
    let script = format!("{}/tests/glass/{slug}.keys", env!("CARGO_MANIFEST_DIR"));
    let script = std::fs::read_to_string(&script).unwrap_or_else(|why| panic!("{script}: {why}"));
    strokes::read(&script).unwrap_or_else(|why| panic!("{slug}: {why}"))
}

/// Plays a journey of the catalogue: the real program, the real lab, a real terminal.
fn journey(slug: &str) {
    let strokes = keys(slug);
    let drill = env!("CARGO_BIN_EXE_drill");
    let words = [drill, "run", slug, "--level", "1", "--seed", "7"];
    let mut terminal = Terminal::of(&words, 80, 24);
    for stroke in strokes {
        match stroke {
            Stroke::Key(key) => {
                let bytes = strokes::bytes(&key).expect("the journeys press keys that have bytes");
                terminal.press(std::str::from_utf8(&bytes).unwrap());
            }
            Stroke::Until(text) => {
                terminal.wait_for(&text, |screen| screen.contents().contains(&text));
            }
            Stroke::Gone(text) => {
                let gone = |screen: &vt100::Screen| !screen.contents().contains(&text);
                terminal.wait_for(&format!("the end of {text}"), gone);
            }
            // time passes as it does for a person who reads
            Stroke::Wait(long) => {
                let began = Instant::now();
                terminal.wait_for("time", |_| began.elapsed() >= long.min(PATIENCE));
            }
            Stroke::Picture(_) => {}
        }
    }
    let screen = terminal.contents();
    let points = score(&screen);
    assert!(
        points >= 60.0,
        "{points} points; the screen shows:\n{screen}"
    );
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.contents());
    terminal.wait_for("a restored terminal", restored);
}

/// The points that a debrief shows: `Score 78.5 of 100`.
fn score(screen: &str) -> f64 {
    let after = screen.split("Score ").nth(1).unwrap_or_default();
    let figure = after.split_whitespace().next().unwrap_or_default();
    figure
        .parse()
        .unwrap_or_else(|_| panic!("no score on the screen:\n{screen}"))
}

#[test]
fn every_scenario_has_keys_that_solve_it() {
    let slugs: Vec<String> = Catalog::embedded().slugs().map(str::to_owned).collect();
    assert!(slugs.len() >= 5, "{slugs:?}");
    for slug in slugs {
        let presses = keys(&slug)
            .iter()
            .filter(|stroke| matches!(stroke, Stroke::Key(_)))
            .count();
        assert!(presses > 50, "{slug} is solved by {presses} keys");
    }
}

#[test]
fn a_night_without_a_fault_is_solved_from_the_screen() {
    journey("quiet-night");
}

#[test]
fn a_ring_of_waits_is_solved_from_the_screen() {
    journey("ring-deadlock");
}
