//! Webhooks: who is told when an alert begins or ceases to fire. Each webhook has a bounded queue of its own and is tried again
//! while that may help; one that is slow or down costs what is dropped, which is counted, and never the alerts' time.

mod payload;
mod send;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::Uri;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::state::{Alert, State};
use crate::metrics::Metrics;
use crate::outbound::{self, Failure, Limits, Outcome, Queue, Recipient};
use send::Sender;

/// Messages that may wait for one webhook; more are dropped.
const QUEUE_MESSAGES: usize = 64;
/// Attempts for one message, with waits that double between them.
const ATTEMPTS: u32 = 6;
/// First wait before a message is sent again.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Bytes of the messages that wait for one webhook.
const QUEUE_BYTES: usize = 16 * 1024 * 1024;

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
    /// Not sent, because too many waited or the end came first.
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
    /// Tells of every alert that fires from now on, those that fire already included, and of its end, until cancelled; what
    /// waits then is told for at most two seconds more.
    pub async fn run(self, cancel: CancellationToken) {
        let limits = Limits {
            messages: QUEUE_MESSAGES,
            bytes: QUEUE_BYTES,
            attempts: ATTEMPTS,
            give_up_after: Duration::MAX,
            first_retry: self.first_retry,
        };
        let (queues, lanes): (Vec<_>, Vec<_>) = self
            .webhooks
            .iter()
            .enumerate()
            .map(|(at, webhook)| {
                let pager = Pager {
                    at,
                    sender: Sender::new(&webhook.uri),
                    told: self.told.clone(),
                };
                Queue::new(pager, limits)
            })
            .unzip();
        let watching = async {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.watch(queues) => {}
            }
        };
        let telling = join_all(lanes.into_iter().map(|lane| lane.run(cancel.clone())));
        futures_util::future::join(watching, telling).await;
    }

    async fn watch(&self, queues: Vec<Queue<Pager>>) {
        let mut changes = self.metrics.alerts().subscribe();
        let mut known = Known::default();
        loop {
            let changed = known.changes(self.metrics.alerts().alerts());
            if !changed.is_empty() {
                for (webhook, queue) in self.webhooks.iter().zip(&queues) {
                    queue.offer(payload::message(webhook.shape, &changed, &self.api_url));
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

/// One webhook, and how telling it goes.
#[derive(Debug)]
struct Pager {
    at: usize,
    sender: Sender,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Recipient for Pager {
    type Answer = ();

    async fn send(&self, message: &Bytes) -> Result<(), Failure> {
        self.sender.send(message.clone()).await
    }

    fn note(&self, outcome: Outcome<()>) {
        let told = &mut self.told.lock()[self.at];
        let (count, problem) = match outcome {
            Outcome::Taken(()) => (&mut told.sent, None),
            Outcome::Repeated(why) => (&mut told.retried, Some(why)),
            Outcome::Failed(why) => (&mut told.failed, Some(why)),
            Outcome::Dropped(why) => (&mut told.dropped, why),
        };
        *count += 1;
        if problem.is_some() {
            told.problem = problem;
        }
    }
}
