//! What a drill says to whoever watches it without a screen: the journal, translated for people and
//! scripts, one event a line.

use std::{collections::VecDeque, sync::Arc};

use api::{ChangeKind, Scorecard};
use serde::Serialize;
use simulator::journal::{Entry, Event};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{debrief::change_kind, desk::Desk, score::score};

/// Something that happened. Times are drill time, Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[allow(missing_docs)] // fields say what the api types of the same names say
pub enum DrillEvent {
    /// An alert fires or is resolved.
    Alert {
        at_ms: i64,
        name: String,
        state: String,
        service: Option<String>,
        value: f64,
    },
    /// The page fired.
    Page {
        at_ms: i64,
        title: String,
        alert: String,
        value: f64,
    },
    /// An entry of the change history that a trainee sees.
    Change {
        at_ms: i64,
        id: String,
        what: ChangeKind,
        title: String,
    },
    /// An event of the timeline as it really is: a spoiler.
    Timeline {
        at_ms: i64,
        id: String,
        role: String,
        says: String,
    },
    /// The page was acknowledged.
    Acknowledged { at_ms: i64 },
    /// A remedy was applied or taken back.
    Action {
        at_ms: i64,
        remedy: String,
        undo: bool,
        done: bool,
        message: String,
    },
    /// A diagnosis was judged.
    Verdict {
        at_ms: i64,
        component: String,
        mechanism: String,
        confidence: f64,
        right: bool,
    },
    /// A stress test ended.
    Proof {
        at_ms: i64,
        passed: bool,
        held: usize,
        of: usize,
    },
    /// A process left by itself.
    ServiceExit {
        at_ms: i64,
        service: String,
        reason: String,
    },
    /// The drill ended: the last event.
    Scorecard {
        at_ms: i64,
        how: String,
        score: Scorecard,
    },
}

/// Events from the first one on, however late one begins to read.
pub struct Events {
    desk: Arc<Desk>,
    news: Receiver<Entry>,
    backlog: VecDeque<Entry>,
    next_seq: u64,
    ended: bool,
}

impl Events {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let news = desk.journal().subscribe();
        Self {
            backlog: desk.journal().entries().into(),
            desk,
            news,
            next_seq: 0,
            ended: false,
        }
    }

    /// The next event; none after the scorecard. It may be dropped while it waits without losing any.
    pub async fn next(&mut self) -> Option<DrillEvent> {
        while !self.ended {
            while let Some(entry) = self.backlog.pop_front() {
                self.next_seq = entry.seq + 1;
                self.ended = matches!(entry.event, Event::Finished { .. });
                if let Some(event) = told(&self.desk, entry) {
                    return Some(event);
                }
            }
            if let Err(RecvError::Closed) = self.news.recv().await {
                return None;
            }
            // what was lost by lagging is in the journal
            self.backlog = self.desk.journal().entries_since(self.next_seq).into();
        }
        None
    }
}

fn told(desk: &Desk, entry: Entry) -> Option<DrillEvent> {
    let at_ms = entry.at_ms;
    Some(match entry.event {
        Event::Alert {
            name,
            state,
            service,
            value,
        } => DrillEvent::Alert {
            at_ms,
            name,
            state,
            service,
            value,
        },
        Event::PageFired { alert, value, .. } => DrillEvent::Page {
            at_ms,
            title: desk.page_title().to_owned(),
            alert,
            value,
        },
        Event::Timeline { id, role, says } => timeline(desk, at_ms, id, role, says),
        Event::Acknowledged => DrillEvent::Acknowledged { at_ms },
        Event::Action {
            remedy,
            undo,
            done,
            message,
        } => DrillEvent::Action {
            at_ms,
            remedy,
            undo,
            done,
            message,
        },
        Event::Diagnosis {
            component,
            mechanism,
            confidence,
            right,
            ..
        } => DrillEvent::Verdict {
            at_ms,
            component,
            mechanism,
            confidence,
            right,
        },
        Event::Proof { passed, invariants } => DrillEvent::Proof {
            at_ms,
            passed,
            held: invariants.iter().filter(|result| result.holds).count(),
            of: invariants.len(),
        },
        Event::ServiceExit {
            service,
            reason,
            expected: false,
            ..
        } => DrillEvent::ServiceExit {
            at_ms,
            service,
            reason,
        },
        Event::Finished { how } => DrillEvent::Scorecard {
            at_ms,
            how,
            score: score(desk.plan(), &desk.journal().entries()),
        },
        _ => return None,
    })
}

/// A visible event is told as the change history shows it, any other as it really is.
fn timeline(desk: &Desk, at_ms: i64, id: String, role: String, says: String) -> DrillEvent {
    let timeline = &desk.plan().scenario.timeline;
    let shown = timeline
        .iter()
        .find(|event| event.id == id)
        .and_then(|event| event.change.as_ref());
    match shown {
        Some(change) => DrillEvent::Change {
            at_ms,
            id,
            what: change_kind(&change.kind),
            title: change.title.clone(),
        },
        None => DrillEvent::Timeline {
            at_ms,
            id,
            role,
            says,
        },
    }
}
