//! A limited number of slots, handed out first come, first served, whose number can change while
//! they are in use: worker slots, connections of a pool.
//!
//! It knows nothing of what a slot is for, and has no timeouts: who gives up waiting drops the
//! future and leaves the queue.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::signals::metrics::{Live, Metrics};

/// Slots. Clones share them.
#[derive(Debug, Clone)]
pub struct Slots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Fair: tokio's semaphore queues its waiters.
    semaphore: Arc<Semaphore>,
    size: Mutex<Size>,
    in_use: AtomicUsize,
    waiting: AtomicUsize,
}

#[derive(Debug)]
struct Size {
    limit: usize,
    /// Slots still in use beyond the limit, after it was lowered: as many are not handed on when they come back.
    surplus: usize,
}

impl Slots {
    /// So many slots.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Shared {
            semaphore: Arc::new(Semaphore::new(limit)),
            size: Mutex::new(Size { limit, surplus: 0 }),
            in_use: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
        }))
    }

    /// Waits for a slot, behind everyone who came earlier.
    pub async fn acquire(&self) -> Slot {
        let waiting = Waiting::new(&self.0.waiting);
        let permit = Arc::clone(&self.0.semaphore)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        drop(waiting);
        self.0.in_use.fetch_add(1, Ordering::Relaxed);
        Slot {
            shared: Arc::clone(&self.0),
            permit: Some(permit),
        }
    }

    /// Changes the number. More slots serve waiters at once; with fewer, those in use are kept until they come back.
    pub fn resize(&self, limit: usize) {
        let mut size = self.0.size.lock();
        if limit >= size.limit {
            let grow = limit - size.limit;
            let kept = grow.min(size.surplus);
            size.surplus -= kept;
            self.0.semaphore.add_permits(grow - kept);
        } else {
            let shrink = size.limit - limit;
            size.surplus += shrink - self.0.semaphore.forget_permits(shrink);
        }
        size.limit = limit;
    }

    /// Registers them as the connections of a pool of this name.
    pub fn register_as_pool(&self, pool: &'static str, metrics: &Metrics) {
        for (name, help, read) in [
            (
                "connection_pool_in_use",
                "Connections lent",
                Self::in_use as fn(&Self) -> usize,
            ),
            ("connection_pool_limit", "Most connections", Self::limit),
            ("connection_pool_waiting", "Waiting for one", Self::waiting),
        ] {
            let slots = self.clone();
            #[allow(clippy::cast_precision_loss)] // a number of connections
            let read = move || read(&slots) as f64;
            metrics.register_live(name, help, vec![Live::labelled("pool", pool, read)]);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.size.lock().limit
    }

    /// How many are taken.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.0.in_use.load(Ordering::Relaxed)
    }

    /// How many wait for one.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }
}

/// A slot; dropping it hands it on.
#[derive(Debug)]
pub struct Slot {
    shared: Arc<Shared>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.in_use.fetch_sub(1, Ordering::Relaxed);
        let mut size = self.shared.size.lock();
        if size.surplus > 0 {
            size.surplus -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

/// Counts a waiter for as long as it lives, however its wait ends.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn slots_are_handed_out_in_the_order_of_asking() {
        let slots = Slots::new(1);
        let held = slots.acquire().await;
        let mut first = Box::pin(slots.acquire());
        let mut second = Box::pin(slots.acquire());
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!((slots.in_use(), slots.waiting()), (1, 2));
        drop(held);
        assert!(second.as_mut().now_or_never().is_none());
        let slot = first.as_mut().now_or_never().expect("its turn");
        drop(slot);
        assert!(second.as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_the_queue() {
        let slots = Slots::new(1);
        let held = slots.acquire().await;
        let mut first = Box::pin(slots.acquire());
        let mut second = Box::pin(slots.acquire());
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert_eq!(slots.waiting(), 1);
        drop(held);
        assert!(second.as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn fewer_slots_hold_once_those_in_use_come_back() {
        let slots = Slots::new(4);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(slots.acquire().await);
        }
        slots.resize(2);
        assert_eq!((slots.limit(), slots.in_use()), (2, 3));
        held.pop();
        assert!(slots.acquire().now_or_never().is_none());
        held.pop();
        let again = slots.acquire().now_or_never().expect("one of two is free");
        assert!(slots.acquire().now_or_never().is_none());
        drop(again);
        drop(held);
        assert_eq!(slots.in_use(), 0);
    }

    #[tokio::test]
    async fn more_slots_serve_waiters_at_once_even_after_fewer() {
        let slots = Slots::new(3);
        let held: Vec<_> = [
            slots.acquire().await,
            slots.acquire().await,
            slots.acquire().await,
        ]
        .into();
        slots.resize(1);
        slots.resize(4);
        let fourth = slots.acquire().now_or_never();
        assert!(fourth.is_some());
        assert!(slots.acquire().now_or_never().is_none());
        drop((held, fourth));
        let all: Vec<_> = (0..4).map(|_| slots.acquire().now_or_never()).collect();
        assert!(all.iter().all(Option::is_some));
        assert!(slots.acquire().now_or_never().is_none());
    }
}
