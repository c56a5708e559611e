//! Commands for what a trainee keeps: charts as panels, and the reason for a pin.

use super::commands::{Command, command};
use super::tell;
use crate::app::App;
use crate::ask::Ask;
use crate::text::escape;
use crate::views::case::forms;
use crate::views::metrics::panels;

fn nothing(_: &App, _: &str) -> String {
    String::new()
}

pub const COMMANDS: &[Command] = &[
    command(
        &["reason"],
        "PIN [TEXT]",
        "says why a pin matters; with a lone minus takes that away",
        reason,
        nothing,
    ),
    command(
        &["keep"],
        "",
        "keeps the metrics told last as a panel",
        |a, _| {
            panels::keep(a);
            String::new()
        },
        nothing,
    ),
    command(
        &["panels"],
        "[N]",
        "the panels that are kept; with a number tells one anew",
        panel,
        |a, which| match which {
            "" => String::new(),
            _ => tell::metrics(a),
        },
    ),
    command(
        &["drop"],
        "N",
        "drops a panel",
        |a, which| match place(a, which) {
            Some(index) => {
                a.views.metrics.panels.remove(index);
                "dropped\n".to_owned()
            }
            None => none(which),
        },
        nothing,
    ),
];

fn place(app: &App, which: &str) -> Option<usize> {
    let index = super::commands::row(which)?;
    (index < app.views.metrics.panels.len()).then_some(index)
}

fn none(which: &str) -> String {
    format!("no panel has the number {which:?}; panels lists them, keep keeps one\n")
}

fn panel(app: &mut App, which: &str) -> String {
    let all = app.views.metrics.panels.iter().enumerate();
    let listed: String = all
        .map(|(i, panel)| format!("{}. {}\n", i + 1, escape(&panel.query)))
        .collect();
    match (which, place(app, which)) {
        ("", _) if listed.is_empty() => "no panels yet; metrics, then keep\n".to_owned(),
        ("", _) => listed,
        (_, Some(index)) => {
            app.view = crate::views::ViewId::Metrics;
            panels::show(app, index);
            String::new()
        }
        (_, None) => none(which),
    }
}

/// Writes the reason for a pin, or asks for it.
fn reason(app: &mut App, words: &str) -> String {
    let (which, why) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let id = which.trim_start_matches('#').parse::<u32>().ok();
    let pins = app.known.case.value.iter().flat_map(|case| &case.pins);
    let mut named = pins.filter(|pin| Some(pin.id) == id);
    let Some(pin) = named.next().cloned() else {
        return format!("no pin has the number {which:?}; case lists them\n");
    };
    match why.trim() {
        "" => forms::open_note_of(app, &pin),
        why => {
            let note = if why == "-" { "" } else { why }.to_owned();
            app.tell(Ask::NotePin(pin.id, api::PinNote { note }));
        }
    }
    String::new()
}
