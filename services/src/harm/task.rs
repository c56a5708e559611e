//! A task that runs for as long as a setting is what it is, and is over when it has been replaced.

use tokio::task::JoinHandle;

/// A task, or none, and what it was started for.
#[derive(Debug)]
pub struct Replaceable<T> {
    running: Option<(T, Running)>,
}

/// Aborts its task when it is dropped.
#[derive(Debug)]
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Default for Replaceable<T> {
    fn default() -> Self {
        Self { running: None }
    }
}

impl<T: Copy + PartialEq> Replaceable<T> {
    /// Runs the task for this value, or none. One that runs for the same value runs on; any other is over, and what it held
    /// is given back, when this returns.
    pub async fn follow<F>(&mut self, wanted: Option<(T, impl FnOnce(T) -> F)>)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some((value, work)) = wanted else {
            return self.stop().await;
        };
        if !self.runs_for(value) {
            self.stop().await;
            self.running = Some((value, Running(tokio::spawn(work(value)))));
        }
    }

    /// Whether it runs for this value.
    pub fn runs_for(&self, value: T) -> bool {
        matches!(&self.running, Some((now, _)) if *now == value)
    }

    /// Ends the task; what it held is given back when this returns.
    pub async fn stop(&mut self) {
        if let Some((_, mut running)) = self.running.take() {
            running.0.abort();
            // an aborted task ends with an error, which is what was asked for
            let _ = (&mut running.0).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    struct Held(Arc<AtomicU32>);

    impl Drop for Held {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn a_task_is_over_and_holds_nothing_when_it_was_replaced() {
        let held = Arc::new(AtomicU32::new(0));
        let starts = Arc::new(AtomicU32::new(0));
        let work = |_| {
            held.fetch_add(1, Ordering::SeqCst);
            starts.fetch_add(1, Ordering::SeqCst);
            let held = Held(Arc::clone(&held));
            async move {
                std::future::pending::<()>().await;
                drop(held);
            }
        };
        let mut task = Replaceable::default();
        let mut seen = Vec::new();
        for value in [Some(1), Some(1), Some(2), None, None, Some(2)] {
            task.follow(value.map(|value| (value, work))).await;
            seen.push((held.load(Ordering::SeqCst), starts.load(Ordering::SeqCst)));
        }
        assert_eq!(seen, [(1, 1), (1, 1), (1, 2), (0, 2), (0, 2), (1, 3)]);
    }
}
