//! Work that is done once per key, however often and however concurrently it is asked for.
//!
//! In memory, bounded; it knows nothing of what the work is.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use tokio::sync::watch;

/// Results by key.
#[derive(Debug)]
pub struct Idempotency<V> {
    known: Mutex<Known<V>>,
    limit: usize,
}

#[derive(Debug)]
struct Known<V> {
    by_key: HashMap<String, watch::Receiver<Option<V>>>,
    oldest_first: VecDeque<String>,
}

/// What to do about a key.
#[derive(Debug)]
pub enum Begun<V> {
    /// Nobody did it yet: do it and say so.
    First(Ticket<V>),
    /// Somebody did it or is about to: wait for the result.
    Again(Wait<V>),
}

/// The duty to do the work of a key.
#[derive(Debug)]
pub struct Ticket<V>(watch::Sender<Option<V>>);

/// The right to the result of a key.
#[derive(Debug)]
pub struct Wait<V>(watch::Receiver<Option<V>>);

impl<V: Clone> Idempotency<V> {
    /// Remembers so many keys; beyond it the oldest is forgotten, and would be done again.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            known: Mutex::new(Known {
                by_key: HashMap::new(),
                oldest_first: VecDeque::new(),
            }),
            limit,
        }
    }

    /// Begins the work of a key, or finds it begun. Work whose ticket was dropped undone begins anew.
    pub fn begin(&self, key: &str) -> Begun<V> {
        let mut known = self.known.lock();
        if let Some(result) = known.by_key.get(key)
            && (result.borrow().is_some() || result.has_changed().is_ok())
        {
            return Begun::Again(Wait(result.clone()));
        }
        let (sender, receiver) = watch::channel(None);
        if known.by_key.insert(key.to_owned(), receiver).is_none() {
            known.oldest_first.push_back(key.to_owned());
        }
        while known.oldest_first.len() > self.limit {
            if let Some(oldest) = known.oldest_first.pop_front() {
                known.by_key.remove(&oldest);
            }
        }
        Begun::First(Ticket(sender))
    }
}

impl<V> Ticket<V> {
    /// The right to the result, also for who does the work.
    pub fn wait(&self) -> Wait<V> {
        Wait(self.0.subscribe())
    }

    /// The work is done; everyone who asks for the key gets this.
    pub fn done(self, result: V) {
        self.0.send_replace(Some(result));
    }
}

impl<V: Clone> Wait<V> {
    /// The result, once it is there; `None` when the work was given up.
    pub async fn result(mut self) -> Option<V> {
        match self.0.wait_for(Option::is_some).await {
            Ok(result) => result.clone(),
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    #[tokio::test]
    async fn concurrent_askers_of_one_key_cause_the_work_once() {
        let store = Arc::new(Idempotency::new(16));
        let works = Arc::new(AtomicU32::new(0));
        let mut askers = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (store, works) = (Arc::clone(&store), Arc::clone(&works));
            askers.spawn(async move {
                match store.begin("order-1") {
                    Begun::First(ticket) => {
                        tokio::task::yield_now().await;
                        let result = works.fetch_add(1, Ordering::SeqCst);
                        ticket.done(result);
                        result
                    }
                    Begun::Again(wait) => wait.result().await.expect("it is done"),
                }
            });
        }
        assert!(askers.join_all().await.iter().all(|result| *result == 0));
        assert_eq!(works.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn work_that_was_given_up_can_begin_anew() {
        let store = Idempotency::<u32>::new(16);
        let Begun::First(ticket) = store.begin("a") else {
            panic!("nobody began it")
        };
        let Begun::Again(wait) = store.begin("a") else {
            panic!("it is under way")
        };
        drop(ticket);
        assert_eq!(wait.result().await, None);
        assert!(matches!(store.begin("a"), Begun::First(_)));
    }

    #[test]
    fn beyond_the_limit_the_oldest_key_is_forgotten() {
        let store = Idempotency::new(2);
        for key in ["a", "b", "c"] {
            match store.begin(key) {
                Begun::First(ticket) => ticket.done(()),
                Begun::Again(_) => panic!("{key} is new"),
            }
        }
        assert!(matches!(store.begin("c"), Begun::Again(_)));
        assert!(matches!(store.begin("a"), Begun::First(_)));
    }
}
