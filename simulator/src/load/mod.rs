//! The load: an open-loop generator of journeys. Customers arrive by a Poisson process in drill time,
//! whether or not the shop keeps up; each then does one thing after another, with time to think.
//!
//! It knows the shop's edge and nothing behind it, and no scenarios. It exports no telemetry but its
//! own `/metrics`: the edge's span is the first of a trace.

pub mod alone;
mod arrivals;
mod exposed;
mod exposition;
mod governor;
mod journey;
mod latencies;
mod metrics;
mod profile;
mod walk;

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::RwLock;
use scenarios::{effect::LoadChange, seed::Seed};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{clock::DrillClock, instruments::Instruments, wire::Client};

use arrivals::Arrivals;
pub(crate) use exposed::Exposed;
use governor::Pulse;
pub use journey::{Journey, Source, Step};
pub use metrics::StepFigures;
pub use profile::Profile;
pub use walk::PATIENCE;
pub(crate) use walk::headers as trace_headers;
use walk::{Inside, Street, walk};

/// Journeys under way at most. At ten journeys a second that wait ten seconds each there are a hundred; beyond this the lab
/// itself is in trouble, and further journeys are not begun but counted (`load_dropped_journeys_total`).
pub const MAX_JOURNEYS: usize = 2_000;
/// Changes of the load that may wait; there are a handful in a drill.
const CHANGES: usize = 16;

/// Stream of the journeys outside of proofs.
const LIVE: &str = "live";
/// Stream of the journeys of every proof: the same each time.
const PROOF: &str = "proof";

/// How the load stands.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadView {
    /// What it is made of now.
    pub profile: Profile,
    /// Requests under way.
    pub in_flight: i64,
    /// Journeys begun since the start.
    pub journeys: u64,
    /// Journeys not begun because [`MAX_JOURNEYS`] were under way.
    pub dropped: u64,
    /// Per step, since the start or since the running proof began.
    pub steps: Vec<StepFigures>,
}

enum Change {
    Patch(LoadChange),
    Reset(Profile),
    /// So many times the traffic, under a name; none takes it back.
    Surge(u64, Option<f64>),
    BeginProof(LoadChange),
    EndProof,
}

/// Handle of the generator's task.
pub(crate) struct Generator {
    changes: mpsc::Sender<Change>,
    street: Arc<Street>,
    profiles: Arc<RwLock<Profiles>>,
}

/// The load outside of proofs, and now.
#[derive(Debug, Clone, Copy)]
struct Profiles {
    base: Profile,
    now: Profile,
}

/// What the generator needs.
pub(crate) struct Setup {
    pub clock: Arc<DrillClock>,
    pub client: Client,
    pub instruments: Arc<dyn Instruments>,
    /// Base URL of the shop's edge.
    pub door: String,
    pub seed: Seed,
    pub profile: Profile,
    pub exposed: Exposed,
}

impl Generator {
    /// Starts the load at the clock's present time; its tasks go into `tasks`.
    pub(crate) fn start(setup: Setup, tasks: &mut JoinSet<()>, cancel: &CancellationToken) -> Self {
        let street = Arc::new(Street {
            clock: setup.clock,
            client: setup.client,
            instruments: setup.instruments,
            door: setup.door,
            meters: setup.exposed.meters,
            pulse: Arc::new(Pulse::default()),
            inside: Inside::default(),
        });
        let profiles = Arc::new(RwLock::new(Profiles {
            base: setup.profile,
            now: setup.profile,
        }));
        let (changes, inbox) = mpsc::channel(CHANGES);
        let live = Source {
            seed: setup.seed,
            stream: LIVE,
        };
        let engine = Engine {
            seed: setup.seed,
            arrivals: Arrivals::new(live, street.clock.now_ns(), setup.profile.journeys_per_s),
            parked: None,
            proof: None,
            surges: BTreeMap::new(),
            runs: 0,
            street: street.clone(),
            profiles: profiles.clone(),
        };
        tasks.spawn(engine.run(inbox, cancel.clone()));
        let shown = street.clone();
        tasks.spawn(
            setup
                .exposed
                .exposition
                .serve(move || shown.meters.text(), cancel.clone()),
        );
        Self {
            changes,
            street,
            profiles,
        }
    }

    /// Changes the load from now on; within a proof it takes effect on what the proof does not name, and after it.
    pub(crate) async fn patch(&self, change: LoadChange) {
        self.send(Change::Patch(change)).await;
    }

    /// Puts the load outside of proofs to a profile.
    pub(crate) async fn reset(&self, profile: Profile) {
        self.send(Change::Reset(profile)).await;
    }

    /// So many times the traffic on top of everything else, until the surge of this name is taken back with none.
    pub(crate) async fn surge(&self, name: u64, factor: Option<f64>) {
        self.send(Change::Surge(name, factor)).await;
    }

    /// Takes a surge back, from a destructor.
    pub(crate) fn calm_now(&self, name: u64) {
        if self.changes.try_send(Change::Surge(name, None)).is_err() {
            tracing::warn!("the load could not be told that a surge has ended");
        }
    }

    /// From now on the journeys of the proof instead of the live ones.
    pub(crate) async fn begin_proof(&self, change: LoadChange) {
        self.send(Change::BeginProof(change)).await;
    }

    /// Back to the live journeys.
    pub(crate) async fn end_proof(&self) {
        self.send(Change::EndProof).await;
    }

    /// As [`Generator::end_proof`], from a destructor.
    pub(crate) fn end_proof_now(&self) {
        if self.changes.try_send(Change::EndProof).is_err() {
            tracing::warn!("the load could not be told that the proof has ended");
        }
    }

    async fn send(&self, change: Change) {
        if self.changes.send(change).await.is_err() {
            tracing::debug!("the load has ended; its change is of no use");
        }
    }

    /// The load outside of proofs.
    pub(crate) fn profile(&self) -> Profile {
        self.profiles.read().base
    }

    pub(crate) fn view(&self) -> LoadView {
        let meters = &self.street.meters;
        LoadView {
            profile: self.profiles.read().now,
            in_flight: meters.in_flight.get(),
            journeys: meters.journeys.get(),
            dropped: meters.dropped.get(),
            steps: meters.figures(),
        }
    }

    /// OpenMetrics text.
    pub(crate) fn metrics(&self) -> String {
        self.street.meters.text()
    }

    /// Keeps the speed of history where the machine can follow. Answers with the slowest speed, when history is made.
    pub(crate) fn govern(&self, cancel: CancellationToken) -> impl Future<Output = f64> + use<> {
        let (clock, pulse) = (self.street.clock.clone(), self.street.pulse.clone());
        async move { governor::govern(&clock, &pulse, &cancel).await }
    }
}

struct Engine {
    seed: Seed,
    arrivals: Arrivals,
    /// Live arrivals while a proof runs.
    parked: Option<Arrivals>,
    proof: Option<LoadChange>,
    /// Factors on the rate, by name.
    surges: BTreeMap<u64, f64>,
    /// Proofs begun so far.
    runs: u32,
    street: Arc<Street>,
    profiles: Arc<RwLock<Profiles>>,
}

impl Engine {
    async fn run(mut self, mut inbox: mpsc::Receiver<Change>, cancel: CancellationToken) {
        let mut journeys = JoinSet::new();
        loop {
            let next = self.arrivals.next();
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                change = inbox.recv() => match change {
                    Some(change) => self.change(change),
                    None => return,
                },
                (index, at_ns) = arrival(&self.street.clock, next) => {
                    self.arrivals.advance(self.source());
                    if journeys.len() >= MAX_JOURNEYS {
                        self.street.meters.dropped.inc();
                        continue;
                    }
                    let profile = self.profiles.read().now;
                    let journey = self.source().journey(index, &profile);
                    let run = if self.proof.is_some() { self.runs } else { 0 };
                    journeys.spawn(walk(self.street.clone(), journey, run, at_ns));
                }
                Some(_) = journeys.join_next() => {}
            }
        }
    }

    const fn source(&self) -> Source<'static> {
        let stream = if self.proof.is_some() { PROOF } else { LIVE };
        Source {
            seed: self.seed,
            stream,
        }
    }

    fn change(&mut self, change: Change) {
        let now_ns = self.street.clock.now_ns();
        match change {
            Change::Patch(change) => {
                let mut profiles = self.profiles.write();
                profiles.base = profiles.base.with(&change);
            }
            Change::Reset(profile) => self.profiles.write().base = profile,
            Change::Surge(name, Some(factor)) => drop(self.surges.insert(name, factor)),
            Change::Surge(name, None) => drop(self.surges.remove(&name)),
            Change::BeginProof(change) if self.proof.is_none() => {
                self.arrivals.set_rate(now_ns, 0.0);
                self.proof = Some(change);
                self.runs += 1;
                self.street.meters.reset_figures();
                let proof = Arrivals::new(self.source(), now_ns, 0.0);
                self.parked = Some(std::mem::replace(&mut self.arrivals, proof));
            }
            Change::BeginProof(change) => self.proof = Some(change),
            Change::EndProof => {
                self.proof = None;
                if let Some(mut live) = self.parked.take() {
                    // no time has passed for it
                    live.set_rate(now_ns, 0.0);
                    self.arrivals = live;
                }
            }
        }
        let mut profiles = self.profiles.write();
        profiles.now = self
            .proof
            .as_ref()
            .map_or(profiles.base, |proof| profiles.base.with(proof));
        profiles.now.journeys_per_s *= self.surges.values().product::<f64>();
        self.arrivals.set_rate(now_ns, profiles.now.journeys_per_s);
    }
}

/// Waits until the next journey begins.
async fn arrival(clock: &DrillClock, next: Option<(u64, i64)>) -> (u64, i64) {
    match next {
        Some((index, at_ns)) => {
            clock.sleep_until(at_ns).await;
            (index, at_ns)
        }
        None => std::future::pending().await,
    }
}
