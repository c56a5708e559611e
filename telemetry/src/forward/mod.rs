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
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use config::{
    COMPRESSION, ENDPOINT, ForwardConfig, ForwardConfigError, HEADERS, PROTOCOL, Protocol, TIMEOUT,
};
use send::Sender;

use crate::outbound::Failure;
use crate::receive::Signal;

/// Batches of one signal that may wait; while history is made a lab has some 200 a second.
const QUEUE_BATCHES: usize = 1024;
/// Their bytes; a batch that finds no room is dropped.
const QUEUE_BYTES: usize = 32 * 1024 * 1024;
/// A batch is given up when it could not be delivered for so long: a collector that restarts is back before.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
/// Longest wait between two attempts.
const LONGEST_RETRY: Duration = Duration::from_secs(15);
/// When forwarding ends, the batch under way gets so long, and then what waits does; the rest is dropped.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

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
    /// Base URL of the collector.
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
    queues: Arc<[Queue; 3]>,
    stats: Arc<Mutex<ForwardStats>>,
}

#[derive(Debug)]
struct Queue {
    to: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

#[derive(Debug)]
struct Waiting {
    batch: Bytes,
    _room: OwnedSemaphorePermit,
}

/// The work of a [`Forwarder`]; nothing is sent until its owner runs it.
#[derive(Debug)]
pub struct Forwarding {
    lanes: [Lane; 3],
}

#[derive(Debug)]
struct Lane {
    signal: Signal,
    waiting: mpsc::Receiver<Waiting>,
    sender: Arc<Sender>,
    first_retry: Duration,
    stats: Arc<Mutex<ForwardStats>>,
}

impl Forwarder {
    /// A forwarder, and its work.
    #[must_use]
    pub fn new(config: ForwardConfig) -> (Self, Forwarding) {
        let stats = Arc::new(Mutex::new(ForwardStats {
            endpoint: config.endpoint.clone(),
            logs: Forwarded::default(),
            traces: Forwarded::default(),
            metrics: Forwarded::default(),
            problem: None,
        }));
        let first_retry = config.first_retry;
        let sender = Arc::new(Sender::new(config));
        let both = Signal::ALL.map(|signal| {
            let (to, waiting) = mpsc::channel(QUEUE_BATCHES);
            let room = Arc::new(Semaphore::new(QUEUE_BYTES));
            let lane = Lane {
                signal,
                waiting,
                sender: sender.clone(),
                first_retry,
                stats: stats.clone(),
            };
            (Queue { to, room }, lane)
        });
        let [(logs, one), (traces, two), (metrics, three)] = both;
        let queues = Arc::new([logs, traces, metrics]);
        let lanes = [one, two, three];
        (Self { queues, stats }, Forwarding { lanes })
    }

    /// Queues an encoded export request, or drops it and counts; never waits.
    pub fn offer(&self, signal: Signal, batch: Bytes) {
        let queue = &self.queues[signal as usize];
        let bytes = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        let room = queue.room.clone().try_acquire_many_owned(bytes);
        let queued = room.is_ok_and(|_room| queue.to.try_send(Waiting { batch, _room }).is_ok());
        if !queued {
            self.stats.lock().of_mut(signal).dropped += 1;
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

impl Lane {
    async fn run(mut self, cancel: CancellationToken) {
        loop {
            let waiting = tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                waiting = self.waiting.recv() => waiting,
            };
            let Some(waiting) = waiting else {
                return;
            };
            self.deliver(&waiting.batch, &cancel).await;
        }
        self.waiting.close();
        let deadline = Instant::now() + FLUSH_WITHIN;
        while let Ok(waiting) = self.waiting.try_recv() {
            let sent = self.sender.send(self.signal, &waiting.batch);
            match tokio::time::timeout_at(deadline, sent).await {
                Ok(Ok(partial)) => self.taken(partial),
                Ok(Err(Failure::Lasting(why) | Failure::Passing(why, _))) => {
                    self.count(|stats| stats.dropped += 1, Some(why));
                }
                Err(_) => self.count(|stats| stats.dropped += 1, None),
            }
        }
    }

    /// Sends a batch until it is taken, refused, or given up.
    async fn deliver(&self, batch: &Bytes, cancel: &CancellationToken) {
        let began = Instant::now();
        let mut pause = self.first_retry;
        loop {
            let ended = async {
                cancel.cancelled().await;
                tokio::time::sleep(FLUSH_WITHIN).await;
            };
            let sent = tokio::select! {
                sent = self.sender.send(self.signal, batch) => sent,
                () = ended => return self.count(|stats| stats.dropped += 1, None),
            };
            let (why, after) = match sent {
                Ok(partial) => return self.taken(partial),
                Err(Failure::Lasting(why)) => {
                    return self.count(|stats| stats.failed += 1, Some(why));
                }
                Err(Failure::Passing(why, after)) => (why, after),
            };
            if began.elapsed() >= GIVE_UP_AFTER {
                return self.count(|stats| stats.failed += 1, Some(why));
            }
            self.count(|stats| stats.retried += 1, Some(why));
            // the collector may ask for more time than it is given
            let wait = after.unwrap_or_default().max(pause).min(GIVE_UP_AFTER);
            pause = (pause * 2).min(LONGEST_RETRY);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = cancel.cancelled() => {
                    return self.count(|stats| stats.dropped += 1, None);
                }
            }
        }
    }

    fn taken(&self, partial: Option<crate::receive::PartialSuccess>) {
        let rejected = partial.as_ref().map_or(0, |partial| partial.rejected);
        let why = partial.map(|partial| format!("{rejected} refused: {}", partial.message));
        self.count(
            |stats| {
                stats.sent += 1;
                stats.rejected_items += u64::try_from(rejected).unwrap_or(0);
            },
            why,
        );
    }

    fn count(&self, change: impl FnOnce(&mut Forwarded), problem: Option<String>) {
        let mut stats = self.stats.lock();
        change(stats.of_mut(self.signal));
        if let Some(problem) = problem {
            stats.problem = Some(format!("{}: {problem}", self.signal.name()));
        }
    }
}
