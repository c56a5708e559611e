//! A lab whose every word is hostile: line ends, escapes, controls of both sets and overrides of direction in all that it
//! sends. Nothing of it may reach a terminal, and nothing may pass for a line of our own.

use super::fixture;
use super::plain::talking;
use super::screens::{opened, press};
use crate::screen::text_of;
use crate::text;
use crate::when::When;
use crate::{Seat, ThemeName};

/// What only a line at the margin that a value began would begin with.
const FORGED: &str = "999. forged";

/// Whether a character could steer a terminal.
pub fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub fn hostile() -> fixture::Lab {
    let mut lab = fixture::lab();
    lab.hostile = Some(format!(
        "\n{FORGED}\r\n\u{1b}]52;c;QQ==\u{7}\u{9b}31m\u{1b}[2J\u{202e}\u{8}\ny"
    ));
    lab
}

#[tokio::test]
async fn nothing_that_a_hostile_lab_says_steers_the_terminal_of_the_plain_mode() {
    let (mut session, _lab) = talking(hostile()).await;
    let mut telling = String::new();
    for line in [
        "overview",
        "objectives",
        "brief",
        "logs",
        "pin 2",
        "patterns",
        "patterns 1",
        "traces",
        "compare 1 2",
        "differs",
        "traces",
        "trace 1",
        "pin 1",
        "slowest",
        "counts",
        "names",
        "metrics retries_total",
        "keep",
        "panels",
        "reason 1",
        ".",
        "metrics {",
        "logs {} |= |",
        "traces }}",
        "map",
        "changes",
        "case",
        "act",
        "proof",
        "hint",
        "y",
        "diagnose",
        "nobody",
        ".",
        "hypothesis",
        ".",
        "act 1",
        "n",
        "finish",
        "y",
        "debrief",
    ] {
        let said = session.line(line).await;
        let steering: Vec<char> = said.chars().filter(|c| steers(*c) && *c != '\n').collect();
        assert!(steering.is_empty(), "{line} told {steering:?}:\n{said}");
        let forged: Vec<&str> = said.lines().filter(|l| l.starts_with(FORGED)).collect();
        assert!(
            forged.is_empty(),
            "{line} lets a value begin a line:\n{said}"
        );
        if said.contains('␛') {
            telling.push_str(line);
            telling.push(' ');
        }
    }
    // each of these told something hostile, made visible
    for line in [
        "overview", "brief", "logs", "pin 2", "patterns", "traces", "compare", "differs",
        "trace 1", "metrics", "map", "changes", "case", "act", "proof", "debrief",
    ] {
        assert!(telling.contains(line), "{line} told nothing: {telling}");
    }
}

#[tokio::test]
async fn nothing_that_a_hostile_lab_says_steers_the_screen_or_who_reads_an_export() {
    let (mut app, client, _) = opened(hostile(), (120, 40)).await;
    for view in [
        "1", "2", "2P", "3", "3jckc", "3x", "4", "5", "6", "7", "8", "9",
    ] {
        for key in view.chars() {
            press(&mut app, &client, &[&key.to_string()]).await;
        }
        let screen = text_of(&app);
        assert!(!screen.chars().any(|c| steers(c) && c != '\n'), "{screen}");
        app.effects.clear();
        app.export();
        let Some(crate::app::Effect::Export { files, .. }) = app.effects.pop() else {
            panic!("view {view} exports nothing");
        };
        for (extension, content) in files {
            let written = text::escape_file(extension, &content);
            assert!(
                !written.chars().any(|c| steers(c) && c != '\n'),
                "{written}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_that_a_hostile_lab_says_steers_who_prints_a_screen() {
    let (address, _lab) = fixture::start(hostile()).await;
    let taken = Seat::take(&address, (120, 40), ThemeName::Dark, false).await;
    let mut seat = taken.unwrap();
    for view in crate::screen::names() {
        seat.open(view, None, When::Usual).await.unwrap();
        for printed in [seat.text(), seat.told(), seat.json(), seat.svg()] {
            let steering: Vec<char> = printed
                .chars()
                .filter(|c| steers(*c) && *c != '\n')
                .collect();
            assert!(
                steering.is_empty(),
                "{view} prints {steering:?}:\n{printed}"
            );
        }
        let data = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(data(&seat.json()), data(&seat.data().to_string()), "{view}");
    }
}
