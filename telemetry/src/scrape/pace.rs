//! When rounds are due: an interval in store time, kept while the store's clock runs at any speed. Knows no scrape.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::time::TimeSource;

/// Least wall time between the starts of two rounds: 40 rounds a second at most, so that a fast clock cannot keep the machine busy.
pub const ROUND_WALL_MIN: Duration = Duration::from_millis(25);
/// Longest sleep: the clock may speed up at any time, and then a round would be late by so much wall time.
const SLEEP_MAX: Duration = Duration::from_millis(100);
/// Shortest store time between rounds, whatever the interval function says.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Calls `round` each `interval()` of store time until cancelled. Rounds never overlap; one that was missed is not made up for.
pub async fn every<F>(
    time: &dyn TimeSource,
    cancel: &CancellationToken,
    interval: impl Fn() -> Duration,
    mut round: impl FnMut() -> F,
) where
    F: Future<Output = ()>,
{
    let mut speed = 1.0_f64;
    loop {
        let (began, began_ns) = (Instant::now(), time.now_ns());
        tokio::select! {
            () = cancel.cancelled() => return,
            () = round() => {}
        }
        let due_ns = began_ns.saturating_add(
            i64::try_from(interval().max(INTERVAL_MIN).as_nanos()).unwrap_or(i64::MAX),
        );
        loop {
            let (wall, now_ns) = (began.elapsed(), time.now_ns());
            let left_ns = due_ns.saturating_sub(now_ns);
            if wall > Duration::from_millis(5) {
                speed = ((now_ns - began_ns) as f64 / wall.as_nanos() as f64).max(0.01);
            }
            if left_ns <= 0 && wall >= ROUND_WALL_MIN {
                break;
            }
            let store_left = Duration::from_nanos((left_ns.max(0) as f64 / speed) as u64);
            let sleep = store_left
                .max(ROUND_WALL_MIN.saturating_sub(wall))
                .clamp(Duration::from_millis(1), SLEEP_MAX);
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }
}
