//! Work on several threads, for queries that have enough of it. Knows no query.

use std::ops::Range;
use std::sync::OnceLock;
use std::thread;

use crate::error::QueryError;

/// Samples of which a thread has so much to do that it pays to start it: some 20 µs of starting against 200 µs of work.
const SAMPLES_PER_THREAD: usize = 200_000;
/// Most threads of one query: others are asked at the same time.
const THREADS_MAX: usize = 8;

/// How many threads a query over so many samples gets.
pub(super) fn worth(samples: usize) -> usize {
    // the answer takes the kernel longer than a small query takes us
    static CORES: OnceLock<usize> = OnceLock::new();
    let cores = *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from));
    (samples / SAMPLES_PER_THREAD).clamp(1, cores.min(THREADS_MAX))
}

/// Does `work` on the parts of `0..length`, each on a thread of its own; results come in the order of the parts.
///
/// # Errors
/// The first of the parts' errors.
pub(super) fn divided<T: Send>(
    length: usize,
    threads: usize,
    work: impl Fn(Range<usize>) -> Result<T, QueryError> + Sync,
) -> Result<Vec<T>, QueryError> {
    let parts = threads.clamp(1, length.max(1));
    let part = |at: usize| length * at / parts..length * (at + 1) / parts;
    if parts == 1 {
        return Ok(vec![work(part(0))?]);
    }
    let work = &work;
    thread::scope(|scope| {
        let start = |at: usize| {
            let started = thread::Builder::new().spawn_scoped(scope, move || work(part(at)));
            (at, started)
        };
        let started: Vec<_> = (1..parts).map(start).collect();
        let mut done = vec![work(part(0))?];
        for (at, thread) in started {
            done.push(match thread {
                Ok(thread) => thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?,
                // a machine that has no thread left: here, then
                Err(_) => work(part(at))?,
            });
        }
        Ok(done)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once_and_in_order() {
        for (length, threads) in [(0, 3), (1, 3), (7, 3), (8, 1), (100, 7)] {
            let parts = divided(length, threads, |part| Ok(part.collect::<Vec<_>>())).unwrap();
            assert!(parts.len() <= threads);
            assert_eq!(parts.concat(), (0..length).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_error_is_the_answer() {
        let failed = divided(4, 4, |part| {
            if part.start > 1 {
                return Err(QueryError::Execution(part.start.to_string()));
            }
            Ok(())
        });
        assert!(matches!(failed, Err(QueryError::Execution(text)) if text == "2"));
    }

    #[test]
    fn small_queries_stay_on_their_thread() {
        assert_eq!(worth(0), 1);
        assert_eq!(worth(SAMPLES_PER_THREAD), 1);
        assert!(worth(usize::MAX) <= THREADS_MAX);
    }
}
