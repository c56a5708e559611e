//! The settlement queue: batches come in bursts, items are worked off at a fixed rate.

use std::{collections::VecDeque, sync::Arc};

use display_full_error::DisplayFullErrorExt;
use parking_lot::Mutex;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
};
use scenarios::shop::Role;
use tokio::{
    sync::Notify,
    time::{Duration, Instant, MissedTickBehavior},
};

use crate::{
    database::Statement, hop::Hop, pace::Pace, peer::Call, problem::Problem, service::Service,
    signals::metrics::Metrics, wire::SettlementBatch,
};

/// How often items are taken off the queue.
const TICK: Duration = Duration::from_millis(25);
/// Items that may wait; a batch that does not fit is refused whole.
const WAITING_ITEMS: u32 = 100_000;
/// How long the ledger may take for a batch.
const POST_TIMEOUT: Duration = Duration::from_secs(3);
/// Upper bounds of the buckets of a job's duration, seconds.
const DURATION_BUCKETS: [f64; 8] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The queue.
#[derive(Debug)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    filled: Notify,
    durations: Family<Job, Histogram, fn() -> Histogram>,
}

#[derive(Debug, Default)]
struct Waiting {
    batches: VecDeque<Batch>,
    items: u32,
}

/// A batch under work.
#[derive(Debug, Clone)]
struct Batch {
    id: String,
    items: u32,
    left: u32,
    since: Instant,
    hop: Hop,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Job {
    job: &'static str,
}

impl Queue {
    /// Empty.
    pub fn new(metrics: &Metrics) -> Self {
        let durations: Family<Job, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS));
        let help = "Time from a job's request to its end";
        metrics.register("job_duration_seconds", help, durations.clone());
        Self {
            waiting: Mutex::default(),
            filled: Notify::new(),
            durations,
        }
    }

    /// Items that wait.
    pub fn depth(&self) -> u32 {
        self.waiting.lock().items
    }

    /// Adds a batch; gives its id.
    ///
    /// # Errors
    /// 422 without items, 429 when it does not fit.
    pub fn add(&self, hop: Hop, items: u32) -> Result<String, Problem> {
        if items == 0 {
            return Err(Problem::invalid("a batch has at least one item"));
        }
        let mut waiting = self.waiting.lock();
        let room = WAITING_ITEMS - waiting.items;
        if items > room {
            return Err(Problem::new(
                axum::http::StatusCode::TOO_MANY_REQUESTS,
                "queue_full",
                format!("the settlement queue has room for {room} more items; try again later"),
            ));
        }
        let id = uuid::Uuid::new_v4().simple().to_string();
        waiting.items += items;
        waiting.batches.push_back(Batch {
            id: id.clone(),
            items,
            left: items,
            since: Instant::now(),
            hop,
        });
        drop(waiting);
        self.filled.notify_one();
        Ok(id)
    }

    /// Takes up to so many items off; gives the batches that this finished.
    fn take(&self, mut items: u32) -> Vec<Batch> {
        let mut waiting = self.waiting.lock();
        let mut finished = Vec::new();
        while items > 0
            && let Some(first) = waiting.batches.front_mut()
        {
            let taken = first.left.min(items);
            first.left -= taken;
            items -= taken;
            let done = first.left == 0;
            waiting.items -= taken;
            if done {
                finished.extend(waiting.batches.pop_front());
            }
        }
        finished
    }
}

/// Works the queue off until the service stops.
pub async fn drain(service: Arc<Service>, queue: Arc<Queue>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pace = Pace::new();
    loop {
        if queue.depth() == 0 {
            tokio::select! {
                () = service.stopping.cancelled() => return,
                () = queue.filled.notified() => {}
            }
            pace = Pace::new();
        }
        tokio::select! {
            () = service.stopping.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let items = pace.due(f64::from(service.settings.now().settlement_per_s));
        for batch in queue.take(items) {
            finish(&service, &queue, &batch).await;
        }
    }
}

/// Files a batch that was worked off, and tells the ledger.
async fn finish(service: &Service, queue: &Queue, batch: &Batch) {
    let insert = Statement::new(
        "INSERT settled_batches",
        "INSERT INTO settled_batches (batch, items) VALUES ($1, $2) ON CONFLICT (batch) DO NOTHING",
    );
    let insert = insert.text(batch.id.as_str()).int(batch.items);
    if let Err(error) = service.database().execute(insert).await {
        tracing::error!(
            batch = batch.id,
            error = error.to_string_full(),
            "settlement batch is not filed"
        );
    }
    if let Some(ledger) = service.peer(Role::Ledger) {
        let body = SettlementBatch {
            batch: batch.id.clone(),
            items: batch.items,
        };
        let call = Call::post("/settlement-batches", &body, POST_TIMEOUT);
        if let Err(error) = ledger.tell(&batch.hop, call).await {
            tracing::warn!(batch = batch.id, reason = %error, "settlement batch is not posted");
        }
    }
    let took = batch.since.elapsed();
    let job = Job { job: "settlement" };
    queue
        .durations
        .get_or_create(&job)
        .observe(took.as_secs_f64());
    #[allow(clippy::cast_possible_truncation)] // a job's time
    let duration_ms = took.as_millis() as u64;
    tracing::info!(
        batch = batch.id,
        items = batch.items,
        duration_ms,
        "settlement batch drained"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue {
        Queue::new(&Metrics::new("1"))
    }

    #[tokio::test]
    async fn items_are_taken_in_order_across_batches() {
        let queue = queue();
        let first = queue.add(Hop::own(), 10).unwrap();
        queue.add(Hop::own(), 10).unwrap();
        assert!(queue.take(9).is_empty());
        let finished = queue.take(5);
        assert_eq!(finished.len(), 1);
        assert_eq!(finished[0].id, first);
        assert_eq!(queue.depth(), 6);
        assert_eq!(queue.take(100).len(), 1);
        assert_eq!(queue.depth(), 0);
    }

    #[tokio::test]
    async fn a_batch_that_does_not_fit_is_refused_whole() {
        let queue = queue();
        queue.add(Hop::own(), WAITING_ITEMS - 1).unwrap();
        let refused = queue.add(Hop::own(), 2).unwrap_err();
        assert_eq!(refused.status, 429);
        assert_eq!(queue.depth(), WAITING_ITEMS - 1);
        assert_eq!(queue.add(Hop::own(), 0).unwrap_err().status, 422);
    }
}
