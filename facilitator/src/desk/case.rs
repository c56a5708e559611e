//! The notebook's verbs: pin, suspect, note, take a hint.

use api::{
    Case, Hint, Hypothesis, HypothesisRequest, HypothesisState, HypothesisUpdate, Note, Pin,
    PinNote, PinRequest, ViewOpened,
};
use scenarios::vocabulary;
use simulator::journal::Event;

use super::{Desk, diagnosis::allowed};
use crate::{notebook::Notebook, refusal::Refusal};

/// Pins kept at once; beyond it one must be taken back first. Evidence is a choice.
const MOST_PINS: usize = 100;
/// Hypotheses of one drill; beyond it those that there are can still be changed.
const MOST_HYPOTHESES: usize = 100;
/// Notes and status updates of one drill; beyond it none is taken.
const MOST_NOTES: usize = 500;
/// Bytes of any text that a trainee writes; a longer one is refused.
const LONGEST_TEXT_BYTES: usize = 8 * 1024;

impl Desk {
    /// The notebook as it stands.
    #[must_use]
    pub fn case(&self) -> Case {
        self.case_of(&self.notebook.lock())
    }

    fn case_of(&self, notebook: &Notebook) -> Case {
        let text = |number: u32| {
            let index = usize::try_from(number).unwrap_or(0).saturating_sub(1);
            self.plan
                .scenario
                .hints
                .get(index)
                .map_or_else(String::new, |hint| hint.text.clone())
        };
        let (left, next_cost_min) = self.hints_after(notebook.hints.len());
        notebook.case(text, left, next_cost_min)
    }

    /// Keeps evidence.
    ///
    /// # Errors
    /// When it is not in the drill's telemetry, when too much is kept, after the end.
    pub fn pin(&self, request: PinRequest) -> Result<Pin, Refusal> {
        self.check_text("note", &request.note)?;
        let resolved = self.resolve(&request.target)?;
        let mut notebook = self.notebook.lock();
        self.going_on(&notebook)?;
        if notebook.pins.len() >= MOST_PINS {
            return Err(Refusal::not_now(
                format!("{MOST_PINS} pins are kept already"),
                "take one back that proves nothing",
            ));
        }
        let pin = notebook.next_pin();
        let entry = self.write(
            &mut notebook,
            Event::PinAdded {
                pin,
                target: request.target.clone(),
                text: resolved.text.clone(),
                note: request.note.clone(),
                classes: resolved.classes,
            },
        );
        Ok(Pin {
            id: pin,
            at_ms: entry.at_ms,
            target: request.target,
            text: resolved.text,
            note: request.note,
        })
    }

    /// Says why a pin matters.
    ///
    /// # Errors
    /// When there is no such pin, when the note is too long, after the end.
    pub fn note_pin(&self, id: u32, said: PinNote) -> Result<Case, Refusal> {
        self.check_text("note", &said.note)?;
        let mut notebook = self.notebook.lock();
        self.going_on(&notebook)?;
        known_pins(&notebook, &[id], Refusal::not_found)?;
        let note = said.note;
        self.write(&mut notebook, Event::PinNoted { pin: id, note });
        Ok(self.case_of(&notebook))
    }

    /// Takes a pin back.
    ///
    /// # Errors
    /// When there is no such pin, after the end.
    pub fn unpin(&self, id: u32) -> Result<Case, Refusal> {
        let mut notebook = self.notebook.lock();
        self.going_on(&notebook)?;
        known_pins(&notebook, &[id], Refusal::not_found)?;
        self.write(&mut notebook, Event::PinRemoved { pin: id });
        Ok(self.case_of(&notebook))
    }

    /// Opens a hypothesis.
    ///
    /// # Errors
    /// When it names what is not in the vocabulary, when there are too many, after the end.
    pub fn suspect(&self, request: HypothesisRequest) -> Result<Hypothesis, Refusal> {
        self.check_text("text", &request.text)?;
        if request.text.trim().is_empty()
            && request.component.is_none()
            && request.mechanism.is_none()
        {
            return Err(Refusal::invalid(
                "the hypothesis says nothing",
                "give a `text`, a `component` or a `mechanism`",
            ));
        }
        if let Some(component) = &request.component {
            let known = vocabulary::components(&self.plan.scenario);
            if !known.iter().any(|(id, _)| id == component) {
                return Err(Refusal::invalid(
                    format!("field `component`: `{component}` is not in the vocabulary"),
                    allowed(known.iter().map(|(id, _)| id.as_str())),
                ));
            }
        }
        if let Some(mechanism) = &request.mechanism
            && vocabulary::mechanism(mechanism).is_none()
        {
            return Err(Refusal::invalid(
                format!("field `mechanism`: `{mechanism}` is not in the vocabulary"),
                allowed(vocabulary::mechanism_ids()),
            ));
        }
        let mut notebook = self.notebook.lock();
        self.going_on(&notebook)?;
        if notebook.hypotheses.len() >= MOST_HYPOTHESES {
            return Err(Refusal::not_now(
                format!("{MOST_HYPOTHESES} hypotheses were opened already"),
                "support or reject those",
            ));
        }
        let hypothesis = notebook.next_hypothesis();
        self.write(
            &mut notebook,
            Event::HypothesisOpened {
                hypothesis,
                text: request.text.clone(),
                component: request.component.clone(),
                mechanism: request.mechanism.clone(),
            },
        );
        Ok(Hypothesis {
            id: hypothesis,
            text: request.text,
            component: request.component,
            mechanism: request.mechanism,
            state: HypothesisState::Open,
            pins: Vec::new(),
        })
    }

    /// Supports, rejects or opens a hypothesis again.
    ///
    /// # Errors
    /// When there is no such hypothesis or pin, after the end.
    pub fn settle(&self, id: u32, update: HypothesisUpdate) -> Result<Hypothesis, Refusal> {
        let mut notebook = self.notebook.lock();
        self.going_on(&notebook)?;
        known_pins(&notebook, &update.pins, Refusal::invalid)?;
        if !notebook
            .hypotheses
            .iter()
            .any(|hypothesis| hypothesis.id == id)
        {
            return Err(Refusal::not_found(
                format!("there is no hypothesis {id}"),
                "GET /api/v1/drill/case lists them",
            ));
        }
        self.write(
            &mut notebook,
            Event::HypothesisChanged {
                hypothesis: id,
                state: update.state,
                pins: update.pins,
            },
        );
        let found = notebook
            .hypotheses
            .iter()
            .find(|hypothesis| hypothesis.id == id);
        Ok(found
            .expect("it was found before it was changed, and is never removed")
            .clone())
    }

    /// Takes the next hint.
    ///
    /// # Errors
    /// When there is none (left, or at this level), after the end.
    pub fn hint(&self) -> Result<Hint, Refusal> {
        let mut notebook = self.notebook.lock();
        self.going_on(&notebook)?;
        let taken = notebook.hints.len();
        let (left, cost) = self.hints_after(taken);
        let (Some(cost_min), true) = (cost, left > 0) else {
            return Err(Refusal::not_now(
                if taken == 0 {
                    "there are no hints at this level"
                } else {
                    "all hints were taken"
                },
                "look at what the evidence has in common",
            ));
        };
        let number = u32::try_from(taken).unwrap_or(u32::MAX).saturating_add(1);
        self.write(&mut notebook, Event::Hint { number, cost_min });
        let (left, next_cost_min) = self.hints_after(taken + 1);
        Ok(Hint {
            number,
            text: self.plan.scenario.hints[taken].text.clone(),
            cost_min,
            left,
            next_cost_min,
        })
    }

    /// How many hints are left after so many, and what the next one costs, in minutes.
    fn hints_after(&self, taken: usize) -> (u32, Option<f64>) {
        let change = self.plan.scenario.difficulty.get(&self.plan.level);
        let percent = change.map_or(Some(100), |change| change.hint_cost_percent);
        let rest = self.plan.scenario.hints.get(taken..).unwrap_or_default();
        match (percent, rest.first()) {
            (Some(percent), Some(next)) => (
                u32::try_from(rest.len()).unwrap_or(u32::MAX),
                Some(next.cost_min * f64::from(percent) / 100.0),
            ),
            _ => (0, None),
        }
    }

    /// Writes a note or a status update.
    ///
    /// # Errors
    /// When it is empty or too long, when there are too many, after the end.
    pub fn note(&self, note: Note) -> Result<(), Refusal> {
        self.check_text("text", &note.text)?;
        if note.text.trim().is_empty() {
            return Err(Refusal::invalid(
                "field `text`: the note is empty",
                "write something",
            ));
        }
        let mut notebook = self.notebook.lock();
        self.going_on(&notebook)?;
        if notebook.notes.len() >= MOST_NOTES {
            return Err(Refusal::not_now(
                format!("{MOST_NOTES} notes were written already"),
                "keep the rest for the report",
            ));
        }
        let event = if note.status_update {
            Event::StatusUpdate { text: note.text }
        } else {
            Event::Note { text: note.text }
        };
        self.write(&mut notebook, event);
        Ok(())
    }

    /// Journals that a screen was opened; after the end it is not worth an entry.
    ///
    /// # Errors
    /// When a name is too long.
    pub fn view_opened(&self, opened: ViewOpened) -> Result<(), Refusal> {
        self.check_text("view", &opened.view)?;
        self.check_text("subject", opened.subject.as_deref().unwrap_or_default())?;
        let mut notebook = self.notebook.lock();
        if notebook.finished.is_none() {
            let ViewOpened { view, subject } = opened;
            self.write(&mut notebook, Event::View { view, subject });
        }
        Ok(())
    }

    pub(super) fn check_text(&self, field: &str, text: &str) -> Result<(), Refusal> {
        if text.len() > LONGEST_TEXT_BYTES {
            return Err(Refusal::invalid(
                format!("field `{field}`: {} bytes are too many", text.len()),
                format!("write at most {LONGEST_TEXT_BYTES}"),
            ));
        }
        Ok(())
    }
}

/// Refuses pins that are not kept.
pub(super) fn known_pins(
    notebook: &Notebook,
    ids: &[u32],
    refuse: impl Fn(String, String) -> Refusal,
) -> Result<(), Refusal> {
    match ids
        .iter()
        .find(|id| !notebook.pins.iter().any(|pin| pin.id == **id))
    {
        None => Ok(()),
        Some(unknown) => {
            let kept: Vec<String> = notebook.pins.iter().map(|pin| pin.id.to_string()).collect();
            Err(refuse(
                format!("there is no pin {unknown}"),
                allowed(kept.iter().map(String::as_str)),
            ))
        }
    }
}
