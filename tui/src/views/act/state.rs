//! What the act view holds: the selected remedy and the outcomes of this seat. Remedies and proof are the drill's.

use api::{
    ActionOutcome, ActionRequest, ProofView, ReadyRequest, Remedy, Rollout, ShopAnswer, Strategy,
};

use crate::app::overlay::{Confirm, Overlay};
use crate::app::{App, Loaded};
use crate::ask::Ask;
use crate::client::Asker;
use crate::widgets::cursor::{Cursor, Motion};

use super::{draw, forms};

/// Outcomes that are shown; the oldest falls out.
const OUTCOMES: usize = 20;

/// State of the view.
#[derive(Default)]
pub struct State {
    /// Selected remedy.
    pub at: Cursor,
    /// What came of actions: when, and what; newest last.
    pub outcomes: Vec<(i64, ActionOutcome)>,
    /// The remedy that was begun last, and when, until it is known what came of it.
    begun: Option<(String, i64)>,
    /// Requests that are ready to be sent.
    pub ready: Loaded<Vec<ReadyRequest>>,
    /// How many keys had been pressed when a request was sent that is not answered yet.
    pub(super) sent_keys: Option<u64>,
    /// What a service answered last, and whether it stands where otherwise is said what the remedy does.
    pub answer: Option<ShopAnswer>,
    /// See [`State::answer`].
    pub shows_answer: bool,
    /// Whether the answer came while something else was done, and has not been looked at.
    pub(super) unread: bool,
    /// Which pane the keys move in.
    pub pane: Pane,
    /// First line that is shown of what the remedy does, and of the stress test.
    pub first: [usize; 2],
}

impl State {
    /// The answer that came last stands where otherwise is said what the remedy does.
    pub(super) fn read_answer(&mut self) {
        if std::mem::take(&mut self.unread) {
            self.shows_answer = true;
            self.first[0] = 0;
        }
    }
}

/// A pane of the view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pane {
    /// The list.
    #[default]
    Remedies,
    /// What the selected one does, and what came of it.
    Details,
    /// The stress test.
    Proof,
}

/// In the order of `Tab`.
const PANES: [Pane; 3] = [Pane::Remedies, Pane::Details, Pane::Proof];
/// As long as an answer is waited for, an action counts as under way, milliseconds.
const WAITED_MS: i64 = 90_000;

/// `Tab`: to the next or previous pane.
pub fn next_pane(app: &mut App, forward: bool) {
    let step = if forward { 1 } else { PANES.len() - 1 };
    let act = &mut app.views.act;
    act.pane = PANES[(act.pane as usize + step) % PANES.len()];
    if act.pane == Pane::Details {
        act.read_answer();
    }
}

/// Moves in the pane that has the keys.
pub fn go(app: &mut App, motion: Motion) {
    let (remedies, page) = (remedies(app).len(), app.page());
    let pane = match app.views.act.pane {
        Pane::Remedies => {
            app.views.act.first[0] = 0;
            app.views.act.shows_answer = false;
            return app.views.act.at.go(motion, remedies, page);
        }
        Pane::Details => 0,
        Pane::Proof => 1,
    };
    let (lines, rows) = draw::extent(app, app.views.act.pane);
    let last = lines.saturating_sub(rows);
    let first = &mut app.views.act.first[pane];
    *first = (*first)
        .min(last)
        .saturating_add_signed(motion.rows(rows))
        .min(last);
}

/// The answer of a service that is on screen.
#[must_use]
pub fn answer(app: &App) -> Option<&ShopAnswer> {
    let answer = app.views.act.answer.as_ref();
    answer.filter(|_| app.views.act.shows_answer)
}

/// The rollout of a remedy that goes on.
#[must_use]
pub fn rolling(remedy: &Remedy) -> Option<&Rollout> {
    remedy.rollout.as_ref().filter(|rollout| rollout.running)
}

/// Whether a rollout goes on.
#[must_use]
pub fn rolls(app: &App) -> bool {
    remedies(app).iter().any(|remedy| rolling(remedy).is_some())
}

/// What is said before the description of what can hurt.
#[must_use]
pub fn warning(remedy: &Remedy) -> &'static str {
    match remedy.dangerous {
        true => "This can hurt users.\n\n",
        false => "",
    }
}

/// Something is on its way to the lab.
pub fn asked(app: &mut App, ask: &Ask) {
    match ask {
        Ask::Act(request) => {
            app.views.act.begun = Some((request.remedy.clone(), app.range.now_ms));
        }
        Ask::Send(_) => app.views.act.sent_keys = Some(app.keys),
        _ => {}
    }
}

/// The lab has not done it, or nobody knows whether it has.
pub fn failed(app: &mut App, ask: &Ask) {
    match ask {
        Ask::Act(request) => {
            app.views.act.begun.take_if(|(id, _)| *id == request.remedy);
        }
        // the shop may have got it all the same
        Ask::Send(_) => app.ask(Ask::ReadyRequests, Asker::Screen),
        _ => {}
    }
}

/// Since when a remedy is being carried out, without an answer yet.
#[must_use]
pub fn begun_ms(app: &App, remedy: &str) -> Option<i64> {
    let (id, since_ms) = app.views.act.begun.as_ref()?;
    let waits = app.range.now_ms.saturating_sub(*since_ms) < WAITED_MS;
    (id == remedy && waits).then_some(*since_ms)
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

/// Whether the keys go to an answer.
#[must_use]
pub fn reads_answer(app: &App) -> bool {
    app.views.act.pane == Pane::Details && answer(app).is_some()
}

/// Enter: the trace of an answer that is read, or else the selected remedy is applied.
pub fn enter(app: &mut App) {
    match reads_answer(app) {
        true => app.its_traces(),
        false => apply(app),
    }
}

/// Applies the selected remedy. What can hurt, a deploy and a roll-back ask first; an applied one is offered to be
/// undone.
pub fn apply(app: &mut App) {
    let Some(remedy) = selected(app).cloned() else {
        return app.say("there is nothing to do yet");
    };
    if rolling(&remedy).is_some() {
        return app.say("it is being rolled out; u takes it back");
    }
    if remedy.applied {
        return undo(app);
    }
    if !remedy.strategies.is_empty() {
        return forms::open_rollout(app, &remedy);
    }
    let ask = Ask::Act(ActionRequest {
        remedy: remedy.id.clone(),
        undo: false,
        strategy: Strategy::AllAtOnce,
    });
    if remedy.dangerous || matches!(remedy.kind.as_str(), "deploy" | "rollback") {
        let body = format!("{}{}", warning(&remedy), remedy.description);
        let confirm = Confirm::tell(format!("{}?", remedy.title), body, ask);
        app.overlay = Some(Overlay::Confirm(confirm));
        return;
    }
    app.tell(ask);
    if !app.observer {
        app.say(format!("{}: under way …", remedy.title));
    }
}

/// `u`: takes the selected remedy back, or stops its rollout.
pub fn undo(app: &mut App) {
    let Some(remedy) = selected(app).cloned() else {
        return app.say("nothing is selected");
    };
    let (title, body) = match (rolling(&remedy), remedy.applied) {
        (Some(rollout), _) => (
            format!(
                "Stop the rollout of {} {}?",
                rollout.service, rollout.release
            ),
            "All connections go to the release before, and the new one stops.",
        ),
        (None, true) => (
            format!("Take back: {}?", remedy.title),
            "What it did is undone.",
        ),
        (None, false) => return app.say("this remedy is not applied"),
    };
    let ask = Ask::Act(ActionRequest {
        remedy: remedy.id,
        undo: true,
        strategy: Strategy::AllAtOnce,
    });
    app.overlay = Some(Overlay::Confirm(Confirm::tell(title, body, ask)));
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
    app.views.act.begun.take_if(|(id, _)| *id == outcome.remedy);
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
            Some(true) => {
                let next = match app.views.case.learned {
                    true => app.way("9 Debrief finishes", "finish ends the drill"),
                    false => app.way(
                        "W in 7 Case writes the five whys",
                        "whys writes the five whys",
                    ),
                };
                app.say(format!(
                    "the stress test passed: every invariant holds; {next}"
                ));
            }
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
