//! The generator on its own: open-loop load on whatever speaks HTTP, figures at the end.
//!
//! Requests are due by a seeded schedule, whether or not earlier ones have been answered, and their latency counts from when they
//! were due: a server that stalls is seen by everyone who would have come meanwhile (no coordinated omission). What the generator
//! itself was late with, or could not send, is told besides.
//!
//! ```text
//! pacer (a thread that sleeps) ──due──► run ──► a task for each ──► pool of connections
//!                                                   └──► tally ──► a line each second, the report
//! ```

mod pacer;
mod plan;
mod pool;
mod shop;
mod slo;
mod tally;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use scenarios::seed::Seed;
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{journey::Source, walk::Inside};

use pacer::Due;
pub use plan::{Arrival, Plan, PlanError, Target, Walks};
use pool::Pool;
pub use slo::{Slo, SloError, Verdict};
use tally::Tally;
pub use tally::{Errors, Interval, Latency, Report, StepReport};

/// Requests or journeys under way at most; more are not begun, but counted as not sent.
const UNDER_WAY_MAX: usize = 100_000;
/// Due ones that may wait for a moment of the processor.
const DUE_MAX: usize = 16_384;
/// Stream of all draws.
const STREAM: &str = "alone";

/// What all tasks share.
struct Lab {
    plan: Plan,
    pool: Pool,
    tally: Tally,
    inside: Inside,
}

impl Lab {
    fn source(&self) -> Source<'static> {
        Source {
            seed: Seed(self.plan.seed),
            stream: STREAM,
        }
    }
}

/// Asks every target for a connection, and gives it back.
///
/// # Errors
/// The first that cannot be reached, with why.
pub async fn reach(plan: &Plan) -> Result<(), String> {
    let dialer = crate::outward::Dialer::new();
    for target in &plan.targets {
        let dial = dialer.dial(&target.url);
        match tokio::time::timeout(plan.timeout, dial).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => {
                return Err(format!(
                    "no connection to {} within {:?}",
                    crate::outward::place(&target.url),
                    plan.timeout
                ));
            }
        }
    }
    Ok(())
}

/// Runs a plan until its time is over or it is cancelled; what is under way then is waited for, or let go. `tell` gets the
/// figures of each interval of so long.
pub async fn run(
    plan: Plan,
    every: Duration,
    mut tell: impl FnMut(&Interval),
    cancel: &CancellationToken,
) -> Report {
    let started = Instant::now();
    let lab = Arc::new(Lab {
        pool: Pool::new(plan.connections, plan.targets.len()),
        tally: Tally::new(plan.timeout, started),
        inside: Inside::default(),
        plan,
    });
    let (to, inbox) = mpsc::channel(DUE_MAX);
    let ends = cancel.child_token();
    let (paced, stops) = (lab.clone(), ends.clone());
    let pacer = tokio::task::spawn_blocking(move || pacer::pace(&paced, started, &to, &stops));
    let mut ticks = tokio::time::interval_at(started + every, every);
    // on a worker: what is spawned there is taken up by the same thread, without a way over the queue that all share
    let mut sender = JoinSet::new();
    sender.spawn(send(lab.clone(), inbox));
    while !sender.is_empty() {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            _ = ticks.tick() => tell(&lab.tally.interval()),
            _ = sender.join_next() => {}
        }
    }
    let interrupted = cancel.is_cancelled();
    ends.cancel();
    sender.shutdown().await;
    if let Err(error) = pacer.await {
        tracing::warn!(%error, "the schedule ended early");
    }
    lab.tally.report(&lab.plan, interrupted)
}

/// Sends what is due, and waits for the last answer. Dropped, it ends what is under way.
async fn send(lab: Arc<Lab>, mut inbox: mpsc::Receiver<Due>) {
    let mut tasks = JoinSet::new();
    while let Some(due) = inbox.recv().await {
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= UNDER_WAY_MAX {
            lab.tally.unsent();
        } else {
            tasks.spawn(serve(lab.clone(), due));
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// One arrival: a request, or a journey of several.
async fn serve(lab: Arc<Lab>, due: Due) {
    if lab.plan.walks.is_some() {
        return shop::walk(&lab, due).await;
    }
    let target = lab.plan.target(lab.source(), due.index);
    let request = lab.plan.request(target);
    lab.pool
        .call(&lab.tally, request, target, due.at, lab.plan.timeout, None)
        .await;
}
