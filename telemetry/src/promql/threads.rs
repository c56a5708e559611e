//! Work on several threads, for queries that have enough of it. Knows no query.

use std::ops::Range;

use crate::error::QueryError;
use crate::parallel;

/// Samples of which a thread has so much to do that it pays to start it: some 20 µs of starting against 200 µs of work.
const SAMPLES_PER_THREAD: usize = 200_000;
/// Most threads of one query: others are asked at the same time.
const THREADS_MAX: usize = 8;

/// How many threads a query over so many samples gets.
pub(super) fn worth(samples: usize) -> usize {
    (samples / SAMPLES_PER_THREAD).clamp(1, parallel::cores().min(THREADS_MAX))
}

/// Does `work` on as many parts of `0..length` as there are threads, on those that are free; results come in the order of the parts.
///
/// # Errors
/// The first of the parts' errors.
pub(super) fn divided<T: Send>(
    length: usize,
    threads: usize,
    work: impl Fn(Range<usize>) -> Result<T, QueryError> + Sync,
) -> Result<Vec<T>, QueryError> {
    let parts = threads.clamp(1, length.max(1));
    let ranges: Vec<_> = (0..parts)
        .map(|at| length * at / parts..length * (at + 1) / parts)
        .collect();
    parallel::try_map(&ranges, parts > 1, |range| work(range.clone()))
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
