//! The checklist: the steps of an incident in their order, what to do in each, what ticks it, and where it is done.
//! Nothing is ticked by hand: a step is done when what it asks for has happened.

use crate::app::App;
use crate::app::help::filled;
use crate::ask::right_diagnosis;
use crate::views::ViewId;

use super::forms;

/// A step of an incident.
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// What to do and what ticks it. A name in braces is that of a row, and stands for its key.
    what: &'static str,
    /// Whether it is done.
    pub done: fn(&App) -> bool,
    /// Where Enter leads, in a word or two.
    pub place: &'static str,
    go: fn(&mut App),
}

/// The steps.
pub static STEPS: [Step; 6] = [
    Step {
        name: "triage",
        what: "who is hurt? acknowledging the page ({acknowledge}) ticks it",
        done: |app| app.drill().is_some_and(|d| d.acknowledged_ms.is_some()),
        place: "Overview",
        go: |app| app.open(ViewId::Overview),
    },
    Step {
        name: "investigate",
        what: "pin, suspect, reject; a right diagnosis ({diagnose}) ticks it",
        done: |app| {
            let case = app.known.case.value.as_ref();
            case.is_some_and(|case| right_diagnosis(case).is_some())
        },
        place: "Logs",
        go: |app| app.open(ViewId::Logs),
    },
    Step {
        name: "mitigate",
        what: "stop the harm; a remedy that was applied ticks it",
        done: |app| app.known.remedies.value.iter().flatten().any(|r| r.applied),
        place: "Act",
        go: |app| app.open(ViewId::Act),
    },
    Step {
        name: "communicate",
        what: "say what is hurt; a status update ticks it",
        done: |app| {
            let notes = app.known.case.value.iter().flat_map(|case| &case.notes);
            notes.into_iter().any(|(_, note)| note.status_update)
        },
        place: "update",
        go: |app| forms::open_note(app, true),
    },
    Step {
        name: "verify",
        what: "prove that it holds; a stress test that passes ticks it",
        done: |app| app.known.proof.value.as_ref().and_then(|p| p.passed) == Some(true),
        place: "Act",
        go: |app| app.open(ViewId::Act),
    },
    Step {
        name: "learn",
        what: "why it could happen; handing in five whys ticks it",
        done: |app| app.views.case.learned,
        place: "five whys",
        go: forms::open_learning,
    },
];

impl Step {
    /// What to do, with the keys in force.
    #[must_use]
    pub fn what(&self, app: &App) -> String {
        // a line that is typed has no keys, and help names the commands
        let keyless = ["acknowledge", "diagnose"]
            .iter()
            .fold(self.what.to_owned(), |what, row| {
                what.replace(&format!(" ({{{row}}})"), "")
            });
        match app.typed {
            true => keyless,
            false => filled(app, self.what),
        }
    }
}

/// A step as text.
#[must_use]
pub fn text(app: &App, place: usize) -> String {
    let said = |step: &Step| {
        let state = if (step.done)(app) { "done" } else { "open" };
        format!("step {}, {state}: {}", step.name, step.what(app))
    };
    STEPS.get(place).map(said).unwrap_or_default()
}

/// Goes where the step is done.
pub fn go(app: &mut App, place: usize) {
    if let Some(step) = STEPS.get(place) {
        (step.go)(app);
    }
}
