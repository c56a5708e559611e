//! One rollout as it goes on: what it has come to, for whoever looks, and the word that stops it.

use api::{Rollout, RolloutEnd, RolloutStep, Strategy};
use parking_lot::Mutex;
use scenarios::shop::Role;
use tokio_util::sync::CancellationToken;

/// A rollout that goes on as long as this lives.
pub(in crate::lab) struct Ending<'a>(&'a Run);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.view.lock().running = false;
        self.0.ended.cancel();
    }
}

/// See the head of the file.
#[derive(Debug)]
pub(in crate::lab) struct Run {
    pub remedy: String,
    pub strategy: Strategy,
    view: Mutex<Rollout>,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl Run {
    pub(in crate::lab) fn new(remedy: &str, strategy: Strategy) -> Self {
        Self {
            remedy: remedy.to_owned(),
            strategy,
            view: Mutex::new(Rollout {
                strategy,
                service: String::new(),
                release: String::new(),
                running: true,
                percent: 0,
                steps: Vec::new(),
                end: None,
            }),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
        }
    }

    /// How it stands.
    pub(in crate::lab) fn view(&self) -> Rollout {
        self.view.lock().clone()
    }

    pub(in crate::lab) fn is_running(&self) -> bool {
        self.view.lock().running
    }

    /// Asks it to take the release back, waits until it has ended, and says what came of it: the word may have come too late.
    /// None when it broke off without a result.
    pub(in crate::lab) async fn stop(&self) -> Option<RolloutEnd> {
        self.stop.cancel();
        self.ended.cancelled().await;
        self.view.lock().end.clone()
    }

    /// Keeps what came of it.
    pub(in crate::lab) fn conclude(&self, end: RolloutEnd) {
        self.view.lock().end = Some(end);
    }

    /// Says that it has ended when what this gives is dropped, however that comes.
    pub(in crate::lab) const fn ending(&self) -> Ending<'_> {
        Ending(self)
    }

    pub(super) fn is_of(&self, service: Role, release: &str) {
        let mut view = self.view.lock();
        view.service = service.to_string();
        release.clone_into(&mut view.release);
    }

    pub(super) fn set_percent(&self, percent: u8) {
        self.view.lock().percent = percent;
    }

    /// A step begins.
    pub(super) fn begin(&self, at_ms: i64, what: &str) -> Rollout {
        let mut view = self.view.lock();
        view.steps.push(RolloutStep {
            at_ms,
            title: what.to_owned(),
            state: "running".to_owned(),
            figures: String::new(),
        });
        view.clone()
    }

    /// The step under way has these figures by now.
    pub(super) fn figures(&self, said: &str) {
        if let Some(step) = self.view.lock().steps.last_mut() {
            said.clone_into(&mut step.figures);
        }
    }

    /// The step under way has ended.
    pub(super) fn end(&self, passed: bool, figures: &str) {
        if let Some(step) = self.view.lock().steps.last_mut() {
            step.state = if passed { "passed" } else { "failed" }.to_owned();
            figures.clone_into(&mut step.figures);
        }
    }

    /// The figures of the last step.
    pub(super) fn told(&self) -> String {
        let view = self.view.lock();
        view.steps
            .last()
            .map(|step| step.figures.clone())
            .unwrap_or_default()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    pub(super) async fn until_stopped(&self) {
        self.stop.cancelled().await;
    }

    pub(super) fn stopped_as_asked(&self) -> String {
        let percent = self.view.lock().percent;
        format!("stopped as you asked, at {percent} %")
    }
}
