//! Where connections run: on the runtime that is there, or on threads of their own.
//!
//! A connection that stays on one thread has its sockets, its timers and its tasks there: nothing is woken across cores. That
//! is for a proxy alone; the links of a lab share the lab's runtime.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use tokio::{runtime::Handle, sync::oneshot};

use super::alarm::Alarm;

/// By how many connections another thread must carry less to get the next one.
const CLEARLY_FEWER: usize = 2;

/// See the head of the file. Dropping it ends its threads, with whatever runs on them.
#[derive(Debug)]
pub struct Carriers {
    first: Arc<Carrier>,
    others: Vec<Arc<Carrier>>,
    threads: Vec<Thread>,
}

/// A runtime, its timer, and what it carries.
#[derive(Debug)]
pub(super) struct Carrier {
    pub(super) runtime: Handle,
    pub(super) alarm: Alarm,
    listeners: AtomicUsize,
    connections: AtomicUsize,
}

#[derive(Debug)]
struct Thread {
    end: Option<oneshot::Sender<()>>,
    handle: Option<JoinHandle<()>>,
}

impl Carriers {
    /// The runtime that calls this.
    ///
    /// # Errors
    /// When there is no timer to be had.
    pub(super) fn here() -> io::Result<Self> {
        Ok(Self {
            first: Arc::new(Carrier::here()?),
            others: Vec::new(),
            threads: Vec::new(),
        })
    }

    /// So many threads of their own, at least one.
    ///
    /// # Errors
    /// When a thread or its runtime cannot be had.
    pub fn threads(count: usize) -> io::Result<Self> {
        let (thread, first) = Thread::start()?;
        let mut carriers = Self {
            first: Arc::new(first),
            others: Vec::new(),
            threads: vec![thread],
        };
        for _ in 1..count {
            let (thread, carrier) = Thread::start()?;
            carriers.threads.push(thread);
            carriers.others.push(Arc::new(carrier));
        }
        Ok(carriers)
    }

    /// A place for a listener, where there are the fewest.
    pub(super) fn home(&self) -> Place {
        let least = self.least(&self.first, |one| &one.listeners);
        Place::take(least, |one| &one.listeners)
    }

    /// A place for a connection: where it was accepted, which costs the least, or where clearly fewer are carried.
    pub(super) fn seat(&self, home: &Place) -> Place {
        let least = self.least(&home.carrier, |one| &one.connections);
        let here = home.connections.load(Ordering::Relaxed);
        let there = least.connections.load(Ordering::Relaxed);
        let chosen = if here >= there + CLEARLY_FEWER {
            least
        } else {
            &home.carrier
        };
        Place::take(chosen, |one| &one.connections)
    }

    fn least<'a>(
        &'a self,
        first: &'a Arc<Carrier>,
        count: fn(&Carrier) -> &AtomicUsize,
    ) -> &'a Arc<Carrier> {
        let count = |one: &Carrier| count(one).load(Ordering::Relaxed);
        [&self.first]
            .into_iter()
            .chain(&self.others)
            .fold(first, |least, one| {
                if count(one) < count(least) {
                    one
                } else {
                    least
                }
            })
    }
}

/// A place on a carrier, of a listener or of a connection: it counts until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    carrier: Arc<Carrier>,
    count: fn(&Carrier) -> &AtomicUsize,
}

impl Place {
    fn take(carrier: &Arc<Carrier>, count: fn(&Carrier) -> &AtomicUsize) -> Self {
        count(carrier).fetch_add(1, Ordering::Relaxed);
        Self {
            carrier: carrier.clone(),
            count,
        }
    }

    /// Whether both are on the same one.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.carrier, &other.carrier)
    }
}

impl std::ops::Deref for Place {
    type Target = Carrier;

    fn deref(&self) -> &Carrier {
        &self.carrier
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        (self.count)(&self.carrier).fetch_sub(1, Ordering::Relaxed);
    }
}

impl Carrier {
    fn here() -> io::Result<Self> {
        Ok(Self {
            runtime: Handle::current(),
            alarm: Alarm::of_this_runtime()?,
            listeners: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
        })
    }

    /// A socket, as one of this runtime.
    ///
    /// # Errors
    /// When it cannot be watched.
    pub(super) fn adopt<S, T>(&self, socket: S, from_std: fn(S) -> io::Result<T>) -> io::Result<T> {
        let _inside = self.runtime.enter();
        from_std(socket)
    }
}

impl Thread {
    fn start() -> io::Result<(Self, Carrier)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (end, ended) = oneshot::channel();
        let carrier = {
            let _inside = runtime.enter();
            Carrier::here()?
        };
        let handle = std::thread::Builder::new()
            .name("proxy".to_owned())
            .spawn(move || {
                // an end, or an owner that is gone: it is over
                let _ = runtime.block_on(ended);
                // not waiting for a name that is being looked up
                runtime.shutdown_background();
            })?;
        let thread = Self {
            end: Some(end),
            handle: Some(handle),
        };
        Ok((thread, carrier))
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.end.take());
        let handle = self.handle.take();
        // it may be dropped by the last task that runs on it
        if let Some(handle) =
            handle.filter(|handle| handle.thread().id() != std::thread::current().id())
        {
            let _ = handle.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_stay_at_home_until_others_carry_clearly_fewer() {
        let carriers = Carriers::threads(3).unwrap();
        let homes = [carriers.home(), carriers.home(), carriers.home()];
        assert!(!homes[0].is_beside(&homes[1]));
        assert!(!homes[0].is_beside(&homes[2]));
        let seats: Vec<_> = (0..30).map(|_| carriers.seat(&homes[1])).collect();
        assert!(seats[0].is_beside(&homes[1]));
        let counts = [&carriers.first, &carriers.others[0], &carriers.others[1]]
            .map(|one| one.connections.load(Ordering::Relaxed));
        assert_eq!(counts.iter().sum::<usize>(), 30);
        assert!(
            counts.iter().all(|count| (9..=11).contains(count)),
            "{counts:?}"
        );
        drop(seats);
        assert!(carriers.seat(&homes[2]).is_beside(&homes[2]));
    }

    #[test]
    fn threads_end_with_their_owner_and_take_their_tasks_along() {
        let carriers = Carriers::threads(2).unwrap();
        let (alive, gone) = std::sync::mpsc::channel::<()>();
        let seat = carriers.seat(&carriers.home());
        seat.runtime.spawn(async move {
            std::future::pending::<()>().await;
            drop(alive);
        });
        drop(seat);
        drop(carriers);
        assert!(gone.recv().is_err());
    }
}
