//! What a trainee does in the plain mode: repairs, evidence, hypotheses, notes. What cannot be done is said at once; what came
//! of it is told with the lab's answer.

use api::{HypothesisState, HypothesisUpdate};

use super::commands::row;
use super::moves::select;
use crate::app::App;
use crate::ask::Ask;
use crate::text::escape;
use crate::views::{ViewId, act, case};

pub fn numbered(app: &mut App, text: &str, then: impl Fn(&mut App, u32)) -> String {
    match text.trim_start_matches('#').parse() {
        Ok(n) => {
            then(app, n);
            String::new()
        }
        Err(_) => "a number is asked for\n".to_owned(),
    }
}

pub fn act_on(app: &mut App, which: &str) -> String {
    app.open(ViewId::Act);
    match (which, row(which)) {
        ("", _) => {}
        (_, Some(index)) if index < act::state::remedies(app).len() => {
            app.views.act.at.at = index;
            act::state::apply(app);
        }
        _ => return "no remedy has that number; act lists them\n".to_owned(),
    }
    String::new()
}

pub fn undo(app: &mut App, which: &str) -> String {
    match row(which).filter(|i| *i < act::state::remedies(app).len()) {
        Some(index) => {
            app.views.act.at.at = index;
            act::state::undo(app);
            String::new()
        }
        None => "no remedy has that number; act lists them\n".to_owned(),
    }
}

pub fn pin(app: &mut App, which: &str) -> String {
    match select(app, which) {
        Ok(()) => {
            app.pin();
            String::new()
        }
        Err(why) => why,
    }
}

/// Writes a note or a status update: the text behind the command, or else what is asked for.
pub fn note(app: &mut App, text: &str, status_update: bool) -> String {
    if text.is_empty() {
        case::forms::open_note(app, status_update);
    } else {
        app.tell(Ask::Note(api::Note {
            text: text.to_owned(),
            status_update,
        }));
    }
    String::new()
}

pub fn settle(app: &mut App, words: &str, state: HypothesisState) -> String {
    let numbers: Vec<u32> = words
        .split([' ', ',', '#'])
        .filter_map(|w| w.parse().ok())
        .collect();
    match numbers.split_first() {
        Some((id, pins)) => {
            app.tell(Ask::Settle(
                *id,
                HypothesisUpdate {
                    state,
                    pins: pins.to_vec(),
                },
            ));
            String::new()
        }
        None => "which hypothesis? give its id, then the pins\n".to_owned(),
    }
}

/// What a service of the shop answered last.
pub fn answer(app: &App) -> String {
    match &app.views.act.answer {
        // a fact is a line, whatever line ends its values have
        Some(answer) => act::probe::told(answer, true)
            .lines()
            .map(|line| format!("{}\n", escape(line)))
            .collect(),
        None => "nothing was sent yet; request sends one\n".to_owned(),
    }
}
