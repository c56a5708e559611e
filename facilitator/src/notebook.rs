//! The trainee's notebook: a fold over the journal's entries. It decides nothing and reads no
//! clock; the same entries always make the same notebook.

use api::{Case, Diagnosis, DiagnosisRequest, Hint, Hypothesis, HypothesisState, Note, Pin};
use simulator::journal::{Entry, Event};

/// What a drill's journal says of the trainee's side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notebook {
    /// Evidence that is kept.
    pub pins: Vec<Pin>,
    /// Hypotheses.
    pub hypotheses: Vec<Hypothesis>,
    /// Diagnoses, oldest first.
    pub diagnoses: Vec<Diagnosis>,
    /// Hints taken: number and minutes.
    pub hints: Vec<(u32, f64)>,
    /// Notes and status updates with their drill time.
    pub notes: Vec<(i64, Note)>,
    /// When the page fired.
    pub page_ms: Option<i64>,
    /// When it was acknowledged.
    pub acknowledged_ms: Option<i64>,
    /// When the first right diagnosis was submitted.
    pub root_cause_ms: Option<i64>,
    /// How the drill ended, once it has.
    pub finished: Option<String>,
    pins_made: u32,
}

impl Notebook {
    /// The notebook of a whole journal.
    #[must_use]
    pub fn of(entries: &[Entry]) -> Self {
        let mut notebook = Self::default();
        for entry in entries {
            notebook.take(entry);
        }
        notebook
    }

    /// Id of the next pin; ids are never used twice.
    #[must_use]
    pub const fn next_pin(&self) -> u32 {
        self.pins_made + 1
    }

    /// Id of the next hypothesis.
    #[must_use]
    pub fn next_hypothesis(&self) -> u32 {
        u32::try_from(self.hypotheses.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }

    /// The notebook as it goes over the wire; `hint` gives text of a hint by its number, `left` and
    /// `next_cost_min` say what more there is.
    #[must_use]
    pub fn case(
        &self,
        hint: impl Fn(u32) -> String,
        left: u32,
        next_cost_min: Option<f64>,
    ) -> Case {
        Case {
            pins: self.pins.clone(),
            hypotheses: self.hypotheses.clone(),
            diagnoses: self.diagnoses.clone(),
            hints: self
                .hints
                .iter()
                .map(|(number, cost_min)| Hint {
                    number: *number,
                    text: hint(*number),
                    cost_min: *cost_min,
                    left,
                    next_cost_min,
                })
                .collect(),
            notes: self.notes.clone(),
            hints_left: left,
            next_hint_cost_min: next_cost_min,
        }
    }

    /// Takes an entry in.
    pub fn take(&mut self, entry: &Entry) {
        let at_ms = entry.at_ms;
        match &entry.event {
            Event::PageFired { .. } => self.page_ms = self.page_ms.or(Some(at_ms)),
            Event::Acknowledged => self.acknowledged_ms = self.acknowledged_ms.or(Some(at_ms)),
            Event::Finished { how } => self.finished = self.finished.take().or(Some(how.clone())),
            Event::Hint { number, cost_min } => self.hints.push((*number, *cost_min)),
            Event::Note { text } => self.note(at_ms, text, false),
            Event::StatusUpdate { text } => self.note(at_ms, text, true),
            Event::PinAdded {
                pin,
                target,
                text,
                note,
                ..
            } => {
                self.pins_made = self.pins_made.max(*pin);
                self.pins.push(Pin {
                    id: *pin,
                    at_ms,
                    target: target.clone(),
                    text: text.clone(),
                    note: note.clone(),
                });
            }
            Event::PinNoted { pin, note } => {
                if let Some(kept) = self.pins.iter_mut().find(|kept| kept.id == *pin) {
                    kept.note.clone_from(note);
                }
            }
            Event::PinRemoved { pin } => self.pins.retain(|kept| kept.id != *pin),
            Event::HypothesisOpened {
                hypothesis,
                text,
                component,
                mechanism,
            } => self.hypotheses.push(Hypothesis {
                id: *hypothesis,
                text: text.clone(),
                component: component.clone(),
                mechanism: mechanism.clone(),
                state: HypothesisState::Open,
                pins: Vec::new(),
            }),
            Event::HypothesisChanged {
                hypothesis,
                state,
                pins,
            } => {
                if let Some(found) = self.hypotheses.iter_mut().find(|h| h.id == *hypothesis) {
                    (found.state, found.pins) = (*state, pins.clone());
                }
            }
            Event::Diagnosis { .. } => self.diagnosis(entry),
            _ => {}
        }
    }

    fn note(&mut self, at_ms: i64, text: &str, status_update: bool) {
        let text = text.to_owned();
        self.notes.push((
            at_ms,
            Note {
                text,
                status_update,
            },
        ));
    }

    fn diagnosis(&mut self, entry: &Entry) {
        let Event::Diagnosis {
            component,
            mechanism,
            trigger,
            scope,
            confidence,
            pins,
            text,
            right,
        } = &entry.event
        else {
            return;
        };
        if *right {
            self.root_cause_ms = self.root_cause_ms.or(Some(entry.at_ms));
        }
        self.diagnoses.push(Diagnosis {
            at_ms: entry.at_ms,
            request: DiagnosisRequest {
                component: component.clone(),
                mechanism: mechanism.clone(),
                trigger: trigger.clone(),
                scope: scope.clone(),
                confidence: *confidence,
                pins: pins.clone(),
                text: text.clone(),
            },
            right: *right,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::{PAGE_MS, Pen};

    #[test]
    fn a_notebook_is_what_the_journal_says() {
        let mut pen = Pen::paged();
        pen.pin(1, &[])
            .pin(2, &[])
            .at(3, Event::PinRemoved { pin: 2 })
            .at(
                3,
                Event::PinNoted {
                    pin: 1,
                    note: "the first one".into(),
                },
            );
        pen.reject(4, "worker", &[1])
            .at(5, Event::Note { text: "hm".into() });
        let notebook = Notebook::of(&pen.entries);
        assert_eq!(notebook.page_ms, Some(PAGE_MS));
        assert_eq!(
            notebook.pins.iter().map(|pin| pin.id).collect::<Vec<_>>(),
            [1]
        );
        assert_eq!(notebook.pins[0].note, "the first one");
        assert_eq!(
            notebook.next_pin(),
            3,
            "a number that was taken back is not used again"
        );
        assert_eq!(notebook.hypotheses[0].state, HypothesisState::Rejected);
        assert_eq!(notebook.hypotheses[0].pins, [1]);
        assert_eq!(notebook.notes.len(), 1);
        assert_eq!(notebook.next_hypothesis(), 2);
    }
}
