//! What the act view holds: the selected remedy and the outcomes of this seat. Remedies and proof are the drill's.

use api::{ActionOutcome, ActionRequest, ProofView, Remedy};

use crate::app::App;
use crate::app::overlay::{Confirm, Overlay};
use crate::ask::Ask;
use crate::client::Asker;
use crate::widgets::cursor::Cursor;

/// Outcomes that are shown; the oldest falls out.
const OUTCOMES: usize = 20;

/// State of the view.
#[derive(Default)]
pub struct State {
    /// Selected remedy.
    pub at: Cursor,
    /// What came of actions: when, and what; newest last.
    pub outcomes: Vec<(i64, ActionOutcome)>,
}

/// The remedies on offer.
#[must_use]
pub fn remedies(app: &App) -> &[Remedy] {
    app.known.remedies.value.as_deref().unwrap_or_default()
}

/// The selected remedy.
#[must_use]
pub fn selected(app: &App) -> Option<&Remedy> {
    let all = remedies(app);
    all.get(app.views.act.at.of(all.len()))
}

/// Enter: applies the selected remedy, asking first; an applied one is offered to be undone.
pub fn apply(app: &mut App) {
    match selected(app) {
        Some(remedy) if remedy.applied => undo(app),
        Some(remedy) => {
            let ask = Ask::Act(ActionRequest {
                remedy: remedy.id.clone(),
                undo: false,
            });
            let (dangerous, title) = (remedy.dangerous, remedy.title.clone());
            let warning = if dangerous {
                "This can hurt users.\n\n"
            } else {
                ""
            };
            let body = format!("{warning}{}", remedy.description);
            if dangerous {
                app.overlay = Some(Overlay::Confirm(Confirm::tell(
                    format!("{title}?"),
                    body,
                    ask,
                )));
            } else {
                start(app, ask, &title);
            }
        }
        None => app.say("there is nothing to do yet"),
    }
}

fn start(app: &mut App, ask: Ask, title: &str) {
    app.tell(ask);
    if !app.observer {
        app.say(format!("{title}: under way …"));
    }
}

/// `u`: takes the selected remedy back.
pub fn undo(app: &mut App) {
    match selected(app) {
        Some(remedy) if remedy.applied => {
            let ask = Ask::Act(ActionRequest {
                remedy: remedy.id.clone(),
                undo: true,
            });
            let title = format!("Take back: {}?", remedy.title);
            app.overlay = Some(Overlay::Confirm(Confirm::tell(
                title,
                "What it did is undone.",
                ask,
            )));
        }
        Some(_) => app.say("this remedy is not applied"),
        None => app.say("nothing is selected"),
    }
}

/// Whether the stress test can be started.
#[must_use]
pub fn can_prove(app: &App) -> bool {
    app.may_act() && !app.known.proof.value.as_ref().is_some_and(|p| p.running)
}

/// `P`: starts the stress test, asking first.
pub fn prove(app: &mut App) {
    match &app.known.proof.value {
        Some(proof) if proof.running => app.say("the stress test is running"),
        Some(proof) => {
            let body = format!(
                "{}\n\nThe same seeded load is played against the shop as it is now, and the invariants are measured.",
                proof.description
            );
            app.overlay = Some(Overlay::Confirm(Confirm::tell(
                "Run the stress test?",
                body,
                Ask::StartProof,
            )));
        }
        None => {
            app.ask(Ask::Proof, Asker::Screen);
            app.say("the stress test is still being read; try again in a moment");
        }
    }
}

/// What came of an action.
pub fn outcome_arrived(app: &mut App, outcome: &ActionOutcome) {
    let at = app.range.now_ms;
    app.views.act.outcomes.push((at, outcome.clone()));
    let over = app.views.act.outcomes.len().saturating_sub(OUTCOMES);
    app.views.act.outcomes.drain(..over);
    if outcome.done {
        app.say(outcome.message.clone());
    } else {
        app.say_bad(outcome.message.clone());
    }
    app.ask(Ask::Remedies, Asker::Screen);
    app.ask(Ask::Changes, Asker::Screen);
}

/// The state of the stress test.
pub fn proof_arrived(app: &mut App, proof: ProofView) {
    let was_running = app.known.proof.value.as_ref().is_some_and(|p| p.running);
    if was_running && !proof.running {
        match proof.passed {
            Some(true) => app.say("the stress test passed: every invariant holds"),
            Some(false) => {
                let way = app.way("8 Act shows", "proof tells");
                app.say_bad(format!(
                    "the stress test failed: {way} which invariants do not hold"
                ));
            }
            None => {}
        }
    }
    app.known.proof.good(proof);
}
