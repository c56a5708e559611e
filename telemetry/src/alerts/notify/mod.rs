//! Webhooks: who is told when an alert begins or ceases to fire. Each webhook has a bounded queue of its own and is tried again
//! while that may help; one that is slow or down costs what is dropped, which is counted, and never the alerts' time.

mod payload;
mod send;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::Uri;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::state::{Alert, State};
use crate::metrics::Metrics;
use crate::outbound::{self, Failure};
use send::Sender;

/// Messages that may wait for one webhook; more are dropped.
const QUEUE_MESSAGES: usize = 64;
/// Attempts for one message, with waits that double between them.
const ATTEMPTS: u32 = 6;
/// First wait before a message is sent again.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest wait that a receiver may ask for.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// How a webhook wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// The JSON of Alertmanager's webhooks, version 4; each alert also has `value` and `threshold`.
    Generic,
    /// Slack's incoming webhooks: a text and attachments.
    Slack,
}

/// Whom to tell.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    uri: Uri,
    shape: Shape,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // a Slack webhook's path is its key
        write!(f, "{:?} {}", self.shape, outbound::shown(&self.uri))
    }
}

/// Why an address is none for a webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the address of a webhook ({0}): write it as in http://127.0.0.1:9093/hook or https://hooks.example.com/…"
)]
pub struct WebhookError(String);

impl Webhook {
    /// A webhook at `http://…` or `https://…`.
    ///
    /// # Errors
    /// Another scheme, no host, or no URL at all; the text is not repeated, as it may be secret.
    pub fn new(url: &str, shape: Shape) -> Result<Self, WebhookError> {
        let uri: Uri = url
            .trim()
            .parse()
            .map_err(|error: http::uri::InvalidUri| WebhookError(error.to_string()))?;
        match uri.scheme_str() {
            Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => {
                Ok(Self { uri, shape })
            }
            Some("http" | "https") => Err(WebhookError("it names no host".to_owned())),
            Some(other) => Err(WebhookError(format!("{other:?} is no scheme for it"))),
            None => Err(WebhookError("it has no scheme".to_owned())),
        }
    }
}

/// How telling one webhook goes, in messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Scheme and host.
    pub to: String,
    /// Its shape.
    pub shape: Shape,
    /// Taken.
    pub sent: u64,
    /// Attempts that failed and were repeated.
    pub retried: u64,
    /// Refused for good, or given up after the last attempt.
    pub failed: u64,
    /// Not sent, because too many waited.
    pub dropped: u64,
    /// The last thing that went wrong.
    pub problem: Option<String>,
}

/// Tells webhooks of the alerts of one store. Clones are the same.
#[derive(Debug, Clone)]
pub struct Notifier {
    told: Arc<Mutex<Vec<Told>>>,
}

/// The work of a [`Notifier`]; nobody is told until its owner runs it.
pub struct Notifying {
    metrics: Metrics,
    webhooks: Vec<Webhook>,
    /// Base URL of the APIs, for links to queries.
    api_url: String,
    first_retry: Duration,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Notifier {
    /// A notifier, and its work. `api_url` is the base URL of the query APIs, without a slash at its end.
    #[must_use]
    pub fn new(metrics: Metrics, webhooks: Vec<Webhook>, api_url: String) -> (Self, Notifying) {
        let told = webhooks.iter().map(|webhook| Told {
            to: outbound::shown(&webhook.uri),
            shape: webhook.shape,
            sent: 0,
            retried: 0,
            failed: 0,
            dropped: 0,
            problem: None,
        });
        let told = Arc::new(Mutex::new(told.collect()));
        let notifying = Notifying {
            metrics,
            webhooks,
            api_url,
            first_retry: FIRST_RETRY,
            told: told.clone(),
        };
        (Self { told }, notifying)
    }

    /// How it goes, a webhook each, in the order in which they were given.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        self.told.lock().clone()
    }
}

impl Notifying {
    /// Tells of every alert that fires from now on, those that fire already included, and of its end, until cancelled.
    pub async fn run(self, cancel: CancellationToken) {
        let (mut queues, mut lanes) = (Vec::new(), Vec::new());
        for (at, webhook) in self.webhooks.iter().enumerate() {
            let queue = Sender::new(&webhook.uri).map(|sender| {
                let (to, waiting) = mpsc::channel(QUEUE_MESSAGES);
                lanes.push(Lane {
                    at,
                    sender,
                    waiting,
                    told: self.told.clone(),
                    first_retry: self.first_retry,
                });
                to
            });
            queues.push(queue);
        }
        let watching = self.watch(queues);
        let telling = join_all(lanes.into_iter().map(Lane::run));
        tokio::select! {
            () = cancel.cancelled() => {}
            _ = futures_util::future::join(watching, telling) => {}
        }
    }

    async fn watch(&self, queues: Vec<io::Result<mpsc::Sender<Bytes>>>) {
        let mut changes = self.metrics.alerts().subscribe();
        let mut known = Known::default();
        loop {
            let changed = known.changes(self.metrics.alerts().alerts());
            if !changed.is_empty() {
                for (at, queue) in queues.iter().enumerate() {
                    let shape = self.webhooks[at].shape;
                    let put = |queue: &mpsc::Sender<Bytes>| {
                        queue.try_send(payload::message(shape, &changed, &self.api_url))
                    };
                    let (problem, count): (String, fn(&mut Told) -> &mut u64) = match queue {
                        Ok(queue) if put(queue).is_ok() => continue,
                        Ok(_) => (format!("{QUEUE_MESSAGES} messages wait already"), |t| {
                            &mut t.dropped
                        }),
                        Err(error) => (format!("no certificates to trust: {error}"), |t| {
                            &mut t.failed
                        }),
                    };
                    let told = &mut self.told.lock()[at];
                    *count(told) += 1;
                    told.problem = Some(problem);
                }
            }
            // that some transitions were missed is no matter: all alerts are looked at anyway
            if let Err(broadcast::error::RecvError::Closed) = changes.recv().await {
                return;
            }
            // one evaluation's changes belong in one message
            while changes.try_recv().is_ok() {}
        }
    }
}

/// What the webhooks have been told.
#[derive(Default)]
struct Known(BTreeMap<Vec<(String, String)>, Alert>);

impl Known {
    /// What is to be told now: alerts that fire and were not known to, and known ones that do not any more.
    fn changes(&mut self, alerts: Vec<Alert>) -> Vec<Alert> {
        let mut changed = Vec::new();
        let mut still = BTreeMap::new();
        for alert in alerts {
            let before = self.0.remove(&alert.labels);
            match alert.state {
                State::Firing => {
                    if before.is_none_or(|before| before.fired_at_ns != alert.fired_at_ns) {
                        changed.push(alert.clone());
                    }
                    still.insert(alert.labels.clone(), alert);
                }
                State::Resolved if before.is_some() => changed.push(alert),
                // it fired, and a longer wait made it pending again
                State::Pending | State::Inactive => changed.extend(before.map(ended)),
                State::Resolved => {}
            }
        }
        // what is not listed any more, as when rules were loaded anew
        changed.extend(
            std::mem::replace(&mut self.0, still)
                .into_values()
                .map(ended),
        );
        changed
    }
}

fn ended(mut alert: Alert) -> Alert {
    alert.state = State::Resolved;
    alert
}

struct Lane {
    at: usize,
    sender: Sender,
    waiting: mpsc::Receiver<Bytes>,
    first_retry: Duration,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Lane {
    async fn run(mut self) {
        while let Some(message) = self.waiting.recv().await {
            self.tell(message).await;
        }
    }

    async fn tell(&self, message: Bytes) {
        let mut wait = self.first_retry;
        for attempt in 1..=ATTEMPTS {
            let failure = match self.sender.send(message.clone()).await {
                Ok(()) => {
                    self.note(|told| told.sent += 1);
                    return;
                }
                Err(failure) => failure,
            };
            match failure {
                Failure::Passing(problem, asked) if attempt < ATTEMPTS => {
                    self.note(|told| {
                        told.retried += 1;
                        told.problem = Some(problem);
                    });
                    tokio::time::sleep(asked.unwrap_or(wait).min(LONGEST_RETRY)).await;
                    wait *= 2;
                }
                Failure::Passing(problem, _) | Failure::Lasting(problem) => {
                    self.note(|told| {
                        told.failed += 1;
                        told.problem = Some(problem.clone());
                    });
                    return;
                }
            }
        }
    }

    fn note(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told.lock()[self.at]);
    }
}
