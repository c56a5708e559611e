//! The service's clock: everything that reads wall time asks it, so that it can be off as a whole.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Wall time as this service sees it. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Now.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.dated(SystemTime::now())
    }

    /// Now, as Unix time in milliseconds.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        let now = self.now().duration_since(UNIX_EPOCH);
        now.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// What this clock showed at a true time.
    #[must_use]
    pub fn dated(&self, at: SystemTime) -> SystemTime {
        let ms = self.offset_ms();
        let offset = Duration::from_millis(ms.unsigned_abs());
        let shown = match ms {
            0 => return at,
            1.. => at.checked_add(offset),
            _ => at.checked_sub(offset),
        };
        shown.unwrap_or(at)
    }

    /// How far it is off, milliseconds; ahead above zero.
    #[must_use]
    pub fn offset_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Puts it ahead, or back, by so many milliseconds.
    pub fn set_offset_ms(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_off_by_as_much_as_it_was_told_and_right_again_after() {
        let clock = Clock::default();
        let at = UNIX_EPOCH + Duration::from_secs(1_000);
        for (ms, shown_ms) in [(0, 1_000_000), (2_500, 1_002_500), (-2_500, 997_500)] {
            clock.clone().set_offset_ms(ms);
            assert_eq!(
                clock.dated(at),
                UNIX_EPOCH + Duration::from_millis(shown_ms)
            );
        }
        clock.set_offset_ms(-60_000);
        let true_ms = Clock::default().unix_ms();
        assert!((true_ms - 60_000..true_ms - 30_000).contains(&clock.unix_ms()));
    }
}
