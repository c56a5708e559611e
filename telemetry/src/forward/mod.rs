//! Forwarding: what comes in goes on to a collector, each signal through a bounded queue of its own. A collector that is slow or
//! down costs what is dropped, which is counted, and never the sender's time. Knows no store.

mod config;
mod send;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use parking_lot::Mutex;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub use config::{
    CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY, COMPRESSION, ENDPOINT, ForwardConfig,
    ForwardConfigError, HEADERS, INSECURE, PROTOCOL, Protocol, TIMEOUT,
};
use send::Sender;

use crate::outbound::{Failure, Lane, Limits, Outcome, Queue, Recipient};
use crate::receive::{PartialSuccess, Signal};

/// Batches of one signal that may wait; while history is made a lab has some 200 a second.
const QUEUE_BATCHES: usize = 1024;
/// Their bytes; a batch that finds no room is dropped.
const QUEUE_BYTES: usize = 32 * 1024 * 1024;
/// A batch is given up when it could not be delivered for so long: a collector that restarts is back before.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// How forwarding of one signal goes, in batches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Forwarded {
    /// Taken by the collector.
    pub sent: u64,
    /// Not sent, because the queue was full or forwarding ended.
    pub dropped: u64,
    /// Refused by the collector, or given up after a minute.
    pub failed: u64,
    /// Attempts that failed and were repeated.
    pub retried: u64,
    /// Records, spans or points that the collector refused of batches that it took.
    pub rejected_items: u64,
}

/// How forwarding goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForwardStats {
    /// Base URL of the collector, or which signals go where.
    pub endpoint: String,
    /// Logs.
    pub logs: Forwarded,
    /// Traces.
    pub traces: Forwarded,
    /// Metrics.
    pub metrics: Forwarded,
    /// The last thing that went wrong.
    pub problem: Option<String>,
}

impl ForwardStats {
    /// The figures of a signal.
    #[must_use]
    pub const fn of(&self, signal: Signal) -> &Forwarded {
        match signal {
            Signal::Logs => &self.logs,
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
        }
    }

    fn of_mut(&mut self, signal: Signal) -> &mut Forwarded {
        match signal {
            Signal::Logs => &mut self.logs,
            Signal::Traces => &mut self.traces,
            Signal::Metrics => &mut self.metrics,
        }
    }
}

/// Takes batches to forward. Clones are the same.
#[derive(Debug, Clone)]
pub struct Forwarder {
    /// By [`Signal`]; one that goes nowhere has none.
    queues: Arc<[Option<Queue<Collector>>; 3]>,
    stats: Arc<Mutex<ForwardStats>>,
}

/// The work of a [`Forwarder`]; nothing is sent until its owner runs it.
#[derive(Debug)]
pub struct Forwarding {
    lanes: Vec<Lane<Collector>>,
}

/// Where one signal goes, and how that goes.
#[derive(Debug)]
struct Collector {
    signal: Signal,
    sender: Sender,
    stats: Arc<Mutex<ForwardStats>>,
}

impl Forwarder {
    /// A forwarder, and its work.
    #[must_use]
    pub fn new(config: ForwardConfig) -> (Self, Forwarding) {
        let stats = Arc::new(Mutex::new(ForwardStats {
            endpoint: config.endpoint(),
            logs: Forwarded::default(),
            traces: Forwarded::default(),
            metrics: Forwarded::default(),
            problem: None,
        }));
        let limits = Limits {
            messages: QUEUE_BATCHES,
            bytes: QUEUE_BYTES,
            attempts: u32::MAX,
            give_up_after: GIVE_UP_AFTER,
            first_retry: config.first_retry,
        };
        let (mut queues, mut lanes) = ([None, None, None], Vec::new());
        for (signal, target) in Signal::ALL.into_iter().zip(config.targets) {
            let Some(target) = target else {
                continue;
            };
            let collector = Collector {
                signal,
                sender: Sender::new(signal, target),
                stats: stats.clone(),
            };
            let (queue, lane) = Queue::new(collector, limits);
            queues[signal as usize] = Some(queue);
            lanes.push(lane);
        }
        let queues = Arc::new(queues);
        (Self { queues, stats }, Forwarding { lanes })
    }

    /// Whether a signal goes anywhere.
    #[must_use]
    pub fn takes(&self, signal: Signal) -> bool {
        self.queues[signal as usize].is_some()
    }

    /// Queues an encoded export request, or drops it and counts; never waits.
    pub fn offer(&self, signal: Signal, batch: Bytes) {
        if let Some(queue) = &self.queues[signal as usize] {
            queue.offer(batch);
        }
    }

    /// How it goes.
    #[must_use]
    pub fn stats(&self) -> ForwardStats {
        self.stats.lock().clone()
    }
}

impl Forwarding {
    /// Sends what is queued until cancelled, and then what is left for at most two seconds.
    pub async fn run(self, cancel: CancellationToken) {
        let lanes = self.lanes.into_iter().map(|lane| lane.run(cancel.clone()));
        join_all(lanes).await;
    }
}

impl Recipient for Collector {
    type Answer = Option<PartialSuccess>;

    async fn send(&self, batch: &Bytes) -> Result<Self::Answer, Failure> {
        self.sender.send(batch).await
    }

    fn note(&self, outcome: Outcome<Self::Answer>) {
        let mut stats = self.stats.lock();
        let of = stats.of_mut(self.signal);
        let problem = match outcome {
            Outcome::Taken(partial) => {
                of.sent += 1;
                partial.map(|partial| {
                    of.rejected_items += u64::try_from(partial.rejected).unwrap_or(0);
                    format!("{} refused: {}", partial.rejected, partial.message)
                })
            }
            Outcome::Repeated(why) => {
                of.retried += 1;
                Some(why)
            }
            Outcome::Failed(why) => {
                of.failed += 1;
                Some(why)
            }
            Outcome::Dropped(why) => {
                of.dropped += 1;
                why
            }
        };
        if let Some(problem) = problem {
            stats.problem = Some(format!("{}: {problem}", self.signal.name()));
        }
    }
}
