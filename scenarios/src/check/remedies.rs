//! Checks of the remedies and of the proof that they are held against.

use super::{Findings, effects};
use crate::{
    scenario::{Proof, Remedy, RemedyKind, Scenario, Worth},
    span::Span,
};

/// Longest proof: a trainee waits for it.
const LONGEST_PROOF: Span = Span::from_millis(3 * 60_000);

pub(super) fn check(scenario: &Scenario, alerts: &[String], findings: &mut Findings<'_>) {
    let ids = scenario.remedies.iter().map(|remedy| remedy.id.as_str());
    findings.ids(&["remedies".into()], "remedy", ids);
    for (index, remedy) in scenario.remedies.iter().enumerate() {
        one(index, remedy, scenario, alerts, findings);
    }
    for (worths, what) in [
        (&[Worth::Right][..], "right"),
        (&[Worth::Wrong, Worth::Harmful][..], "wrong or harmful"),
    ] {
        if !scenario
            .remedies
            .iter()
            .any(|remedy| worths.contains(&remedy.worth))
        {
            findings.say_of(
                &["remedies".into()],
                format!("no remedy is {what}"),
                format!("offer one that is {what}"),
            );
        }
    }
    proof(&scenario.proof, scenario, alerts, findings);
}

fn one(
    index: usize,
    remedy: &Remedy,
    scenario: &Scenario,
    alerts: &[String],
    findings: &mut Findings<'_>,
) {
    let path = ["remedies".into(), index.into()];
    let at = |field: &'static str| [&path[..], &[field.into()]].concat();
    for (field, text) in [
        ("title", &remedy.title),
        ("description", &remedy.description),
        ("because", &remedy.because),
    ] {
        findings.text(&at(field), field, text);
    }
    if let Some(role) = remedy.service {
        let known = scenario.services.iter().map(|spec| spec.service.name());
        findings.refer(
            &at("service"),
            "service in this scenario called",
            role.name(),
            known,
        );
    }
    let idle = remedy.effects.is_empty() && remedy.stops.is_empty();
    if idle != (remedy.kind == RemedyKind::None) {
        findings.say(
            &at("id"),
            format!(
                "the remedy `{}` does nothing, or is of kind `none` and does",
                remedy.id
            ),
            "give it `effects` or `stops`, or make it `kind: none`",
        );
    }
    for (number, id) in remedy.stops.iter().enumerate() {
        let repeating = scenario
            .timeline
            .iter()
            .filter(|event| event.repeat.is_some())
            .map(|event| event.id.as_str());
        let place = [&at("stops")[..], &[number.into()]].concat();
        findings.refer(&place, "repeating event", id, repeating);
    }
    effects::check(&remedy.effects, &path, scenario, alerts, findings);
}

fn proof(proof: &Proof, scenario: &Scenario, alerts: &[String], findings: &mut Findings<'_>) {
    let at = |field: &'static str| ["proof".into(), field.into()];
    if proof.lasting <= Span::default()
        || proof.settle < Span::default()
        || proof.lasting.millis() + proof.settle.millis() > LONGEST_PROOF.millis()
    {
        findings.say(
            &at("lasting"),
            format!(
                "the proof lasts {} and settles for {}",
                proof.lasting, proof.settle
            ),
            format!("together at most {LONGEST_PROOF}, and the first above zero"),
        );
    }
    effects::load(&proof.load, &at("load"), findings);
    for (index, event) in proof.chaos.iter().enumerate() {
        let path = ["proof".into(), "chaos".into(), index.into()];
        if event.at < Span::default() || event.at > proof.lasting {
            findings.say(
                &[&path[..], &["at".into()]].concat(),
                format!("{} is not within the proof", event.at),
                format!("write a span from 0s to {}", proof.lasting),
            );
        }
        effects::check(&event.effects, &path, scenario, alerts, findings);
    }
    let ids = proof
        .invariants
        .iter()
        .map(|invariant| invariant.id.as_str());
    findings.ids(&at("invariants"), "invariant", ids);
    if proof.invariants.is_empty() {
        findings.say_of(
            &at("invariants"),
            "nothing is measured, so everything passes",
            "state at least one invariant",
        );
    }
    for (index, invariant) in proof.invariants.iter().enumerate() {
        let path = ["proof".into(), "invariants".into(), index.into()];
        match (invariant.at_least, invariant.at_most) {
            (None, None) => findings.say(
                &path,
                format!("the invariant `{}` has no bound", invariant.id),
                "give it `at_most`, `at_least` or both",
            ),
            (Some(low), Some(high)) if low > high => findings.say(
                &path,
                format!("the invariant `{}` can never hold", invariant.id),
                "`at_least` is above `at_most`",
            ),
            _ => {}
        }
        let query = [&path[..], &["query".into()]].concat();
        findings.text(&query, "the query", &invariant.query);
    }
}
