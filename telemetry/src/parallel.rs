//! One piece of work after another on as many cores as are free, results in the order of the work.
//! Knows nothing of what is worked on.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Threads that help at this moment, those of all callers together: many queries at once must not
/// start more threads than there are cores.
static HELPING: AtomicUsize = AtomicUsize::new(0);

/// Cores of this machine. Asked once: the answer takes the kernel longer than a small query takes us.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Helpers taken from the common stock, given back when this goes.
struct Helpers(usize);

impl Helpers {
    /// At most `wanted`, so many as are left.
    fn take(wanted: usize) -> Self {
        let mut taken = 0;
        let _ = HELPING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |helping| {
            taken = wanted.min((cores() - 1).saturating_sub(helping));
            (taken > 0).then_some(helping + taken)
        });
        Self(taken)
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        HELPING.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// What `work` makes of each item, in the order of the items. With `helped`, other cores take part as
/// far as they are free; starting them costs some tens of microseconds.
///
/// # Errors
/// The error of the first item that has one. Items after it may not have been worked on.
pub fn try_map<T: Sync, R: Send, E: Send>(
    items: &[T],
    helped: bool,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let helpers = Helpers::take(if helped {
        items.len().saturating_sub(1)
    } else {
        0
    });
    share(items, helpers.0, work)
}

/// The same with so many helpers.
fn share<T: Sync, R: Send, E: Send>(
    items: &[T],
    helpers: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if helpers == 0 {
        return items.iter().map(work).collect();
    }
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let run = || {
        let mut mine = Vec::new();
        // an item that is taken is worked on though a later one failed: the first error is the answer
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            let result = work(item);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            mine.push((index, result));
        }
        results.lock().append(&mut mine);
    };
    std::thread::scope(|scope| {
        for _ in 0..helpers {
            // a machine that has no thread left: then this one does it all
            let _ = std::thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
    let mut results = results.into_inner();
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..1_000).collect();
        let double = |item: &u64| Ok::<_, ()>(item * 2);
        let expected: Vec<u64> = items.iter().map(|item| item * 2).collect();
        for helped in [false, true] {
            assert_eq!(try_map(&items, helped, double), Ok(expected.clone()));
        }
        assert_eq!(try_map(&[], true, double), Ok(vec![]));
    }

    #[test]
    fn results_of_several_threads_come_in_the_order_of_the_items() {
        // two threads meet at every other item, so each has some of them
        let meeting = std::sync::Barrier::new(2);
        let work = |item: &u64| {
            meeting.wait();
            Ok::<_, ()>(item * 2)
        };
        assert_eq!(share(&[1, 2, 3, 4], 1, work), Ok(vec![2, 4, 6, 8]));
    }

    #[test]
    fn the_first_error_is_the_answer() {
        let items: Vec<u64> = (0..1_000).collect();
        for helped in [false, true] {
            for _ in 0..50 {
                let odd = |item: &u64| if item % 100 == 99 { Err(*item) } else { Ok(()) };
                assert_eq!(try_map(&items, helped, odd), Err(99));
            }
        }
    }

    #[test]
    fn helpers_are_given_back() {
        for _ in 0..100 {
            let items = [(); 64];
            assert!(try_map(&items, true, |()| Ok::<_, ()>(())).is_ok());
        }
        assert!(HELPING.load(Ordering::Relaxed) < cores());
    }
}
