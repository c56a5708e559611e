//! The scraper: asks all targets for their metrics at one time and appends what they say, `up` included.
//! Knows no query and no alert; the caller decides when a round is.

mod client;
pub mod exposition;
pub mod pace;
mod target;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use parking_lot::Mutex;

use client::Client;
use target::State;

use crate::metrics::catalog::Catalog;
use crate::metrics::exemplars::Exemplars;
use crate::metrics::labels::Labels;
use crate::metrics::store::{Pending, Store};
use crate::time::TimeSource;

/// How long a target may take to answer, wall time; then it is down for the round.
pub const SCRAPE_TIMEOUT: Duration = Duration::from_secs(2);
/// The same for a target that met the timeout in the round before: a hung one must not slow the others' rounds.
pub const SCRAPE_TIMEOUT_HUNG: Duration = Duration::from_millis(200);
/// Targets at most; a longer list is refused.
pub const TARGETS_MAX: usize = 1_000;

/// Something to scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Labels that every sample of the target gets: in the lab `service`, `instance` and `job`.
    pub labels: Vec<(String, String)>,
    /// Where its metrics are, on loopback: `http://127.0.0.1:4001/metrics`.
    pub url: String,
}

/// Why a list of targets was refused; the targets before it remain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The URL cannot be scraped.
    #[error("target {url}: {problem}; use http://127.0.0.1:PORT/metrics")]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Too many targets.
    #[error("{0} targets, the limit is {TARGETS_MAX}")]
    TooMany(usize),
    /// Two targets have the same labels, so that their series would be the same.
    #[error("two targets have the labels {0}; give each its own `instance`")]
    Duplicate(String),
}

/// How a target did in its newest scrape.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// The target's labels.
    pub labels: Vec<(String, String)>,
    /// Its URL.
    pub url: String,
    /// `None` before the first scrape.
    pub up: Option<bool>,
    /// Why it is down, empty otherwise.
    pub error: String,
    /// Store time of the scrape, ms.
    pub scraped_at_ms: i64,
    /// How long it took, wall time.
    pub took: Duration,
}

/// What a round brought.
#[derive(Debug, Clone, Default)]
pub struct Round {
    /// Store time of the round, ms: the time of its samples.
    pub at_ms: i64,
    /// Targets that answered.
    pub up: usize,
    /// Targets that did not.
    pub down: usize,
    /// All samples of the round, stale markers included; empty unless the caller asked to keep them.
    pub samples: Vec<Pending>,
}

/// Scrapes a set of targets into a store.
pub struct Scraper {
    store: Arc<Store>,
    exemplars: Arc<Exemplars>,
    catalog: Arc<Catalog>,
    time: Arc<dyn TimeSource>,
    client: Client,
    targets: Mutex<Vec<Arc<Mutex<State>>>>,
}

impl Scraper {
    /// A scraper without targets.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        exemplars: Arc<Exemplars>,
        catalog: Arc<Catalog>,
        time: Arc<dyn TimeSource>,
    ) -> Self {
        Self {
            store,
            exemplars,
            catalog,
            time,
            client: Client::new(),
            targets: Mutex::new(Vec::new()),
        }
    }

    /// Replaces the targets. Those that stay (same labels and URL) keep their state; series of those that go become stale now.
    ///
    /// # Errors
    /// A URL that is not plain HTTP on loopback, two targets with the same labels, or too many; nothing is changed then.
    pub fn set_targets(&self, targets: Vec<Target>) -> Result<(), TargetError> {
        if targets.len() > TARGETS_MAX {
            return Err(TargetError::TooMany(targets.len()));
        }
        let mut fresh: Vec<State> = Vec::with_capacity(targets.len());
        for target in targets {
            let state = State::new(target)?;
            if fresh.iter().any(|other| other.labels == state.labels) {
                return Err(TargetError::Duplicate(state.labels.to_string()));
            }
            fresh.push(state);
        }
        let mut current = self.targets.lock();
        let now_ms = self.now_ms();
        let mut kept: Vec<Arc<Mutex<State>>> = Vec::with_capacity(fresh.len());
        for old in current.drain(..) {
            let same = fresh
                .iter()
                .position(|state| state.target == old.lock().target);
            if let Some(same) = same {
                fresh.swap_remove(same);
                kept.push(old);
            } else {
                let mut gone = old.lock().retire();
                self.store.append_batch(now_ms, &mut gone);
            }
        }
        kept.extend(fresh.into_iter().map(|state| Arc::new(Mutex::new(state))));
        *current = kept;
        Ok(())
    }

    /// How each target did in its newest scrape, sorted by labels.
    #[must_use]
    pub fn health(&self) -> Vec<Health> {
        let mut all: Vec<Health> = self
            .targets
            .lock()
            .iter()
            .map(|state| state.lock().health())
            .collect();
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        all
    }

    /// Scrapes all targets at once; their samples carry the store time of the start. With `keep`, the round holds them too.
    pub async fn scrape_once(&self, keep: bool) -> Round {
        let targets: Vec<Arc<Mutex<State>>> = self.targets.lock().clone();
        let at_ms = self.now_ms();
        let scrapes = targets
            .into_iter()
            .map(|state| self.scrape(state, at_ms, keep));
        let mut round = Round {
            at_ms,
            ..Round::default()
        };
        for (up, samples) in join_all(scrapes).await {
            *(if up { &mut round.up } else { &mut round.down }) += 1;
            round.samples.extend(samples);
        }
        round
    }

    async fn scrape(
        &self,
        state: Arc<Mutex<State>>,
        at_ms: i64,
        keep: bool,
    ) -> (bool, Vec<Pending>) {
        let (uri, timeout) = {
            let state = state.lock();
            (
                state.uri.clone(),
                if state.hung {
                    SCRAPE_TIMEOUT_HUNG
                } else {
                    SCRAPE_TIMEOUT
                },
            )
        };
        let started = Instant::now();
        let fetched = self.client.fetch(uri, timeout).await;
        let took = started.elapsed();
        let sinks = target::Sinks {
            exemplars: &self.exemplars,
            catalog: &self.catalog,
            time: &*self.time,
        };
        let mut state = state.lock();
        if state.retired {
            return (false, Vec::new());
        }
        let mut samples = state.ingest(fetched, at_ms, took, &sinks);
        self.store.append_batch(at_ms, &mut samples);
        state.remember(&samples);
        (state.is_up(), if keep { samples } else { Vec::new() })
    }

    fn now_ms(&self) -> i64 {
        self.time.now_ns().div_euclid(1_000_000)
    }
}

impl std::fmt::Debug for Scraper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scraper")
            .field("targets", &self.targets.lock().len())
            .finish_non_exhaustive()
    }
}

/// The labels of a sample: the target's win, and what they displace is kept as `exported_…`, as Prometheus does without `honor_labels`.
fn with_target_labels(own: Vec<(String, String)>, target: &Labels) -> Labels {
    let names: Vec<String> = own.iter().map(|(name, _)| name.clone()).collect();
    let renamed = own.into_iter().map(|(name, value)| {
        if target.get(&name).is_none() {
            return (name, value);
        }
        let mut exported = format!("exported_{name}");
        while target.get(&exported).is_some() || names.contains(&exported) {
            exported.insert_str(0, "exported_");
        }
        (exported, value)
    });
    let all = target
        .iter()
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .chain(renamed);
    Labels::from_pairs(all.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
