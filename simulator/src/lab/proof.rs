//! The proof: the same seeded load and the same chaos each time, then the invariants, measured.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use api::{InvariantView, ProofView};
use parking_lot::Mutex;
use scenarios::{
    scenario::{Invariant, Proof},
    span::Span,
};

use super::{Core, Lab, LabEvent, effects::Chaos};
use crate::{
    LabError,
    journal::{Event, InvariantResult},
};

/// How often listeners hear of a proof's progress.
const PROGRESS_PERIOD: Duration = Duration::from_millis(500);

/// How long a proof waits at most for the requests that began before it: what was queued in the broken shop must not count
/// against the repaired one. As long as a service waits for another one by default, and a little more.
const DRAIN_AT_MOST: Duration = Duration::from_millis(3_500);
/// Requests in flight at which nothing is queued any more: what the shop's own load keeps there anyway.
const DRAINED_IN_FLIGHT: i64 = 3;
/// How often a draining proof looks.
const DRAIN_PERIOD: Duration = Duration::from_millis(100);

/// What came of a proof.
#[derive(Debug, Clone, PartialEq)]
pub struct ProofReport {
    /// Whether every invariant holds.
    pub passed: bool,
    /// Each invariant's figures.
    pub invariants: Vec<InvariantResult>,
    /// The same as it is shown.
    pub view: ProofView,
}

/// The state of proofs.
#[derive(Debug)]
pub(super) struct ProofDesk(Mutex<State>);

#[derive(Debug)]
struct State {
    view: ProofView,
    /// Drill times between which the running proof takes place, nanoseconds.
    span_ns: (i64, i64),
    /// The broken system's values, by invariant id; none until they are measured.
    before: Option<BTreeMap<String, Option<f64>>>,
}

impl ProofDesk {
    pub(super) fn new(proof: &Proof) -> Self {
        let view = ProofView {
            description: proof.description.clone(),
            ..ProofView::default()
        };
        Self(Mutex::new(State {
            view,
            span_ns: (0, 0),
            before: None,
        }))
    }

    /// Whether one is under way.
    pub(super) fn runs(&self) -> bool {
        self.0.lock().view.running
    }
}

/// A proof under way; ends its load and its chaos when dropped, however that came.
struct Running {
    core: Arc<Core>,
    chaos: Chaos,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.chaos.heal();
        self.core.load.end_proof_now();
        self.core.proof.0.lock().view.running = false;
    }
}

impl Lab {
    /// Runs the proof: load and chaos for as long as the scenario says, healing, settling, then the invariants. Journals the
    /// result. Dropping the future ends load and chaos.
    ///
    /// # Errors
    /// When one is running already, when a release is rolled out in steps, or the lab is shut down meanwhile.
    pub async fn prove(&self) -> Result<ProofReport, LabError> {
        self.start_proof()?.await
    }

    /// Begins the proof, which from now on runs and keeps rollouts in steps from beginning; what this gives carries it out, as
    /// [`Lab::prove`] does, or ends it when dropped.
    ///
    /// # Errors
    /// When one is running already, or a release is rolled out in steps.
    pub fn start_proof(
        &self,
    ) -> Result<impl Future<Output = Result<ProofReport, LabError>> + Send + use<>, LabError> {
        let core = self.core.clone();
        let running = core.beside_no_rollout(|| core.begin_proof())?;
        Ok(async move {
            tokio::select! {
                report = core.prove(running) => report,
                () = core.cancel.cancelled() => Err(LabError::Down),
            }
        })
    }

    /// The running proof's progress, and the result of the last.
    #[must_use]
    pub fn proof_view(&self) -> ProofView {
        self.core.proof_view()
    }

    /// Measures the invariants over the window that ends now, as those of the broken system; only the first call does. Applying
    /// a remedy and proving do it by themselves.
    pub async fn measure_before(&self) {
        self.core.measure_before().await;
    }
}

impl Core {
    fn proof_view(&self) -> ProofView {
        let now_ns = self.floor.clock.now_ns();
        let state = self.proof.0.lock();
        let mut view = state.view.clone();
        view.progress = if view.running {
            share(now_ns, state.span_ns)
        } else {
            view.progress
        };
        view
    }

    fn begin_proof(self: &Arc<Self>) -> Result<Running, LabError> {
        let mut state = self.proof.0.lock();
        if state.view.running {
            return Err(LabError::ProofRuns);
        }
        let now_ns = self.floor.clock.now_ns();
        state.view.running = true;
        state.view.progress = 0.0;
        state.span_ns = (
            now_ns,
            now_ns.saturating_add(window_ns(&self.plan.scenario.proof)),
        );
        drop(state);
        Ok(Running {
            core: self.clone(),
            chaos: Chaos::default(),
        })
    }

    async fn prove(self: &Arc<Self>, running: Running) -> Result<ProofReport, LabError> {
        self.measure_before().await;
        self.drain().await;
        let proof = &self.plan.scenario.proof;
        let clock = &self.floor.clock;
        let start_ns = clock.now_ns();
        let end_ns = start_ns.saturating_add(window_ns(proof));
        self.proof.0.lock().span_ns = (start_ns, end_ns);
        self.load.begin_proof(proof.load).await;
        let stress = async {
            let mut chaos: Vec<_> = proof.chaos.iter().collect();
            chaos.sort_by_key(|event| event.at);
            for event in chaos {
                clock.sleep_until(after(start_ns, event.at)).await;
                for effect in &event.effects {
                    self.carry_out(effect, &running.chaos).await?;
                }
            }
            clock.sleep_until(after(start_ns, proof.lasting)).await;
            running.chaos.heal();
            self.load.end_proof().await;
            clock.sleep_until(end_ns).await;
            Ok::<_, LabError>(())
        };
        let progress = async {
            loop {
                self.tell(LabEvent::Proof(self.proof_view()));
                tokio::time::sleep(PROGRESS_PERIOD).await;
            }
        };
        tokio::select! {
            done = stress => done?,
            () = progress => unreachable!("it never ends"),
        }
        if !self.floor.network.is_healed() {
            tracing::warn!("a link was not healed when the proof was measured");
        }
        let end_ns = clock.now_ns();
        let values = self.measure(start_ns, end_ns).await;
        drop(running);
        Ok(self.conclude(values, end_ns / 1_000_000))
    }

    /// Waits until what was queued before is done, or gives up on it.
    async fn drain(&self) {
        let _late = tokio::time::timeout(DRAIN_AT_MOST, async {
            while self.load.view().in_flight > DRAINED_IN_FLIGHT {
                tokio::time::sleep(DRAIN_PERIOD).await;
            }
        })
        .await;
    }

    /// Compares, journals and shows the result.
    fn conclude(&self, values: BTreeMap<String, Option<f64>>, at_ms: i64) -> ProofReport {
        let mut state = self.proof.0.lock();
        let (mut results, mut views) = (Vec::new(), Vec::new());
        for invariant in &self.plan.scenario.proof.invariants {
            let before = state
                .before
                .as_ref()
                .and_then(|before| before.get(&invariant.id).copied().flatten());
            let after = values.get(&invariant.id).copied().flatten();
            let holds = holds(invariant, after);
            results.push(InvariantResult {
                id: invariant.id.clone(),
                before,
                after,
                holds,
            });
            views.push(InvariantView {
                title: invariant.title.clone(),
                query: invariant.query.clone(),
                bound: bound(invariant),
                before,
                after,
                holds,
            });
        }
        let passed = results.iter().all(|result| result.holds);
        state.view.running = false;
        state.view.progress = 1.0;
        state.view.invariants = views;
        state.view.passed = Some(passed);
        state.view.at_ms = Some(at_ms);
        let view = state.view.clone();
        drop(state);
        self.floor.journal.append(
            at_ms,
            Event::Proof {
                passed,
                invariants: results.clone(),
            },
        );
        self.tell(LabEvent::Proof(view.clone()));
        ProofReport {
            passed,
            invariants: results,
            view,
        }
    }

    pub(super) async fn measure_before(&self) {
        if self.proof.0.lock().before.is_some() {
            return;
        }
        let end_ns = self.floor.clock.now_ns();
        let start_ns = end_ns.saturating_sub(window_ns(&self.plan.scenario.proof));
        let values = self.measure(start_ns, end_ns).await;
        self.proof.0.lock().before.get_or_insert(values);
    }

    /// Every invariant's value over a window, asked at its end.
    async fn measure(&self, start_ns: i64, end_ns: i64) -> BTreeMap<String, Option<f64>> {
        let instruments = self.floor.instruments.clone();
        let queries: Vec<_> = self
            .plan
            .scenario
            .proof
            .invariants
            .iter()
            .map(|invariant| {
                (
                    invariant.id.clone(),
                    put_in(&invariant.query, start_ns, end_ns),
                )
            })
            .collect();
        // a query reads a window of all series: too long for a thread that others wait for
        let measured = tokio::task::spawn_blocking(move || {
            let value = |id: String, query: String| {
                let value = instruments.measure(&query, end_ns).unwrap_or_else(|error| {
                    tracing::error!(
                        invariant = id,
                        query,
                        error,
                        "an invariant cannot be measured"
                    );
                    None
                });
                (id, value)
            };
            queries
                .into_iter()
                .map(|(id, query)| value(id, query))
                .collect()
        });
        measured.await.unwrap_or_default()
    }
}

fn after(start_ns: i64, at: Span) -> i64 {
    start_ns.saturating_add(at.millis().saturating_mul(1_000_000))
}

/// Length of the window that invariants are measured over.
fn window_ns(proof: &Proof) -> i64 {
    after(after(0, proof.lasting), proof.settle)
}

#[allow(clippy::cast_precision_loss)] // seconds of a drill
fn share(now_ns: i64, (start_ns, end_ns): (i64, i64)) -> f64 {
    let whole = end_ns.saturating_sub(start_ns).max(1) as f64;
    (now_ns.saturating_sub(start_ns) as f64 / whole).clamp(0.0, 1.0)
}

/// Puts times into a query: `$start` and `$end` as Unix seconds with milliseconds, `$window` as whole seconds, rounded
/// down so that nothing from before the start counts.
fn put_in(query: &str, start_ns: i64, end_ns: i64) -> String {
    let seconds = |ns: i64| format!("{}.{:03}", ns / 1_000_000_000, ns / 1_000_000 % 1_000);
    let window = ((end_ns - start_ns) / 1_000_000_000).max(1);
    query
        .replace("$start", &seconds(start_ns))
        .replace("$end", &seconds(end_ns))
        .replace("$window", &format!("{window}s"))
}

/// Whether a value is within an invariant's bounds; no value, or one that is no number, is not.
fn holds(invariant: &Invariant, value: Option<f64>) -> bool {
    value.is_some_and(|value| {
        invariant.at_most.is_none_or(|most| value <= most)
            && invariant.at_least.is_none_or(|least| value >= least)
            && !value.is_nan()
    })
}

fn bound(invariant: &Invariant) -> String {
    match (invariant.at_least, invariant.at_most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!(">= {least}"),
        (None, Some(most)) => format!("<= {most}"),
        (None, None) => "any number".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invariant(at_least: Option<f64>, at_most: Option<f64>) -> Invariant {
        Invariant {
            id: "i".into(),
            title: "i".into(),
            query: "x".into(),
            at_most,
            at_least,
        }
    }

    #[test]
    fn bounds_are_included_and_no_value_does_not_hold() {
        let between = invariant(Some(1.0), Some(2.0));
        for (value, expected) in [
            (Some(1.0), true),
            (Some(2.0), true),
            (Some(0.9), false),
            (Some(2.1), false),
            (None, false),
        ] {
            assert_eq!(holds(&between, value), expected, "{value:?}");
        }
        assert!(!holds(&invariant(None, Some(0.0)), Some(f64::NAN)));
        assert!(!holds(&invariant(None, None), Some(f64::NAN)));
        assert_eq!(bound(&between), "1 to 2");
        assert_eq!(bound(&invariant(None, Some(0.0))), "<= 0");
    }

    #[test]
    fn the_proofs_times_are_put_into_its_queries() {
        let query = put_in(
            "x @ $end - x @ $start + increase(y[$window])",
            5_250_000_000,
            19_500_000_000,
        );
        assert_eq!(query, "x @ 19.500 - x @ 5.250 + increase(y[14s])");
    }
}
