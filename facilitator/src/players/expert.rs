//! The expert: asks what a skilled person asks, pins what the answers show, rejects the decoys with
//! what rules them out, names the cause, repairs it, proves it, and writes the Five Whys. Its answer
//! sheet is the plan; everything it does goes through the public APIs.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use api::{DiagnosisRequest, HypothesisRequest, HypothesisState, Learning, Verdict};
use scenarios::{
    plan::Plan,
    repeat::authored_id,
    scenario::{CausalGraph, Query, Worth},
};

use super::{Seat, SeatError};
use crate::debrief::language_of;

/// How long the expert goes on looking for evidence that has not shown up yet, wall time.
const PATIENCE: Duration = Duration::from_secs(45);
/// Pause between two rounds of looking.
const ROUND: Duration = Duration::from_secs(1);
/// How sure the expert says it is.
const CONFIDENCE: f64 = 0.95;

/// Evidence that was looked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Pins of each class, by class: one a query of it, in their order.
    pub pins: BTreeMap<String, Vec<u32>>,
    /// Classes that were not found, with the last answer or error.
    pub missing: BTreeMap<String, String>,
}

/// The expert at a seat.
#[derive(Debug)]
pub struct Expert<'a> {
    plan: &'a Plan,
    seat: &'a Seat,
}

impl<'a> Expert<'a> {
    /// An expert for this plan.
    #[must_use]
    pub const fn new(plan: &'a Plan, seat: &'a Seat) -> Self {
        Self { plan, seat }
    }

    /// Acknowledges the page, then asks for every class of evidence until all are pinned or patience
    /// ends.
    ///
    /// # Errors
    /// When the server does not answer or refuses to acknowledge.
    pub async fn investigate(&self) -> Result<Found, SeatError> {
        self.seat.acknowledge().await?;
        let began = Instant::now();
        let mut found = Found::default();
        loop {
            let view = self.seat.view().await?;
            for class in &self.plan.scenario.evidence {
                let pins = found.pins.entry(class.id.clone()).or_default();
                found.missing.remove(&class.id);
                for query in class.queries().skip(pins.len()) {
                    let why = match self.look(query, &class.proves, &view).await {
                        Ok(Some(pin)) => {
                            pins.push(pin);
                            continue;
                        }
                        Ok(None) => format!("nothing found by {}", language_of(query).1),
                        Err(error) => error.to_string(),
                    };
                    found.missing.insert(class.id.clone(), why);
                    break;
                }
            }
            if found.missing.is_empty() || began.elapsed() > PATIENCE {
                return Ok(found);
            }
            tokio::time::sleep(ROUND).await;
        }
    }

    async fn look(
        &self,
        question: &Query,
        note: &str,
        view: &api::DrillView,
    ) -> Result<Option<u32>, SeatError> {
        match self.seat.ask(question, view).await? {
            Some(target) => Ok(Some(self.seat.pin(target, note).await?.id)),
            None => Ok(None),
        }
    }

    /// Rejects the decoys with the pins that rule them out, and names the cause.
    ///
    /// # Errors
    /// When the server does not answer or refuses.
    pub async fn conclude(&self, found: &Found) -> Result<Verdict, SeatError> {
        for decoy in &self.plan.scenario.decoys {
            let pins = decoy
                .ruled_out_by
                .iter()
                .filter_map(|class| found.pins.get(class))
                .flatten()
                .copied();
            let suspicion = HypothesisRequest {
                text: format!("it is {}", decoy.component),
                component: Some(decoy.component.clone()),
                mechanism: None,
            };
            self.seat
                .settle(&suspicion, HypothesisState::Rejected, pins.collect())
                .await?;
        }
        let truth = &self.plan.scenario.truth;
        let triggers = self.seat.vocabulary().await?.triggers;
        let trigger = truth
            .triggers
            .iter()
            .find_map(|id| triggers.iter().find(|seen| authored_id(&seen.id) == id))
            .map_or_else(
                || scenarios::vocabulary::NONE.to_owned(),
                |seen| seen.id.clone(),
            );
        let diagnosis = DiagnosisRequest {
            component: truth.component.clone(),
            mechanism: truth.mechanism.clone(),
            trigger,
            scope: truth.scope.clone(),
            confidence: CONFIDENCE,
            pins: found.pins.values().flatten().copied().collect(),
            text: "as the pins show".to_owned(),
        };
        self.seat.diagnose(&diagnosis).await
    }

    /// The remedy that the expert chooses.
    #[must_use]
    pub fn remedy(&self) -> Option<&'a str> {
        let remedies = &self.plan.scenario.remedies;
        let right = remedies.iter().find(|remedy| remedy.worth == Worth::Right);
        right.map(|remedy| remedy.id.as_str())
    }

    /// Writes the longest chain of causes and the guardrails that would have prevented it.
    ///
    /// # Errors
    /// When the server does not answer or refuses.
    pub async fn learn(&self) -> Result<(), SeatError> {
        let guardrails = &self.plan.scenario.debrief.guardrails;
        let learning = Learning {
            whys: longest_chain(&self.plan.scenario.truth.graph),
            guardrails: guardrails
                .iter()
                .filter(|g| g.prevents)
                .map(|g| g.id.clone())
                .collect(),
        };
        self.seat.learn(&learning).await
    }
}

/// The longest path of an acyclic graph, effect first.
fn longest_chain(graph: &CausalGraph) -> Vec<String> {
    let mut chains: BTreeMap<&str, Vec<&str>> = graph
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), vec![node.id.as_str()]))
        .collect();
    for _ in &graph.nodes {
        for [cause, effect] in &graph.edges {
            let Some(longer) = chains.get(cause.as_str()).cloned() else {
                continue;
            };
            let held = chains.get(effect.as_str()).map_or(0, Vec::len);
            if longer.len() + 1 > held && !longer.contains(&effect.as_str()) {
                let mut longer = longer;
                longer.push(effect);
                chains.insert(effect, longer);
            }
        }
    }
    let longest = chains
        .into_values()
        .max_by_key(Vec::len)
        .unwrap_or_default();
    longest.into_iter().rev().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::plan;

    #[test]
    fn the_longest_chain_runs_from_the_page_to_the_cause() {
        assert_eq!(
            longest_chain(&plan().scenario.truth.graph),
            ["e", "d", "c", "b", "a"]
        );
    }

    #[test]
    fn a_cycle_does_not_make_the_chain_endless() {
        let mut graph = plan().scenario.truth.graph;
        graph.edges.push(["e".into(), "a".into()]);
        assert!(longest_chain(&graph).len() <= 6);
    }
}
