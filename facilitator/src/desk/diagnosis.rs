//! Diagnoses: the vocabulary that one is made of, the check of what was submitted, the verdict.

use api::{Choice, DiagnosisRequest, Family, Verdict, Vocabulary};
use scenarios::vocabulary::{self, NO_FAULT, NONE};
use simulator::journal::Event;

use super::{Desk, case::known_pins};
use crate::{refusal::Refusal, score::is_right};

/// Diagnoses of one drill; beyond it nothing more can be submitted. The quadratic rule makes a guess
/// without confidence free, so that trying all pairs out must end somewhere.
pub const MOST_DIAGNOSES: usize = 12;

impl Desk {
    /// What a diagnosis can be made of now. Triggers are the changes that have happened.
    #[must_use]
    pub fn vocabulary(&self) -> Vocabulary {
        let scenario = &self.plan.scenario;
        let mut triggers = vec![Choice {
            id: NONE.to_owned(),
            text: "nothing set it off".to_owned(),
        }];
        triggers.extend(
            self.changes()
                .into_iter()
                .filter(|change| change.kind != api::ChangeKind::Action)
                .map(|change| Choice {
                    id: change.id,
                    text: change.title,
                }),
        );
        Vocabulary {
            components: vocabulary::components(scenario)
                .into_iter()
                .map(|(id, text)| Choice { id, text })
                .collect(),
            families: vocabulary::FAMILIES.iter().map(family).collect(),
            triggers,
            scopes: scenario
                .scopes
                .iter()
                .map(|scope| Choice {
                    id: scope.id.clone(),
                    text: scope.text.clone(),
                })
                .collect(),
        }
    }

    /// Takes a diagnosis and says whether component and mechanism are both right.
    ///
    /// # Errors
    /// Before the page, after the end, past [`MOST_DIAGNOSES`], and for words that are not in the vocabulary.
    pub fn diagnose(&self, request: DiagnosisRequest) -> Result<Verdict, Refusal> {
        self.check_text("text", &request.text)?;
        let vocabulary = self.vocabulary();
        check(&vocabulary, &request)?;
        let right = is_right(
            &self.plan.scenario.truth,
            &request.component,
            &request.mechanism,
        );
        let mut notebook = self.notebook.lock();
        let notebook = &mut *notebook;
        if notebook.page_ms.is_none() {
            return Err(Refusal::not_now(
                "the page has not fired yet",
                "wait for the page, which starts the clock",
            ));
        }
        self.going_on(notebook)?;
        if notebook.diagnoses.len() >= MOST_DIAGNOSES {
            return Err(Refusal::not_now(
                format!("{MOST_DIAGNOSES} diagnoses were submitted, no more are taken"),
                "finish the drill and read the debrief",
            ));
        }
        known_pins(notebook, &request.pins, Refusal::invalid)?;
        self.write(
            notebook,
            Event::Diagnosis {
                component: request.component,
                mechanism: request.mechanism,
                trigger: request.trigger,
                scope: request.scope,
                confidence: request.confidence,
                pins: request.pins,
                text: request.text,
                right,
            },
        );
        Ok(verdict(right, MOST_DIAGNOSES - notebook.diagnoses.len()))
    }
}

fn verdict(right: bool, left: usize) -> Verdict {
    let message = if right {
        "component and mechanism are right; now apply a fix, prove it with the stress test, and write the Five Whys".to_owned()
    } else {
        format!(
            "component and mechanism are not both right; look for what speaks against it ({left} diagnoses left)"
        )
    };
    Verdict { right, message }
}

fn family(family: &vocabulary::Family) -> Family {
    Family {
        id: family.id.to_owned(),
        definition: family.definition.to_owned(),
        mechanisms: family
            .mechanisms
            .iter()
            .map(|mechanism| Choice {
                id: mechanism.id.to_owned(),
                text: mechanism.text(),
            })
            .collect(),
    }
}

/// Every word must be one of the vocabulary, the confidence a share.
fn check(vocabulary: &Vocabulary, request: &DiagnosisRequest) -> Result<(), Refusal> {
    let ids = |choices: &[Choice]| {
        choices
            .iter()
            .map(|choice| choice.id.clone())
            .collect::<Vec<_>>()
    };
    let mechanisms = vocabulary
        .families
        .iter()
        .flat_map(|family| ids(&family.mechanisms))
        .collect();
    for (field, said, known) in [
        ("component", &request.component, ids(&vocabulary.components)),
        ("mechanism", &request.mechanism, mechanisms),
        ("trigger", &request.trigger, ids(&vocabulary.triggers)),
        ("scope", &request.scope, ids(&vocabulary.scopes)),
    ] {
        if !known.contains(said) {
            return Err(Refusal::invalid(
                format!("field `{field}`: `{said}` is not in the vocabulary"),
                allowed(known.iter().map(String::as_str)),
            ));
        }
    }
    if (request.mechanism == NO_FAULT) != (request.component == NONE) {
        return Err(Refusal::invalid(
            format!(
                "component `{}` and mechanism `{}` contradict each other",
                request.component, request.mechanism
            ),
            format!("component `{NONE}` goes with mechanism `{NO_FAULT}`, and only with it"),
        ));
    }
    if !(0.0..=1.0).contains(&request.confidence) {
        return Err(Refusal::invalid(
            format!("field `confidence`: {} is no share", request.confidence),
            "say a number from 0 to 1: how sure you are",
        ));
    }
    Ok(())
}

/// What may be said, for a remedy.
pub(super) fn allowed<'a>(known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    if known.is_empty() {
        "there is none yet".to_owned()
    } else {
        format!("allowed are {}", known.join(", "))
    }
}
