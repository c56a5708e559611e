//! Checks of the answer and of what it is judged by: truth, scopes, evidence, decoys, hints, debrief.

use super::Findings;
use crate::{
    scenario::{Decoy, EventRole, Query, Scenario},
    vocabulary::{self, NO_FAULT, NONE},
};

/// A hint costs at most this many minutes: more than the whole time score is worth.
const DEAREST_HINT_MIN: f64 = 40.0;

pub(super) fn check(scenario: &Scenario, alerts: &[String], findings: &mut Findings<'_>) {
    truth(scenario, findings);
    let scopes = scenario.scopes.iter().map(|scope| scope.id.as_str());
    findings.ids(&["scopes".into()], "scope", scopes);
    if scenario.scopes.len() < 2 {
        findings.say_of(
            &["scopes".into()],
            "there is nothing to choose between",
            "give at least two scopes",
        );
    }
    evidence(scenario, findings);
    let decoys = scenario.decoys.iter().map(|decoy| decoy.id.as_str());
    findings.ids(&["decoys".into()], "decoy", decoys);
    for (index, one) in scenario.decoys.iter().enumerate() {
        decoy(index, one, scenario, alerts, findings);
    }
    for (index, hint) in scenario.hints.iter().enumerate() {
        let at = |field: &'static str| ["hints".into(), index.into(), field.into()];
        findings.within(
            &at("cost_min"),
            "the cost",
            hint.cost_min,
            0.0,
            DEAREST_HINT_MIN,
        );
        findings.text(&at("text"), "the hint", &hint.text);
    }
    debrief(scenario, findings);
}

fn truth(scenario: &Scenario, findings: &mut Findings<'_>) {
    let truth = &scenario.truth;
    let components = vocabulary::components(scenario);
    let components = || components.iter().map(|(id, _)| id.as_str());
    findings.refer(
        &["truth".into(), "component".into()],
        "component",
        &truth.component,
        components(),
    );
    for (index, near) in truth.near.iter().enumerate() {
        let path = ["truth".into(), "near".into(), index.into()];
        findings.refer(&path, "component", near, components());
    }
    findings.refer(
        &["truth".into(), "mechanism".into()],
        "mechanism in the vocabulary called",
        &truth.mechanism,
        vocabulary::mechanism_ids(),
    );
    for (index, also) in truth.also.iter().enumerate() {
        let path = ["truth".into(), "also".into(), index.into()];
        findings.refer(
            &path,
            "mechanism in the vocabulary called",
            also,
            vocabulary::mechanism_ids(),
        );
    }
    if (truth.mechanism == NO_FAULT) != (truth.component == NONE) {
        findings.say(
            &["truth".into(), "component".into()],
            format!(
                "the component `{}` does not go with the mechanism `{}`",
                truth.component, truth.mechanism
            ),
            "the component is `none` where the mechanism is `no-fault`, and only there",
        );
    }
    let visible = scenario
        .timeline
        .iter()
        .filter(|event| event.change.is_some())
        .map(|event| event.id.as_str());
    for (index, trigger) in truth.triggers.iter().enumerate() {
        let path = ["truth".into(), "triggers".into(), index.into()];
        let known = visible.clone().chain([NONE]);
        findings.refer(&path, "visible change", trigger, known);
    }
    if truth.triggers.is_empty() {
        findings.say_of(
            &["truth".into(), "triggers".into()],
            "no trigger counts as right",
            "name a visible change, or `none`",
        );
    }
    findings.refer(
        &["truth".into(), "scope".into()],
        "scope",
        &truth.scope,
        scenario.scopes.iter().map(|scope| scope.id.as_str()),
    );
}

fn evidence(scenario: &Scenario, findings: &mut Findings<'_>) {
    let ids = scenario
        .evidence
        .iter()
        .map(|evidence| evidence.id.as_str());
    findings.ids(&["evidence".into()], "evidence class", ids);
    if !scenario.evidence.iter().any(|evidence| evidence.decisive) {
        findings.say_of(
            &["evidence".into()],
            "no evidence is decisive",
            "give the classes without which the case cannot be made `decisive: true`",
        );
    }
    let lasting = scenario
        .timeline
        .iter()
        .filter(|event| event.change.is_some() && event.role != EventRole::Innocent)
        .map(|event| event.id.as_str());
    for (index, evidence) in scenario.evidence.iter().enumerate() {
        for (number, query) in evidence.queries().enumerate() {
            let at = |rest: &'static str| match number.checked_sub(1) {
                None => vec!["evidence".into(), index.into(), "find".into(), rest.into()],
                Some(also) => vec![
                    "evidence".into(),
                    index.into(),
                    "also".into(),
                    also.into(),
                    rest.into(),
                ],
            };
            match query {
                Query::Change(id) => findings.refer(
                    &at("change"),
                    "visible change (innocent ones may be left out by the level)",
                    id,
                    lasting.clone(),
                ),
                Query::Logql(text) => findings.text(&at("logql"), "the query", text),
                Query::Traceql(text) => findings.text(&at("traceql"), "the query", text),
                Query::Promql(text) => findings.text(&at("promql"), "the query", text),
            }
        }
    }
}

fn decoy(
    index: usize,
    decoy: &Decoy,
    scenario: &Scenario,
    alerts: &[String],
    findings: &mut Findings<'_>,
) {
    let at = |field: &'static str| ["decoys".into(), index.into(), field.into()];
    let components = vocabulary::components(scenario);
    findings.refer(
        &at("component"),
        "component",
        &decoy.component,
        components.iter().map(|(id, _)| id.as_str()),
    );
    for (number, alert) in decoy.alerts.iter().enumerate() {
        let path = [&at("alerts")[..], &[number.into()]].concat();
        findings.refer(
            &path,
            "alert rule",
            alert,
            alerts.iter().map(String::as_str),
        );
    }
    for (number, class) in decoy.ruled_out_by.iter().enumerate() {
        let path = [&at("ruled_out_by")[..], &[number.into()]].concat();
        let classes = scenario
            .evidence
            .iter()
            .map(|evidence| evidence.id.as_str());
        findings.refer(&path, "evidence class", class, classes);
    }
    if decoy.ruled_out_by.is_empty() {
        findings.say(
            &at("ruled_out_by"),
            format!("nothing rules the decoy `{}` out", decoy.id),
            "name the evidence classes that do",
        );
    }
}

fn debrief(scenario: &Scenario, findings: &mut Findings<'_>) {
    let debrief = &scenario.debrief;
    findings.text(
        &["debrief".into(), "story".into()],
        "the story",
        &debrief.story,
    );
    let guardrails = debrief
        .guardrails
        .iter()
        .map(|guardrail| guardrail.id.as_str());
    findings.ids(
        &["debrief".into(), "guardrails".into()],
        "guardrail",
        guardrails,
    );
    if !debrief
        .guardrails
        .iter()
        .any(|guardrail| guardrail.prevents)
    {
        findings.say_of(
            &["debrief".into(), "guardrails".into()],
            "no guardrail would have prevented it",
            "give those that would `prevents: true`",
        );
    }
}
