//! Timers for what toxics delay. The runtime's own count in whole milliseconds and are late by one to two of them; a toxic of
//! a millisecond would take three. Here a timer of the kernel rings for the earliest of all, where there is one; elsewhere it
//! is the runtime's.
//!
//! An alarm belongs to the runtime that it was made in, and so do the tasks that it wakes.

use std::{
    collections::BTreeMap,
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use parking_lot::Mutex;
use tokio::task::JoinHandle;

/// See the head of the file. Dropping it ends what rings it.
#[derive(Debug)]
pub(super) struct Alarm {
    shared: Arc<Shared>,
    rings: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    bell: Bell,
    waiting: Mutex<Waiting>,
}

/// Who waits, the earliest first; the number tells apart those of one moment.
#[derive(Debug, Default)]
struct Waiting {
    by_time: BTreeMap<(Instant, u64), Waker>,
    count: u64,
}

impl Alarm {
    /// One of this runtime.
    ///
    /// # Errors
    /// When the kernel has no timer left, or no descriptor.
    pub(super) fn of_this_runtime() -> io::Result<Self> {
        let shared = Arc::new(Shared {
            bell: Bell::new()?,
            waiting: Mutex::default(),
        });
        let rings = tokio::spawn(ring(shared.clone()));
        Ok(Self { shared, rings })
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.rings.abort();
    }
}

/// Wakes those whose time has come, for ever.
async fn ring(shared: Arc<Shared>) {
    loop {
        shared.bell.rung().await;
        let mut waiting = shared.waiting.lock();
        let now = Instant::now();
        while let Some(first) = waiting.by_time.first_entry() {
            let (at, _) = *first.key();
            if at > now {
                shared.bell.set(at);
                break;
            }
            first.remove().wake();
        }
    }
}

/// One that is woken by an alarm, at one moment at a time. It costs nothing until it is set.
#[derive(Debug)]
pub(super) struct Timer<'a> {
    alarm: &'a Alarm,
    set: Option<(Instant, u64)>,
}

impl<'a> Timer<'a> {
    pub(super) const fn new(alarm: &'a Alarm) -> Self {
        Self { alarm, set: None }
    }

    /// Ready when `at` has come; otherwise `cx` is woken then. Without a moment it is never ready.
    pub(super) fn poll(&mut self, cx: &Context<'_>, at: Option<Instant>) -> Poll<()> {
        let at = match at {
            Some(at) if at <= Instant::now() => return Poll::Ready(()),
            at => at,
        };
        if at.is_none() && self.set.is_none() {
            return Poll::Pending;
        }
        let shared = &self.alarm.shared;
        let mut waiting = shared.waiting.lock();
        if let Some(set) = self.set {
            let waker = waiting.by_time.get(&set);
            // the commonest case: another wake before the time
            if Some(set.0) == at && waker.is_some_and(|waker| waker.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            waiting.by_time.remove(&set);
            self.set = None;
        }
        let Some(at) = at else {
            return Poll::Pending;
        };
        waiting.count += 1;
        let key = (at, waiting.count);
        waiting.by_time.insert(key, cx.waker().clone());
        self.set = Some(key);
        if waiting
            .by_time
            .first_key_value()
            .is_some_and(|(first, _)| *first == key)
        {
            shared.bell.set(at);
        }
        Poll::Pending
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        if let Some(set) = self.set {
            self.alarm.shared.waiting.lock().by_time.remove(&set);
        }
    }
}

/// What rings: a timer of the kernel, which is read as a pipe is.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Bell(tokio::net::unix::pipe::Receiver);

#[cfg(target_os = "linux")]
impl Bell {
    fn new() -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        tokio::net::unix::pipe::Receiver::from_owned_fd_unchecked(fd).map(Self)
    }

    /// Lets it ring then, and not at any time that was set before.
    fn set(&self, at: Instant) {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let left = at.saturating_duration_since(Instant::now());
        let spec = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                // nothing at all would stop it
                tv_nsec: i64::from(left.subsec_nanos()).max(1),
            },
        };
        if let Err(error) = timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &spec) {
            tracing::error!(%error, "a timer of the kernel could not be set: toxics do not end their delays");
        }
    }

    async fn rung(&self) {
        loop {
            let read = match self.0.readable().await {
                Ok(()) => self.0.try_read(&mut [0; 8]),
                Err(error) => Err(error),
            };
            match read {
                Ok(_) => return,
                // set anew in between
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    tracing::error!(%error, "a timer of the kernel could not be read");
                    // rather late than never, and without burning a core
                    return tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            }
        }
    }
}

/// What rings: the runtime's timer.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, Default)]
struct Bell {
    at: Mutex<Option<Instant>>,
    changed: tokio::sync::Notify,
}

#[cfg(not(target_os = "linux"))]
impl Bell {
    fn new() -> io::Result<Self> {
        Ok(Self::default())
    }

    fn set(&self, at: Instant) {
        *self.at.lock() = Some(at);
        self.changed.notify_one();
    }

    async fn rung(&self) {
        loop {
            let at = *self.at.lock();
            let due = async {
                match at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {
                    self.at.lock().take_if(|now| Some(*now) == at);
                    return;
                }
                () = self.changed.notified() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::poll_fn, time::Duration};

    async fn at(alarm: &Alarm, at: Instant) -> Instant {
        let mut timer = Timer::new(alarm);
        poll_fn(|cx| timer.poll(cx, Some(at))).await;
        Instant::now()
    }

    #[tokio::test]
    async fn it_rings_for_each_and_never_too_early() {
        let alarm = Alarm::of_this_runtime().unwrap();
        let begin = Instant::now();
        // the later ones are set first, so that the earlier ones move the bell
        let times = [40, 5, 20, 5, 1, 0, 30].map(|ms| begin + Duration::from_millis(ms));
        let all = times.map(|time| at(&alarm, time));
        let [a, b, c, d, e, f, g] = all;
        let rung: [Instant; 7] = tokio::join!(a, b, c, d, e, f, g).into();
        for (rung, time) in rung.iter().zip(times) {
            assert!(*rung >= time);
        }
        assert!(alarm.shared.waiting.lock().by_time.is_empty());
    }

    #[tokio::test]
    async fn a_moment_can_be_moved_both_ways_and_taken_back() {
        let alarm = Alarm::of_this_runtime().unwrap();
        let mut timer = Timer::new(&alarm);
        let begin = Instant::now();
        let far = begin + Duration::from_secs(3_600);
        let near = begin + Duration::from_millis(10);
        let mut moments = vec![Some(near), None, Some(far), Some(near), Some(far)];
        poll_fn(|cx| {
            while let Some(moment) = moments.pop() {
                assert!(timer.poll(cx, moment).is_pending());
                assert_eq!(
                    alarm.shared.waiting.lock().by_time.len(),
                    usize::from(moment.is_some())
                );
            }
            timer.poll(cx, Some(near))
        })
        .await;
        assert!(Instant::now() >= near);
    }

    #[tokio::test]
    async fn one_that_goes_leaves_nothing_and_disturbs_nobody() {
        let alarm = Alarm::of_this_runtime().unwrap();
        let begin = Instant::now();
        let first = begin + Duration::from_millis(5);
        let second = begin + Duration::from_millis(25);
        let mut gone = Timer::new(&alarm);
        poll_fn(|cx| {
            assert!(gone.poll(cx, Some(first)).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(gone);
        assert!(alarm.shared.waiting.lock().by_time.is_empty());
        // the bell was set to a moment at which nobody waits any more
        assert!(at(&alarm, second).await >= second);
    }
}
