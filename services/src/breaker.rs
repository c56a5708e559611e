//! A circuit breaker: after so many failures in a row it lets nothing through for a while, then one
//! call to try; its success closes it, its failure opens it again.
//!
//! It knows nothing of what is called, and counts only what its passes are told.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use scenarios::setting;
use tokio::time::Instant;

/// A breaker, or none: without settings everything passes. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Breaker(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    settings: Option<setting::Breaker>,
    state: State,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everything passes; so many failures in a row.
    Closed { failures: u32 },
    /// Nothing passes until then.
    Open { until: Instant },
    /// One call is under way to try.
    HalfOpen,
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// It is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open;

impl Breaker {
    /// Takes new settings; `None` takes it out. A changed breaker starts closed, an unchanged one stays as it is.
    pub fn configure(&self, settings: Option<setting::Breaker>) {
        let mut inner = self.0.lock();
        if inner.settings != settings {
            *inner = Inner {
                settings,
                state: State::default(),
            };
        }
    }

    /// Asks to call. The pass is to be told how the call went.
    ///
    /// # Errors
    /// [`Open`] when nothing may pass now.
    pub fn pass(&self) -> Result<Pass, Open> {
        let mut inner = self.0.lock();
        let trial = match (inner.settings, inner.state) {
            (None, _) | (Some(_), State::Closed { .. }) => false,
            (Some(_), State::Open { until }) if Instant::now() >= until => {
                inner.state = State::HalfOpen;
                true
            }
            (Some(_), State::Open { .. } | State::HalfOpen) => return Err(Open),
        };
        drop(inner);
        Ok(Pass {
            breaker: self.clone(),
            trial,
            told: false,
        })
    }

    /// 0 closed or absent, 1 half-open, 2 open.
    #[must_use]
    pub fn level(&self) -> u8 {
        match self.0.lock().state {
            State::Closed { .. } => 0,
            State::HalfOpen => 1,
            State::Open { .. } => 2,
        }
    }
}

/// Permission for one call.
#[derive(Debug)]
pub struct Pass {
    breaker: Breaker,
    trial: bool,
    told: bool,
}

impl Pass {
    /// The call worked.
    pub fn succeeded(mut self) {
        self.told = true;
        let mut inner = self.breaker.0.lock();
        if self.trial || matches!(inner.state, State::Closed { .. }) {
            inner.state = State::default();
        }
    }

    /// The call failed.
    pub fn failed(mut self) {
        self.told = true;
        self.count_failure();
    }

    fn count_failure(&self) {
        let mut inner = self.breaker.0.lock();
        let Some(settings) = inner.settings else {
            return;
        };
        let open = State::Open {
            until: Instant::now() + Duration::from_millis(settings.reset_ms),
        };
        inner.state = match inner.state {
            State::HalfOpen if self.trial => open,
            State::Closed { failures } if failures + 1 >= settings.failures => open,
            State::Closed { failures } => State::Closed {
                failures: failures + 1,
            },
            other => other,
        };
    }
}

impl Drop for Pass {
    /// A trial that was abandoned proves nothing: it counts as failed, or the breaker would stay half-open for ever.
    fn drop(&mut self) {
        if self.trial && !self.told {
            self.count_failure();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        let breaker = Breaker::default();
        breaker.configure(Some(setting::Breaker {
            failures: 3,
            reset_ms: 1_000,
        }));
        breaker
    }

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.pass().unwrap().failed();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_only() {
        let breaker = breaker();
        fail(&breaker, 2);
        breaker.pass().unwrap().succeeded();
        fail(&breaker, 2);
        assert_eq!(breaker.level(), 0);
        fail(&breaker, 1);
        assert_eq!(breaker.level(), 2);
        assert_eq!(breaker.pass().unwrap_err(), Open);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_reset_one_call_may_try_and_its_success_closes_it() {
        let breaker = breaker();
        fail(&breaker, 3);
        tokio::time::advance(Duration::from_millis(999)).await;
        assert!(breaker.pass().is_err());
        tokio::time::advance(Duration::from_millis(1)).await;
        let trial = breaker.pass().unwrap();
        assert_eq!(breaker.level(), 1);
        assert!(breaker.pass().is_err());
        trial.succeeded();
        assert_eq!(breaker.level(), 0);
        fail(&breaker, 2);
        assert_eq!(breaker.level(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_or_abandoned_trial_opens_it_again() {
        let breaker = breaker();
        fail(&breaker, 3);
        for abandon in [false, true] {
            tokio::time::advance(Duration::from_secs(1)).await;
            let trial = breaker.pass().unwrap();
            if abandon {
                drop(trial);
            } else {
                trial.failed();
            }
            assert_eq!(breaker.level(), 2);
            assert!(breaker.pass().is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn late_news_from_before_it_opened_changes_nothing() {
        let breaker = breaker();
        let late = breaker.pass().unwrap();
        fail(&breaker, 3);
        late.succeeded();
        assert_eq!(breaker.level(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn without_settings_everything_passes() {
        let breaker = breaker();
        fail(&breaker, 3);
        breaker.configure(None);
        fail(&breaker, 10);
        assert!(breaker.pass().is_ok());
        assert_eq!(breaker.level(), 0);
    }
}
