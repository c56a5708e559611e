//! A toxic as it was asked for: what, where, and when it starts, ramps up and ends. Without a schedule it acts when
//! [`Scheduled::start`] returns, and until it is dropped.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use scenarios::toxic::{Stream, Toxic, Toxicity};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::{Poisoned, Proxy};

/// How often a ramp is taken a step up.
const RAMP_STEP: Duration = Duration::from_millis(50);

/// When a toxic acts. All zero or none is from now until it is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schedule {
    /// Time until it starts.
    pub start_after: Duration,
    /// Time from its start to its end; none is until it is taken off.
    pub duration: Option<Duration>,
    /// Time from its start in which its attributes grow from nothing to what was asked for.
    pub ramp: Duration,
}

/// A toxic to be put on.
#[derive(Debug, Clone, PartialEq)]
pub struct ToxicSpec {
    /// Name, unique on its proxy.
    pub name: String,
    /// Directions.
    pub stream: Stream,
    /// Share of the connections.
    pub toxicity: Toxicity,
    /// What it does.
    pub toxic: Toxic,
    /// When.
    pub schedule: Schedule,
}

/// A toxic as it is shown: with the attributes that were asked for, whatever a ramp has reached.
pub type ToxicView = ToxicSpec;

/// See the head of the file. Dropping it takes the toxic off.
#[derive(Debug)]
pub(super) struct Scheduled {
    shared: Arc<Shared>,
    _task: Option<AbortOnDropHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    spec: Mutex<ToxicSpec>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Waiting,
    /// On the link, at this share of its strength.
    On(Poisoned, f64),
    Ended,
}

impl Scheduled {
    /// Calls `ended` when its time is over, unless it was taken off before.
    pub(super) fn start(
        proxy: &Arc<Proxy>,
        spec: ToxicSpec,
        ended: impl FnOnce() + Send + 'static,
    ) -> Self {
        let schedule = spec.schedule;
        let shared = Arc::new(Shared {
            spec: Mutex::new(spec),
            state: Mutex::new(State::Waiting),
        });
        if schedule == Schedule::default() {
            shared.put_on(proxy, 1.0);
            return Self {
                shared,
                _task: None,
            };
        }
        if schedule.start_after.is_zero() {
            shared.put_on(proxy, if schedule.ramp.is_zero() { 1.0 } else { 0.0 });
        }
        let (at, proxy) = (shared.clone(), proxy.clone());
        let task = tokio::spawn(async move {
            follow(&at, proxy, schedule).await;
            if at.end() {
                ended();
            }
        });
        Self {
            shared,
            _task: Some(AbortOnDropHandle::new(task)),
        }
    }

    pub(super) fn name(&self) -> String {
        self.shared.spec.lock().name.clone()
    }

    pub(super) fn view(&self) -> ToxicView {
        self.shared.spec.lock().clone()
    }

    /// Whether its time is over.
    pub(super) fn has_ended(&self) -> bool {
        matches!(*self.shared.state.lock(), State::Ended)
    }

    /// Takes it off; whether its time was not over yet.
    pub(super) fn end(self) -> bool {
        self.shared.end()
    }

    /// Changes what was asked for; a ramp goes on towards it.
    pub(super) fn change<E>(
        &self,
        updated: impl FnOnce(&Toxic) -> Result<Toxic, E>,
        toxicity: Option<Toxicity>,
    ) -> Result<ToxicView, E> {
        let view = {
            let mut spec = self.shared.spec.lock();
            spec.toxic = updated(&spec.toxic)?;
            spec.toxicity = toxicity.unwrap_or(spec.toxicity);
            spec.clone()
        };
        self.shared.apply(None);
        Ok(view)
    }
}

impl Drop for Scheduled {
    fn drop(&mut self) {
        // the task has it too, and is only told to end
        self.shared.end();
    }
}

impl Shared {
    /// Whether it had not ended yet: of several who end it, one hears so.
    fn end(&self) -> bool {
        let before = std::mem::replace(&mut *self.state.lock(), State::Ended);
        !matches!(before, State::Ended)
    }

    fn put_on(&self, proxy: &Proxy, share: f64) {
        let spec = self.spec.lock().clone();
        let mut state = self.state.lock();
        if matches!(*state, State::Waiting) {
            let toxic = spec.toxic.at_strength(share);
            let poisoned = proxy.poison(&spec.name, spec.stream, spec.toxicity, toxic);
            *state = State::On(poisoned, share);
        }
    }

    /// Takes over the spec, and the share if there is a new one.
    fn apply(&self, share: Option<f64>) {
        let spec = self.spec.lock().clone();
        if let State::On(poisoned, reached) = &mut *self.state.lock() {
            *reached = share.unwrap_or(*reached);
            poisoned.set(spec.toxic.at_strength(*reached), spec.toxicity);
        }
    }
}

/// Until its time is over.
async fn follow(shared: &Shared, proxy: Arc<Proxy>, schedule: Schedule) {
    let begin = Instant::now() + schedule.start_after;
    sleep_until(begin).await;
    let end = schedule.duration.map(|duration| begin + duration);
    shared.put_on(&proxy, if schedule.ramp.is_zero() { 1.0 } else { 0.0 });
    // the link is the proxy's, not this task's, to keep
    drop(proxy);
    let ramp = async {
        while !schedule.ramp.is_zero() {
            sleep(RAMP_STEP).await;
            let share = begin.elapsed().div_duration_f64(schedule.ramp);
            shared.apply(Some(share.min(1.0)));
            if share >= 1.0 {
                break;
            }
        }
        if end.is_none() {
            std::future::pending::<()>().await;
        }
    };
    let ended = async {
        match end {
            Some(end) => sleep_until(end).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = async { tokio::join!(ramp, ended); } => {}
    }
}
