//! Checks of the timeline and of the recurring tasks.

use super::{Findings, effects};
use crate::{
    load::tree::Step,
    scenario::{EventRole, Scenario, TimelineEvent},
    span::Span,
    vocabulary::NO_FAULT,
};

/// Kinds of a visible change.
const CHANGE_KINDS: [&str; 5] = ["deploy", "config", "flag", "scale", "job"];
/// Shortest distance of repetitions; closer ones are one event.
const CLOSEST_REPEAT: Span = Span::from_millis(1_000);

pub(super) fn check(scenario: &Scenario, alerts: &[String], findings: &mut Findings<'_>) {
    let ids = scenario.timeline.iter().map(|event| event.id.as_str());
    findings.ids(&["timeline".into()], "event", ids);
    for (index, event) in scenario.timeline.iter().enumerate() {
        let path = ["timeline".into(), index.into()];
        one(event, &path, scenario, findings);
        effects::check(&event.effects, &path, scenario, alerts, findings);
    }
    let faulty = scenario.truth.mechanism != NO_FAULT;
    let planted = |event: &TimelineEvent| event.role == EventRole::Fault;
    if faulty && !scenario.timeline.iter().any(planted) {
        findings.say_of(
            &["timeline".into()],
            format!("nothing plants the fault `{}`", scenario.truth.mechanism),
            "give the event that does so `role: fault`",
        );
    }
    for (index, event) in scenario.timeline.iter().enumerate() {
        if !faulty && planted(event) {
            findings.say(
                &["timeline".into(), index.into(), "role".into()],
                "a fault is planted, but the truth says that there is none",
                "make it `decoy` or `innocent`, or name the mechanism",
            );
        }
    }
    tasks(scenario, findings);
}

fn one(event: &TimelineEvent, path: &[Step<'_>], scenario: &Scenario, findings: &mut Findings<'_>) {
    let at = |field: &'static str| [path, &[field.into()]].concat();
    if event.at.millis() < -scenario.history.span.millis() {
        findings.say(
            &at("at"),
            format!("{} is before the history begins", event.at),
            format!("the history is {} long", scenario.history.span),
        );
    }
    findings.text(&at("says"), "what it is", &event.says);
    if let Some(repeat) = event.repeat {
        if repeat.every < CLOSEST_REPEAT {
            findings.say(
                &at("repeat"),
                format!("it repeats every {}", repeat.every),
                format!("write at least {CLOSEST_REPEAT}"),
            );
        } else if repeat.jitter < Span::default()
            || repeat.jitter.millis() * 2 >= repeat.every.millis()
        {
            findings.say(
                &at("repeat"),
                format!("a jitter of {} may swap repetitions", repeat.jitter),
                "write less than half of the distance",
            );
        }
    }
    if let Some(change) = &event.change {
        let at = |field: &'static str| [path, &["change".into(), field.into()]].concat();
        findings.refer(&at("kind"), "kind of change", &change.kind, CHANGE_KINDS);
        findings.text(&at("title"), "the title", &change.title);
        findings.text(&at("author"), "the author", &change.author);
        if let Some(role) = change.service {
            let known = scenario.services.iter().map(|spec| spec.service.name());
            findings.refer(
                &at("service"),
                "service in this scenario called",
                role.name(),
                known,
            );
        }
    }
    if event.role == EventRole::Decoy
        && !scenario
            .decoys
            .iter()
            .any(|decoy| crate::level::is_of(&decoy.id, &event.id))
    {
        findings.say(
            &at("id"),
            format!("the decoy event `{}` belongs to no decoy", event.id),
            "call it as one under `decoys`, or that followed by `-…`",
        );
    }
}

fn tasks(scenario: &Scenario, findings: &mut Findings<'_>) {
    for (index, task) in scenario.tasks.iter().enumerate() {
        let at = |field: &'static str| ["tasks".into(), index.into(), field.into()];
        let known = scenario.services.iter().map(|spec| spec.service.name());
        findings.refer(
            &at("service"),
            "service in this scenario called",
            task.service.name(),
            known,
        );
        if !task.path.starts_with('/') {
            findings.say(
                &at("path"),
                format!("`{}` is no path", task.path),
                "begin it with `/`",
            );
        }
        if task.every < CLOSEST_REPEAT {
            findings.say(
                &at("every"),
                format!("it recurs every {}", task.every),
                format!("write at least {CLOSEST_REPEAT}"),
            );
        }
    }
}
