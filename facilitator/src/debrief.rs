//! The debrief: a pure function of plan and journal, shown at the end of a drill, and all that a
//! report is made of. It knows no clock, no telemetry and no files.

mod lookback;

use std::collections::BTreeMap;

use api::{CausalEdge, Change, ChangeKind, Choice, Debrief, EvidenceFound, InvariantView};
use scenarios::{
    plan::Plan,
    scenario::{self, EventRole, Invariant, Query},
};
use simulator::journal::{Entry, Event};

use crate::{
    score::{score, words::trimmed},
    telling::timeline,
};

/// Makes the debrief of a drill. `id` is the drill's opaque id, `folder` where it is recorded.
#[must_use]
pub fn debrief(plan: &Plan, entries: &[Entry], id: &str, folder: Option<String>) -> Debrief {
    let scenario = &plan.scenario;
    let graph = &scenario.truth.graph;
    Debrief {
        id: id.to_owned(),
        slug: scenario.slug.clone(),
        title: scenario.title.clone(),
        seed: plan.seed.0,
        level: plan.level,
        repeat: plan.repeat_command(),
        story: scenario.debrief.story.trim().to_owned(),
        truth: truth(plan),
        score: score(plan, entries),
        timeline: timeline(entries),
        causes: graph.nodes.iter().map(choice).collect(),
        edges: graph
            .edges
            .iter()
            .map(|[from, to]| CausalEdge {
                from: from.clone(),
                to: to.clone(),
            })
            .collect(),
        evidence: evidence(plan, entries),
        decoys: decoys(plan),
        changes: changes(plan, entries),
        proof: last_proof(plan, entries),
        charts: lookback::charts(plan, entries),
        marks: lookback::marks(plan, entries),
        whys: lookback::whys(plan, entries),
        questions: scenario.debrief.questions.clone(),
        guardrails: scenario
            .debrief
            .guardrails
            .iter()
            .filter(|guardrail| guardrail.prevents)
            .map(|guardrail| Choice {
                id: guardrail.id.clone(),
                text: guardrail.text.clone(),
            })
            .collect(),
        folder,
    }
}

/// One invariant as it is shown.
#[must_use]
pub fn invariant_view(
    invariant: &Invariant,
    before: Option<f64>,
    after: Option<f64>,
    holds: bool,
) -> InvariantView {
    let bounds = [
        invariant
            .at_least
            .map(|bound| format!(">= {}", trimmed(bound))),
        invariant
            .at_most
            .map(|bound| format!("<= {}", trimmed(bound))),
    ];
    InvariantView {
        title: invariant.title.clone(),
        query: invariant.query.clone(),
        bound: bounds
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" and "),
        before,
        after,
        holds,
    }
}

fn choice(choice: &scenario::Choice) -> Choice {
    Choice {
        id: choice.id.clone(),
        text: choice.text.clone(),
    }
}

fn truth(plan: &Plan) -> Vec<Choice> {
    let truth = &plan.scenario.truth;
    let mechanism = scenarios::vocabulary::mechanism(&truth.mechanism)
        .map_or_else(String::new, |found| format!(": {}", found.definition));
    let trigger = truth
        .triggers
        .iter()
        .map(|id| {
            plan.scenario
                .timeline
                .iter()
                .find(|event| event.id == *id)
                .and_then(|event| event.change.as_ref())
                .map_or_else(|| id.clone(), |change| change.title.clone())
        })
        .collect::<Vec<_>>()
        .join(", or: ");
    let scope = plan
        .scenario
        .scopes
        .iter()
        .find(|scope| scope.id == truth.scope)
        .map_or(truth.scope.as_str(), |scope| scope.text.as_str());
    [
        ("component", truth.component.clone()),
        ("mechanism", format!("{}{mechanism}", truth.mechanism)),
        ("trigger", trigger),
        ("scope", scope.to_owned()),
    ]
    .map(|(id, text)| Choice {
        id: id.to_owned(),
        text,
    })
    .to_vec()
}

fn evidence(plan: &Plan, entries: &[Entry]) -> Vec<EvidenceFound> {
    let mut pins: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for entry in entries {
        if let Event::PinAdded { pin, classes, .. } = &entry.event {
            for class in classes {
                pins.entry(class).or_default().push(*pin);
            }
        }
    }
    plan.scenario
        .evidence
        .iter()
        .map(|class| {
            let (language, query) = language_of(&class.find);
            EvidenceFound {
                proves: class.proves.clone(),
                query: query.to_owned(),
                language: language.to_owned(),
                decisive: class.decisive,
                pins: pins.get(class.id.as_str()).cloned().unwrap_or_default(),
            }
        })
        .collect()
}

/// Name of a predicate's language (`logql`, `traceql`, `promql`, `change`) and its text.
pub(crate) fn language_of(query: &Query) -> (&'static str, &str) {
    match query {
        Query::Logql(text) => ("logql", text),
        Query::Traceql(text) => ("traceql", text),
        Query::Promql(text) => ("promql", text),
        Query::Change(id) => ("change", id),
    }
}

fn decoys(plan: &Plan) -> Vec<Choice> {
    let proves = |id: &String| {
        let class = plan.scenario.evidence.iter().find(|class| class.id == *id);
        class.map_or_else(|| id.clone(), |class| class.proves.clone())
    };
    plan.scenario
        .decoys
        .iter()
        .map(|decoy| {
            let ruled: Vec<String> = decoy.ruled_out_by.iter().map(proves).collect();
            Choice {
                id: decoy.component.clone(),
                text: format!(
                    "{}. Ruled out by: {}",
                    decoy.says.trim().trim_end_matches('.'),
                    ruled.join("; ")
                ),
            }
        })
        .collect()
}

/// Every change that was visible, with what it was, and every action of the trainee, with its worth.
fn changes(plan: &Plan, entries: &[Entry]) -> Vec<Change> {
    entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Timeline { id, .. } => visible(plan, id, entry.at_ms),
            Event::Action {
                remedy,
                undo,
                done: true,
                message,
            } => Some(acted(plan, entry, remedy, *undo, message)),
            _ => None,
        })
        .collect()
}

fn visible(plan: &Plan, id: &str, at_ms: i64) -> Option<Change> {
    let event = plan.scenario.timeline.iter().find(|event| event.id == id)?;
    let change = event.change.as_ref()?;
    let role = match event.role {
        EventRole::Fault => "it planted the fault",
        EventRole::Trigger => "it set the fault off",
        EventRole::Decoy => "a decoy",
        EventRole::Innocent => "innocent",
    };
    Some(Change {
        id: id.to_owned(),
        at_ms,
        kind: change_kind(&change.kind),
        service: change.service.map(|service| service.name().to_owned()),
        title: change.title.clone(),
        details: format!("{role}: {}", event.says),
        author: change.author.clone(),
    })
}

fn acted(plan: &Plan, entry: &Entry, id: &str, undo: bool, message: &str) -> Change {
    let remedy = plan.scenario.remedies.iter().find(|remedy| remedy.id == id);
    let worth = remedy.map_or_else(String::new, |remedy| {
        format!(
            "{}: {}",
            format!("{:?}", remedy.worth).to_lowercase(),
            remedy.because
        )
    });
    Change {
        id: format!("action-{}", entry.seq),
        at_ms: entry.at_ms,
        kind: ChangeKind::Action,
        service: remedy
            .and_then(|r| r.service)
            .map(|service| service.name().to_owned()),
        title: format!(
            "{}{}",
            if undo { "taken back: " } else { "" },
            remedy.map_or(id, |remedy| remedy.title.as_str())
        ),
        details: if undo { message.to_owned() } else { worth },
        author: "the trainee".to_owned(),
    }
}

/// The kind of a change as it goes over the wire; what is not known is a configuration change.
#[must_use]
pub(crate) fn change_kind(kind: &str) -> ChangeKind {
    match kind {
        "deploy" => ChangeKind::Deploy,
        "flag" => ChangeKind::Flag,
        "scale" => ChangeKind::Scale,
        "job" => ChangeKind::Job,
        "chaos" => ChangeKind::Chaos,
        _ => ChangeKind::Config,
    }
}

fn last_proof(plan: &Plan, entries: &[Entry]) -> Vec<InvariantView> {
    let results = entries.iter().rev().find_map(|entry| match &entry.event {
        Event::Proof { invariants, .. } => Some(invariants),
        _ => None,
    });
    results
        .into_iter()
        .flatten()
        .filter_map(|result| {
            let asked = &plan.scenario.proof.invariants;
            let invariant = asked.iter().find(|invariant| invariant.id == result.id)?;
            Some(invariant_view(
                invariant,
                result.before,
                result.after,
                result.holds,
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::{Pen, plan};

    fn told() -> Debrief {
        let mut pen = Pen::paged();
        pen.pin(5, &["waiting"])
            .right(60, 0.9)
            .act(70, "fix", false)
            .prove(90, 4);
        debrief(&plan(), &pen.entries, "abc", None)
    }

    #[test]
    fn it_tells_truth_evidence_decoys_and_what_was_done() {
        let told = told();
        assert_eq!(told.repeat, "drill run fixture --seed 7 --level 3");
        assert_eq!(told.truth[2].text, "drop override");
        assert_eq!(told.truth[3].text, "everybody who pays");
        assert_eq!(told.evidence[0].pins, [1]);
        assert!(told.evidence[1].pins.is_empty());
        assert!(
            told.decoys[1]
                .text
                .ends_with("Ruled out by: charges wait for a connection")
        );
        assert_eq!(
            told.changes[0].details,
            "it planted the fault: the pool was cut to two"
        );
        assert_eq!(told.changes[1].details, "right: the cause is gone");
        assert_eq!(told.proof[1].bound, ">= 0.99");
        assert_eq!(told.guardrails.len(), 2);
    }

    #[test]
    fn the_timeline_keeps_truth_and_trainee_apart() {
        let told = told();
        let lanes: Vec<_> = told
            .timeline
            .iter()
            .map(|entry| entry.lane.as_str())
            .collect();
        assert_eq!(
            lanes,
            ["truth", "alert", "trainee", "trainee", "trainee", "trainee"]
        );
    }
}
