//! Doing something so many times a second, counted off in whole steps whenever one looks.

use tokio::time::Instant;

/// What is due of something that happens at a rate.
#[derive(Debug)]
pub struct Pace {
    last: Instant,
    credit: f64,
}

impl Pace {
    /// From now on.
    #[must_use]
    pub fn new() -> Self {
        Self {
            last: Instant::now(),
            credit: 0.0,
        }
    }

    /// How many have become due since it was last asked, at this many a second.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole, at most the rate times a pause
    pub fn due(&mut self, per_s: f64) -> u32 {
        self.credit += self.last.elapsed().as_secs_f64() * per_s;
        self.last = Instant::now();
        let due = self.credit.trunc() as u32;
        self.credit -= f64::from(due);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Duration, advance};

    #[tokio::test(start_paused = true)]
    async fn nothing_is_lost_between_whole_steps() {
        let mut pace = Pace::new();
        let mut due = 0;
        for _ in 0..100 {
            advance(Duration::from_millis(25)).await;
            due += pace.due(3.0);
        }
        assert_eq!(due, 7);
        assert_eq!(pace.due(3.0), 0);
    }
}
