//! Five Whys and guardrails: what to choose from, and what was chosen.

use api::{Choice, Learning, LearningChoices};
use rand::seq::SliceRandom;
use simulator::journal::Event;

use super::{Desk, diagnosis::allowed};
use crate::refusal::Refusal;

impl Desk {
    /// Statements and guardrails, shuffled by the seed so that their order tells nothing.
    ///
    /// # Errors
    /// Before a right diagnosis and before the end: the statements tell what happened.
    pub fn learning_choices(&self) -> Result<LearningChoices, Refusal> {
        {
            let notebook = self.notebook.lock();
            if notebook.root_cause_ms.is_none() && notebook.finished.is_none() {
                return Err(Refusal::not_now(
                    "the Five Whys would give the answer away",
                    "submit the right diagnosis or finish the drill first",
                ));
            }
        }
        let graph = &self.plan.scenario.truth.graph;
        let mut choices = LearningChoices {
            statements: graph
                .nodes
                .iter()
                .chain(&graph.distractors)
                .map(|choice| Choice {
                    id: choice.id.clone(),
                    text: choice.text.clone(),
                })
                .collect(),
            guardrails: self
                .plan
                .scenario
                .debrief
                .guardrails
                .iter()
                .map(|guardrail| Choice {
                    id: guardrail.id.clone(),
                    text: guardrail.text.clone(),
                })
                .collect(),
        };
        let mut rng = self.plan.seed.stream("learning");
        choices.statements.shuffle(&mut rng);
        choices.guardrails.shuffle(&mut rng);
        Ok(choices)
    }

    /// Keeps the Five Whys and guardrails; the last ones count.
    ///
    /// # Errors
    /// As [`Desk::learning_choices`], for ids that are not among the choices, and after the end.
    pub fn learn(&self, learning: Learning) -> Result<(), Refusal> {
        let choices = self.learning_choices()?;
        for (field, said, known) in [
            ("whys", &learning.whys, &choices.statements),
            ("guardrails", &learning.guardrails, &choices.guardrails),
        ] {
            let stranger = said
                .iter()
                .find(|id| !known.iter().any(|choice| choice.id == **id));
            if let Some(id) = stranger {
                return Err(Refusal::invalid(
                    format!("field `{field}`: `{id}` is not among the choices"),
                    allowed(known.iter().map(|choice| choice.id.as_str())),
                ));
            }
            let twice = said
                .iter()
                .enumerate()
                .find(|(place, id)| said[..*place].contains(id));
            if let Some((_, id)) = twice {
                return Err(Refusal::invalid(
                    format!("field `{field}`: `{id}` stands twice"),
                    "say everything once",
                ));
            }
        }
        let mut notebook = self.notebook.lock();
        self.going_on(&notebook)?;
        let Learning { whys, guardrails } = learning;
        self.write(&mut notebook, Event::Learning { whys, guardrails });
        Ok(())
    }
}
